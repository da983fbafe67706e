"""Aliases: the names of models that are served, each a strategy or a chain with a kind of answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reasoning.chain import Chain
from reasoning.errors import UsageError
from reasoning.files import parse_json_object
from reasoning.kinds import Kind, Text
from reasoning.kinds.registry import from_json
from reasoning.problem import Problem
from reasoning.registry import get
from reasoning.strategy import Strategy

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


@dataclass(frozen=True)
class Alias:
    """A name of a model, and what answers under it.

    Attributes:
        name: the name that clients ask for.
        strategy: the strategy or chain.
        kind: the kind of answers, unless a request names another one.
    """

    name: str
    strategy: Strategy
    kind: Kind

    @property
    def is_chain(self) -> bool:
        """True if a chain answers, whose steps have the kinds."""
        return isinstance(self.strategy, Chain)

    @cached_property
    def spec(self) -> str:
        """The strategy's spec."""
        return repr(self.strategy)

    @cached_property
    def has_one_call(self) -> bool:
        """True if every answer is the reply to a single call, so that the settings of the output are the call's."""
        return not self.is_chain and self.strategy.calls_range()[1] == 1

    def to_json(self) -> dict[str, Any]:
        """Return what `/v1/models` says of it."""
        card, low_high = self.strategy.card, self.strategy.calls_range()
        return {
            "strategy": self.spec,
            "kind": self.kind.name,
            "title": card.title,
            "summary": card.summary,
            "calls": list(low_high),
            "paper": f"arXiv {card.arxiv}" if card.arxiv else card.doi and f"doi {card.doi}",
            "use_when": card.use_when,
            "avoid_when": card.avoid_when,
        }


def read_aliases(texts: Sequence[str], kinds: Sequence[str] = (), *, allow_code: bool = False) -> dict[str, Alias]:
    """Return the aliases of `ALIAS=SPEC` or `ALIAS=chain:FOLDER`, by name.

    Args:
        texts: the aliases.
        kinds: a kind for all aliases, or `ALIAS=KIND` for one; a kind is a word or a JSON object.
        allow_code: import the functions that chains name.

    Raises:
        UsageError: an alias, a spec, a folder or a kind is wrong.
    """
    aliases: dict[str, Alias] = {}
    names, of_all = _read_kinds(kinds)
    for text in texts:
        name, equals, spec = text.partition("=")
        if not equals or not _NAME.fullmatch(name) or not spec.strip():
            wanted = 'ALIAS=SPEC, such as vote="self_consistency(cot, samples=5)"'
            raise UsageError(f"--strategy must be {wanted}, got {text!r}")
        if name in aliases:
            raise UsageError(f"the alias {name!r} must be given once, got it twice")
        folder = spec.removeprefix("chain:") if spec.startswith("chain:") else None
        if folder == "":
            raise UsageError(f"--strategy {text}: chain: must be followed by the folder or the name of a chain")
        strategy = get(spec) if folder is None else Chain.load(folder, allow_code=allow_code)
        strategy.check_fitted()
        if isinstance(strategy, Chain):
            if name in names:
                raise UsageError(f"--kind {name}=…: {name} is a chain, whose last step says the kind of its answers")
            aliases[name] = _chain_alias(name, strategy)
            continue
        kind = names.pop(name, of_all)
        try:
            strategy.check_supports(kind)
        except UsageError as error:
            raise UsageError(f"--strategy {name}: {error}; give --kind {name}=KIND") from None
        aliases[name] = Alias(name, strategy, kind)
    if names:
        raise UsageError(f"--kind {next(iter(names))}=…: no strategy has this alias; known: {', '.join(aliases)}")
    if not aliases:
        raise UsageError("give at least one --strategy ALIAS=SPEC")
    return aliases


def _chain_alias(name: str, chain: Chain) -> Alias:
    missing = sorted(chain.input_names - Problem("").values().keys())
    if len(missing) > 1 or (missing and len(chain.input_names) > 1):
        raise UsageError(f"a served chain must have one input, which is the question; {name} has {', '.join(missing)}")
    return Alias(name, chain, chain.output_kind or Text(whole=True))


def _read_kinds(texts: Sequence[str]) -> tuple[dict[str, Kind], Kind]:
    names: dict[str, Kind] = {}
    of_all: Kind = Text()
    for text in texts:
        name, equals, word = text.partition("=") if not text.startswith("{") else ("", "", text)
        word = word if equals else word or name
        kind = from_json(parse_json_object(word.encode(), "--kind") if word.startswith("{") else word)
        if equals:
            names[name] = kind
        else:
            of_all = kind
    return names, of_all


def list_models(aliases: Mapping[str, Alias], created: int) -> dict[str, Any]:
    """Return the body of `/v1/models`."""
    return {"object": "list", "data": [describe_model(alias, created) for alias in aliases.values()]}


def describe_model(alias: Alias, created: int) -> dict[str, Any]:
    """Return the body of `/v1/models/NAME`."""
    about = {"id": alias.name, "object": "model", "created": created, "owned_by": "reasoning"}
    return {**about, "reasoning": alias.to_json()}
