"""The card of a technique: its paper, its cost, and when to use it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reasoning.kinds import Kind

Count = int | str | tuple[int, int]
"""A number of calls or rounds: a number, a range (least, greatest), or an expression for readers."""


@dataclass(frozen=True)
class Card:
    """The facts of a technique that a reader needs before using it.

    Attributes:
        name: the name in specs.
        title: the name in the paper.
        summary: a description in one line.
        calls: the number of completions for one problem, as an expression of parameters and counts,
            such as "1 + samples". `Strategy.calls_range` returns it as numbers.
        counts: the meaning of the names in `calls` and `rounds` that are not parameters.
        authors, year, arxiv, doi: the paper; the DOI if it is not on arXiv.
        kinds: the kinds of answer that the technique can give; empty for all.
        default_kinds: the kinds that it serves without demonstrations of the user's own; empty for all
            of `kinds`.
        requires: what it needs besides a model: "demonstrations", "interpreter", "table", …
        use_when, avoid_when: advice, with the reason.
        aliases: other names of the technique.
        version: the version of the algorithm. It is raised with every change that may change
            answers, so that stored results are recomputed.
        rounds: the number of sequential rounds of calls, as an expression; the calls of one round
            are sent together. Empty if it is not known.
    """

    name: str
    title: str
    summary: str
    calls: str
    counts: str = ""
    authors: str = ""
    year: int | None = None
    arxiv: str | None = None
    kinds: tuple[type[Kind], ...] = ()
    requires: tuple[str, ...] = ()
    use_when: str = ""
    avoid_when: str = ""
    aliases: tuple[str, ...] = ()
    doi: str | None = None
    rounds: str = ""
    version: int = 1
    default_kinds: tuple[type[Kind], ...] = ()

    @property
    def kinds_text(self) -> str:
        """The kinds of answer in words: "all; with the shipped demonstrations Number, Choice"."""
        given, by_default = (", ".join(kind.__name__ for kind in kinds) for kinds in (self.kinds, self.default_kinds))
        return f"{given or 'all'}{f'; with the shipped demonstrations {by_default}' if by_default else ''}"


def count_text(count: Count) -> str:
    """Return a count as text: `2` as "2", `(1, 2)` as "1 to 2"."""
    return "{} to {}".format(*count) if isinstance(count, tuple) else str(count)


def fixed_range(text: str) -> tuple[int, int] | None:
    """Return the least and greatest number in a text, or None if it is an expression.

    Examples:
        >>> fixed_range("2"), fixed_range("1 to 2"), fixed_range("1 + samples")
        ((2, 2), (1, 2), None)
    """
    match = re.fullmatch(r"(\d+)(?: to (\d+))?", text)
    return match and (int(match[1]), int(match[2] or match[1]))
