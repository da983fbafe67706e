"""The card of a technique: where it is from, what it takes, and when it pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reasoning.formula import Formula
from reasoning.kinds import Kind


@dataclass(frozen=True)
class Card:
    """What one should know of a technique before one pays for it.

    Attributes:
        name: the word that specs use.
        title, authors, year, arxiv, doi: the paper; a doi where arXiv does not have it.
        summary: one line.
        calls: the number of completions for one problem, as a formula of parameters and counts.
        counts: what the names in the formula mean that are not parameters.
        ranges: their least and greatest values; a greatest one may be a formula of parameters.
        serves: the kinds of answer that it can give; empty means all.
        needs: what it needs beside a model: "demonstrations", "interpreter", "table", …
        use_when, avoid_when: advice, with the reason.
        aliases: other names in use.
        waves: how many calls follow one another at most, as a formula: those of one wave go out together, so this many
            replies is what a problem waits for. None where it is not known.
    """

    name: str
    title: str
    summary: str
    calls: Formula
    counts: str = ""
    ranges: Mapping[str, tuple[int, int | str]] = field(default_factory=dict)
    authors: str = ""
    year: int | None = None
    arxiv: str | None = None
    kinds: tuple[type[Kind], ...] = ()
    requires: tuple[str, ...] = ()
    use_when: str = ""
    avoid_when: str = ""
    aliases: tuple[str, ...] = ()
    doi: str | None = None
    rounds: Formula | None = None
