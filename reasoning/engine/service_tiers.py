"""The cheaper ways to call a provider: batches, the flex tier, and a prompt cache that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.errors import UsageError
from reasoning.providers.client import Client
from reasoning.providers.model_table import traits

if TYPE_CHECKING:
    from reasoning.providers.batch.api import BatchApi
    from reasoning.providers.batch.client import BatchPace

BATCH_CONCURRENCY = 20_000
"""The default number of requests, and of solves, that wait for batches at once."""
BATCH_PATIENCE = 14 * 86_400.0
"""The default seconds of nothing but failures after which a run with batches ends."""
_PROVIDERS = ("anthropic/", "gemini/", "mistral/")
"""The providers that litellm calls and that have batches."""
FLEX_TIMEOUT = 900.0
"""The least timeout of a call of the flex tier, in seconds, as OpenAI recommends."""


def has_batches(model: str, base_url: str | None) -> bool:
    """Return whether a model can be called in batches: one of `_PROVIDERS`, or of a server with OpenAI's API."""
    if base_url is not None:
        return True
    return model.startswith(_PROVIDERS) or (model.startswith("openai/") and traits(model).direct)


def check_batches(model: str, base_url: str | None) -> None:
    """Raise UsageError if a model cannot be called in batches."""
    if not has_batches(model, base_url):
        raise UsageError(
            f"{model} cannot be called in batches: they are available for openai/NAME, anthropic/NAME, gemini/NAME, "
            "mistral/NAME, and for a server with OpenAI's batch API at base_url (--base-url); leave out batch (--batch)"
        )


def has_flex(model: str) -> bool:
    """Return whether the price table has a flex tier of a model."""
    from reasoning.providers.pricing import has_tier

    return has_tier(model, "flex")


def check_flex(model: str, base_url: str | None) -> None:
    """Raise UsageError if a model is known to have no flex tier. A server that the caller names is asked."""
    if base_url is None and not has_flex(model):
        raise UsageError(
            f"{model} has no flex tier in the price table of litellm, which has those of OpenAI and Google; "
            "leave out flex (--flex)"
        )


def has_prompt_cache(model: str, base_url: str | None) -> bool:
    """Return whether a model's provider caches prompts only up to marks, as Anthropic does."""
    return base_url is None and model.startswith("anthropic/")


def check_prompt_cache(model: str, base_url: str | None, keep: object) -> None:
    """Raise UsageError if a model has no cache that is asked for, or it does not keep prompts for this time."""
    if not has_prompt_cache(model, base_url):
        raise UsageError(
            f"prompt_cache (--prompt-cache) needs a model anthropic/NAME, got {model}; other providers cache prompts "
            "without being asked, so leave it out"
        )
    if keep not in (True, "5m", "1h"):
        raise UsageError(f"prompt_cache must be True, '5m' or '1h', got {keep!r:.40}")


def batch_client(
    client: Client, journal: Path | None, pace: bool | BatchPace, api_key: str | None, timeout: float
) -> Client:
    """Return a client that sends the requests of another one in batches.

    Args:
        client: the client of single requests.
        journal: the file of the journal, next to which the batches are recorded.
        pace: the times, or True for the usual ones.
        api_key: the key that was given.
        timeout: seconds for one request.

    Raises:
        UsageError: there is no journal in a file, or the client has no batches.
        JournalError: the file of batches cannot be written.
    """
    from reasoning.providers.batch.client import BatchClient
    from reasoning.providers.batch.store import BatchStore

    if journal is None:
        raise UsageError(
            "batches need a journal in a file, next to which they are recorded: leave out journal=False (--no-journal)"
        )
    return BatchClient(
        batch_api(client, api_key, timeout), BatchStore.next_to(journal), None if pace is True or not pace else pace
    )


def batch_api(client: Client, api_key: str | None = None, timeout: float = 60) -> BatchApi:
    """Return the batch API of a client's provider.

    Raises:
        UsageError: it has none that this library knows.
    """
    from reasoning.providers.litellm_client import LiteLLMClient
    from reasoning.providers.openai_client import OpenAIClient

    if isinstance(client, OpenAIClient):
        from reasoning.providers.batch.openai_batches import OpenAIBatches

        return OpenAIBatches(client, timeout)
    if isinstance(client, LiteLLMClient):
        if client.model.startswith("anthropic/"):
            from reasoning.providers.batch.anthropic_batches import AnthropicBatches

            return AnthropicBatches(client, api_key, timeout)
        if client.model.startswith("gemini/"):
            from reasoning.providers.batch.gemini_batches import GeminiBatches

            return GeminiBatches(client, api_key, timeout)
        if client.model.startswith("mistral/"):
            from reasoning.providers.batch.mistral_batches import MistralBatches

            return MistralBatches(client, api_key, timeout)
    raise UsageError(f"{client.model} cannot be called in batches")
