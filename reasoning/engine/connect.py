"""Connecting to a model by its name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning import plugins
from reasoning.engine.budget import Budget, check_budget
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import CONCURRENCY, RateLimiter
from reasoning.engine.service_tiers import (
    BATCH_CONCURRENCY,
    BATCH_PATIENCE,
    FLEX_TIMEOUT,
    batch_client,
    check_batches,
    check_flex,
    check_prompt_cache,
    has_batches,
    has_flex,
    has_prompt_cache,
)
from reasoning.errors import UsageError
from reasoning.journal import Journal
from reasoning.logs import Log
from reasoning.providers.base_url import validate_model
from reasoning.providers.client import Client
from reasoning.providers.model_table import traits
from reasoning.sampling_params import validate_params
from reasoning.sandbox import Sandbox, check_sandbox

if TYPE_CHECKING:
    from reasoning.providers.batch.client import BatchPace
    from reasoning.providers.pricing import CacheTime, Tier

_log = Log(__name__)
_PARAMETERS = (
    *("base_url", "api_key", "journal", "budget", "concurrency", "shared", "timeout", "patience"),
    *("warm_prefix", "sandbox", "batch", "flex", "prompt_cache"),
)

_TIMEOUT, _THINKING_TIMEOUT = 60.0, 600.0
"""Seconds for one call; 25,000 tokens of thought take minutes, and a call that times out is paid for and made again."""

GROUP = "reasoning.providers"
"""The entry points by which other distributions add providers.

An entry point NAME is a function: `connect("NAME:REST")` calls it as `function("REST", api_key=…, timeout=…)`. It
returns a `Client`.
"""


def connect(
    model: str,
    *,
    base_url: str | Sequence[str] | None = None,
    api_key: str | None = None,
    journal: Journal | str | Path | bool | None = None,
    budget: Budget | None = None,
    concurrency: int | None = None,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    shared: bool = False,
    timeout: float | None = None,
    patience: float | None = None,
    warm_prefix: bool | None = None,
    sandbox: Sandbox | str | None = None,
    batch: bool | BatchPace = False,
    flex: bool = False,
    prompt_cache: CacheTime | bool = False,
    **sampling: Any,
) -> LLM:
    """Connect to a model by its name. Nothing is loaded or called until the first request.

    Args:
        model: "local" (a small model in this process; "local:NAME" and "local:FILE.gguf" for
            others, "local:NAME+ADAPTER" with a trained adapter), "torch:NAME+ADAPTER" (for adapters that
            llama.cpp cannot serve; slower), "replay:FILE.jsonl" (recorded samples), or any litellm
            name such as "openai/gpt-4o-mini".
        base_url: an OpenAI-compatible server (vLLM, llama.cpp, Ollama, SGLang, …), called directly. Several, if
            each serves the same model: requests that begin alike go to the same one, unless it is loaded or
            down. The first address stands for all in the journal. See `reasoning.engine.server_pool`.
        api_key: the key, if it is not in the provider's environment variable. OPENAI_API_KEY is
            sent to OpenAI alone; a server at another address gets REASONING_API_KEY.
        journal: the journal of draws: a `Journal`, a file, or False for none; None for the user's
            own.
        budget: limits on what may be spent.
        concurrency: the maximum number of requests in flight; None for 32. This limit, the next two
            and `patience` belong to the model at its endpoint: every connection in this process
            with the same `api_key` shares them. The strictest value applies, until the `LLM` that it
            was passed for is closed or garbage-collected. Of several servers, each has these limits.
        requests_per_minute: the provider's limit of requests; None for no limit.
        tokens_per_minute: the provider's limit of tokens; None for no limit.
        shared: share these three limits with all processes of this machine that connect to the
            model with the same journal file and with `shared`. Each gets an equal part, which
            is computed once a second. Not available on Windows.
        timeout: seconds for one call to a server; None for 60, or 600 if the model is known to think. Its reply may
            have 64 MB, or `$REASONING_MAX_MB`.
        patience: the seconds of nothing but failures, at a model that has responded before, after
            which the run ends; None for 600.
        warm_prefix: if a prompt needs several requests, send the first alone, so that the
            provider has the prompt in its prefix cache for the others; None for yes if the
            provider is known to have such a cache.
        sandbox: where model-written programs run: a mode ("interpreter", "process" or "container"),
            perhaps with settings as in "container, image=python:3.13-slim, memory_mb=512", or a
            `Sandbox`. The mode is started here, to check that this machine has it. None for
            "process"; programs then fail on a machine that lacks that mode.
        batch: whether calls travel in batches, which providers answer within 24 hours for about half the price.
            Calls that are made while all others wait leave together, so that a technique of several steps
            takes several batches. A `BatchPace` sets the times. It needs a journal in a file. The defaults of
            `concurrency` and `patience` are then 20,000 and 14 days.
        flex: whether calls ask for the provider's flex tier, which is slower and cheaper, and refuses calls when it
            is busy; those are tried again. `timeout` is then at least 900.
        prompt_cache: whether the beginnings that prompts share are marked for Anthropic's cache, which keeps them for
            five minutes ("5m" or True) or an hour ("1h") after the last use. What is written to it costs 1.25 times
            as much as other input, or twice as much; what is read costs a tenth.
        **sampling: parameters of every call that does not set its own: temperature, max_tokens
            (None for 1,024), top_p, stop, …, and `extra_body` for further fields of one server (except
            n, model, messages and stream, which the engine sends itself). They are recorded, so
            no key may be among them.

    Returns:
        The model. Use it as a context manager to close its connections and the journal at the end.

    Raises:
        UsageError: an unknown model or parameter, or a missing file; names the nearest valid one. The model has no
            batches, no flex tier or no such cache.
        PriceUnknown: the budget limits dollars, and the price of the model is not known.
    """
    if not model or not isinstance(model, str):
        raise UsageError(f"model must be a name such as 'local' or 'openai/gpt-4o-mini', got {model!r}")
    validate_model(model, api_key)
    validate_params(sampling, "of connect", _PARAMETERS)
    if budget is not None:
        check_budget(budget)
    if timeout is None:
        of_model = traits(model)
        thinks = of_model.reasons(sampling) or of_model.efforts or of_model.thinking_budget
        timeout = _THINKING_TIMEOUT if thinks else _TIMEOUT
    if not (isinstance(timeout, int | float) and timeout > 0):
        raise UsageError(f"timeout must be a number of seconds above 0, got {timeout!r}")
    if batch and flex:
        raise UsageError("batch and flex exclude each other: a batch has a price of its own")
    tier: Tier = "batches" if batch else "flex" if flex else ""
    urls = [base_url] if base_url is None or isinstance(base_url, str) else [*base_url]
    if not urls or not all(isinstance(url, str) for url in urls if url is not None or len(urls) > 1):
        raise UsageError(f"base_url must be an address or a list of addresses, got {base_url!r:.60}")
    if len(urls) > 1 and tier:
        raise UsageError(f"{'batch' if batch else 'flex'} needs one base_url, got {len(urls)}: give the one to use")
    if flex:
        timeout = max(timeout, FLEX_TIMEOUT)
        check_flex(model, urls[0])
    if batch:
        check_batches(model, urls[0])
    if prompt_cache:
        check_prompt_cache(model, urls[0], prompt_cache)
    clients = [_client(model, url, api_key, timeout, concurrency, tier, prompt_cache) for url in urls]
    client = clients[0]
    if sandbox is not None:
        sandbox = Sandbox.of(sandbox)
        check_sandbox(sandbox)
    if journal is None or journal is True:
        journal = Journal() if model.startswith("replay:") else Journal.default()
    elif journal is False:
        journal = Journal()
    elif isinstance(journal, str | Path):
        journal = Journal.open(journal)
    elif not isinstance(journal, Journal):
        raise UsageError(f"journal must be a file, a Journal, or False for none, got {journal!r:.60}")
    if batch:
        client = batch_client(client, journal.path, batch, api_key, timeout)
        concurrency = BATCH_CONCURRENCY if concurrency is None else concurrency
        patience = BATCH_PATIENCE if patience is None else patience
        warm_prefix = False
    if client.concurrency is not None:
        concurrency = min(client.concurrency, CONCURRENCY if concurrency is None else concurrency)
    if shared and journal.path is None:
        raise UsageError(
            "shared=True needs a journal in a file, and this journal is in memory: leave out shared, or name a file"
        )
    folder = journal.path.with_name(f"{journal.path.name}.shared") if shared and journal.path else None
    settings = LimitSettings(concurrency, requests_per_minute, tokens_per_minute, patience, folder)
    if len(clients) > 1:
        from reasoning.engine.server_pool import ServerPool

        client = pool = ServerPool(clients, settings, api_key)
        settings = pool.total(settings)
    # Batches have limits of their own.
    limits = RateLimiter.shared(client.limited_as, f"{client.model} {tier}".strip(), api_key)
    if batch:
        # What fails in one wave says nothing about the next, which need not be sent line by line.
        limits.circuit.open_after = math.inf
    llm = LLM(
        client,
        journal=journal,
        budget=budget,
        limits=limits,
        sampling=sampling,
        warm_prefix_cache=warm_prefix,
        connect=partial(_connect_sibling, batch=batch, flex=flex, prompt_cache=prompt_cache),
        sandbox=sandbox,
    )
    limits.apply(llm, settings)
    if not batch:
        llm.reconnect = partial(
            connect,
            model,
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            patience=patience,
            warm_prefix=warm_prefix,
            sandbox=sandbox,
            flex=flex,
            **sampling,
        )
    if left_out := llm.traits.dropped({name: value for name, value in sampling.items() if value is not None}):
        _log.notify(f"{llm.name} does not take {', '.join(left_out)}: left out")
    llm.check_price(llm.budget)
    return llm


def _connect_sibling(
    model: str, *, batch: bool | BatchPace, flex: bool, prompt_cache: CacheTime | bool, **settings: Any
) -> LLM:
    """Connect to the model that a step asks for: in the same way if it has batches, a flex tier or a prompt cache."""
    return connect(
        model,
        batch=batch if batch and has_batches(model, None) else False,
        flex=flex and has_flex(model),
        prompt_cache=prompt_cache if has_prompt_cache(model, None) else False,
        **settings,
    )


def connected(llm: LLM | str) -> LLM:
    """Return a model unchanged, and connect to one by its name; raise UsageError for anything else."""
    if isinstance(llm, LLM):
        return llm
    if not isinstance(llm, str):
        raise UsageError(f"llm must be a model's name such as 'local', or what connect(…) returns, got {llm!r:.60}")
    return connect(llm)


def _client(
    model: str,
    base_url: str | None,
    api_key: str | None,
    timeout: float,
    concurrency: int | None,
    tier: Tier,
    prompt_cache: CacheTime | bool,
) -> Client:
    if base_url is not None or (model.startswith("openai/") and traits(model).direct):
        from reasoning.providers.openai_client import openai_client

        return openai_client(model, base_url, api_key=api_key, timeout=timeout, concurrency=concurrency, tier=tier)
    scheme, _, rest = model.partition(":")
    if scheme.partition("+")[0] == "local":
        from reasoning.providers.llama_cpp.client import local_client

        return local_client(model)
    if scheme.partition("+")[0] == "torch":
        from reasoning.providers.torch.client import torch_client

        return torch_client(model)
    if scheme == "replay":
        from reasoning.providers.replay import ReplayClient

        if not rest.strip():
            raise UsageError(f"the model {model!r} is incomplete; write replay:FILE.jsonl")
        return ReplayClient(rest)
    if rest and scheme in plugins.entry_points(GROUP):
        client = plugins.load(GROUP, scheme)(rest, api_key=api_key, timeout=timeout)
        if not isinstance(client, Client):
            raise plugins.wrong(GROUP, scheme, f"must return a Client, got {client!r}")
        return client
    from reasoning.providers.litellm_client import LiteLLMClient

    cache = None
    if prompt_cache:
        from reasoning.providers.pricing import min_cached_tokens
        from reasoning.providers.prompt_cache import PromptCache

        cache = PromptCache("5m" if prompt_cache is True else prompt_cache, min_cached_tokens(model))
    return LiteLLMClient(model, api_key=api_key, timeout=timeout, tier=tier, prompt_cache=cache)
