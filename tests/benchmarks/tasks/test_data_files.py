"""Data files as people have them: names, encodings, separators, lists in cells, and what is said of wrong ones."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from reasoning import AnyOf
from reasoning.benchmarks import compare, tasks
from reasoning.benchmarks.cli.task_table import describe_task
from reasoning.benchmarks.rescore import rescore
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.kinds import Number
from reasoning.problem import Example, Problem
from reasoning.testing import ScriptedLLM

ROW = {"question": "What is 2 + 2?", "answer": 4}
LINE = json.dumps(ROW)
TABLE = "question,answer\nWhat is 2 + 2?,4\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(name: str, content: str | bytes, fields: str | None = None) -> list[Example]:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tasks.get(name, fields).load(99, 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mine.jsonl", f"\n{LINE}\n\n"),
        ("mine.jsonl", f"\ufeff{LINE}\r\n"),
        ("mine.jsonl", f"[{LINE}]"),
        ("mine.jsonl", f"{LINE}\n".encode("utf-16")),
        ("mine.ndjson", f"{LINE}\n"),
        ("mine.jsonl.gz", gzip.compress(f"{LINE}\n".encode(), mtime=0)),
        ("mine.json", f"[{LINE}]"),
        ("mine.json", f"\ufeff [\n {LINE},\n]\n"),
        ("mine.json", b"\xfe\xff" + f"[{LINE}]".encode("utf-16-be")),
        ("mine.json", json.dumps([ROW], indent=4)),
        ("mine.json", json.dumps(ROW, indent=4)),
        ("mine.json", json.dumps({"version": 1, "examples": [ROW]})),
        ("mine.csv", TABLE),
        ("MINE.CSV", TABLE),
        ("mine.csv", f"\ufeff{TABLE}"),
        ("mine.csv", TABLE.encode("utf-16")),
        ("mine.csv", TABLE.replace("\n", "\r\n\r\n")),
        ("mine.csv", TABLE.replace("\n", "\r")),
        ("mine.csv", TABLE.replace(",", ";")),
        ("mine.csv", TABLE.replace(",", "|")),
        ("mine.csv", "sep=;\r\n" + TABLE.replace(",", ";")),
        ("mine.csv", "question,answer,,\nWhat is 2 + 2?,4,,\n,,,\n"),
        ("mine.csv", ",question,answer\n0,What is 2 + 2?,4\n"),
        ("mine.csv", "question , answer\nWhat is 2 + 2?, 4 \n"),
        ("mine.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("mine.tsv", TABLE.replace(",", "\t")),
    ],
)
def test_a_file_is_read_as_it_is(name: str, content: str | bytes) -> None:
    (example,) = load(name, content)
    assert (example.problem.question, example.problem.kind) == ("What is 2 + 2?", Number())
    assert example.score(4)


def test_objects_over_several_lines_are_rows() -> None:
    found = load("mine.json", json.dumps(ROW, indent=1) + "\n" + json.dumps({"question": "?", "answer": 5}, indent=1))
    assert [example.target for example in found] == [4, 5]


@pytest.mark.parametrize(
    ("answer", "more", "right", "wrong"),
    [
        (["Paris", "City of Light"], {}, ["paris", "The City of Light"], ["Lyon", "Paris or City of Light"]),
        (["4", 5], {}, [4, 5], [6]),
        (["1/2", "0.3"], {"kind": "expression"}, ["0.5", "3/10"], ["0.4"]),
        (["A", "grey"], {"options": ["red", "blue", "grey"]}, ["A", "C"], ["B"]),
        (
            ["positive", "neutral"],
            {"kind": {"kind": "label", "options": ["positive", "neutral", "negative"]}},
            ["neutral"],
            ["negative"],
        ),
        (["2024-01-02", "2024-01-03"], {"kind": {"kind": "date", "format": "%Y-%m-%d"}}, [], []),
        ([["a", "b"], ["b", "a"]], {"kind": "items"}, [("b", "a")], [("a",)]),
        (["a", "b"], {"kind": "items"}, [("a", "b")], [("a",), ("b",)]),
        ([{"a": 1}], {"kind": {"kind": "json", "shape": "array"}}, [[{"a": 1}]], [{"a": 1}]),
    ],
)
def test_any_of_several_accepted_answers_is_right(answer: Any, more: Any, right: list[Any], wrong: list[Any]) -> None:
    (example,) = load("mine.jsonl", json.dumps({"question": "?", "answer": answer, **more}))
    assert all(map(example.score, right))
    assert not any(map(example.score, wrong))
    for accepted in example.target.answers if isinstance(example.target, AnyOf) else []:
        assert example.score(example.problem.kind.target(accepted))


def test_any_of_in_the_fields_holds_for_kinds_of_lists_and_keeps_the_other_columns() -> None:
    row = {"question": "?", "answer": ["a;b", "b;a"], "kind": "items", "id": "first", "context": "Of two."}
    (example,) = load("mine.jsonl", json.dumps(row), "any_of=yes")
    assert (example.score(("b", "a")), example.score(("a",))) == (True, False)
    assert (example.problem.id, example.problem.context) == ("first", "Of two.")


@pytest.mark.parametrize(
    ("cell", "target"),
    [
        ('["Paris", "Lutetia"]', "Paris or Lutetia"),
        ("['Paris', 'Lutetia']", "Paris or Lutetia"),  # as pandas writes it
        ("[1, 2, 3]", "[1, 2, 3]"),
        ("['a' 'b']", "['a' 'b']"),  # as numpy writes it; Python would join the texts
        ("[Paris]", "[Paris]"),
    ],
)
def test_a_list_of_texts_in_a_cell_holds_accepted_answers(cell: str, target: str) -> None:
    quoted = cell.replace('"', '""')
    assert str(load("mine.csv", f'question,answer\n?,"{quoted}"\n')[0].target) == target


@pytest.mark.parametrize(
    "content",
    [
        "question,options,answer\nWhich?,red|blue| grey,blue\n",
        'question,options,answer\nWhich?,"[""red"", ""blue"", ""grey""]",B\n',
        "question,options,answer\nWhich?,\"['red', 'blue', 'grey']\",B\n",
        "question,A,B,C,D,answer\nWhich?,red,blue,grey,,blue\n",
        "question,option_a,option_b,Option C,answer\nWhich?,red,blue,grey,b\n",
        "answer,question,options\nB,Which?,red|blue|grey\n",
    ],
)
def test_options_in_one_cell_or_in_lettered_columns(content: str) -> None:
    (example,) = load("mine.csv", content)
    assert list(example.problem.kind.options) == ["red", "blue", "grey"]  # type: ignore[attr-defined]
    assert (example.score("B"), example.score("A")) == (True, False)


@pytest.mark.parametrize(
    "choices",
    [["red", "blue", "grey"], "red|blue|grey", {"label": ["A", "B", "C"], "text": ["red", "blue", "grey"]}],
)
def test_choices_are_options_as_other_libraries_name_them(choices: Any) -> None:
    (example,) = load("mine.jsonl", json.dumps({"question": "Which?", "choices": choices, "target": "B"}))
    assert list(example.problem.kind.options) == ["red", "blue", "grey"]  # type: ignore[attr-defined]
    assert (example.score("B"), example.score("A")) == (True, False)


def test_options_stay_with_a_mapping_of_the_other_columns() -> None:
    fields = "question=Q, answer=Right, index=yes"
    (example,) = load("mine.csv", "Q,A,B,Right\nWhich?,red,blue,1\n", fields)
    assert (example.target, example.score("B")) == ("B", True)
    (row,) = load("mine.csv", "Q,a,b,Right\nHow many?,2,3,5\n", "question=Q, answer=Right")
    assert row.problem.kind == Number()


def test_a_choice_of_several_options_has_a_list_as_one_answer() -> None:
    kind = {"kind": "choice", "options": ["x", "y", "z"], "several": True}
    (example,) = load("mine.jsonl", json.dumps({"question": "?", "answer": ["A", "B"], "kind": kind}))
    assert [example.score(value) for value in (("A", "B"), ("A",))] == [True, False]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("index=yes", "mine.csv:2: the answer must be the number of an option, from 0 to 1, got 9"),
        ("where=lang == en", "where must be COLUMN != TEXT, got 'lang == en'"),
        ("where=lang != en", "csv:mine.csv: it holds no problems: where=lang != en leaves out every row"),
        (
            "where=lng != de",
            "mine.csv:2: there is no column 'lng'; did you mean 'lang'? (the columns are",
        ),
        ("answer=A, answer=B", "the field 'answer' is mapped twice, to 'A' and 'B'"),
    ],
)
def test_a_mapping_that_does_not_fit_a_table(fields: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        load("mine.csv", "question,A,B,answer,lang\nWhich?,x,y,9,en\n", fields)
    assert said in str(raised.value)


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "mine.csv",
            workbook(),
            'mine.csv: a workbook or another zip archive cannot be read; save the sheet as "CSV UTF-8"',
        ),
        ("mine.csv", b"\xd0\xcf\x11\xe0\xa1", "mine.csv: an Excel workbook cannot be read; save the sheet"),
        ("mine.jsonl", b"PAR1\0", "mine.jsonl: this is a Parquet file; write parquet:FILE, or"),
        ("mine.csv", b"BZh91AY", "of compressed files only gzip is read; decompress it with bunzip2"),
        ("mine.jsonl", "version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS, not the file"),
        ("mine.csv", TABLE.encode("utf-16-le"), "mine.csv: the file has zero bytes, so it is no text in UTF-8"),
        ("mine.csv", TABLE.encode("utf-32"), "mine.csv: the file is UTF-32; save it as UTF-8"),
        ("mine.csv", "question,answer\nWo?,Köln\n".encode("latin1"), "mine.csv: not UTF-8: byte 0xf6 at 21 (line 2)"),
        (
            "mine.csv.gz",
            gzip.compress(TABLE.encode(), mtime=0)[:-9],
            "mine.csv.gz: the gzip data is truncated or damaged",
        ),
        ("mine.csv.gz", TABLE, "mine.csv.gz: cannot be read as csv: Not a gzipped file"),
        ("mine.csv", "", "mine.csv: the file holds no problems"),
        ("mine.csv", "question,answer\n", "mine.csv: the file holds no problems"),
        ("mine.json", "[]", "mine.json: the file holds no problems"),
        (
            "mine.csv",
            "question,answer,id,answer\n1,1,a,2\n",
            "mine.csv:1: two columns are called 'answer', number 2 and 4",
        ),
        ("mine.csv", "question,,answer\n1+1?,x,2\n", "mine.csv:2: column 2 has a cell, but no name in the first line"),
        (
            "mine.csv",
            "question,answer\nHow many, in all?,4\n",
            "mine.csv:2: 3 cells, but the first line names 2 columns",
        ),
        ("mine.csv", "question,answer\n1,2\n2+2?\n", "mine.csv:3: 'answer' or 'target' is missing: it is empty"),
        (
            "mine.csv",
            'question,answer\n1,2\n"2+2?,4\n3,6\n',
            "mine.csv:3: a quoted cell begins in this row and has no end",
        ),
        ("mine.csv", 'question,answer\n"say "hi" now",4\n', "mine.csv:2: a quoted cell must be followed by ','"),
        ("mine.csv", "What is 2+2?,4\nAnd 3?,6\n", "the first line of a table must name its columns"),
        (
            "mine.csv",
            "prompt,label\n2+2?,4\n",
            "the columns are 'prompt', 'label'; name yours: --fields 'question=prompt, answer=label'",
        ),
        ("mine.csv", "Question,Answer\n2+2?,4\n", "name yours: --fields 'question=Question, answer=Answer'"),
        ("mine.csv", "Frage;Antwort\n2+2?;4\n", "name yours: --fields 'question=Frage, answer=Antwort'"),
        (
            "mine.csv",
            "question,options,answer\nWhich?,red,red\n",
            "mine.csv:2: 'options' must be a list, an object or a text",
        ),
        (
            "mine.csv",
            "question,A,B,answer\nWhich?,x,y,1\n",
            "if it counts the options from 0, give index=yes in --fields",
        ),
        (
            "mine.jsonl",
            '{"question": "?", "choices": {"label": ["A"], "text": 5}, "answer": "A"}',
            "must be lists of one length",
        ),
        ("mine.csv", "question,options,answer\nWhich?,x|x,x\n", "two options are equal, so give the label"),
        ("mine.jsonl", f"{LINE}\n{LINE[:-1]}\n", "mine.jsonl:2: not JSON: "),
        (
            "mine.jsonl",
            '{"question": "?", "answer": NaN}',
            "mine.jsonl:1: 'answer' or 'target' is missing: it is empty",
        ),
        ("mine.json", f"[\n{LINE},\n{LINE[:-1]}", "mine.json:3: not JSON: "),
        ("mine.json", f"[\n{LINE}\n{LINE}\n]", "mine.json:3: the JSON list must go on with ',' or end with ']'"),
        ("mine.json", f"[{LINE}]\nmore", "mine.json: text follows the JSON list: 'more'"),
        ("mine.jsonl", f'{LINE}\n{{"question": "?", "answer": 1, "answer": 2}}\n', ":2: the key 'answer' occurs twice"),
        ("mine.json", f'[{LINE},\n{{"question": "?", "answer": 1, "answer": 2}}]', ":2: the key 'answer' occurs twice"),
        ("mine.json", f"[{LINE},\n 5]", "mine.json:2: item 2 must be a JSON object, got int"),
        (
            "mine.json",
            f'[{LINE},\n\n{{"question": "?"}}]',
            "mine.json:3: 'answer' or 'target' is missing; other rows have it",
        ),
        (
            "mine.json",
            '{"question": {"0": "?"}, "answer": {"0": 1}}',
            'with pandas: df.to_json(path, orient="records")',
        ),
        ("mine.json", f'{{"train": [{LINE}], "test": [{LINE}]}}', "must hold one list of objects, got 'train', 'test'"),
        ("mine.txt", LINE, "mine.txt: its name does not say what it holds; write csv:mine.txt or jsonl:mine.txt"),
        ("csv:mine.jsonl", LINE, "by its name it is jsonl:mine.jsonl"),
        ("jsonl:mine.csv", TABLE, "mine.csv:1: not JSON: Expecting value at column 1; by its name it is csv:mine.csv"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_the_remedy(name: str, content: str | bytes, said: str) -> None:
    Path(name.rpartition(":")[2]).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as raised:
        tasks.get(name).load(99, 0)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("mien.csv", InputError, "mien.csv: no such file; did you mean 'mine.csv'?"),
        ("mine.json", InputError, "mine.json: no such file; did you mean 'mine.jsonl'?"),
        ("jsonl:mien.jsonl", InputError, "did you mean 'mine.jsonl'?"),
        ("mine.yaml", InputError, "mine.yaml: no such file; did you mean 'mine."),
        ("data/mine.csv", InputError, "data/mine.csv: no such file; there is no folder 'data'"),
        ("other.csv", InputError, "other.csv: no such file; the data files there are mine.csv, mine.jsonl"),
        ("sub", InputError, "sub: a folder, not a file; the data files there are a.csv"),
        ("csv:sub", InputError, "sub: a folder, not a file; the data files there are a.csv"),
        ("mine.xlsx", InputError, 'mine.xlsx: workbooks cannot be read; save the sheet as "CSV UTF-8"'),
        ("toml:none.toml", InputError, "none.toml: no such file"),
        ("https://example.org/a.csv", InputError, "files are not downloaded; download it, and give the file"),
        ("OWNER/NAME", InputError, "a data set of the Hugging Face hub is written hf:OWNER/NAME"),
        ("mine", UnknownName, "unknown task 'mine'; did you mean 'mine.csv'?"),
        ("", UnknownName, "unknown task ''; known: "),
    ],
)
def test_a_wrong_name_gets_the_nearest_file(here: Path, name: str, error: type[UsageError], said: str) -> None:
    (here / "mine.csv").write_text(TABLE)
    (here / "mine.jsonl").write_text(LINE)
    (here / "sub").mkdir()
    (here / "sub" / "a.csv").write_text(TABLE)
    with pytest.raises(error) as raised:
        tasks.get(name)
    assert said in str(raised.value)


def test_accepted_answers_survive_a_results_folder_without_the_file(here: Path) -> None:
    Path("mine.csv").write_text('question,answer\nWhich city?,"[""Paris"", ""Lutetia""]"\n')
    llm = ScriptedLLM(lambda messages: "The answer is Lutetia.")
    assert compare(["vanilla"], "mine.csv", llm, out=here / "run", progress=False).rows[0].accuracy == 1
    Path("mine.csv").unlink()
    (stored,) = ResultsFolder.read(here / "run").examples.values()
    assert (stored.target, stored.score("paris"), stored.score("Lyon")) == (AnyOf(("Paris", "Lutetia")), True, False)
    assert rescore(here / "run").reread == 1


def test_a_target_of_several_answers_in_python() -> None:
    example = Example(Problem("2 or 3?", Number()), AnyOf([2, 3]))
    assert [example.score(value) for value in (2, 3, 4, None)] == [True, True, False, False]
    with pytest.raises(UsageError, match="AnyOf needs a list of accepted answers, got"):
        AnyOf([])
    with pytest.raises(UsageError, match="'many' is not a number"):
        Example(Problem("?", Number()), AnyOf([2, "many"])).score(2)


def test_decimal_commas_are_numbers_where_nothing_else_fits_and_a_warning_says_so() -> None:
    with pytest.warns(UserWarning, match=r"mine\.csv:3: the answer 3,5 is read as the number 3\.5; if it is no number"):
        examples = load("mine.csv", "question;answer\nOne?;1,500\n7 / 2?;3,5\nTwo?;-2\n")
    assert [float(example.target) for example in examples] == [1.5, 3.5, -2]
    assert {example.problem.kind for example in examples} == {Number()}
    with pytest.warns(UserWarning, match=r"mine\.csv:2: the answer 1,500 is read as 1500; .*write 1\.500, else 1500"):
        assert load("mine.csv", "question;answer\nMany?;1,500\nTwo?;2\n")[0].score(1500)


@pytest.mark.parametrize(
    "content",
    [
        "question;answer\nHalf?;3,5\nWho?;Ann\n",
        "question;answer;kind\nHalf?;3,5;text\nTwo?;2,5;text\n",
        'question,answer\nHalf?,"3,5"\n',
        "question;answer\nHalf?;3.5\nTwo?;2\n",
    ],
)
def test_other_answers_stay(content: str, recwarn: pytest.WarningsRecorder) -> None:
    assert str(load("mine.csv", content)[0].target).replace(",", ".") == "3.5"
    assert not recwarn.list


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "tsv", "parquet"])
def test_each_form_is_described(form: str) -> None:
    text = str(describe_task(form))
    assert "--fields 'question=Body, answer=Solution'" in text
    assert max(map(len, text.splitlines())) < 80
