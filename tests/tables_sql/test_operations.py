"""Operations on tables, and the comparison of them and of SQL with pandas on generated tables."""

from __future__ import annotations

import asyncio
import datetime
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest

from reasoning.errors import UnknownName, UsageError
from reasoning.tables_sql.cell_types import as_cell
from reasoning.tables_sql.operations import add_column, group_by, select_column, select_row, sort_by
from reasoning.tables_sql.sql import run_sql
from reasoning.tables_sql.table import Cell, Table

RIDERS = Table.of(
    [
        ["rider", "country", "points", "Count"],
        ["Ana", "ESP", "1,020", "x"],
        ["Bea", "ITA", "", "y"],
        ["Cem", "ESP", "990", "z"],
        ["Dov", "", "1,020", "z"],
    ],
    title="Riders",
)


def test_selections_are_those_of_the_table() -> None:
    assert select_row(RIDERS, [2]) == RIDERS.select_rows([2])
    assert select_column(RIDERS, ["points"]) == RIDERS.select_columns(["points"])


def test_a_column_is_added() -> None:
    table = add_column(RIDERS, " since ", ["2001-02-03", "", "1 May 2002", None])
    assert table.header[-1] == "since"
    assert table.types[-1] == "date"
    assert table.column("since") == (datetime.date(2001, 2, 3), None, datetime.date(2002, 5, 1), None)
    assert table.shown[2][-1] == "1 May 2002"
    assert table.title == "Riders"
    for name, values, message in (
        ("Points", ["1"] * 4, "a name of its own, got 'Points'"),
        ("  ", ["1"] * 4, "a name of its own, got ''"),
        ("new", ["1"] * 3, "4 values, one for each row, got 3"),
    ):
        with pytest.raises(UsageError, match=message):
            add_column(RIDERS, name, values)


def test_groups_are_counted() -> None:
    counted = group_by(RIDERS, "Country")
    assert counted.header == ("country", "count")
    assert counted.rows == (("ESP", 2), ("ITA", 1), (None, 1))
    assert group_by(RIDERS, "points").shown == (("1,020", "2"), ("", "1"), ("990", "1"))
    assert group_by(RIDERS, "count").header == ("Count", "count_2")
    assert group_by(RIDERS.select_rows([]), "points").rows == ()
    with pytest.raises(UnknownName, match="did you mean 'points'"):
        group_by(RIDERS, "point")


def test_rows_are_sorted_stably_with_empty_cells_last() -> None:
    assert sort_by(RIDERS, "points").column("rider") == ("Cem", "Ana", "Dov", "Bea")
    assert sort_by(RIDERS, "points", descending=True).column("rider") == ("Ana", "Dov", "Cem", "Bea")
    assert sort_by(RIDERS, "points").shown[0][2] == "990"


# The comparison with pandas: each case is one operation or one aggregate on one column of a generated table.


def generate(chance: random.Random) -> Table:
    """Return a table with a column of each type, with empty cells and repeated values."""
    makers = {
        "name": lambda: chance.choice(["ada", "Bo", "cy", "Dé", "e e", "Ø", "zoë"]),
        "whole": lambda: chance.randrange(-50, 50),
        "real": lambda: round(chance.uniform(-9, 9), 2),
        "day": lambda: datetime.date(2000, 1, 1) + datetime.timedelta(chance.randrange(900)),
    }
    rows = [
        [None if chance.random() < 0.15 else make() for make in makers.values()]
        for _ in range(chance.choice([1, 2, 5, 20, 60]))
    ]
    return Table.of([list(makers), *rows])


def to_frame(table: Table) -> Any:
    pandas = pytest.importorskip("pandas")
    columns = {
        name: pandas.array(table.column(name), dtype={"integer": "Int64", "number": "Float64"}.get(kind, object))
        for name, kind in zip(table.header, table.types, strict=True)
    }
    return pandas.DataFrame(columns)


def plain(values: Any) -> list[Cell]:
    """Return values of pandas as cells."""
    return [as_cell(value) for value in values]


def same(ours: Cell, theirs: Cell) -> bool:
    if isinstance(ours, float) or isinstance(theirs, float):
        return ours is not None and theirs is not None and math.isclose(ours, theirs, abs_tol=1e-9)  # type: ignore[arg-type]
    return ours == theirs


def compare_operations(table: Table, chance: random.Random) -> Iterator[tuple[str, bool]]:
    frame, column = to_frame(table), chance.choice(table.header)
    for descending in (False, True):
        ours = sort_by(table, column, descending=descending)
        theirs = frame.sort_values(column, ascending=not descending, kind="stable", na_position="last")
        yield f"sort {column}", all(ours.column(name) == tuple(plain(theirs[name])) for name in table.header)
    counts = frame[column].value_counts(dropna=False)
    counted = dict(group_by(table, column).rows)
    yield f"group {column}", counted == dict(zip(plain(counts.index), counts.tolist(), strict=True))
    first = frame.groupby(column, dropna=False, sort=False).size().sort_values(ascending=False, kind="stable")
    yield (
        f"order {column}",
        group_by(table, column).column(table.header[table.index(column)]) == tuple(plain(first.index)),
    )
    picked = [chance.randrange(len(table.rows)) for _ in range(4)]
    yield "rows", select_row(table, picked).column(column) == tuple(plain(frame[column].iloc[picked]))
    names = chance.sample(table.header, 2)
    yield (
        "columns",
        list(zip(*select_column(table, names).rows, strict=True)) == [tuple(plain(frame[name])) for name in names],
    )
    longer = add_column(table, "twice", [None if cell is None else cell * 2 for cell in table.column("whole")])  # type: ignore[operator]
    yield "add", longer.column("twice") == tuple(plain(frame.assign(twice=frame["whole"] * 2)["twice"]))


def compare_sql(table: Table, chance: random.Random) -> Iterator[tuple[str, bool]]:
    frame, limit = to_frame(table), chance.randrange(-20, 20)
    cases: dict[str, tuple[str, Any]] = {}
    for name in ("whole", "real"):
        values = frame[name].dropna()
        part = frame[name][(frame["whole"] > limit).fillna(False)].dropna()
        for which, kept, where in (("all", values, ""), ("part", part, f"WHERE whole > {limit}")):
            for function, theirs in (
                ("sum", kept.sum() if len(kept) else None),
                ("avg", kept.mean() if len(kept) else None),
                ("min", kept.min() if len(kept) else None),
                ("max", kept.max() if len(kept) else None),
                ("count", len(kept)),
                ("count distinct", kept.nunique()),
            ):
                call = f"count(DISTINCT {name})" if " " in function else f"{function}({name})"
                cases[f"{function} {name} {which}"] = (f"(SELECT {call} FROM w {where})", theirs)
    days = frame["day"].dropna()
    cases["first day"] = ("(SELECT min(day) FROM w)", min(days) if len(days) else None)
    cases["names"] = ("(SELECT count(DISTINCT name) FROM w)", frame["name"].nunique())
    word = chance.choice(["ada", "Bo", "Ø"])
    cases["equal"] = (f"(SELECT count(*) FROM w WHERE name = '{word}')", int((frame["name"] == word).sum()))
    table_of_results = asyncio.run(run_sql(table, "SELECT " + ", ".join(sql for sql, _ in cases.values())))
    for what, ours, theirs in zip(cases, table_of_results.rows[0], plain(t for _, t in cases.values()), strict=True):
        yield what, same(ours, theirs)
    groups = asyncio.run(run_sql(table, "SELECT name, count(*), sum(real) FROM w GROUP BY name"))
    sums = frame.groupby("name", dropna=False)["real"].agg(["size", lambda column: column.sum(min_count=1)])
    theirs = {name: row for name, *row in zip(plain(sums.index), *map(plain, (sums[c] for c in sums)), strict=True)}
    for name, *row in groups.rows:
        yield f"group {name}", all(map(same, row, theirs[name]))
    joined = asyncio.run(run_sql(table, "SELECT count(*) FROM w a JOIN w b ON a.name = b.name"))
    yield "join", joined.rows[0][0] == sum(n * n for n in frame["name"].value_counts())


def compare(number: int) -> None:
    cases, differences, seed = 0, list[str](), 0
    while cases < number:
        chance = random.Random(seed)
        table = generate(chance)
        for compared in (compare_operations, compare_sql):
            for what, equal in compared(table, chance):
                cases += 1
                if not equal:
                    differences.append(f"seed {seed}: {what}")
        seed += 1
    assert differences == []


def test_operations_and_sql_agree_with_pandas() -> None:
    compare(300)


def test_the_comparison_would_notice_a_wrong_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "sort_by", lambda table, column, descending=False: table)
    with pytest.raises(AssertionError, match="sort"):
        compare(150)


@pytest.mark.long
def test_operations_and_sql_agree_with_pandas_in_2000_cases() -> None:
    compare(2000)
