"""Divided runs: what a shard has, what merging gives, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks import compare
from reasoning.benchmarks.results.folder_lock import lock_file
from reasoning.benchmarks.shards import heartbeat
from reasoning.benchmarks.shards.api import compare_shard
from reasoning.benchmarks.shards.division import Shard
from reasoning.benchmarks.shards.merge import merge_shards, run_lock
from reasoning.engine.budget import Budget
from reasoning.engine.limit_settings import LimitSettings
from reasoning.errors import InputError, SettingsChanged, UsageError
from reasoning.messages import Message, Usage
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM
from tests.benchmarks.runs.test_fitting import Apprentice
from tests.benchmarks.shards.folders import assert_same

Sums = Callable[[int], list[Example]]
Adds = Callable[..., Callable[[tuple[Message, ...]], str]]
STRATEGIES = ["vanilla", "self_consistency(cot(stages=1), samples=3)"]


@pytest.fixture
def shard(tmp_path: Path, sums: Sums, adds: Adds) -> Callable[..., Any]:
    """Runs a shard of a comparison of eleven sums in the folder `many`."""

    def run(text: str, llm: ScriptedLLM | None = None, **options: Any) -> Any:
        model = ScriptedLLM(adds(2, 3)) if llm is None else llm
        options = {"out": tmp_path / "many", "local_folder": tmp_path / "local", "limit": 0, **options}
        strategies = options.pop("strategies", STRATEGIES)
        return compare_shard(text, strategies, options.pop("task", sums(11)), model, progress=False, **options)

    return run


def one_process(tmp_path: Path, sums: Sums, adds: Adds, **options: Any) -> Path:
    compare(STRATEGIES, sums(11), ScriptedLLM(adds(2, 3)), out=tmp_path / "one", progress=False, limit=0, **options)
    return tmp_path / "one"


def test_merged_shards_are_the_folder_of_one_process(tmp_path: Path, sums: Sums, adds: Adds, shard: Any) -> None:
    for index in range(4):
        found = shard(f"{index}/4", epochs=2)
        assert found.n == (3 if index < 3 else 2)
    merged = merge_shards(tmp_path / "many")
    assert merged.is_complete
    assert_same(one_process(tmp_path, sums, adds, epochs=2), tmp_path / "many")
    again = compare(STRATEGIES, sums(11), ScriptedLLM([]), out=tmp_path / "one", progress=False, limit=0, epochs=2)
    assert str(merged.comparison) == str(again)
    assert list((tmp_path / "local").iterdir()) == []


def test_a_merged_folder_goes_on_as_a_run_of_one_process(tmp_path: Path, sums: Sums, shard: Any) -> None:
    for index in range(2):
        shard(f"{index}/2")
    merge_shards(tmp_path / "many")
    found = compare(STRATEGIES, sums(11), ScriptedLLM([]), out=tmp_path / "many", progress=False, limit=0)
    assert (found.n, found.spent.calls) == (11, 0)
    assert found.before.total().calls == 44


def test_a_late_shard_is_named_and_merged_later(tmp_path: Path, sums: Sums, adds: Adds, shard: Any) -> None:
    shard("0/3")
    shard("2/3")
    merged = merge_shards(tmp_path / "many")
    assert not merged.is_complete
    assert "missing shards: 1/3" in str(merged)
    assert merged.comparison is not None
    assert merged.comparison.n == 7
    shard("1/3")
    assert merge_shards(tmp_path / "many").is_complete
    assert_same(one_process(tmp_path, sums, adds), tmp_path / "many")


def test_results_that_are_missing_are_named(tmp_path: Path, shard: Any, adds: Adds) -> None:
    shard("0/2")
    stopped = shard("1/2", ScriptedLLM(adds(2, 3), budget=Budget(calls=8)))
    assert stopped.stopped is not None
    merged = merge_shards(tmp_path / "many")
    assert list(merged.unfinished) == [Shard(2, 1)]
    assert "sum-" in merged.problems[0]
    assert "unfinished shards: 1/2" in str(merged)


def test_a_stopped_shard_goes_on_where_its_local_disk_is_gone(
    tmp_path: Path, sums: Sums, adds: Adds, shard: Any
) -> None:
    first = ScriptedLLM(adds(2, 3), budget=Budget(calls=14))
    shard("0/2", first, concurrency=2)
    second = ScriptedLLM(adds(2, 3))
    shard("0/2", second, local_folder=tmp_path / "of another machine")
    assert first.calls == 7
    assert first.calls + second.calls == 6 * 4
    shard("1/2")
    merge_shards(tmp_path / "many")
    assert_same(one_process(tmp_path, sums, adds), tmp_path / "many", interrupted=True)


def test_the_first_shards_have_what_does_not_divide() -> None:
    shards = [Shard(3, index) for index in range(3)]
    assert [shard.share(11) for shard in shards] == [4, 4, 3]
    assert [str(shard.of_budget(Budget(usd=3, tokens=10, calls=7, seconds=60))) for shard in shards] == [
        "usd=1, tokens=4, calls=3, seconds=60",
        "usd=1, tokens=3, calls=2, seconds=60",
        "usd=1, tokens=3, calls=2, seconds=60",
    ]
    after_fit = shards[2].of_budget(Budget(usd=3, calls=7), Usage(1, 10, 10, usd=0.6))
    assert str(after_fit) == "usd=0.8, calls=2"
    assert shards[0].of_limits(LimitSettings(7, 60, 900)) == LimitSettings(3, 20, 300)
    with pytest.raises(UsageError, match="must be at least 3, got 2"):
        shards[0].of_limits(LimitSettings(2))


def test_budgets_of_all_shards_together_are_that_of_the_run(tmp_path: Path, shard: Any, adds: Adds) -> None:
    calls = 0
    for index in range(3):
        llm = ScriptedLLM(adds(), budget=Budget(calls=20))
        shard(f"{index}/3", llm)
        shard(f"{index}/3", llm)
        calls += llm.calls
    assert calls == 20
    assert merge_shards(tmp_path / "many").comparison is not None
    invocations = json.loads((tmp_path / "many" / "run.json").read_text())["metadata"]["invocations"]
    assert [(one["budget"], one["limit"]) for one in invocations] == [("calls=20", 11)]


def test_fits_are_made_once_before_the_shards(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    options = {"out": tmp_path / "many", "local_folder": tmp_path, "progress": False, "limit": 4}
    arguments = [Apprentice()], sums(12)
    with pytest.raises(UsageError, match="run the same command with --shard fit"):
        compare_shard("0/2", *arguments, ScriptedLLM(adds()), **options)
    fitter = ScriptedLLM(adds())
    assert compare_shard("fit", *arguments, fitter, **options) is None
    assert fitter.calls > 0
    again = ScriptedLLM([])
    compare_shard("fit", *arguments, again, **options)
    llms = [ScriptedLLM(adds()) for _ in range(2)]
    for index, llm in enumerate(llms):
        compare_shard(f"{index}/2", *arguments, llm, **options)
    assert [llm.calls for llm in llms] == [2, 2]
    merged = merge_shards(tmp_path / "many")
    assert merged.is_complete
    compare(*arguments, ScriptedLLM(adds()), out=tmp_path / "one", progress=False, limit=4)
    assert_same(tmp_path / "one", tmp_path / "many")
    fitted = [sorted((tmp_path / name / "fitted").iterdir()) for name in ("one", "many")]
    assert [path.name for path in fitted[0]] == [path.name for path in fitted[1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4/4", "a shard must be from 0/4 to 3/4, got 4/4"),
        ("0/0", "a run must have 1 to 10,000 shards, got 0"),
        ("3", "a shard must be I/N with I from 0 to N - 1"),
        ("-1/4", "a shard must be I/N"),
        ("11/12", "the shard 11/12 has no problem, since the run has 11: give at most 11 shards"),
    ],
)
def test_shards_that_make_no_sense(shard: Any, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        shard(text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"race": True}, "leave out --race"),
        ({"new_samples": True}, "leave out --new-samples"),
        ({"concurrency": 1}, "must be at least 2, got 1"),
        ({"limit": 900, "task": "few"}, "the task has 1: give at most 1 shards"),
    ],
)
def test_runs_that_cannot_be_divided(shard: Any, sums: Sums, options: dict[str, Any], said: str) -> None:
    if options.get("task"):
        options = {**options, "task": sums(1)}
    with pytest.raises(UsageError, match=said):
        shard("1/2", **options)


def test_missing_draws_and_spending_of_a_shard_are_named(tmp_path: Path, shard: Any) -> None:
    shard("0/2")
    shard("1/2")
    assert not merge_shards(tmp_path / "many").lost
    second = tmp_path / "many" / "shards" / "1-of-2"
    for name in ("draws.jsonl", "spending.jsonl"):
        (second / name).unlink()
    merged = merge_shards(tmp_path / "many")
    assert set(merged.lost) == {second / "spending.jsonl", second / "draws.jsonl"}
    assert "spending.jsonl" in str(merged)
    assert "without them" in str(merged)


def test_what_cannot_be_merged(tmp_path: Path, shard: Any, adds: Adds) -> None:
    with pytest.raises(InputError, match="holds no shards"):
        merge_shards(tmp_path)
    shard("0/2")
    shard("1/2", ScriptedLLM(adds(), temperature=0.5), out=tmp_path / "other")
    shards, others = tmp_path / "many" / "shards", tmp_path / "other" / "shards"
    shutil.copytree(others / "1-of-2", shards / "1-of-2")
    with pytest.raises(SettingsChanged, match=r"0/2 and 1/2 .* different settings: temperature 0\.0 → 0\.5"):
        merge_shards(tmp_path / "many")
    shutil.copytree(shards / "0-of-2", shards / "0-of-3")
    with pytest.raises(InputError, match="different divisions, of 2 and of 3"):
        merge_shards(tmp_path / "many")


def test_a_shard_that_could_not_be_merged_is_refused_before_a_call(tmp_path: Path, shard: Any, adds: Adds) -> None:
    shard("0/2")
    llm = ScriptedLLM(adds(), temperature=0.5)
    with pytest.raises(SettingsChanged, match=r"0/2 was begun with others: temperature 0\.0 → 0\.5"):
        shard("1/2", llm)
    with pytest.raises(UsageError, match=r"must be of one division, got 0/3, and 0/2 has begun"):
        shard("0/3", llm)
    assert not llm.usage.calls
    assert [path.name for path in (tmp_path / "many" / "shards").iterdir()] == ["0-of-2"]


@pytest.mark.parametrize("name", ["results.jsonl", "problems.jsonl"])
def test_a_damaged_file_of_a_shard_is_named(tmp_path: Path, shard: Any, name: str) -> None:
    shard("0/2")
    shard("1/2")
    path = tmp_path / "many" / "shards" / "1-of-2" / name
    sound = path.read_bytes()
    path.write_bytes(sound + b"{damaged\n")
    with pytest.raises(InputError, match=rf"1-of-2/{name}:\d+: not JSON"):
        merge_shards(tmp_path / "many")
    path.write_bytes(sound)
    assert merge_shards(tmp_path / "many").is_complete


def test_results_of_another_origin_are_not_replaced(tmp_path: Path, sums: Sums, adds: Adds, shard: Any) -> None:
    compare(STRATEGIES, sums(11), ScriptedLLM(adds()), out=tmp_path / "many", progress=False, limit=3)
    shard("0/1")
    with pytest.raises(UsageError, match="results that are not from shards"):
        merge_shards(tmp_path / "many")
    assert merge_shards(tmp_path / "many", into=tmp_path / "merged").is_complete
    compare([*STRATEGIES, "cot"], sums(11), ScriptedLLM(adds()), out=tmp_path / "merged", progress=False, limit=0)
    with pytest.raises(UsageError, match="made after the last merge"):
        merge_shards(tmp_path / "many", into=tmp_path / "merged")


def test_a_shard_that_is_running_is_named(tmp_path: Path, shard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shard("0/2")
    alive = tmp_path / "many" / "shards" / "0-of-2" / "alive"
    alive.write_text(json.dumps({"host": "node17", "pid": 4711}))
    with pytest.raises(InputError, match="0/2 is still running"):
        merge_shards(tmp_path / "many")
    assert merge_shards(tmp_path / "many", partial=True).running == (Shard(2, 0),)
    # The process of this machine that wrote this was killed: it holds no lock.
    alive.write_text(json.dumps({"host": socket.gethostname(), "pid": 4711}))
    merge_shards(tmp_path / "many")
    alive.write_text(json.dumps({"host": "node17", "pid": 4711}))
    os.utime(alive, (1, 1))
    merge_shards(tmp_path / "many")


def test_a_run_on_a_cluster_that_is_going_on_is_named(tmp_path: Path, shard: Any) -> None:
    shard("0/1")
    with closing(lock_file(run_lock(tmp_path / "many"))):
        with pytest.raises(InputError, match="a run on a Ray cluster is filling this folder"):
            merge_shards(tmp_path / "many")
        assert merge_shards(tmp_path / "many", partial=True).is_complete
    assert merge_shards(tmp_path / "many").is_complete


def test_a_requeued_shard_waits_until_its_predecessor_is_known_to_be_dead(
    tmp_path: Path, shard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "STALE_AFTER", 0.6)
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.1)
    shard("0/2")
    alive = tmp_path / "many" / "shards" / "0-of-2" / "alive"
    alive.write_text(json.dumps({"host": "node17", "pid": 4711}))
    told = list[str]()
    heartbeat.wait_until_free(alive.parent, told.append)
    assert told == ["waiting until the process before this one is known to have ended (node17, process 4711)"]
    with heartbeat.Heartbeat(alive.parent, ("results.jsonl",)):
        while heartbeat.running_on(alive.parent).startswith("node17"):
            pass
    assert not alive.exists()


def test_a_torn_line_is_no_row(tmp_path: Path, sums: Sums, adds: Adds, shard: Any) -> None:
    shard("0/2")
    shard("1/2")
    for name in ("results.jsonl", "draws.jsonl", "traces.jsonl"):
        with (tmp_path / "many" / "shards" / "1-of-2" / name).open("a") as file:
            file.write('{"problem":"sum')
    assert merge_shards(tmp_path / "many").is_complete
    shard("1/2", ScriptedLLM([]))
    assert_same(one_process(tmp_path, sums, adds), tmp_path / "many")
