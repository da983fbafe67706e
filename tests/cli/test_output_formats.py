"""`--output`: the formats of everything that is a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reasoning.cli.app import app
from reasoning.tables import Document, Table
from tests.cli.test_app import reasoning

FOLDER = Path(__file__).parents[2] / "docs" / "research" / "example"


def run(*words: str) -> str:
    """Return what a command prints on standard output."""
    done = CliRunner().invoke(app(), [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


LISTINGS = {
    "strategies": "name",
    "tasks": "task",
    "models list": "name",
    "prompts list cot": "name",
    "bench power": "strategies",
    "chain check telecom_feedback": "step",
    f"bench report {FOLDER}": "strategy",
    f"bench show {FOLDER}": "problem",
    f"bench compare {FOLDER} {FOLDER}": "strategy",
    f"bench matrix {FOLDER}": "strategy",
    "models show openai/gpt-4o-mini": "subject",
    "doctor": "subject",
    "journal info": "model",
}


@pytest.mark.parametrize(("command", "first"), LISTINGS.items())
def test_every_table_is_printed_in_every_format(command: str, first: str) -> None:
    words = command.split()
    rows = list(csv.reader(io.StringIO(run(*words, "--output", "csv"))))
    assert rows[0][0] == first
    assert {len(row) for row in rows} == {len(rows[0])}
    lines = run(*words, "--output", "md").splitlines()
    [rule] = [index for index, line in enumerate(lines) if line.startswith("| ---")]
    assert lines[rule - 1].startswith(f"| {first}")
    data = json.loads(run(*words, "--output", "json"))
    assert isinstance(data, dict)
    assert json.loads(run(*words, "--json")) == data
    if "rows" in data:
        assert [list(row) for row in data["rows"]] == [rows[0]] * (len(rows) - 1)


def test_the_numbers_of_a_run_are_exact_in_csv_and_readable_in_markdown() -> None:
    rows = list(csv.DictReader(io.StringIO(run("bench", "report", str(FOLDER), "--output", "csv"))))
    results = json.loads(run("bench", "report", str(FOLDER), "--json"))["results"]
    assert [(row["strategy"], int(row["correct"]), int(row["n"])) for row in rows] == [
        (row["strategy"], row["correct"], row["n"]) for row in results
    ]
    markdown = run("bench", "report", str(FOLDER), "--output", "md")
    assert "Best:" in markdown or "solved" in markdown or "Not significantly" in markdown


def test_a_run_of_several_models_is_one_csv_table(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text('{"question": "What is 2 + 2?", "answer": 4}\n')
    models = []
    for name, reply in (("right", 4), ("wrong", 5)):
        said = {"question": "What is 2 + 2?", "samples": [f"The answer is {reply}."]}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(said))
        models += ["--model", f"replay:{tmp_path / name}.jsonl"]
    words = ["bench", "run", "--task", f"jsonl:{tmp_path / 'mine.jsonl'}", "--strategies", "vanilla", "--no-journal"]
    done = reasoning(*words, *models, "--output", "csv", cwd=tmp_path)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["model"], row["accuracy"]) for row in rows] == [
        ("replay:right.jsonl", "1.0"),
        ("replay:wrong.jsonl", "0.0"),
    ]
    plan = reasoning(*words, *models[:2], "--dry-run", "--output", "md", cwd=tmp_path)
    assert "| vanilla |" in plan.stdout
    assert done.returncode == plan.returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["strategies", "--output", "xml"], "xml"),
        (["tasks", "--json", "--output", "csv"], "--json and --output csv exclude each other"),
        (["tasks", "coin_flip", "--output", "csv"], "leave out coin_flip"),
    ],
)
def test_a_format_that_does_not_fit_is_refused(words: list[str], said: str) -> None:
    done: Any = CliRunner().invoke(app(), words)
    assert done.exit_code == 2
    assert said in done.output


def test_a_document_has_no_formula_and_no_markup_of_its_data() -> None:
    document = Document(["*about* [x](y)", Table(("name", "n"), [("=1+1", 2), ("a|b", 3)], name="rows")])
    assert document.to_csv() == "name,n\n'=1+1,2\na|b,3\n"
    rows = [("=1+1", "2"), ("a|b", "3")]
    shown = Document(["*about* [x](y)", Table(("name", "n"), rows)]).to_markdown()
    assert shown.splitlines()[0] == r"\*about\* \[x\](y)"
    assert r"| a\|b | 3 |" in shown
    assert document.to_json() == {"rows": [{"name": "=1+1", "n": 2}, {"name": "a|b", "n": 3}]}
