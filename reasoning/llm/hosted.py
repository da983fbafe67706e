"""Hosted models of any provider, through litellm: imported at the first call, with nothing global set."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from reasoning.errors import AuthenticationFailed, CallFailed, ContextOverflow, UnknownName, UsageError
from reasoning.llm.openai import completions
from reasoning.llm.request import Completion, Request, Usage


class HostedClient:
    """One model of one provider, by its litellm name, such as "openai/gpt-4o-mini" or "ollama/llama3".

    Args:
        model: the name.
        api_key: the key, if not in the provider's environment variable.
        timeout: seconds for one call.
    """

    max_choices = 8
    concurrency: int | None = None
    endpoint: str | None = None
    free = False

    def __init__(self, model: str, *, api_key: str | None = None, timeout: float = 60) -> None:
        self.model = model
        self._api_key, self._timeout = api_key, timeout
        self._prices: dict[str, Any] | None = None
        self._reached = False

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions in one request."""
        litellm = _litellm()
        if not self._reached:
            _check_name(litellm, self.model)
        started = time.monotonic()
        try:
            with _quiet(litellm):
                answer = await litellm.acompletion(
                    model=self.model,
                    messages=[turn._asdict() for turn in request.messages],
                    api_key=self._api_key,
                    timeout=self._timeout,
                    num_retries=0,  # retries are made in one place, and not here
                    max_retries=0,
                    **({"n": len(draws)} if len(draws) > 1 else {}),
                    **request.sampling,
                )
        except Exception as error:
            raise self._failure(litellm, error) from None
        self._reached = True
        return completions(answer.model_dump(), time.monotonic() - started, self.price)

    def price(self, usage: Usage) -> float | None:
        """What a usage costs in US dollars by litellm's table; None where the model is not in it."""
        if self._prices is None:
            table = _litellm().model_cost
            self._prices = table.get(self.model) or table.get(self.model.partition("/")[2]) or {}
        into, out = self._prices.get("input_cost_per_token"), self._prices.get("output_cost_per_token")
        if into is None or out is None:
            return None
        cached = self._prices.get("cache_read_input_token_cost", into)
        fresh = usage.prompt_tokens - usage.cached_tokens
        return float(fresh * into + usage.cached_tokens * cached + usage.completion_tokens * out)

    async def close(self) -> None:
        """Close litellm's connections."""
        if "litellm" in sys.modules:
            await _litellm().close_litellm_async_clients()

    def _failure(self, litellm: Any, error: Exception) -> CallFailed:
        """litellm's exception as one of ours: the provider's words, shortened, and no key in them."""
        words = " ".join(str(error).split())
        in_environment = (value for name, value in os.environ.items() if name.endswith(("_KEY", "_TOKEN")))
        for secret in (self._api_key, *in_environment):
            if secret and len(secret) > 7:
                words = words.replace(secret, "…")
        words = f"{self.model}: {words[:400]}"
        if self._api_key is None and not self._reached:
            missing = litellm.validate_environment(self.model)["missing_keys"]
            if any(name in words or "api_key" in words for name in missing):
                names = " and ".join(missing)
                return AuthenticationFailed(
                    f"{self.model} needs a key: set {names}, or use --model local, which needs none"
                )
        if isinstance(error, litellm.AuthenticationError | litellm.PermissionDeniedError):
            return AuthenticationFailed(f"{self.model}: the provider refuses the key")
        if isinstance(error, litellm.ContextWindowExceededError):
            return ContextOverflow(words)
        if isinstance(error, litellm.APIConnectionError) and not self._reached:
            return CallFailed(f"{self.model}: the provider cannot be reached; is there a network? ({words[:200]})")
        lasting = (litellm.BadRequestError, litellm.NotFoundError, litellm.UnprocessableEntityError)
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        after = str(headers.get("retry-after", ""))
        retry_after = float(after) if after.replace(".", "", 1).isdigit() else None
        return CallFailed(words, retryable=not isinstance(error, lasting), retry_after=retry_after)


def _check_name(litellm: Any, model: str) -> None:
    """Is there such a provider, or, without one in the name, such a model?"""
    provider, slash, _ = model.partition("/")
    providers = [str(one.value) for one in litellm.provider_list]
    if slash and provider not in providers:
        raise UnknownName("provider", provider, providers, f"of the model {model!r}")
    if not slash and model not in litellm.model_cost:
        known = [*litellm.model_cost, "local"]
        raise UnknownName("model", model, known, "(hosted models are named provider/model, this machine's is 'local')")


@contextmanager
def _quiet(litellm: Any) -> Iterator[None]:
    """While calls of ours are under way litellm does not print its advice to stdout; after them all is as it was."""
    global _calls, _said
    if _calls == 0:
        _said, litellm.suppress_debug_info = litellm.suppress_debug_info, True
    _calls += 1
    try:
        yield
    finally:
        _calls -= 1
        if _calls == 0:
            litellm.suppress_debug_info = _said


_calls = 0
_said: Any = None


def _litellm() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import asks the network for prices
    try:
        import litellm
    except ImportError as error:
        raise UsageError(f"hosted models need litellm, which cannot be imported: {error}") from error
    return litellm
