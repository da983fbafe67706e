"""The tables of hard cases, `tests/answers*.tsv`: what each text is read as."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from reasoning import kinds
from tests.kinds.samples import EVERY, rows, unescaped


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['kind'][:20]}: {row['text'][:50]}")
def test_hard_cases(row: dict[str, str]) -> None:
    kind = kinds.from_json(json.loads(row["kind"]) if row["kind"].startswith("{") else row["kind"])
    reading = kind.parse_reply(unescaped(row["text"]))
    shown = "" if reading.value is None else kind.show(reading.value)
    assert shown == unescaped(row["expected"]), f"{row['why']}; read as {reading}"
    assert (kind.error_message(unescaped(row["text"])) is None) == (reading.value is not None)


def test_every_sort_of_kind_has_its_rows_and_no_two_disagree() -> None:
    sorts = Counter(json.loads(row["kind"])["kind"] if row["kind"].startswith("{") else row["kind"] for row in rows())
    assert set(sorts) == {kind.name for kind in EVERY} == set(kinds.KINDS)
    wanted: dict[tuple[str, str], set[str]] = {}
    for row in rows():
        wanted.setdefault((row["text"], row["kind"]), set()).add(row["expected"])
    assert [row for row, answers in wanted.items() if len(answers) > 1] == []
    assert all(row["why"] for row in rows())
