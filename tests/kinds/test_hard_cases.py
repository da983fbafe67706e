"""The tables of hard cases, `tests/answers*.tsv`: each text with its parsed value."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from reasoning import kinds
from tests.kinds.samples import EVERY, rows, unescaped


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['kind'][:20]}: {row['text'][:50]}")
def test_hard_cases(row: dict[str, str]) -> None:
    kind = kinds.from_json(json.loads(row["kind"]) if row["kind"].startswith("{") else row["kind"])
    result = kind.parse_reply(unescaped(row["text"]))
    shown = "" if result.value is None else kind.show(result.value)
    assert shown == unescaped(row["expected"]), f"{row['why']}; parsed as {result}"
    assert (kind.error_message(unescaped(row["text"])) is None) == (result.value is not None)


def test_every_kind_has_rows_and_no_two_rows_disagree() -> None:
    names = Counter(json.loads(row["kind"])["kind"] if row["kind"].startswith("{") else row["kind"] for row in rows())
    assert set(names) == {kind.name for kind in EVERY} == set(kinds.KINDS)
    wanted: dict[tuple[str, str], set[str]] = {}
    for row in rows():
        wanted.setdefault((row["text"], row["kind"]), set()).add(row["expected"])
    assert [row for row, answers in wanted.items() if len(answers) > 1] == []
    assert all(row["why"] for row in rows())
