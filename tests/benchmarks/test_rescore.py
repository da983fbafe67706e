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
from reasoning.benchmarks.results.folder import Store
from reasoning.benchmarks.results.result import Key, Result
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
    run["settings"]["checker"] = 0
    (folder / "run.json").write_text(json.dumps(run))
    lines = []
    for line in (folder / "results.jsonl").read_text().splitlines():
        record = {**json.loads(line), "checker": 0}
        if (record["problem"], record["strategy"]) == (problem, spec):
            record |= fields
        lines.append(json.dumps(record) + "\n")
    (folder / "results.jsonl").write_text("".join(lines))


def test_nothing_changes_under_the_same_rules(folder: Path) -> None:
    before = Store.read(folder).results
    found = rescore(folder)
    assert (found.before, found.after) == (kinds.PARSER_VERSION, kinds.PARSER_VERSION)
    assert (found.read, found.changed, found.left) == (8, (), ())
    assert Store.read(folder).results == before
    assert str(found.now) == str(found.was)


def test_a_misread_answer_is_read_rightly_and_shown(folder: Path, sums: Sums) -> None:
    right = Store.read(folder)
    read_by_older_rules(folder, "sum-3", SPECS[1], value="3", correct=False, how="last candidate")
    found = rescore(folder)
    [(was, now)] = found.changed
    assert (was.problem, was.value, was.correct, was.checker) == ("sum-3", "3", False, 0)
    assert (now.value, now.correct, now.how, now.checker) == ("6", True, "trigger", kinds.PARSER_VERSION)
    assert [row.correct for row in found.was.rows] == [3, 2]
    assert [row.correct for row in found.now.rows] == [3, 3]
    assert now.votes == (("6", 3),)
    stored = Store.read(folder)
    assert stored.results == right.results
    assert stored.settings["checker"] == kinds.PARSER_VERSION
    assert json.loads((folder / "results.json").read_text()) == found.now.to_json(spent=False)
    trace = stored.trace("sum-3", SPECS[1])
    assert trace is not None
    assert sum(len(call.completions) for call in trace.calls()) == 3
    silent = ScriptedLLM([])
    compare(SPECS, sums(4), silent, limit=4, out=folder, progress=False)
    assert silent.requests == []


def test_the_same_command_says_how_to_go_on(folder: Path, sums: Sums) -> None:
    read_by_older_rules(folder, "sum-1", "vanilla")
    with pytest.raises(SettingsChanged, match=r"checker 0 → \d+\).*reasoning bench rescore"):
        compare(SPECS, sums(4), ScriptedLLM([]), limit=4, out=folder, progress=False)


def test_a_result_whose_draws_are_not_there_stays_as_it_was(folder: Path) -> None:
    stored = Store.read(folder)
    gone = Result(**{**vars(stored.results[Key("sum-1", "vanilla")]), "strategy": "cot(shots=2)"})
    odd = Result(**{**vars(gone), "strategy": "once_upon_a_time"})
    with (folder / "results.jsonl").open("a") as file:
        file.writelines(json.dumps(one.to_json()) + "\n" for one in (gone, odd))
    run = json.loads((folder / "run.json").read_text())
    run["strategies"] += [gone.strategy, odd.strategy]
    (folder / "run.json").write_text(json.dumps(run))
    found = rescore(folder)
    assert (found.read, found.changed) == (8, ())
    assert [many for _, many in found.left] == [1, 1]
    said = " ".join(why for why, _ in found.left)
    assert "a draw is not in the folder" in said
    assert "once_upon_a_time" in said
    assert Store.read(folder).results[Key("sum-1", gone.strategy)] == gone


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
    [stored] = Store.read(tmp_path / "run").results.values()
    assert stored.votes == (("2", 2),)
    found = rescore(tmp_path / "run")
    assert (found.read, found.left[0][1]) == (0, 1)


def test_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    read_by_older_rules(
        folder, "sum-3", SPECS[1], state="unparsed", value=None, how="", correct=False, why="nothing found"
    )
    told = CliRunner().invoke(app(), ["bench", "report", str(folder), "--how"])
    assert "how the answers were read" in told.stdout
    assert "unparsed: nothing found" in told.stdout
    told = CliRunner().invoke(app(), ["bench", "rescore", str(folder)])
    assert told.exit_code == 0
    assert f"checker 0 → {kinds.CHECKER}: 8 results read again, 1 changed" in told.stdout
    assert "✗ unparsed (nothing found)" in told.stdout
    assert "✓ 6 (trigger)" in told.stdout
    told = CliRunner().invoke(app(), ["bench", "rescore", str(folder), "--json"])
    assert json.loads(told.stdout)["changed"] == []
    with pytest.raises(InputError, match="no results of a run here"):
        rescore(tmp_path / "nothing")
