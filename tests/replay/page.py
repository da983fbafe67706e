"""The figures as the tables of `docs/answers-recordings.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.replay.summary import COARSE, FIRST

PAGE = Path(__file__).parents[2] / "docs/answers-recordings.md"


def tables(found: Mapping[str, Mapping[str, Any]]) -> str:
    """All tables: agreement and accuracy, differences by cause, what nothing was read in, votes."""
    return "\n".join([_overview(found), _causes(found), _unread(found), _votes(found), ""])


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table; None is shown as a dash."""
    body = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join('–' if cell is None else str(cell) for cell in row)} |\n" for row in body)


def _overview(found: Mapping[str, Mapping[str, Any]]) -> str:
    head = ["recording", "replies", "same answer %", "with the authors' rule %", "same verdict %", "accuracy ours %"]
    rows = [
        [
            f"`{name}`",
            one["lines"],
            one["same answer where they read one, %"],
            one.get("same answer with the authors' rule for what is stated, %"),
            one["same verdict, %"],
            one["accuracy, %"]["ours"],
            one["accuracy, %"].get(COARSE),
            one["accuracy, %"].get(FIRST),
            one["accuracy, %"]["stored"],
        ]
        for name, one in found.items()
    ]
    return table([*head, "without sign and decimals %", "and the first number %", "stored %"], rows)


def _causes(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [[f"`{name}`", number, cause] for name, one in found.items() for cause, number in one["differences"].items()]
    return table(["recording", "replies", "why the answer or the verdict differs"], rows)


def _unread(found: Mapping[str, Mapping[str, Any]]) -> str:
    key = "where the authors read nothing"
    head = ["recording", *next(list(one[key]) for one in found.values() if key in one)]
    return table(head, [[f"`{name}`", *one[key].values()] for name, one in found.items() if key in one])


def _votes(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [[f"`{name}`", way, points] for name, one in found.items() for way, points in one.get("vote, %", {}).items()]
    return table(["recording", "majority, ties by share", "accuracy %"], rows)
