"""From a model's name to an `LLM`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reasoning.budget import Budget
from reasoning.circuit import Circuit
from reasoning.errors import UnknownName, UsageError
from reasoning.journal import Journal
from reasoning.limits import Limits
from reasoning.llm.llm import LLM
from reasoning.llm.models import traits
from reasoning.llm.request import Client

SAMPLING = frozenset(["temperature", "max_tokens", "top_p", "top_k", "stop", "seed", "logprobs"])
"""The settings of a call that every provider is asked for by the same names."""
_OWN = ("base_url", "api_key", "journal", "budget", "concurrency", "timeout", "patience", "warm_prefix")


def connect(
    model: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    journal: Journal | str | Path | bool | None = None,
    budget: Budget | None = None,
    concurrency: int = 32,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    timeout: float = 60,
    patience: float = 600,
    warm_prefix: bool | None = None,
    **sampling: Any,
) -> LLM:
    """A model by name. Nothing is loaded and nobody is called until the first question.

    Args:
        model: "local" (a small model in this process; "local:NAME" and "local:FILE.gguf" for others),
            "replay:FILE.jsonl" (recorded samples), or any litellm name such as "openai/gpt-4o-mini".
        base_url: an OpenAI-compatible server (vLLM, llama.cpp, Ollama, SGLang, …), called directly.
        api_key: the key, if not in the provider's environment variable; OPENAI_API_KEY is sent to OpenAI alone, and a
            server at another address gets REASONING_API_KEY.
        journal: where draws are recorded: a `Journal`, a file, False for none; None is the user's own journal.
        budget: what may be spent.
        concurrency: requests in flight, at most.
        requests_per_minute, tokens_per_minute: the provider's limits.
        timeout: seconds for one call to a server.
        patience: seconds of nothing but failures, at a model that answered before, after which the run is ended.
        warm_prefix: whether a prompt that fans out over several requests sends the first alone, so that the provider
            has it in its prefix cache for the others; None is yes where the provider is known to have one.
        sampling: settings for every call that does not give its own: temperature, max_tokens, top_p, stop, …

    Raises:
        UsageError: an unknown model or setting, or a missing file; with the nearest right one.
    """
    if not model or not isinstance(model, str):
        raise UsageError(f"a model is a name such as 'local' or 'openai/gpt-4o-mini', not {model!r}")
    for name in sampling:
        if name not in SAMPLING and name != "extra_body" and not name.startswith("reasoning_"):
            known = [*SAMPLING, *_OWN]
            raise UnknownName("setting", name, known, "of connect")
    client = _client(model, base_url, api_key, timeout, concurrency)
    if journal is None or journal is True:
        journal = Journal() if model.startswith("replay:") else Journal.of_the_user()
    elif journal is False:
        journal = Journal()
    elif not isinstance(journal, Journal):
        journal = Journal.at(journal)
    limits = Limits(
        min(concurrency, client.concurrency or concurrency),
        requests_per_minute,
        tokens_per_minute,
        Circuit(patience=patience),
    )
    return LLM(client, journal=journal, budget=budget, limits=limits, sampling=sampling, warm=warm_prefix)


def _client(model: str, base_url: str | None, api_key: str | None, timeout: float, concurrency: int) -> Client:
    if base_url is not None or (model.startswith("openai/") and traits(model).direct):
        from reasoning.llm.openai import openai_client

        return openai_client(model, base_url, api_key=api_key, timeout=timeout, concurrency=concurrency)
    scheme, _, rest = model.partition(":")
    if scheme == "local":
        from reasoning.llm.local import local_client

        return local_client(model)
    if scheme == "replay":
        from reasoning.llm.replay import ReplayClient

        return ReplayClient(rest)
    from reasoning.llm.hosted import HostedClient

    return HostedClient(model, api_key=api_key, timeout=timeout)
