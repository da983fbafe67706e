"""The decorator that makes a class a technique: a frozen dataclass with a card."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

from reasoning.card import Card, Count, count_text, fixed_range
from reasoning.errors import UsageError
from reasoning.kinds import Kind
from reasoning.strategy.base import Strategy

S = TypeVar("S", bound=Strategy)


@dataclass_transform(frozen_default=True)
def technique(
    *,
    title: str,
    calls: Count,
    rounds: Count = "",
    counts: str = "",
    authors: str = "",
    year: int | None = None,
    arxiv: str | None = None,
    doi: str | None = None,
    kinds: Sequence[type[Kind]] = (),
    requires: Sequence[str] = (),
    use_when: str = "",
    avoid_when: str = "",
    name: str = "",
    aliases: Sequence[str] = (),
    version: int = 1,
    default_kinds: Sequence[type[Kind]] = (),
) -> Callable[[type[S]], type[S]]:
    """Make a `Strategy` subclass a frozen dataclass with a card.

    Args:
        title: the technique's name in the paper.
        calls: the number of completions for one problem: a number, the least and the greatest, or
            an expression for readers, such as "1 + samples". A class with an expression defines
            `calls_range`.
        rounds: the number of sequential rounds of calls, in the same form; a class with an
            expression defines `rounds_range`. By default it is not known.
        counts: the meaning of the names in these expressions that are not parameters.
        authors: the paper's authors, such as "Wei et al.".
        year: the paper's year.
        arxiv: the paper's number on arXiv, such as "2201.11903".
        doi: the paper's DOI, if it is not on arXiv.
        kinds: the kinds of answer that the technique can give; by default all.
        requires: what it needs besides a model, such as "interpreter".
        use_when: when the technique helps, with the evidence.
        avoid_when: when it does not, with the evidence.
        name: the name in specs; by default the class's name in snake_case.
        aliases: other names of the technique.
        version: the version of the algorithm. Raise it with every change that may change answers,
            so that stored results of benchmarks are recomputed.
        default_kinds: the kinds that it serves without demonstrations of the user's own; by default
            all of `kinds`.

    Returns:
        The decorator. The card's summary is the first line of the class's docstring.

    Raises:
        UsageError: the class is not a `Strategy`, or an expression has no method.
    """

    def decorate(cls: type[S]) -> type[S]:
        if not issubclass(cls, Strategy):
            raise UsageError(f"a technique must be a Strategy: write 'class {cls.__name__}(Strategy)'")
        for count, method in ((calls, "calls_range"), (rounds, "rounds_range")):
            if count and fixed_range(count_text(count)) is None and getattr(cls, method) is getattr(Strategy, method):
                raise UsageError(f"{cls.__name__}: {count!r} is not a number: define {method}(self) -> (least, most)")
        summary = (inspect.getdoc(cls) or title).partition("\n")[0]
        decorated = dataclass(frozen=True, repr=False)(cls)
        decorated.card = Card(
            name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower(),
            *(title, summary, count_text(calls), counts, authors, year, arxiv),
            *(tuple(kinds), tuple(requires), use_when, avoid_when, tuple(aliases), doi, count_text(rounds)),
            version=version,
            default_kinds=tuple(default_kinds),
        )
        return decorated

    return decorate
