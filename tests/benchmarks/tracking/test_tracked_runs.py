"""Runs that are logged to a tracker: with a tracker that records what it gets, and with the real packages offline."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from reasoning import Example, Problem, kinds
from reasoning.benchmarks import compare, tracking
from reasoning.benchmarks.runs.listeners import RunListener
from reasoning.benchmarks.tracking.tracked_run import TrackedRun, name_metrics
from reasoning.engine.budget import Budget
from reasoning.errors import CallFailed, MissingExtra, UnknownName, UsageError
from reasoning.tables import Table
from reasoning.testing import ScriptedLLM

EXAMPLES = [Example(Problem(f"{k} + {k}?", kinds.Number(), id=f"sum-{k}"), 2 * k) for k in range(1, 5)]
SPECS = ["vanilla", "self_consistency(cot, samples=3)"]
CANARY = "sk-canary-2718281828"


class Recorded:
    """A tracker that keeps what it gets, and fails where it is told."""

    name = "Recorded"
    place = ""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.got: list[tuple[str, Any]] = []
        self.threads: set[str] = set()
        self.files: dict[str, int] = {}

    def _get(self, name: str, value: Any) -> None:
        self.threads.add(threading.current_thread().name)
        if name == self.fails:
            raise ConnectionError(f"no route to https://me:{CANARY}@tracker.example.org")
        self.got.append((name, value))

    def start(self, title: str, params: Mapping[str, str]) -> None:
        self._get("start", (title, dict(params)))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._get("log", (step, dict(metrics)))

    def finish(self, table: Table, files: Sequence[tuple[Path, str]], status: str) -> None:
        self.files = {place: path.stat().st_size for path, place in files}
        self._get("finish", (table, status))


def run(watch: Sequence[RunListener], llm: ScriptedLLM | None = None, **settings: Any) -> Any:
    llm = llm or ScriptedLLM(lambda messages: "The answer is 4.")
    return compare(SPECS, EXAMPLES, llm, progress=False, watch=watch, **settings)


def test_a_run_is_logged_from_its_settings_to_its_report(tmp_path: Path) -> None:
    tracker = Recorded()
    comparison = run([TrackedRun(tracker)], out=tmp_path / "run")
    names = [name for name, _ in tracker.got]
    assert (names[0], names[-1]) == ("start", "finish")
    title, params = tracker.got[0][1]
    assert (params["strategies"], params["limit"]) == (", ".join(SPECS), "4")
    assert title.endswith("scripted")
    step, metrics = tracker.got[-2][1]
    assert step == 8
    assert metrics["accuracy/vanilla"] == comparison.rows[0].accuracy == 0.25
    vote = "self_consistency_cot_samples_3"
    assert (metrics[f"results/{vote}"], metrics[f"calls/{vote}"]) == (4, 12)
    assert metrics[f"ci95_low/{vote}"] < 0.25 < metrics[f"ci95_high/{vote}"]
    assert metrics["spent/calls"] == comparison.spent.calls
    table, status = tracker.got[-1][1]
    assert status == "finished"
    assert [row[table.header.index("strategy")] for row in table.rows] == SPECS
    assert {"report.html", "report.md", "results/results.jsonl", "results/results.json"} <= tracker.files.keys()
    assert not any("sqlite" in place for place in tracker.files)
    assert tracker.threads == {"reasoning-Recorded"}


def test_metrics_come_while_the_run_goes(tmp_path: Path) -> None:
    tracker, logged = Recorded(), threading.Event()
    log = tracker.log

    def tell(metrics: Mapping[str, float], step: int) -> None:
        log(metrics, step)
        logged.set()

    tracker.log = tell  # type: ignore[method-assign]
    asked: list[bool] = []

    def reply(messages: Any) -> str:
        # Wait in the last call until the results before it have been logged.
        asked.append("4 + 4" not in str(messages) or logged.wait(20))
        return "The answer is 4."

    compare(
        ["vanilla"],
        EXAMPLES,
        ScriptedLLM(reply),
        concurrency=1,
        progress=False,
        watch=[TrackedRun(tracker, interval=0.01)],
    )
    steps = [value[0] for name, value in tracker.got if name == "log"]
    assert all(asked)
    assert steps[0] < 4 == steps[-1]
    assert steps == sorted(steps)


@pytest.mark.parametrize("fails", ["start", "log", "finish"])
def test_a_tracker_that_fails_ends_no_run_and_says_so_once(fails: str) -> None:
    with pytest.warns(UserWarning, match="no longer logged to Recorded") as said:
        comparison = run([TrackedRun(Recorded(fails), interval=0.001)])
    assert len(comparison.results) == 8
    assert len(said) == 1
    assert CANARY not in str(said[0].message)


def test_a_tracker_that_hangs_ends_no_run() -> None:
    tracker, release = Recorded(), threading.Event()
    tracker.start = lambda title, params: release.wait(20)  # type: ignore[assignment, method-assign, return-value]
    with pytest.warns(UserWarning, match="has not logged the run within"):
        assert len(run([TrackedRun(tracker, patience=0.05)]).results) == 8
    release.set()


def test_a_listener_that_fails_is_left_out() -> None:
    class Wrong(RunListener):
        calls = 0

        def on_result(self, result: Any) -> None:
            self.calls += 1
            raise ValueError("oops")

    wrong, tracker = Wrong(), Recorded()
    with pytest.warns(UserWarning, match="Wrong raised ValueError: oops; the run continues without it"):
        comparison = run([wrong, TrackedRun(tracker)])
    assert len(comparison.results) == 8
    assert wrong.calls == 1
    assert tracker.got[-1][1][1] == "finished"


def test_the_end_says_how_the_run_ended(tmp_path: Path) -> None:
    stopped = Recorded()
    run([TrackedRun(stopped)], ScriptedLLM(lambda messages: "4", budget=Budget(calls=2)))
    assert stopped.got[-1][1][1] == "stopped"

    failed, oops = Recorded(), RuntimeError("no disk")

    class Breaks(ScriptedLLM):
        @property
        def refused(self) -> tuple[str, ...]:
            raise oops

    with pytest.raises(RuntimeError, match="no disk"):
        run([TrackedRun(failed)], Breaks(lambda messages: "4"))
    assert failed.got[-1][1][1] == "failed"


def test_stored_results_count_and_all_is_logged_though_nothing_is_made(tmp_path: Path) -> None:
    run([], out=tmp_path / "run")
    tracker = Recorded()
    run([TrackedRun(tracker)], ScriptedLLM(lambda messages: CallFailed("never called")), out=tmp_path / "run")
    assert [name for name, _ in tracker.got] == ["start", "log", "finish"]
    assert tracker.got[1][1][1]["accuracy/vanilla"] == 0.25


def test_names_of_metrics_are_distinct() -> None:
    names = name_metrics(["cot(shots=1)", "cot(shots,1)", "🙂"])
    assert list(names.values()) == ["cot_shots_1", "cot_shots_1_2", "strategy"]


def test_unknown_and_missing_trackers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownName, match="did you mean 'mlflow'"):
        tracking.track("mlflo")
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(MissingExtra, match=r"reasoning-strategies\[mlflow\]"):
        tracking.track("mlflow")


def read_all(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.filterwarnings("default")
def test_mlflow_gets_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", CANARY)
    monkeypatch.setenv("REASONING_API_KEY", CANARY)
    mlflow.set_tracking_uri((tmp_path / "store").as_uri())
    run([tracking.track("mlflow", "sums")], out=tmp_path / "run")
    client = mlflow.MlflowClient()
    [logged] = client.search_runs([client.get_experiment_by_name("sums").experiment_id])
    assert logged.info.status == "FINISHED"
    assert logged.data.params["strategies"] == ", ".join(SPECS)
    assert logged.data.metrics["accuracy/vanilla"] == 0.25
    files = {one.path for one in client.list_artifacts(logged.info.run_id)}
    assert files == {"report.html", "report.md", "results", "strategies.json"}
    table = json.loads(Path(client.download_artifacts(logged.info.run_id, "strategies.json")).read_text())
    assert [row[table["columns"].index("accuracy")] for row in table["data"]] == [0.25, 0.25]
    assert mlflow.active_run() is None
    assert CANARY.encode() not in read_all(tmp_path)


@pytest.mark.filterwarnings("default")
def test_wandb_keeps_the_run_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 28 + "canary271828")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    tracked = tracking.track("wandb", "sums")
    run([tracked], out=tmp_path / "run")
    assert tracked.place.startswith("wandb sync ")
    [folder] = (tmp_path / "wandb").glob("offline-run-*")
    written = read_all(folder)
    assert b"accuracy/vanilla" in written
    assert b"self_consistency(cot, samples=3)" in written
    assert any(folder.rglob("strategies*.table.json"))
    assert b"canary271828" not in read_all(tmp_path)
    assert os.getcwd().encode() not in written


def test_wandb_without_a_key_says_so_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="set WANDB_API_KEY or run `wandb login`, or set WANDB_MODE=offline"):
        tracking.track("wandb")
