"""What calls cost: by the user's table of models, else by litellm's, which is read without importing litellm.

Only tokens at the provider's standard price are counted. Discounts by the hour, for batches and for slow lanes, and
what is asked for writing into a prompt cache or for a search, are in no figure.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from reasoning.messages import Usage
from reasoning.providers import model_traits

_FILE = "model_prices_and_context_window_backup.json"
_INPUT, _OUTPUT, _CACHED = "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"
_THINKING = "output_cost_per_reasoning_token"
_ABOVE = re.compile(rf"({_INPUT}|{_OUTPUT}|{_CACHED})_above_(\d+)(k?)_tokens")
_UP_TO_AND_WITH = {"xai"}  # its higher price begins at the threshold, not above it
_FIREWORKS_CACHED = 0.5  # of the price of input, where its entry names no other


@dataclass(frozen=True)
class TokenRates:
    """US dollars per token: of a prompt, of its cached part, of what was said, and of what was thought."""

    input: float
    cached_input: float
    output: float
    reasoning: float


@dataclass(frozen=True)
class Price:
    """What the tokens of one model cost.

    Attributes:
        steps: rates by the length of the prompt: those of the last step whose number it passes are for every token.
        version: where the rates come from: "litellm 1.110.2", or "models.toml" and eight digits of its content.
    """

    tiers: tuple[tuple[int, TokenRates], ...]
    version: str

    def usd(self, usage: Usage, prompt_tokens: int | None = None, reasoning_tokens: int | None = None) -> float:
        """US dollars of a usage.

        Args:
            usage: its cached tokens are part of its prompt's.
            prompt_tokens: the whole prompt, whose length says which rates hold; that of the usage if not given.
            reasoning_tokens: those of the completion's that are hidden reasoning; None is unknown: the dearer rate.
        """
        length = usage.prompt_tokens if prompt_tokens is None else prompt_tokens
        rates = self.tiers[0][1]
        for above, these in self.tiers:
            if length > above:
                rates = these
        if reasoning_tokens is None:
            out = usage.completion_tokens * max(rates.output, rates.reasoning)
        else:
            out = (usage.completion_tokens - reasoning_tokens) * rates.output + reasoning_tokens * rates.reasoning
        fresh = usage.prompt_tokens - usage.cached_tokens
        return fresh * rates.input + usage.cached_tokens * rates.cached_input + out


def price_table(model: str, *, listed: bool = True) -> Price | None:
    """The price of a model; None where it is not known, which is never 0. A model that is listed as free costs 0.

    Args:
        model: its name, with or without a provider: "openai/gpt-4o-mini", "gpt-4o-mini".
        listed: whether it is a provider's own, so that litellm's table speaks of it; else only the user's does.

    Raises:
        UsageError: something in the user's table makes no sense.
    """
    said = model_traits.traits(model)
    if said.input is not None and said.output is not None:
        cached = said.input if said.cached_input is None else said.cached_input
        rates = TokenRates(said.input / 1e6, cached / 1e6, said.output / 1e6, said.output / 1e6)
        return Price(
            ((0, rates),), f"models.toml {model_traits.fingerprint(model_traits.users_file() or model_traits.SHIPPED)}"
        )
    return _listed(model) if listed else None


@lru_cache(maxsize=64)
def _listed(model: str) -> Price | None:
    entry = _entry(model)
    steps = tuple(_steps(entry)) if entry else ()
    return Price(steps, f"litellm {importlib.metadata.version('litellm')}") if steps else None


def _entry(model: str) -> Mapping[str, Any] | None:
    """What the table says of a model: under its whole name, or under the bare one if that is the same provider's."""
    table = _table()
    provider, slash, rest = model.partition("/")
    if model.startswith("ft:"):
        model = ":".join(model.split(":")[:2])  # a tuned model costs what all of its kind do
    if (entry := table.get(model)) is not None or not slash:
        return entry
    if rest.startswith("ft:"):
        rest = ":".join(rest.split(":")[:2])
    entry = table.get(rest)
    theirs = str(entry.get("litellm_provider")) if entry else ""
    return entry if theirs == provider or theirs.startswith((f"{provider}-", f"{provider}_")) else None


def _steps(entry: Mapping[str, Any]) -> Iterator[tuple[int, TokenRates]]:
    """The rates by the length of the prompt; none where the price of input or output is missing."""
    if tiers := _tiers(entry):
        for above, tier in tiers:
            yield from _step(above, tier)
        return
    yield from _step(0, now := dict(entry))
    higher: dict[int, dict[str, float]] = {}
    for name, value in entry.items():
        if (found := _ABOVE.fullmatch(name)) and isinstance(value, int | float):
            above = int(found[2]) * (1000 if found[3] else 1) - (entry.get("litellm_provider") in _UP_TO_AND_WITH)
            higher.setdefault(above, {})[found[1]] = value
    for above in sorted(higher):
        yield from _step(above, now := now | higher[above])


def _step(above: int, entry: Mapping[str, Any]) -> Iterator[tuple[int, TokenRates]]:
    into, out = _rate(entry, _INPUT), _rate(entry, _OUTPUT)
    if into is None or out is None:
        return
    usual = into * _FIREWORKS_CACHED if entry.get("litellm_provider") == "fireworks_ai" else into
    cached, thought = _rate(entry, _CACHED), _rate(entry, _THINKING)
    yield above, TokenRates(into, usual if cached is None else cached, out, out if thought is None else thought)


def _tiers(entry: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """Rates that are listed by ranges of the prompt's length, from short to long."""
    tiers = entry.get("tiered_pricing")
    ranged = [tier for tier in tiers if isinstance(tier, dict) and tier.get("range")] if isinstance(tiers, list) else []
    return sorted(((int(tier["range"][0]), tier) for tier in ranged), key=lambda tier: tier[0])


def _rate(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return float(value) if isinstance(value, int | float) else None


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    """litellm's table, of the models that have a price by tokens."""
    found = importlib.util.find_spec("litellm")
    try:
        data = json.loads(Path(str(found and found.origin)).with_name(_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    named = ((name, data.get(entry.get("alias_of"), entry)) for name, entry in data.items())
    return {name: _kept(entry) for name, entry in named if _INPUT in entry or "tiered_pricing" in entry}


def _kept(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The few fields that are looked at, so that the rest of three megabytes is not held."""
    return {
        name: value
        for name, value in entry.items()
        if name in _WANTED or (name.endswith("_tokens") and _ABOVE.fullmatch(name))
    }


_WANTED = {_INPUT, _OUTPUT, _CACHED, _THINKING, "tiered_pricing", "litellm_provider"}
