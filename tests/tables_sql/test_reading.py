"""Tables from files, data frames and the forms of data sets; what is damaged is refused with its line, or mended."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from reasoning.errors import InputError, UsageError
from reasoning.tables_sql.forms import read_named_tables, to_table, write_named_table
from reasoning.tables_sql.reading import read_table, read_wikitq
from reasoning.tables_sql.table import Table

TOWNS = Table.of([["town", "people"], ["Oslo", "709,037"], ["Moss, Jeløy", "49,668"]])
CSV = 'town,people\nOslo,"709,037"\n"Moss, Jeløy","49,668"\n'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("towns.csv", CSV.encode()),
        ("towns.csv", b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode()),
        ("towns.csv", CSV.encode("utf-16")),
        ("towns.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("towns.csv", 'town;people\nOslo;709,037\n"Moss, Jeløy";49,668\n\n'.encode()),
        ("towns.tsv", "town\tpeople\nOslo\t709,037\nMoss, Jeløy\t49,668".encode()),
        ("towns.csv", 'sep=;\r\ntown;people\r\nOslo;709,037\r\n"Moss, Jeløy";49,668\r\n'.encode()),
        ("towns.csv", '\n\ntown;people\nOslo;709,037\n"Moss, Jeløy";49,668\n'.encode()),
        ("towns.TXT", "town|people\nOslo|709,037\nMoss, Jeløy|49,668".encode()),
        ("towns.json", json.dumps([["town", "people"], *TOWNS.shown]).encode()),
        ("towns.json", json.dumps({"header": ["town", "people"], "rows": TOWNS.shown}).encode()),
        ("towns.json", json.dumps({"town": ["Oslo", "Moss, Jeløy"], "people": ["709,037", "49,668"]}).encode()),
        (
            "towns.jsonl",
            b'{"town": "Oslo", "people": "709,037"}\n{"people": "49,668", "town": "Moss, Jel\xc3\xb8y"}\n',
        ),
    ],
)
def test_files_are_read(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    table = read_table(path)
    assert (table.header, table.rows, table.types) == (TOWNS.header, TOWNS.rows, TOWNS.types)
    assert (table.title, read_table(str(path), "Towns").title) == ("towns", "Towns")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b'a,b\n1,"2\n3,4\n', r"a\.csv:2: .* a quoted cell has no end"),
        ("a.csv", b'a,b\n1,"2"x\n', r"a\.csv:2: not a table of cells with ',' between them"),
        ("a.csv", b'\nsep=;\na;b\n1;"2"x\n', r"a\.csv:4: not a table of cells with ';' between them"),
        ("a.csv", b"a,b\n1," + b"x" * 140_000, r"a\.csv:2: .*: a cell must have at most 131,072 characters"),
        ("a.csv", b"", "the first line must name the columns, got an empty file"),
        ("a.csv", b"a,b\n\xff\xfe,1\n", "not UTF-8"),
        ("a.csv", b"PK\x03\x04", "a workbook"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-9], "gzip data is truncated"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[[1, [2]]]", "a cell must be a text, a number, a date or empty"),
        ("a.json", b'{"a": [1], "b": [1, 2]}', r"columns of a table must be of equal length, got \{'a': 1, 'b': 2\}"),
        ("a.json", b'{"a": 1}', "an object of columns or one with header and rows, got a"),
        ("a.json", b"5", "rows of cells|sequence|iterable"),
        ("a.json", b'{"header": ["a"], "rows": 5}', r"a\.json: the rows of a table .* must be a list of rows, got 5"),
        ("a.jsonl", b'{"a": 1}\n[1]', r"a\.jsonl:2"),
        ("a.parquet", b"PAR1 no", "not a Parquet file"),
        ("a.xlsx", b"", r"must end with \.csv, \.tsv, .* got 'a\.xlsx'"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    if "parquet" in name:
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_table(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")


def test_ragged_rows_and_names_are_mended(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",year,Year\n1,2,3,4\n5\n")
    table = read_table(path)
    assert table.header == ("column_1", "year", "Year_2", "column_4")
    assert table.rows == ((1, 2, 3, 4), (5, None, None, None))


def test_names_with_commas_are_kept_in_tab_separated_files(tmp_path: Path) -> None:
    text = "Town, country\tPeople\nOslo, Norway\t709,037\n"
    (tmp_path / "a.tsv").write_text(text)
    for table in (read_table(tmp_path / "a.tsv"), to_table(text)):
        assert (table.header, table.rows) == (("Town, country", "People"), (("Oslo, Norway", 709037),))


def test_long_integers_keep_their_digits(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[["id"], [1234567890123456789], [1234567890123456788]]')
    table = read_table(tmp_path / "a.json")
    assert (table.types, table.rows) == (("text",), (("1234567890123456789",), ("1234567890123456788",)))
    assert Table(("sum",), ((1234567890123456789,),)).types == ("number",)


def test_labels_of_a_data_frame_become_columns() -> None:
    pandas = pytest.importorskip("pandas")
    labelled = pandas.DataFrame({"v": [1, 2]}, index=["Oslo", "Moss"])
    assert read_table(labelled).rows == (("Oslo", 1), ("Moss", 2))
    assert read_table(labelled.reset_index(drop=True)[1:]).rows == ((2,),)
    named_twice = pandas.DataFrame({"v": [1, 2]}, index=pandas.Index([7, 8], name="v"))
    assert read_table(named_twice).header == ("v", "v_2")


def test_data_frames_keep_their_types() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "a": [1, 2, None],
            "b": pandas.array([1, 2, None], dtype="Int64"),
            "c": ["x", None, "007"],
            "d": pandas.to_datetime(["2024-03-01", None, "2024-03-02"]),
            5: [True, False, True],
        }
    )
    table = read_table(frame)
    assert table.header == ("a", "b", "c", "d", "5")
    assert table.types == ("number", "integer", "text", "date", "text")
    assert table.rows[1] == (2.0, 2, None, None, "False")
    assert table.rows[2] == (None, None, "007", datetime.date(2024, 3, 2), "True")
    grouped = read_table(frame.groupby("c").agg({"a": ["sum", "max"]}))
    assert grouped.header == ("c", "a sum", "a max")


def test_columns_of_equal_names_in_parquet_are_both_kept(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table([arrow.array([1]), arrow.array([2])], names=["a", "a"]), path)
    table = read_table(path)
    assert (table.header, table.rows) == (("a", "a_2"), ((1, 2),))


def test_parquet_is_read(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = tmp_path / "towns.parquet"
    pandas.DataFrame({"town": ["Oslo", "Moss"], "people": [709037, 49668]}).to_parquet(path)
    assert read_table(path).rows == (("Oslo", 709037), ("Moss", 49668))


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ("town#people\nOslo#709,037\n", (("Oslo", 709037),)),  # TabFact
        ("town | people\nOslo | 709,037", (("Oslo", 709037),)),  # TabMWP
        ("| town | people |\n| --- | ---: |\n| Os\\|lo | 709,037 |\n|  | - |", (("Os|lo", 709037), (None, None))),
        ("town,people\nOslo,\"709,037\"", (("Oslo", 709037),)),
        ("town\tpeople\nOslo\t709,037", (("Oslo", 709037),)),
        ('[["town", "people"], ["Oslo", 709037]]', (("Oslo", 709037),)),
        ('{"header": ["town", "people"], "rows": [["Oslo", "709,037"]], "name": "csv/1.csv"}', (("Oslo", 709037),)),
        ([["town", "people"], ["Oslo", "709,037"]], (("Oslo", 709037),)),
        ([{"town": "Oslo"}, {"people": 5}], (("Oslo", None), (None, 5))),
        ({"town": ("Oslo",), "people": ["709,037"]}, (("Oslo", 709037),)),
    ],
)  # fmt: skip
def test_the_forms_of_data_sets_are_read(value: Any, rows: Any) -> None:
    table = to_table(value, "Towns")
    assert (table.header, table.rows, table.title) == (("town", "people"), rows, "Towns")


def test_a_stated_title_is_kept() -> None:
    assert to_table({"header": ["a"], "rows": [], "title": "T"}).title == "T"
    assert to_table({"header": ["a"], "rows": [], "title": "T"}, "U").title == "U"


@pytest.mark.parametrize("value", ["", "  \n", {}, {"a": "b"}, 5, None])
def test_what_is_no_table_is_refused(value: Any) -> None:
    with pytest.raises(UsageError):
        to_table(value)


def test_hostile_texts_are_read_in_linear_time() -> None:
    for text in (
        "|" * 20_000,
        "a#" * 20_000,
        "a|b\n" * 20_000,
        "[" * 100_000,
        '"' * 99_999,
        "a\n" * 50_000,
        "\\" * 9**5,
    ):
        with contextlib.suppress(UsageError):
            to_table(text)


def test_wikitablequestions_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "1.tsv").write_text("Year\\nFounded\tClub\n1,900\tA \\p B\n1901\tC\\\\n \\nD\n")
    (tmp_path / "1.csv").write_text('"Year\nFounded","Club"\n"1,900","A | B"\n"1901","The \\"C\\", D"\n')
    for name, club in (("1.tsv", "C\\n \nD"), ("1.csv", 'The "C", D')):
        table = read_wikitq(tmp_path / name)
        assert table.header == ("Year Founded", "Club")
        assert table.rows == ((1900, "A | B"), (1901, club))
        assert table.to_text().splitlines()[1] == "1,900 | A \\| B"


def test_named_tables_are_read_from_a_text() -> None:
    regions = Table.of([["region", "rain|fall"], ["Salt\ncoast", "1,200"]])
    written = write_named_table("regions", regions)
    text = f"Words | not a table.\n\n{written}\n\nTable 1st:\na | b\n1 | 2\n\nTable x: no\na | b"
    [(name, table)] = read_named_tables(text).items()
    assert (name, table.title, table.header) == ("regions", "regions", ("region", "rain|fall"))
    assert table.rows == (("Salt coast", 1200),)
    assert read_named_tables("Table a:\n" * 20_000 + "|") != {"b": table}


@pytest.mark.parametrize("text", ['He said "hi" there,"x"y\na | b', '["a|b"]', '[1, "|"]', '"a,b\nx | y', '{"a": "|"}'])
def test_a_paragraph_of_another_kind_is_no_named_table(text: str) -> None:
    assert read_named_tables(f"Table summary:\n{text}") == {}
