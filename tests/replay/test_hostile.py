"""A megabyte of hostile text is parsed in some tens of milliseconds; no text makes a parser slow."""

from __future__ import annotations

from typing import Any

import pytest

from reasoning.kinds import Choice, Number, YesNo
from tests.kinds.samples import seconds

MEGABYTE = 1_000_000
KINDS = [Number(), Choice(["red ball", "5(x + 1)", "15 km"], several=True), YesNo()]
PIECES = ["<", "</", "\n\nQ: ", '"answer": ', "\n{", '{"reasoning": ', "one hundred ", "two and ", "1.234.", "1'234'"]
PIECES += [
    "10⁵",
    "Ans: 5\n",
    "is not (A), ",
    "? ",
    "5 > ",
    "I'm not sure, but ",
    "\\boxed5",
    "\\frac{1}{",
    "answer, so, ",
]
PIECES += [
    "\\boxed{1} or ",
    "\\boxed{not (A) or B, } and ",
    "let's go with A ",
    "is not (A). ",
    "A) red ball or ",
    "Conclusion: ",
    "since we cannot tell, ",
    "the answer is not A. ",
]
PIECES += ["**1**", "1, ", "A and ", "choose A ", "Answer:\n1. a\n"]
LONG = ["not ", "is not ", "(A) x ", "don't think ", "so, ", "none of the ", "A red ball or "]
LONG += ["1 ", "x=1 or ", "\\boxed{", "=a, so ", "{", "<", "A, ", "cannot, but ", "(", "one and ", "x, so "]
"""Statements have at most 2,000 characters; these pieces fill many such lines."""


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_a_megabyte_of_hostile_text(kind: Any) -> None:
    texts = {piece: (piece * (MEGABYTE // len(piece) + 1))[:MEGABYTE] for piece in PIECES}
    for frame in ("Answer: {}\n\nx", "\\boxed{{{}}}\n"):
        for piece in LONG:
            line = frame.format((piece * 1_900)[:1_900])
            texts[frame + piece] = line * (MEGABYTE // len(line))
    for piece, text in texts.items():
        took = seconds(kind, text)
        # About 0.05 s; quadratic time would take minutes.
        assert took < 4, f"{piece!r}: {took:.3f} s"
