"""Prices of calls, from the user's table or from litellm's, read without importing litellm.

Tokens are counted at the provider's standard price, or at that of its batches or its flex tier. If the price of a tier
is not known, the standard price counts, which is never lower. No figure includes off-peak discounts or charges for
searches.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from reasoning.messages import Usage
from reasoning.providers import model_table
from reasoning.providers.base_url import is_openai

CacheTime = Literal["5m", "1h"]
"""A time for which Anthropic keeps a prompt in its cache after the last use."""
Tier = Literal["", "batches", "flex"]
"""A service tier, as litellm's table names it; empty for the standard one."""
_TIERS = ("batches", "flex")
_MIN_CACHED = 1024
_FILE = "model_prices_and_context_window_backup.json"
_INPUT, _OUTPUT, _CACHED = "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"
_WRITTEN = "cache_creation_input_token_cost"
_WRITTEN_FOR_HOUR = f"{_WRITTEN}_above_1hr"
_REASONING = "output_cost_per_reasoning_token"
_ABOVE = re.compile(rf"({_INPUT}|{_OUTPUT}|{_CACHED}|{_WRITTEN_FOR_HOUR}|{_WRITTEN})_above_(\d+)(k?)_tokens")
# Providers whose higher price begins at the threshold, not above it.
_INCLUSIVE = {"xai"}
# The price of cached input as a share of that of input, if an entry of Fireworks has none.
_FIREWORKS_CACHED = 0.5
# https://docs.claude.com/en/docs/build-with-claude/prompt-caching#pricing
_ANTHROPIC_WRITTEN = {"5m": 1.25, "1h": 2.0}
"""The price of tokens that Anthropic writes to its cache for a time, as a share of that of input."""


@dataclass(frozen=True)
class TokenRates:
    """US dollars per token.

    Attributes:
        input: of the prompt.
        cached_input: of the cached part of the prompt.
        output: of the visible completion.
        reasoning: of hidden reasoning.
        cache_write: of the part of the prompt that is written to the provider's cache for five minutes.
        cache_write_hour: the same for an hour.
    """

    input: float
    cached_input: float
    output: float
    reasoning: float
    cache_write: float = 0.0
    cache_write_hour: float = 0.0


@dataclass(frozen=True)
class Price:
    """The price of one model's tokens.

    Attributes:
        tiers: rates by the length of the prompt. All tokens have the rates of the last tier whose
            threshold the prompt exceeds.
        version: the source of the rates: "litellm 1.110.2", or "models.toml" and eight digits of
            its hash, and the service tier.
        has_tier: false if the price of the service tier is not known, so that the standard price counts.
        cache_time: the time for which prompts are kept in the provider's cache.
    """

    tiers: tuple[tuple[int, TokenRates], ...]
    version: str
    has_tier: bool = True
    cache_time: CacheTime = "5m"

    def usd(self, usage: Usage, prompt_tokens: int | None = None, reasoning_tokens: int | None = None) -> float:
        """Return the cost of a usage in US dollars.

        Args:
            usage: the usage. Its cached tokens are part of its prompt tokens, and so are those that were written to
                the cache.
            prompt_tokens: the length of the whole prompt, which selects the tier; None takes it from
                the usage.
            reasoning_tokens: the hidden part of the completion tokens; None if it is unknown, which
                applies the higher rate.
        """
        length = usage.prompt_tokens if prompt_tokens is None else prompt_tokens
        rates = self.tiers[0][1]
        for above, tier_rates in self.tiers:
            if length > above:
                rates = tier_rates
        if reasoning_tokens is None:
            out = usage.completion_tokens * max(rates.output, rates.reasoning)
        else:
            out = (usage.completion_tokens - reasoning_tokens) * rates.output + reasoning_tokens * rates.reasoning
        written = rates.cache_write_hour if self.cache_time == "1h" else rates.cache_write
        fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
        prompt = fresh * rates.input + usage.cached_tokens * rates.cached_input + usage.cache_write_tokens * written
        return prompt + out

    def worst_usd(self, usage: Usage) -> float:
        """Return the most that a usage may cost whose part in a prompt cache is not known: all of it is written."""
        if not usage.cached_tokens and not usage.cache_write_tokens:
            usage = replace(usage, cache_write_tokens=usage.prompt_tokens)
        return self.usd(usage)


def price_table(model: str, *, listed: bool = True, tier: Tier = "", cache_time: CacheTime = "5m") -> Price | None:
    """Return the price of a model; None if it is unknown. A model that is listed as free costs 0.

    Args:
        model: its name, with or without a provider: "openai/gpt-4o-mini", "gpt-4o-mini".
        listed: whether it is a provider's own model, which litellm's table may list. For others only
            the user's table is used.
        tier: the service tier. Without a price of its own, it has the standard price, and so has every
            tier of a model in the user's table.
        cache_time: the time for which prompts are kept in the provider's cache.

    Raises:
        UsageError: the user's table is invalid.
    """
    traits = model_table.traits(model)
    if traits.input is not None and traits.output is not None:
        cached = traits.input if traits.cached_input is None else traits.cached_input
        output, written = traits.output / 1e6, _written_rates(model.partition("/")[0], traits.input / 1e6)
        rates = TokenRates(traits.input / 1e6, cached / 1e6, output, output, *written)
        path = model_table.price_file(model)
        name = "models.toml" if path in (model_table.users_file(), model_table.SHIPPED) else path.name
        version = f"{name} {model_table.fingerprint(path)}{', standard price' if tier else ''}"
        return Price(((0, rates),), version, has_tier=not tier, cache_time=cache_time)
    found = _listed(model, tier) if listed else None
    return found if found is None or cache_time == "5m" else replace(found, cache_time=cache_time)


@lru_cache(maxsize=64)
def _listed(model: str, tier: Tier = "") -> Price | None:
    if (entry := _entry(model)) is None:
        return None
    rates = tuple(_rate_tiers(_of_tier(entry, tier)))
    has_tier = not tier or all(f"{name}_{tier}" in entry for name in (_INPUT, _OUTPUT))
    about = f", {tier}" if tier and has_tier else ", standard price" if tier else ""
    version = f"litellm {importlib.metadata.version('litellm')}{about}"
    return Price(rates, version, has_tier) if rates else None


def _of_tier(entry: Mapping[str, Any], tier: Tier) -> dict[str, Any]:
    """Return an entry with the prices of a service tier in place of the standard ones, where it has them."""
    plain = {name: value for name, value in entry.items() if name == _standard_name(name)}
    if not tier:
        return plain
    own = {name.removesuffix(f"_{tier}"): value for name, value in entry.items() if name.endswith(f"_{tier}")}
    merged = plain | own
    standard, rate = entry.get(_INPUT), merged.get(_INPUT)
    if _WRITTEN_FOR_HOUR in merged and _WRITTEN_FOR_HOUR not in own and standard and rate:
        merged[_WRITTEN_FOR_HOUR] = merged[_WRITTEN_FOR_HOUR] * rate / standard
    for name in [name for name in merged if name.startswith(_CACHED) and name not in own]:
        # Cached tokens never cost more than others.
        if isinstance(fresh := merged.get(name.replace(_CACHED, _INPUT)), int | float):
            merged[name] = min(merged[name], fresh)
    return merged


def min_cached_tokens(model: str) -> int:
    """Return the length from which on Anthropic caches the beginning of a prompt of a model, in tokens."""
    found = (_entry(model) or {}).get("prompt_cache_min_tokens")
    return found if isinstance(found, int) else _MIN_CACHED


def has_tier(model: str, tier: Tier) -> bool:
    """Return whether litellm's table has the price of a service tier of a model."""
    entry = _entry(model)
    return entry is not None and f"{_INPUT}_{tier}" in entry


def advise_name(model: str, endpoint: str | None) -> str:
    """Return what the price table has instead of a model without a price, to be added to a message.

    Empty for a server that the caller names, whose models have names of its own.
    """
    if endpoint is not None and not is_openai(endpoint):
        return ""
    similar = similar_models(model)
    names = ", ".join(similar) or "no similar name"
    return f"; the price table has {names}" + (": check the name" if similar else "")


def similar_models(model: str, most: int = 3) -> list[str]:
    """Return the models of the same provider in litellm's table whose names are the most similar.

    Examples:
        >>> similar_models("openai/gpt-4o-minni", 1)
        ['openai/gpt-4o-mini']
    """
    provider, slash, rest = model.lower().partition("/")
    known: dict[str, str] = {}
    for name, entry in _table().items():
        owner = str(entry.get("litellm_provider"))
        if not slash or owner == provider or owner.startswith((f"{provider}-", f"{provider}_")):
            bare = name.removeprefix(f"{provider}/") if slash else name
            known.setdefault(bare.lower(), f"{provider}/{bare}" if slash else name)
    # Only the part after the provider is compared, since the provider is the same.
    return [known[name] for name in difflib.get_close_matches(rest if slash else provider, known, n=most)]


def _entry(model: str) -> Mapping[str, Any] | None:
    """Return the entry of a model's whole name, or of its bare name at the same provider."""
    table = _table()
    provider, slash, rest = model.partition("/")
    if model.startswith("ft:"):
        model = ":".join(model.split(":")[:2])  # all fine-tuned models of a base have one price
    if (entry := table.get(model)) is not None or not slash:
        return entry
    if rest.startswith("ft:"):
        rest = ":".join(rest.split(":")[:2])
    entry = table.get(rest)
    owner = str(entry.get("litellm_provider")) if entry else ""
    return entry if owner == provider or owner.startswith((f"{provider}-", f"{provider}_")) else None


def _rate_tiers(entry: Mapping[str, Any]) -> Iterator[tuple[int, TokenRates]]:
    """Yield the rates by the length of the prompt; nothing if a price is missing."""
    if ranges := _listed_ranges(entry):
        for above, tier in ranges:
            yield from _tier(above, tier)
        return
    yield from _tier(0, rates := dict(entry))
    higher: dict[int, dict[str, float]] = {}
    for name, value in entry.items():
        if (match := _ABOVE.fullmatch(name)) and isinstance(value, int | float):
            above = int(match[2]) * (1000 if match[3] else 1) - (entry.get("litellm_provider") in _INCLUSIVE)
            higher.setdefault(above, {})[match[1]] = value
    for above in sorted(higher):
        yield from _tier(above, rates := rates | higher[above])


def _tier(above: int, entry: Mapping[str, Any]) -> Iterator[tuple[int, TokenRates]]:
    input_rate, output_rate = _rate(entry, _INPUT), _rate(entry, _OUTPUT)
    if input_rate is None or output_rate is None:
        return
    default_cached = input_rate * _FIREWORKS_CACHED if entry.get("litellm_provider") == "fireworks_ai" else input_rate
    cached, reasoning = _rate(entry, _CACHED), _rate(entry, _REASONING)
    written, written_hour = _written_rates(str(entry.get("litellm_provider")), input_rate)
    if (listed := _rate(entry, _WRITTEN)) is not None:
        written = listed
        # Without a price of its own, a longer time costs as much more as Anthropic takes.
        hour = _rate(entry, _WRITTEN_FOR_HOUR)
        written_hour = max(listed, written_hour) if hour is None else hour
    yield (
        above,
        TokenRates(
            input=input_rate,
            cached_input=default_cached if cached is None else cached,
            output=output_rate,
            reasoning=output_rate if reasoning is None else reasoning,
            cache_write=written,
            cache_write_hour=written_hour,
        ),
    )


def _written_rates(provider: str, input_rate: float) -> tuple[float, float]:
    """Return the prices of cache writes for five minutes and for an hour, where the table has none."""
    share = _ANTHROPIC_WRITTEN if provider == "anthropic" else {}
    return input_rate * share.get("5m", 1.0), input_rate * share.get("1h", 1.0)


def _listed_ranges(entry: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the rates that are listed by ranges of the prompt's length, from short to long."""
    tiers = entry.get("tiered_pricing")
    ranged = [tier for tier in tiers if isinstance(tier, dict) and tier.get("range")] if isinstance(tiers, list) else []
    return sorted(((int(tier["range"][0]), tier) for tier in ranged), key=lambda tier: tier[0])


def _rate(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return float(value) if isinstance(value, int | float) else None


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    """Return litellm's table, reduced to models with a price per token."""
    spec = importlib.util.find_spec("litellm")
    try:
        data = json.loads(Path(str(spec and spec.origin)).with_name(_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    named = ((name, data.get(entry.get("alias_of"), entry)) for name, entry in data.items())
    return {name: _select_fields(entry) for name, entry in named if _INPUT in entry or "tiered_pricing" in entry}


def _select_fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the few fields that are used: the whole table has three megabytes."""
    return {
        name: value
        for name, value in entry.items()
        if (base := _standard_name(name)) in _USED_FIELDS or (base.endswith("_tokens") and _ABOVE.fullmatch(base))
    }


def _standard_name(name: str) -> str:
    """Return the name of a field without that of a service tier."""
    return next((name.removesuffix(f"_{tier}") for tier in _TIERS if name.endswith(f"_{tier}")), name)


_USED_FIELDS = {
    *(_INPUT, _OUTPUT, _CACHED, _REASONING, _WRITTEN, _WRITTEN_FOR_HOUR),
    *("tiered_pricing", "litellm_provider", "prompt_cache_min_tokens"),
}
