"""The assumptions about a model, each with its origin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from reasoning.engine.call_settings import DEFAULT_PARAMS
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import CONCURRENCY
from reasoning.messages import Usage
from reasoning.providers import model_table
from reasoning.providers.pricing import advise_name


class Assumption(NamedTuple):
    """One line about a model.

    Attributes:
        subject: the subject, such as "price".
        value: the value, in words.
        origin: its origin: an option, a variable, a file with the line, a table of prices, or "default".
    """

    subject: str
    value: str
    origin: str


def describe_model(llm: LLM) -> list[Assumption]:
    """Return what is assumed of a model. Nothing is called, and no key is among it."""
    return [Assumption("name", llm.name, ""), *_server(llm), *_settings(llm), *_price(llm)]


def _server(llm: LLM) -> Iterator[Assumption]:
    client = llm.client
    override = next((name for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE") if os.environ.get(name)), "")
    if client.free and client.endpoint is None:
        slower = ", in PyTorch: several times slower than llama.cpp" if llm.name.startswith("torch:") else ""
        yield Assumption("server", f"this machine{slower}", "")
        for adapter in client.adapters:
            yield Assumption("adapter", f"{adapter.name}, trained by {adapter.method}", str(adapter.folder))
    elif client.endpoint is None:
        provider = llm.name.partition("/")[0] if "/" in llm.name else "the provider"
        yield Assumption("server", f"{provider}'s own", "default")
    else:
        # A server that the caller names has models of its own, without a provider.
        is_override = override and llm.name.startswith("openai/")
        addresses = [use.address for use in client.uses] or [client.endpoint]
        for address in addresses:
            yield Assumption("server", address, f"${override}" if is_override else "base_url")
    for variable, is_set in client.key_variables():
        yield Assumption("key", f"{variable} is {'set' if is_set else 'not set'}", "environment")


def _settings(llm: LLM) -> Iterator[Assumption]:
    traits, origins = llm.traits, model_table.origins(llm.name)

    def told(subject: str, value: str, *names: str) -> Assumption:
        return Assumption(subject, value, next((origins[name] for name in names if name in origins), "default"))

    for name, value in llm.sampling.items():
        is_default = name in DEFAULT_PARAMS and value == DEFAULT_PARAMS[name]
        # The default limit of a model that reasons includes room for its reasoning.
        is_default = is_default or (name == "max_tokens" and llm.given_max_tokens is None)
        yield Assumption(name, str(value), "default" if is_default else "given")
    thinks = "by default" if traits.reasons_by_default else "if reasoning_effort is set"
    thinks += f", with room for {traits.thinking_tokens:,} tokens"
    is_known = traits.drop_when_reasoning or traits.reasons_by_default
    yield told("thinking", thinks if is_known else "not known", "reasons_by_default", "drop_when_reasoning")
    if effort := traits.describe_effort():
        yield told("effort", effort, "takes_effort", "efforts", "thinking_budget")
    if llm.refused:
        yield Assumption("refused", ", ".join(llm.refused), "learned from the server's errors")
    yield told("left out", ", ".join(sorted(traits.drop)) or "nothing", "drop")
    if traits.drop_when_reasoning:
        yield told("left out while thinking", ", ".join(sorted(traits.drop_when_reasoning)), "drop_when_reasoning")
    for name, sent in traits.rename.items():
        yield told("renamed", f"{name} is sent as {sent}", "rename")
    yield told("completions a request", f"up to {llm.max_n}" if llm.max_n > 1 else "1", "n")
    yield told("prefix cache", "filled by a first request" if llm.warm_prefix_cache else "not known", "prefix_cache")
    concurrency = llm.concurrency
    is_default = concurrency in (CONCURRENCY, llm.client.concurrency)
    yield Assumption(
        "requests in flight",
        f"up to {concurrency}{' at each server' * (len(llm.client.uses) > 1)}",
        "default" if is_default else "given",
    )


def _price(llm: LLM) -> Iterator[Assumption]:
    million = 1_000_000
    if llm.client.free:
        yield Assumption("price", "costs nothing", "")
        return
    usages = [Usage(1, million, 0), Usage(1, 0, million), Usage(1, million, 0, million)]
    prices = [llm.price(usage) for usage in usages]
    names = ["prompt", "completion", "cached prompt"]
    if (written := llm.price(Usage(1, million, 0, cache_write_tokens=million))) != prices[0]:
        prices, names = [*prices, written], [*names, "prompt written to the cache"]
    if any(price is None for price in prices):
        advised = advise_name(llm.name, llm.client.endpoint)
        yield Assumption("price", f"not known{advised}; give it in {model_table.users_path()}", "")
        return
    source = model_table.origins(llm.name).get("input", llm.client.prices)
    value = ", ".join(f"${price:g} {name}" for price, name in zip(prices, names, strict=True))
    yield Assumption("price", f"{value}, per million tokens", source)
