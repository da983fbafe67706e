"""Tables in the rows of a user's file: with the standard name, with a mapping, and what else is called a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.field_mapping import Fields
from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.kinds import Number, YesNo
from reasoning.problem import Example
from reasoning.tables_sql.table import Table

ROWS = [["town", "people"], ["Oslo", "709,037"]]


def load(path: Path, rows: list[dict[str, Any]], fields: str = "") -> list[Example]:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tasks.get(f"jsonl:{path}", fields or None).load(9, 0)


@pytest.mark.parametrize("value", [ROWS, {"header": ROWS[0], "rows": ROWS[1:]}, "town | people\nOslo | 709,037"])
def test_a_row_may_have_a_table(tmp_path: Path, value: Any) -> None:
    (example,) = load(tmp_path / "a.jsonl", [{"question": "How many?", "answer": 709037, "table": value}])
    assert example.problem.table == Table.of(ROWS)
    assert example.problem.values()["problem"] == "town | people\nOslo | 709,037\n\nHow many?"


def test_another_column_may_hold_it(tmp_path: Path) -> None:
    rows = [{"question": "How many?", "answer": 1, "t": "town#people\nOslo#709,037", "name": "Towns"}]
    (example,) = load(tmp_path / "a.jsonl", rows, "question=question, answer=answer, table=t, title=name")
    assert example.problem.table == Table.of(ROWS, "Towns")


def test_a_csv_cell_may_hold_json(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('question,answer,t\nHow many?,1,"[[""town""], [""Oslo""]]"\n')
    (example,) = tasks.get(f"csv:{path}", "question=question, answer=answer, table=t").load(1, 0)
    assert example.problem.table == Table.of([["town"], ["Oslo"]])


@pytest.mark.parametrize("value", ["users", "", None, [], {}])
def test_a_column_that_is_called_so_may_hold_something_else(tmp_path: Path, value: Any) -> None:
    (example,) = load(tmp_path / "a.jsonl", [{"question": "Which?", "answer": "x", "table": value}])
    assert example.problem.table is None


def test_what_is_no_table_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.jsonl:1: row 0 of a table must be a sequence of cells, got 5"):
        load(tmp_path / "a.jsonl", [{"question": "Which?", "answer": "x", "table": [5]}])


def test_each_row_may_have_a_kind_of_its_own(tmp_path: Path) -> None:
    rows = [{"question": "a?", "answer": "yes"}, {"question": "b?", "answer": "5"}]
    fields = "question=question, answer=answer, kind=by_row"
    assert [one.problem.kind for one in load(tmp_path / "a.jsonl", rows, fields)] == [YesNo(), Number()]


def test_labels_are_yes_and_no(tmp_path: Path) -> None:
    rows = [{"question": "a?", "answer": 1}, {"question": "b?", "answer": "0"}]
    fields = "question=question, answer=answer, kind=yesno"
    assert [one.target for one in load(tmp_path / "a.jsonl", rows, fields)] == ["yes", "no"]


def test_several_conditions_leave_rows_out(tmp_path: Path) -> None:
    rows = [{"question": "q", "answer": word, "x": word} for word in ("a", "b and c", "d")]
    fields = 'question=question, answer=answer, where="x != a and x != b and c"'
    assert [one.target for one in load(tmp_path / "a.jsonl", rows, fields)] == ["d"]
    with pytest.raises(UsageError, match="where must be COLUMN != TEXT, got '!= b'"):
        Fields.from_mapping({"where": "x != a and != b"})


def test_a_mapping_without_the_new_fields_has_the_version_that_it_had() -> None:
    assert "table" not in str(Fields(question="q"))
    assert str(Fields(table="t", scorer="denotation")).endswith(", table='t', scorer='denotation'")
    with pytest.raises(UnknownName, match="unknown scorer 'denotatoin' of the mapping; did you mean 'denotation'"):
        Fields.from_mapping({"scorer": "denotatoin"})
