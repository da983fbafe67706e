"""Two crosswords of our own, and how a filled grid is scored."""

from __future__ import annotations

from collections.abc import Sequence

from reasoning.kinds import Items
from reasoning.problem import Example, Problem


def crossword(rows: Sequence[str], clues: Sequence[str], name: str) -> Example:
    """A 5 x 5 crossword: its rows, and ten clues, first those of the rows and then those of the columns."""
    places = [f"{way}{number}" for way in "hv" for number in range(1, 6)]
    listed = "\n".join(f"{place}. {clue}" for place, clue in zip(places, clues, strict=True))
    question = f"Solve this crossword of five rows and five columns (h: across, v: down). Give its rows.\n\n{listed}"
    return Example(Problem(question, Items(), id=name), list(rows))


def agreement(rows: Sequence[str], target: Sequence[str]) -> tuple[float, float]:
    """The share of the letters and the share of the ten words that are right (the paper's measures)."""
    pairs = [*zip(rows, target, strict=True), *zip(_columns(rows), _columns(target), strict=True)]
    letters = [a == b for given, wanted in pairs[: len(rows)] for a, b in zip(given, wanted, strict=True)]
    return sum(letters) / len(letters), sum(given == wanted for given, wanted in pairs) / len(pairs)


def _columns(rows: Sequence[str]) -> list[str]:
    return ["".join(column) for column in zip(*rows, strict=True)]


SQUARES = (
    crossword(
        ("SCENT", "CANOE", "ARSON", "ROUSE", "FLEET"),
        (
            "What a dog follows",
            "Narrow boat for paddling",
            "Setting a house on fire, as a crime",
            "Wake someone up",
            "All the ships of a navy",
            "It keeps the neck warm",
            "Song for Christmas",
            "Come afterwards, as a result",
            "Loop at the end of a hangman's rope",
            "Principle that a creed holds true",
        ),
        "crossword-1",
    ),
    crossword(
        ("HEART", "EMBER", "ABUSE", "RESIN", "TREND"),
        (
            "It beats in the chest",
            "Glowing bit of a fire",
            "Cruel treatment",
            "Sticky stuff from a pine",
            "Fashion of the day",
        )
        * 2,
        "crossword-2",
    ),
)
"""The second is a word square: it reads the same across and down."""
