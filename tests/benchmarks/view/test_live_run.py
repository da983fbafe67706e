"""Runs that are read while they grow: each line once, and nothing that is half written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reasoning.benchmarks.results.folder_lock import is_writing
from reasoning.benchmarks.results.jsonl_tail import JsonlTail
from reasoning.benchmarks.results.result import ResultKey
from reasoning.benchmarks.view.live_run import LiveRun
from reasoning.benchmarks.view.progress import DONE, RUNNING, STOPPED, RunProgress
from reasoning.errors import InputError
from tests.benchmarks.view.conftest import Run

Going = Callable[..., Run]


def test_a_tail_gives_each_complete_line_once(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    tail = JsonlTail(path)
    assert list(tail.read()) == []
    path.write_bytes(b"one\ntwo\nthr")
    assert list(tail.read()) == [(1, 0, b"one\n"), (2, 4, b"two\n")]
    assert list(tail.read()) == []
    with path.open("ab") as file:
        file.write(b"ee\n")
        file.write(b"four\nfive\n")
    assert next(tail.read()) == (3, 8, b"three\n")
    assert [line for _, _, line in tail.read()] == [b"four\n", b"five\n"]
    assert not tail.is_replaced()
    path.write_bytes(b"new\n")
    assert tail.is_replaced()


def test_a_tail_notices_another_file_and_a_missing_one(tmp_path: Path) -> None:
    path, other = tmp_path / "lines", tmp_path / "other"
    path.write_bytes(b"one\n")
    tail = JsonlTail(path)
    list(tail.read())
    other.write_bytes(b"one\nmore\n")
    other.replace(path)
    assert tail.is_replaced()
    path.unlink()
    assert tail.is_replaced()


def test_a_tail_opens_no_pipe(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="must be a regular file"):
        list(JsonlTail(tmp_path / "pipe").read())


def test_a_run_is_followed(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run", 2)
    live = LiveRun(tmp_path / "run")
    live.refresh()
    first = live.version
    assert live.states("p0") == ["", ""]
    run.add("p0", "cot", "r", reply="It is 1.")
    live.refresh()
    assert live.version > first
    assert live.states("p0") == ["", "r"]
    trace = live.trace(ResultKey("p0", "cot"))
    assert trace
    assert trace[2][0]["replies"][0][0] == "It is 1."
    unchanged = live.version
    live.refresh()
    assert live.version == unchanged
    run.add("p0", "cot", "w")
    live.refresh()
    assert live.states("p0") == ["", "w"]


def test_a_half_written_result_waits_and_a_damaged_one_is_named(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run", 2)
    run.add("p0", "cot", "r")
    path = tmp_path / "run/results.jsonl"
    with path.open("ab") as file:
        file.write(b"damaged\n")
        file.write(path.read_bytes().replace(b'"p0"', b'"p1"').splitlines()[0][:40])
    live = LiveRun(tmp_path / "run")
    live.refresh()
    assert live.states("p0") == ["", "r"]
    assert live.states("p1") == ["", ""]
    [warning] = live.warnings
    assert "results.jsonl:2: not JSON" in warning
    assert warning.endswith("; this line is left out")


def test_a_replaced_file_is_read_again(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run", 2)
    run.add("p0", "cot", "r")
    live = LiveRun(tmp_path / "run")
    live.refresh()
    path = tmp_path / "run/results.jsonl"
    record = json.loads(path.read_text(encoding="utf-8"))
    (tmp_path / "new").write_text(json.dumps({**record, "correct": False}) + "\n", encoding="utf-8")
    (tmp_path / "new").replace(path)
    live.refresh()
    assert live.states("p0") == ["", "w"]


def test_progress_counts_each_result_once(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run", 3)
    progress = RunProgress(tmp_path / "run")
    progress.refresh()
    assert (progress.done, progress.total, progress.state) == (0, 6, RUNNING)
    for problem, letter in (("p0", "f"), ("p1", "w"), ("p0", "r")):
        run.add(problem, "cot", letter)
    progress.refresh()
    assert (progress.done, progress.right, progress.counted) == (2, {"cot": 1}, {"cot": 2})
    assert sum(progress.failed.values()) == 0
    run.store.close()
    assert progress.state == STOPPED
    for problem in ("p0", "p1", "p2"):
        run.add(problem, "cot", "r")
        run.add(problem, "vanilla", "r")
    run.store.close()
    progress.refresh()
    assert (progress.done, progress.state) == (6, DONE)


def test_a_large_folder_is_read_over_several_looks(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run", 300)
    for k in range(300):
        run.add(f"p{k}", "cot", "r")
    progress = RunProgress(tmp_path / "run")
    looks = 0
    while progress.is_reading or not looks:
        progress.refresh(deadline=0.0)
        looks += 1
    assert (looks, progress.done, len(progress.problems)) == (3, 300, 300)


def test_a_lock_is_seen_and_not_taken(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run")
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "run").iterdir())
    if is_writing(tmp_path / "run") is None:
        pytest.skip("this system does not list its locks")
    assert is_writing(tmp_path / "run")
    run.store.close()
    assert not is_writing(tmp_path / "run")
    LiveRun(tmp_path / "run").refresh()
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "run").iterdir())
