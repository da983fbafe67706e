"""The parameters of `Number` and `Choice`."""

from __future__ import annotations

from typing import Any

import pytest

from reasoning.errors import UsageError
from reasoning.kinds import Choice, Number


@pytest.mark.parametrize(
    ("kind", "value", "target", "right"),
    [
        (Number(percent=True), 0.5, "50%", True),
        (Number(percent=True), 0.667, "66.7%", True),
        (Number(percent=True), 0.66, "66.7%", False),
        (Number(percent=True), 0.5, 0.5, True),
        (Number(), 0.5, "50%", False),
        (Number(), 50, "50%", True),
        (Number(tolerance=0.01), 99, 100, True),
        (Number(tolerance=0.01), 98.9, "100", False),
        (Number(tolerance=0.01), -99.5, "-100", True),
        (Number(tolerance=0.01), 0.5, 0, False),
        (Number(), 99.999, 100, False),
        (Choice(labels="ABC", several=True), ("A", "C"), "(A) and (C)", True),
        (Choice(labels="ABC", several=True), ("A", "C"), ["C", "A"], True),
        (Choice(labels="ABC", several=True), ("A",), "A, C", False),
        (Choice(labels="ABC", several=True), ("B",), "(B)", True),
        (Choice(["red", "blue", "green"], several=True), ("A", "B"), "blue, red", True),
    ],
)
def test_scores(kind: Any, value: Any, target: Any, right: bool) -> None:
    assert kind.score(value, target) is right


def test_several_labels_vote_as_one_answer() -> None:
    kind = Choice(labels="ABC", several=True)
    assert kind.parse("The answer is C and A.") == kind.parse("A, C") == ("A", "C")
    assert kind.key(("A", "C")) == kind.key(kind.parse(kind.show(("A", "C"))))
    assert "one or more of A through C" in kind.instruction()


def test_invalid_parameters_are_refused() -> None:
    with pytest.raises(UsageError, match="tolerance"):
        Number(tolerance=1.5)
    with pytest.raises(UsageError, match="target"):
        Choice(labels="ABC", several=True).score(("A",), "A, Z")
