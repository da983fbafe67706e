"""Stored replies are read again by the present rules: no call, and what changed is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reasoning import kinds
from reasoning.benchmarks import compare
from reasoning.benchmarks.rescore import rescore
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.cli.app import app
from reasoning.errors import CallFailed, InputError, SettingsChanged
from reasoning.messages import Message
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]
Adds = Callable[..., Callable[[tuple[Message, ...]], str]]
SPECS = ["vanilla", "self_consistency(cot, samples=3)"]


@pytest.fixture
def folder(tmp_path: Path, sums: Sums, adds: Adds) -> Path:
    compare(SPECS, sums(4), ScriptedLLM(adds(2)), limit=4, out=tmp_path / "run", progress=False)
    return tmp_path / "run"


def read_by_older_rules(folder: Path, problem: str, spec: str, **fields: Any) -> None:
    """As if a result had been read wrongly by the rules of version 0."""
    run = json.loads((folder / "run.json").read_text())
    run["settings"]["parser_version"] = 0
    (folder / "run.json").write_text(json.dumps(run))
    lines = []
    for line in (folder / "results.jsonl").read_text().splitlines():
        record = {**json.loads(line), "parser_version": 0}
        if (record["problem"], record["strategy"]) == (problem, spec):
            record |= fields
        lines.append(json.dumps(record) + "\n")
    (folder / "results.jsonl").write_text("".join(lines))


def test_nothing_changes_under_the_same_rules(folder: Path) -> None:
    before = ResultsFolder.read(folder).results
    found = rescore(folder)
    assert (found.version_before, found.version_after) == (kinds.PARSER_VERSION, kinds.PARSER_VERSION)
    assert (found.reread, found.changed, found.skipped) == (8, (), ())
    assert ResultsFolder.read(folder).results == before
    assert str(found.results_after) == str(found.results_before)


def test_a_misread_answer_is_read_rightly_and_shown(folder: Path, sums: Sums) -> None:
    right = ResultsFolder.read(folder)
    read_by_older_rules(folder, "sum-3", SPECS[1], value="3", correct=False, rule="last candidate")
    found = rescore(folder)
    [(was, now)] = found.changed
    assert (was.problem, was.value, was.correct, was.parser_version) == ("sum-3", "3", False, 0)
    assert (now.value, now.correct, now.rule, now.parser_version) == ("6", True, "trigger", kinds.PARSER_VERSION)
    assert [row.correct for row in found.results_before.rows] == [3, 2]
    assert [row.correct for row in found.results_after.rows] == [3, 3]
    assert now.votes == (("6", 3),)
    stored = ResultsFolder.read(folder)
    assert stored.results == right.results
    assert stored.settings["parser_version"] == kinds.PARSER_VERSION
    assert json.loads((folder / "results.json").read_text()) == found.results_after.to_json(spent=False)
    trace = stored.trace("sum-3", SPECS[1])
    assert trace is not None
    assert sum(len(call.completions) for call in trace.calls()) == 3
    silent = ScriptedLLM([])
    compare(SPECS, sums(4), silent, limit=4, out=folder, progress=False)
    assert silent.requests == []


def test_the_same_command_says_how_to_go_on(folder: Path, sums: Sums) -> None:
    read_by_older_rules(folder, "sum-1", "vanilla")
    with pytest.raises(SettingsChanged, match=r"parser_version 0 → \d+\).*reasoning bench rescore"):
        compare(SPECS, sums(4), ScriptedLLM([]), limit=4, out=folder, progress=False)


def test_a_result_whose_draws_are_not_there_stays_as_it_was(folder: Path) -> None:
    stored = ResultsFolder.read(folder)
    gone = Result(**{**vars(stored.results[ResultKey("sum-1", "vanilla")]), "strategy": "cot(shots=2)"})
    odd = Result(**{**vars(gone), "strategy": "once_upon_a_time"})
    with (folder / "results.jsonl").open("a") as file:
        file.writelines(json.dumps(one.to_json()) + "\n" for one in (gone, odd))
    run = json.loads((folder / "run.json").read_text())
    run["strategies"] += [gone.strategy, odd.strategy]
    (folder / "run.json").write_text(json.dumps(run))
    found = rescore(folder)
    assert (found.reread, found.changed) == (8, ())
    assert [many for _, many in found.skipped] == [1, 1]
    said = " ".join(why for why, _ in found.skipped)
    assert "a draw is not in the folder" in said
    assert "once_upon_a_time" in said
    assert ResultsFolder.read(folder).results[ResultKey("sum-1", gone.strategy)] == gone


def test_a_vote_of_which_a_sample_is_missing_is_not_counted_anew(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    script, calls = adds(), 0

    def fails_once(messages: tuple[Message, ...]) -> str:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise CallFailed("no")
        return script(messages)

    spec = "self_consistency(cot(stages=1), samples=3)"
    compare([spec], sums(1), ScriptedLLM(fails_once, max_n=1), out=tmp_path / "run", progress=False)
    [stored] = ResultsFolder.read(tmp_path / "run").results.values()
    assert stored.votes == (("2", 2),)
    found = rescore(tmp_path / "run")
    assert (found.reread, found.skipped[0][1]) == (0, 1)


def test_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    read_by_older_rules(
        folder, "sum-3", SPECS[1], state="unparsed", value=None, rule="", correct=False, reason="nothing found"
    )
    told = CliRunner().invoke(app(), ["bench", "report", str(folder), "--parse-rules"])
    assert "answers by parsing rule" in told.stdout
    assert "unparsed: nothing found" in told.stdout
    told = CliRunner().invoke(app(), ["bench", "rescore", str(folder)])
    assert told.exit_code == 0
    assert f"parser version 0 → {kinds.PARSER_VERSION}: 8 results parsed again, 1 changed" in told.stdout
    assert "✗ unparsed (nothing found)" in told.stdout
    assert "✓ 6 (trigger)" in told.stdout
    told = CliRunner().invoke(app(), ["bench", "rescore", str(folder), "--json"])
    assert json.loads(told.stdout)["changed"] == []
    with pytest.raises(InputError, match="not a results folder"):
        rescore(tmp_path / "nothing")
