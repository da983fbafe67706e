"""Workers of a divided run, with a coordinator in the same process: without Ray, nothing else differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning.benchmarks import compare
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.shards import local_disk, shipping_thread
from reasoning.benchmarks.shards.coordinator import Coordinator
from reasoning.benchmarks.shards.division import Shard, divide_limits
from reasoning.benchmarks.shards.job import Job
from reasoning.benchmarks.shards.leases import LeaseBook
from reasoning.benchmarks.shards.merge import merge_shards
from reasoning.benchmarks.shards.worker import ShardEnd, ShardWorker
from reasoning.benchmarks.tasks import get
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.benchmarks.tasks.sent_task import SentTask
from reasoning.engine.limit_settings import LimitSettings
from reasoning.errors import AuthenticationFailed, InputError
from reasoning.messages import Message
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM
from tests.benchmarks.shards.folders import assert_same

Sums = Callable[[int], list[Example]]
Script = Callable[[tuple[Message, ...]], Any]
STRATEGIES = ["vanilla", "self_consistency(cot(stages=1), samples=3)"]


class Cluster:
    """Workers of a run of eleven sums in two shards."""

    def __init__(self, folder: Path, examples: list[Example], script: Script, calls: int | None = None) -> None:
        self.folder, self.examples, self.script, self.calls = folder, examples, script, calls
        self.coordinator = Coordinator(folder, (None, None, calls))
        self.models: list[ScriptedLLM] = []
        self.is_killed, self.bought = False, 0

    def run(self, index: int) -> ShardEnd:
        """Run a shard in a new worker."""
        shard, made = Shard(2, index), ShardWorker(self._call)
        assert made.start(self.job(), {}) is None
        return made.run(shard, self.examples[index::2], None, None, 1)

    def job(self) -> Job:
        strategies = tuple(map(reasoning.strategies.get, STRATEGIES))
        return Job(
            name="job",
            strategies=strategies,
            fingerprints=tuple(map(fingerprint, strategies)),
            task=SentTask.of(get(ExampleList(tuple(self.examples)))),
            connect=self._connect,
            config=RunConfig(limit=20, part_of=RunConfig(limit=20)),
            limits=LimitSettings(),
            budget=() if self.calls is None else ("calls",),
            fit={},
            price=0.0,
        )

    @property
    def book(self) -> LeaseBook:
        return self.coordinator._book

    def _connect(self, **settings: Any) -> ScriptedLLM:
        def reply(messages: tuple[Message, ...]) -> Any:
            text = self.script(messages)
            self.bought += not isinstance(text, Exception)
            return text

        self.models.append(ScriptedLLM(reply))
        return self.models[-1]

    def _call(self, name: str, *values: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.is_killed and name in ("ship", "end"):
            if name == "end":
                raise Killed
            future.set_result(1)
            return future
        try:
            future.set_result(getattr(self.coordinator, name)(*values, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def cluster(
    tmp_path: Path, sums: Sums, adds: Callable[..., Script], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Cluster]]:
    monkeypatch.setenv("SLURM_TMPDIR", str(tmp_path))
    monkeypatch.setattr(shipping_thread, "_SHIP_SECONDS", 0.01)

    made = list[Cluster]()

    def make(script: Script | None = None, calls: int | None = None) -> Cluster:
        made.append(Cluster(tmp_path / "many", sums(11), script or adds(2, 3), calls))
        return made[-1]

    yield make
    for one in made:
        one.coordinator.close()


def test_shards_of_workers_merge_to_the_folder_of_one_process(
    tmp_path: Path, sums: Sums, adds: Callable[..., Script], cluster: Callable[..., Cluster]
) -> None:
    of = cluster()
    assert [of.run(index).error for index in range(2)] == [None, None]
    assert merge_shards(tmp_path / "many").is_complete
    compare(STRATEGIES, sums(11), ScriptedLLM(adds(2, 3)), out=tmp_path / "one", progress=False, limit=20)
    assert_same(tmp_path / "one", tmp_path / "many")
    assert [path.name for path in local_disk.private_folder("").iterdir()] == []


class Killed(Exception):
    """The end of a worker that has sent nothing more."""


@pytest.mark.parametrize("is_same_machine", [True, False])
def test_a_worker_that_dies_loses_what_was_in_flight_and_nothing_else(
    adds: Callable[..., Script], cluster: Callable[..., Cluster], is_same_machine: bool
) -> None:
    answered = 0

    def script(messages: tuple[Message, ...]) -> Any:
        nonlocal answered
        answered += 1
        if answered > 9:
            of.is_killed = True
            return AuthenticationFailed("the machine is gone")
        return adds()(messages)

    of = cluster(script, calls=44)
    with pytest.raises(Killed):
        of.run(0)
    local, lent = local_disk.private_folder("job-0-of-2"), of.book.lent("0/2").calls
    bought = of.bought
    assert (local / "attempt").read_text() == "1"
    assert lent >= bought - 2
    if not is_same_machine:
        shutil.rmtree(local)
    of.coordinator.lost(Shard(2, 0))
    of.script, of.is_killed = adds(), False
    ends = [of.run(index) for index in (0, 1)]
    spent = of.book.lent("0/2").calls + of.book.lent("1/2").calls
    # The request that failed had up to two replies, which never arrived.
    assert of.bought <= 44 + 2
    assert spent <= 44
    # What was lent and not spent was taken back, if it is known.
    if not is_same_machine:
        assert of.book.left("calls") == 0
    assert any(end.by_budget for end in ends) is not is_same_machine


def test_the_budget_of_all_workers_is_that_of_the_run(tmp_path: Path, cluster: Callable[..., Cluster]) -> None:
    of = cluster(calls=30)
    ends = [of.run(0), of.run(1)]
    assert of.bought == 30
    assert [end.by_budget for end in ends] == [False, True]
    assert of.coordinator.state() == (0, True)


def test_errors_that_end_a_run_come_home(tmp_path: Path, cluster: Callable[..., Cluster]) -> None:
    def refuse(messages: tuple[Message, ...]) -> Exception:
        return AuthenticationFailed("no key")

    end = cluster(refuse).run(0)
    assert isinstance(end.error, AuthenticationFailed)
    assert str(end.error) == "no key"


def test_machines_with_other_versions_or_prices_are_refused(cluster: Callable[..., Cluster]) -> None:
    of = cluster(calls=10)
    job = of.job()
    error = ShardWorker(of._call).start(replace(job, fingerprints=("another", "another")), {})
    assert "install one version of the library" in str(error)
    made = ShardWorker(of._call)
    made.start(replace(job, price=2.5), {})
    assert "copy models.toml to all of them" in str(made.run(Shard(2, 0), of.examples[:1], None, None, 1).error)


def test_each_worker_has_its_part_of_the_rate_limits() -> None:
    assert divide_limits(LimitSettings(9, 60, None, 5), 2) == LimitSettings(4, 30, None, 5)
    assert divide_limits(LimitSettings(1), 2) == LimitSettings(1)


def test_a_local_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(local_disk.os, "getuid", lambda: 4711)
    with pytest.raises(InputError, match="belongs to another user"):
        local_disk.private_folder("run", tmp_path)
