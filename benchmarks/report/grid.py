"""A table of a report as cells of text, from which every format is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        name: a word for it, such as "strategies".
        title: what it shows, in a line.
        header: titles of the columns.
        rows: cells of text.
        note: how it is to be read.
        words: how many of the first columns hold words; the others hold numbers.
        bold: places of the rows that stand out.
        paper: whether it belongs into a paper; the others are for looking things up.
        legend: what the names stand for that are shorter than their specs.
    """

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: int = 1
    bold: frozenset[int] = frozenset()
    paper: bool = False
    legend: tuple[str, ...] = ()


def share(value: float) -> str:
    """A share as a cell."""
    return f"{100 * value:.1f} %"
