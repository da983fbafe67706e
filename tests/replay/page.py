"""The tables of `docs/research/answers-recordings.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.replay.summary import COARSE, FIRST

PAGE = Path(__file__).parents[2] / "docs/research/answers-recordings.md"


def tables(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return all tables: accuracy, causes of differences, replies that the authors did not parse, votes."""
    return "\n".join([_overview(found), _causes(found), _unparsed(found), _votes(found), ""])


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table; None is shown as a dash."""
    body = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join('–' if cell is None else str(cell) for cell in row)} |\n" for row in body)


def _overview(found: Mapping[str, Mapping[str, Any]]) -> str:
    head = ["recording", "replies", "same answer %", "with the authors' rule %", "same verdict %", "our accuracy %"]
    rows = [
        [
            f"`{name}`",
            one["replies"],
            one["same answer where they have one, %"],
            one.get("same answer with the authors' rule on our statement, %"),
            one["same verdict, %"],
            one["accuracy, %"]["ours"],
            one["accuracy, %"].get(COARSE),
            one["accuracy, %"].get(FIRST),
            one["accuracy, %"]["stored"],
        ]
        for name, one in found.items()
    ]
    return table([*head, "without sign and decimals %", "and with the first number %", "their accuracy %"], rows)


def _causes(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [[f"`{name}`", number, cause] for name, one in found.items() for cause, number in one["differences"].items()]
    return table(["recording", "replies", "cause of the different answer or verdict"], rows)


def _unparsed(found: Mapping[str, Mapping[str, Any]]) -> str:
    key = "replies that the authors did not parse"
    head = ["recording", *next(list(one[key]) for one in found.values() if key in one)]
    return table(head, [[f"`{name}`", *one[key].values()] for name, one in found.items() if key in one])


def _votes(found: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [[f"`{name}`", way, points] for name, one in found.items() for way, points in one.get("vote, %", {}).items()]
    return table(["recording", "majority, ties by share", "accuracy %"], rows)
