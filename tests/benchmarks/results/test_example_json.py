"""Examples as JSON: their kinds."""

from __future__ import annotations

from typing import Any

import pytest

from reasoning.benchmarks.results import example_json
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Choice, Kind, Number, Text


def _read(kind: Any) -> Kind:
    return example_json.from_json({"id": "a", "question": "?", "kind": kind, "target": "1"}).problem.kind


def test_problems_with_equal_kinds_share_one() -> None:
    assert _read({"kind": "number"}) is _read({"kind": "number"})
    assert _read({"kind": "number"}) == Number() != _read({"kind": "text"})
    assert _read("text") == Text()


def test_parameters_that_python_calls_equal_stay_apart() -> None:
    kinds = [_read({"kind": "number", "tolerance": tolerance}) for tolerance in (0.0, 0)]
    assert [type(kind.tolerance) for kind in kinds] == [float, int]  # type: ignore[attr-defined]


def test_a_kind_may_have_a_list() -> None:
    assert _read({"kind": "choice", "options": ["red", "blue"]}) == Choice(["red", "blue"])


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ({"kind": "numbr"}, UnknownName),
        ({"kind": "number", "word": 1}, UnknownName),
        ({"kind": "number", "word": [1]}, UnknownName),
        ({"kind": ["number"]}, UsageError),
        ({}, UsageError),
        (3, UsageError),
    ],
)
def test_a_wrong_kind_is_named(kind: Any, error: type[Exception]) -> None:
    for _ in range(2):
        with pytest.raises(error):
            _read(kind)
