"""`--output`: the formats of everything that is a table."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from reasoning.cli.app import app
from reasoning.tables import Document, Table
from tests.benchmarks.chains.chain_folder import said, write
from tests.command_line import reasoning
from tests.faults.server import Server

PROBLEM = "gsm_symbolic-3-0001"
FOLDER = Path(__file__).parents[2] / "docs" / "research" / "example"


def run(*words: str) -> str:
    """Return what a command prints on standard output."""
    done = CliRunner().invoke(app(), [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


def tables(text: str) -> list[list[str]]:
    """Return the rows of a CSV output, all of one width."""
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    return rows


LISTINGS = {
    "strategies": "name",
    "tasks": "task",
    "models list": "name",
    "prompts list cot": "name",
    "bench power": "strategies",
    "chain check telecom_feedback": "step",
    f"bench report {FOLDER}": "strategy",
    f"bench show {FOLDER}": "problem",
    f"bench show {FOLDER} --id {PROBLEM}": "strategy",
    f"bench show {FOLDER} --id {PROBLEM} -s vanilla -s cot": "strategy",
    f"bench summary {FOLDER} {FOLDER}": "task",
    f"bench compare {FOLDER} {FOLDER}": "strategy",
    f"bench matrix {FOLDER}": "strategy",
    "models show openai/gpt-4o-mini": "subject",
    "doctor": "subject",
    "journal info": "model",
    "tune methods": "method",
    f"search {FOLDER.parents[1] / 'explanation'} budget": "rank",
}


@pytest.mark.parametrize(("command", "first"), LISTINGS.items())
def test_every_table_is_printed_in_every_format(command: str, first: str) -> None:
    words = command.split()
    rows = tables(run(*words, "--output", "csv"))
    assert rows[0][0] == first
    lines = run(*words, "--output", "md").splitlines()
    [rule] = [index for index, line in enumerate(lines) if line.startswith("| ---")]
    assert lines[rule - 1].startswith(f"| {first}")
    data = json.loads(run(*words, "--output", "json"))
    assert isinstance(data, dict)
    assert json.loads(run(*words, "--json")) == data
    if "rows" in data:
        assert [list(row) for row in data["rows"]] == [rows[0]] * (len(rows) - 1)


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Yield each command and its options."""
    for name, part in getattr(command, "commands", {}).items():
        yield from walk(part, (*path, name))
    yield " ".join(path), {option for parameter in command.params for option in parameter.opts}


OPTIONS = dict(walk(app()))


def test_each_command_with_json_has_all_formats_and_is_run_here() -> None:
    """A new command with `--json` needs `--output`, and a line in `LISTINGS` or in `RUNS`.

    The commands of `tune` need adapters, labels or a trained model; tests/tuning/cli runs them. Those of `batch` need
    batches; tests/cli/test_batch.py runs them. `bench merge` needs shards; tests/benchmarks/shards runs it.
    """
    with_json = {name for name, options in OPTIONS.items() if "--json" in options}
    assert with_json == {name for name, options in OPTIONS.items() if "--output" in options}
    run_here = {next(name for name in sorted(OPTIONS, reverse=True) if words.startswith(name)) for words in LISTINGS}
    elsewhere = {name for name in with_json if name.startswith(("tune ", "batch ", "bench merge"))}
    assert with_json - elsewhere == run_here - {"tune methods"} | RUNS.keys()
    assert run_here <= with_json


RUNS = {
    "ask": ("ask", "What is 1 + 1?", "--kind", "number"),
    "bench run": ("bench", "run", "--task", "sums.jsonl", "--strategies", "vanilla, cot"),
    "advise": ("advise", "--task", "sums.jsonl", "--strategies", "vanilla, cot", "--budget-calls", "99"),
    "chain test": ("chain", "test", "notes", "--min-pass-rate", "0"),
    "chain eval": ("chain", "eval", "notes"),
    "chain compare": ("chain", "compare", "notes", "notes"),
    "bench rescore": ("bench", "rescore", "run"),
    "bench import": ("bench", "import", "scores.csv", "--map", "answer=gold"),
}
"""Commands that need a model or change files, by name."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Yield a folder with a task, a chain and a run, and the address of a model."""

    def reply(prompt: str, *_: int) -> str:
        return "The answer is 2." if "What is" in prompt else said(prompt)

    path = tmp_path_factory.mktemp("formats")
    rows = [{"question": f"What is {number} + 1?", "answer": number + 1} for number in range(12)]
    (path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "scores.csv").write_text("question,gold,score,reply\nWhat is 1 + 1?,2,1,It is 2.\n")
    write(path / "notes")
    with Server(say=reply) as server:
        done = reasoning(*RUNS["bench run"], "--out", "run", "-m", "mock", "--base-url", server.url, cwd=path)
        assert done.returncode == 0, done.stderr
        # As if an answer had been parsed wrongly by earlier rules.
        run_file, results = path / "run" / "run.json", path / "run" / "results.jsonl"
        run_file.write_text(json.dumps(rules_of_version_0(json.loads(run_file.read_text()))))
        changed = [{**json.loads(line), "parser_version": 0, "value": "7"} for line in results.read_text().splitlines()]
        results.write_text("".join(json.dumps(row) + "\n" for row in changed))
        yield path, server.url


def rules_of_version_0(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "settings": {**data["settings"], "parser_version": 0}}


@pytest.mark.parametrize("command", RUNS)
def test_a_command_that_runs_a_model_prints_every_format(
    command: str, folder: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = folder
    monkeypatch.chdir(path)
    model = [] if command in ("bench rescore", "bench import") else ["--model", "mock", "--base-url", url]
    shown = {}
    for form in ("csv", "md", "json"):
        words = list(RUNS[command])
        if command == "bench rescore":
            shutil.copytree("run", form)
            words[-1] = form
        shown[form] = run(*words, *model, "--output", form)
    # An empty line separates two tables.
    assert all(len(tables(text)) > 1 for text in shown["csv"].split("\n\n"))
    assert "| ---" in shown["md"]
    assert json.loads(shown["json"])


def test_a_problem_as_json_has_its_answers_and_the_traces_that_were_asked_for() -> None:
    whole = json.loads(run("bench", "show", str(FOLDER), "--id", PROBLEM, "--json"))
    assert whole["problem"] == PROBLEM
    assert [sorted(answer) for answer in whole["answers"]]
    assert not any("trace" in answer for answer in whole["answers"])
    [one] = json.loads(run("bench", "show", str(FOLDER), "--id", PROBLEM, "-s", "cot", "--json"))["answers"]
    assert (one["strategy"], one["repetition"], "trace" in one) == ("cot", 1, True)


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
