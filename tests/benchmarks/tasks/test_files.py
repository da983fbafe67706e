"""Tasks from files: kinds, targets, ids, and what is wrong where."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks import tasks
from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.kinds import Choice, Date, Number, Text, YesNo


def written(path: Path, *lines: Any) -> str:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return f"jsonl:{path}"


def load(path: Path, *lines: Any, limit: int = 99) -> list[Any]:
    return tasks.get(written(path, *lines)).load(limit, 0)


@pytest.mark.parametrize(
    ("answers", "kind", "first"),
    [
        ([18, "1,000", "-0.5", "$3", "1/3"], Number(), 18),
        (["He has 3 left.\n#### 3", "#### 1,024"], Number(), "3"),
        (["yes", "No", True], YesNo(), "yes"),
        (["red", 18], Text(), "red"),
        (["12/24/2002", "01/02/2003"], Date("%m/%d/%Y"), "12/24/2002"),
        (["24.12.2002", "1.2.2003"], Date("%d.%m.%Y"), "24.12.2002"),
        (["2002-12-24", "2003-01-02"], Date(), "2002-12-24"),
        (["02/01/2003", "01/02/2003"], Text(), "02/01/2003"),  # January or February?
        (["12/24/2002", "24/12/2002"], Text(), "12/24/2002"),
        (["12/24/2002", "soon"], Text(), "12/24/2002"),
    ],
)
def test_the_kind_is_what_all_answers_are(tmp_path: Path, answers: list[Any], kind: object, first: Any) -> None:
    examples = load(tmp_path / "a.jsonl", *({"question": "?", "answer": answer} for answer in answers))
    assert [example.problem.kind for example in examples] == [kind] * len(answers)
    assert examples[0].target == first
    assert [example.problem.id for example in examples][:2] == ["a-0001", "a-0002"]
    assert all(example.score(example.problem.kind.target(example.target)) for example in examples)


def test_options_make_a_choice_and_the_others_decide_among_themselves(tmp_path: Path) -> None:
    examples = load(
        tmp_path / "a.jsonl",
        {"question": "Which?", "options": ["red", "blue"], "answer": "B"},
        {"question": "Which?", "options": {"x": "red", "y": "blue"}, "answer": "blue", "context": "The sky."},
        {"question": "How many?", "target": 3, "id": 7},
        {"question": "Who?", "answer": "Ann", "kind": "text"},
        {"question": "What?", "answer": "a; b", "kind": {"kind": "items", "sep": ";"}},
    )
    kinds = [type(example.problem.kind).__name__ for example in examples]
    assert kinds == ["Choice", "Choice", "Number", "Text", "Items"]
    assert examples[0].score("B")
    assert examples[1].score("y")
    assert examples[1].problem.context == "The sky."
    assert "(x) red" in examples[1].problem.values()["problem"]
    assert examples[2].problem.id == "7"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"answer": 1}, "'question' is missing; other rows have it, this one has 'answer'"),
        ({"qestion": "?", "answer": 1}, "'question' is missing; other rows have it, this one has 'qestion', 'answer'"),
        ({"question": " ", "answer": 1}, "'question' is missing: it is empty"),
        ({"question": 5, "answer": 1}, "'question' must be a text, got 5"),
        ({"question": "?"}, "'answer' or 'target' is missing; other rows have it, this one has 'question'"),
        ({"question": "?", "answer": "", "id": 1}, "'answer' or 'target' is missing: it is empty"),
        (
            {"question": "?", "answer": "A", "options": "red"},
            "'options' must be a list, an object or a text such as \"red|blue\" or",
        ),
        ({"question": "?", "answer": "C", "options": ["red", "blue"]}, "'C'"),
        ({"question": "?", "answer": "A", "options": ["red"]}, "2 to 26 options"),
        ({"question": "?", "answer": "many", "kind": "number"}, "'many' is not a number"),
        ({"question": "?", "answer": 1, "kind": "nmber"}, "did you mean 'number'"),
        ({"question": "?", "answer": 1, "context": 5}, "'context' must be a text, got 5"),
        ({"question": "?", "answer": 1, "id": "first"}, "the id 'first' is already in line 1"),
        (
            {"question": "?", "answer": ["a", ["b"]]},
            'an answer must be a text or a number, or a list of accepted ones, got ["b"]; a list of items needs',
        ),
        ({"question": "?", "answer": {"a": 1}}, 'a text or a number, or a list of accepted ones, got {"a": 1}'),
        ({"question": "?", "answer": ["4", "many"], "kind": "number"}, "'many' is not a number"),
        (
            {"question": "?", "answer": ["4", None]},
            "or a number, or a list of accepted ones, got null",
        ),
        ({"question": "?", "answer": [], "kind": "number"}, "the list of accepted answers is empty"),
        ({"question": "?", "answer": [["a"], "b"], "kind": "items"}, "the answer must be a list of texts and numbers"),
        ({"question": "?", "answer": {"a": 1}, "kind": "items"}, "the answer must be a list of texts and numbers"),
        ({"question": "?", "answer": [], "kind": "items"}, "is not a list of texts"),
        ({"question": "?", "answer": []}, "'answer' or 'target' is missing: it is empty"),
        ({"question": "?", "answer": ["A", "x"], "options": ["a", "b"]}, "'x' is neither a label nor an option"),
        (
            {"question": "?", "answer": "a", "options": ["a", None]},
            "each of 'options' must be a text or a number, got null",
        ),
        (
            {"question": "?", "answer": "a", "options": [["a"], "b"]},
            "each of 'options' must be a text or a number, got",
        ),
        ({"question": "?", "answer": 1, "id": ["a"]}, "'id' must be a text or a number, got [\"a\"]"),
        ('{"question": "?"', "not JSON"),
        ("[1, 2]", "must be a JSON object, got list"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: Any, said: str) -> None:
    path = tmp_path / "mine.jsonl"
    good = {"question": "What?", "answer": 1, "id": "first"}
    with pytest.raises(UsageError) as raised:
        load(path, good, line)
    assert str(raised.value).startswith(f"{path}:2: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "answer", "right", "wrong"),
    [
        ("items", ["a", 3], ("a", "3"), ("a",)),
        ("cells", ["a", 3], ("a", "3"), ("a", "4")),
        ("json", {"a": [1]}, {"a": [1]}, {"a": 1}),
        ({"kind": "items", "empty": "none"}, [], (), ("a",)),
    ],
)
def test_a_list_or_an_object_is_the_answer_of_a_kind_that_has_them(
    tmp_path: Path, kind: Any, answer: Any, right: Any, wrong: Any
) -> None:
    [example] = load(tmp_path / "mine.jsonl", {"question": "?", "answer": answer, "kind": kind})
    assert example.target == answer
    assert example.score(right)
    assert not example.score(wrong)


def test_files_that_are_missing_empty_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.jsonl: no such file"):
        tasks.get(f"jsonl:{tmp_path}/nothing.jsonl")
    with pytest.raises(InputError, match="holds no problem"):
        load(tmp_path / "empty.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="it begins as UTF-16 but is not: truncated data; save it as UTF-8"):
        tasks.get(f"jsonl:{tmp_path}/binary.jsonl").load(1, 0)


def test_the_version_is_the_content_and_the_name_is_not_the_path(tmp_path: Path) -> None:
    name = written(tmp_path / "a.jsonl", {"question": "?", "answer": 1})
    first = tasks.get(name)
    assert first.name == "jsonl:a.jsonl"
    before = first.version()
    assert before == tasks.get(name).version()
    written(tmp_path / "a.jsonl", {"question": "?", "answer": 2})
    assert tasks.get(name).version() != before


def test_the_beginning_does_not_depend_on_the_limit(tmp_path: Path) -> None:
    lines = [{"question": f"{k}?", "answer": k} for k in range(9)] + [{"question": "who?", "answer": "Ann"}]
    assert load(tmp_path / "a.jsonl", *lines, limit=3) == load(tmp_path / "a.jsonl", *lines)[:3]


def test_a_recording_is_a_task(tmp_path: Path) -> None:
    written(tmp_path / "r.jsonl", {"question": "2 + 2?", "reference": 4, "samples": ["It is 4."], "id": "a"})
    (example,) = tasks.get(f"replay:{tmp_path}/r.jsonl").load(5, 0)
    assert (example.problem.question, example.target, example.problem.kind) == ("2 + 2?", 4, Number())
    written(tmp_path / "r.jsonl", {"question": "2 + 2?", "samples": ["It is 4."]})
    with pytest.raises(InputError, match=r"r\.jsonl:1: 'reference' or"):
        tasks.get(f"replay:{tmp_path}/r.jsonl").load(5, 0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gsm_symbolc", "did you mean 'gsm_symbolic'"),
        ("xyzzy", "known: aqua, arc, arc_easy"),
        ("gsm8k:main", "unknown task 'gsm8k:main'"),
        ("bbh:snark", "did you mean 'bbh:snarks'"),
    ],
)
def test_unknown_tasks_get_the_nearest(name: str, said: str) -> None:
    with pytest.raises(UnknownName) as raised:
        tasks.get(name)
    assert said in str(raised.value)


def test_an_incomplete_task_says_how_it_is_written() -> None:
    with pytest.raises(UsageError, match="write jsonl:FILE"):
        tasks.get("jsonl:")
    with pytest.raises(UsageError, match="write csv:FILE"):
        tasks.get("csv")
    with pytest.raises(UsageError, match="write bbh:NAME, such as bbh:boolean_expressions"):
        tasks.get("bbh")


MAPPING = "question={Body} {Question}, answer=Answer"


def test_columns_with_other_names(tmp_path: Path) -> None:
    row = {"Body": "Ann has 3 pens.", "Question": "How many?", "Answer": "3.0", "wrong": 4}
    written(tmp_path / "a.jsonl", row)
    (example,) = tasks.get(f"jsonl:{tmp_path}/a.jsonl", MAPPING).load(5, 0)
    assert (example.problem.question, example.target) == ("Ann has 3 pens. How many?", "3")
    (tmp_path / "a.csv").write_text("\ufeffBody,Question,Answer\nAnn has 3 pens.,How many?,3.0\n", "utf-8")
    assert tasks.get(f"csv:{tmp_path}/a.csv", MAPPING).load(5, 0)[0].problem.question == example.problem.question
    (tmp_path / "mine.toml").write_text(
        'from = "csv:a.csv"\nquestion = "{Body} {Question}"\nanswer = "Answer"\nkind = "text"\n'
    )
    mine = tasks.get(f"toml:{tmp_path}/mine.toml")
    assert (mine.name, mine.load(5, 0)[0].problem.kind) == ("csv:a.csv", Text())
    assert mine.version() != tasks.get(f"csv:{tmp_path}/a.csv", MAPPING).version()


def test_a_comma_within_braces_or_quotes_ends_no_field(tmp_path: Path) -> None:
    row = {"When, exactly": "What day is it?", "Answer": "02/03/2002"}
    given = 'question="When, exactly", answer=Answer, kind={"kind": "date", "format": "%m/%d/%Y"}'
    written(tmp_path / "a.jsonl", row)
    (example,) = tasks.get(f"jsonl:{tmp_path}/a.jsonl", given).load(5, 0)
    assert (example.problem.question, example.problem.kind) == ("What day is it?", Date("%m/%d/%Y"))


def test_a_task_file_gives_a_kind_with_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,answer\nWhat day is it?,02/03/2002\n")
    task = 'from = "csv:a.csv"\nkind = {kind = "date", %s = "%%m/%%d/%%Y"}\n'
    (tmp_path / "mine.toml").write_text(task % "format")
    (example,) = tasks.get(f"toml:{tmp_path}/mine.toml").load(5, 0)
    assert example.problem.kind == Date("%m/%d/%Y")
    assert example.score(date(2002, 2, 3))
    assert not example.score(date(2002, 3, 2))
    (tmp_path / "mine.toml").write_text(task % "fromat")
    with pytest.raises(UsageError, match=r"a\.csv:2: unknown parameter 'fromat' of the kind 'date'"):
        tasks.get(f"toml:{tmp_path}/mine.toml").load(5, 0)


def test_a_parquet_file(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"question": f"{k}?", "answer": k, "context": None} for k in range(1, 4)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=2)
    examples = tasks.get(f"parquet:{tmp_path}/a.parquet").load(9, 0)
    assert [(one.problem.id, one.target) for one in examples] == [("a-0001", 1), ("a-0002", 2), ("a-0003", 3)]
    (tmp_path / "b.parquet").write_text("no parquet")
    with pytest.raises(InputError, match=r"b\.parquet: cannot be read as parquet"):
        tasks.get(f"parquet:{tmp_path}/b.parquet").load(9, 0)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("question=Bdy, answer=Answer", r"a\.jsonl:1: there is no column 'Bdy'; did you mean 'Body'"),
        ("question={Body} {Nix}, answer=Answer", r"there is no column 'Nix'"),
        ("question=Body, anser=Answer", "unknown field 'anser' of the mapping; did you mean 'answer'"),
        ("question", "a mapping is written as NAME=COLUMN"),
        ("question=Body, answer=Answer, index=yes", "index=yes needs options, of which the answer is the number"),
        ("question=Body, answer=Answer, kind={number", "kind must be a JSON object, got '{number'"),
    ],
)
def test_a_mapping_that_does_not_fit(tmp_path: Path, fields: str, said: str) -> None:
    written(tmp_path / "a.jsonl", {"Body": "How many?", "Answer": "3"})
    with pytest.raises(UsageError, match=said):
        tasks.get(f"jsonl:{tmp_path}/a.jsonl", fields).load(5, 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("question = ", "must be a TOML file"),
        ('question = "Body"', r'"from" is missing'),
        ('from = "csv:none.csv"', "none.csv: no such file"),
        ('from = "csv:."', "a folder, not a file"),
        ('from = "gsm8k"\nquestion = "x"', "mine.toml: the task 'gsm8k' has its own fields"),
    ],
)
def test_a_task_file_that_makes_no_sense(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    with pytest.raises(InputError, match=said):
        tasks.get(f"toml:{tmp_path}/mine.toml")


def test_a_csv_line_with_too_many_cells(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,answer\nHow many?,1,234\n")
    with pytest.raises(
        InputError,
        match=r"a\.csv:2: 3 cells, but the first line names 2 columns; put quotes around a cell that holds ','",
    ):
        tasks.get(f"csv:{tmp_path}/a.csv").load(5, 0)


def test_choice_needs_options(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.jsonl:1: Choice needs 2 to 26 options"):
        load(tmp_path / "a.jsonl", {"question": "?", "answer": "A", "kind": "choice"})
    assert Choice.name == "choice"
