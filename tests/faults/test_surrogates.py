"""Lone surrogates (half characters) in data files, replies and results folders: kept, shown and written."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reasoning.benchmarks.results.folder import ResultsFolder
from tests.cli.test_terminal import Words, controls, terminal
from tests.faults.server import Server

HALF = "\ud83d"
"""The first half of an emoji, as a reply that is cut inside it ends."""


@pytest.fixture
def with_model() -> Iterator[Words]:
    with Server(say=lambda prompt, nth, place: f"Half {HALF} of it. The answer is {HALF}4{HALF}") as server:
        yield ("--model", f"m{HALF}", "--base-url", server.url)


def test_half_characters_are_kept_shown_and_written(tmp_path: Path, with_model: Words) -> None:
    rows = [
        {"id": f"{HALF}1", "question": f"{HALF} 2?", "answer": f"{HALF}4{HALF}", "context": HALF, "family": 50 * HALF},
        {"id": f"2{HALF}", "question": "2?", "options": [f"a{HALF}", "b"], "answer": f"a{HALF}"},
        {"question": "3?", "kind": "items", "answer": ["a", HALF]},
    ]
    (tmp_path / "tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "inputs.jsonl").write_text(json.dumps({"id": HALF, "text": f"{HALF}!"}) + "\n")
    chain = tmp_path / "chain"
    chain.mkdir()
    (chain / "word.md").write_text("# Input\n\n{text}\n")
    (chain / "chain.toml").write_text(
        'name = "chain"\n\n[[step]]\nname = "word"\nreads = ["text"]\nprompt = "word.md"\n'
    )
    run = ("bench", "run", "--task", "jsonl:tasks.jsonl", "--strategies", "vanilla, cot", *with_model)
    written = [word for kind in ("md", "html", "csv", "json", "tex") for word in ("--write", f"report.{kind}")]
    commands: list[Words] = [
        (*run, "--out", "out"),
        (*run, "--out", "out", "--limit", "3"),
        (*run, "--out", "json", "--json"),
        ("bench", "show", "out"),
        ("bench", "show", "out", "--id", "1", "--strategy", "cot"),
        ("bench", "report", "out", "--all", "--parse-rules", *written),
        ("bench", "report", "out", "--json"),
        ("bench", "rescore", "out"),
        ("bench", "compare", "out", "json", "--junit", "junit.xml"),
        ("ask", f"{HALF}?", "--trace", *with_model),
        ("ask", "2?", "--context", HALF, "--json", *with_model),
        ("chain", "run", "chain", "inputs.jsonl", *with_model),
        ("chain", "run", "chain", "inputs.jsonl", "--out", "rows.csv", *with_model),
        ("chain", "run", "chain", "inputs.jsonl", "--out", "rows.jsonl", *with_model),
        ("journal", "info"),
        ("journal", "export", "draws.jsonl"),
        ("journal", "import", "draws.jsonl", "--journal", "other.sqlite"),
        ("journal", "verify"),
    ]
    for words, (code, received) in terminal(commands, tmp_path).items():
        assert (code, controls(received)) == (0, []), (words, received)
        assert "Traceback" not in received
    store = ResultsFolder.read(tmp_path / "out")
    assert len(store.results) == 6
    assert f"{HALF}1" in store.examples
    first = next(iter(store.examples.values()))
    assert (first.problem.question, first.target) == (f"{HALF} 2?", f"{HALF}4{HALF}")
    assert all(result.correct for key, result in store.results.items() if key.problem == f"{HALF}1")
    assert json.loads((tmp_path / "rows.jsonl").read_text())["id"] == HALF
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as table:
        assert [row["state"] for row in csv.DictReader(table)] == ["answered"]
    for name in ("report.md", "report.html", "report.csv", "report.json", "report.tex", "junit.xml", "out/results.md"):
        assert (tmp_path / name).read_text(encoding="utf-8")


def test_half_characters_in_the_folder_of_a_stranger_are_read(tmp_path: Path, with_model: Words) -> None:
    (tmp_path / "tasks.jsonl").write_text('{"id": "one", "question": "2?", "answer": "4"}\n')
    run = ("bench", "run", "--task", "jsonl:tasks.jsonl", "--strategies", "vanilla", "--out", "out", *with_model)
    [(code, received)] = terminal([run], tmp_path).values()
    assert code == 0, received
    for path in (tmp_path / "out").glob("*.json*"):
        path.write_text(path.read_text().replace("one", "one\\ud800").replace("vanilla", "vanilla\\udfff"))
    for words, (code, received) in terminal(
        [
            ("bench", "show", "out"),
            ("bench", "report", "out", "--write", "report.html", "--write", "report.csv"),
            ("bench", "report", "out", "--json"),
        ],
        tmp_path,
    ).items():
        assert (code, controls(received)) == (0, []), (words, received)
