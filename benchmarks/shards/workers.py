"""The workers of a run on a Ray cluster: started, given shards, replaced when they die."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from reasoning.benchmarks.shards.coordinator import Coordinator
from reasoning.benchmarks.shards.division import Shard
from reasoning.benchmarks.shards.job import Job
from reasoning.benchmarks.shards.worker import ShardEnd, ShardWorker
from reasoning.chain.code_loader import MODULE_PREFIX
from reasoning.engine.budget import Budget
from reasoning.errors import CallFailed, ReasoningError
from reasoning.problem import Example
from reasoning.providers.server_use import ServerUse

_AT_ONCE = 2
"""The shards that a worker runs at once: one keeps its requests in flight while the other ends."""
_MOST_DEATHS = 5
"""The times that a shard may end its worker without a result in between; then it is the shard that ends them."""
_LOOK_SECONDS = 0.5
"""Seconds between two looks at the results that have arrived."""


class RayWorker(ShardWorker):
    """A worker as a Ray actor.

    Args:
        coordinator: the coordinator's actor.
    """

    def __init__(self, coordinator: Any) -> None:
        super().__init__(lambda name, *values, **named: _send(coordinator, name, *values, **named))


class Run(Protocol):
    """The run, as its workers need it."""

    out: Path
    budget: Budget

    def job(self) -> Job: ...

    def keys(self) -> dict[str, str]: ...

    def seconds_left(self) -> tuple[float | None, float | None]: ...

    def take_results(self, in_flight: int) -> None: ...

    def count_results(self, shard: Shard) -> int: ...

    def add_servers(self, uses: Sequence[ServerUse]) -> None: ...


class _Died(Exception):
    """A worker has died."""


class Workers:
    """The workers of a run.

    Args:
        run: the run.
        ray: the module, connected to a cluster.
        count: the number of workers.
        shards: the shards that have results to make, with their problems.
    """

    def __init__(self, run: Run, ray: Any, count: int, shards: Mapping[Shard, Sequence[Example]]) -> None:
        self._run, self._ray, self._count, self._examples = run, ray, min(count, len(shards)), shards
        self._queue = deque(shards)
        self._deaths: dict[Shard, int] = {}
        self._short: list[Shard] = []
        self._stopped: ReasoningError | None = None
        self._starts = 0
        self._actors: list[Any] = []

    async def drive(self) -> ReasoningError | None:
        """Run all shards, and return the error that stopped the run early."""
        ray, run = self._ray, self._run
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        limits = run.budget.usd, run.budget.tokens, run.budget.calls
        coordinator = ray.remote(Coordinator).options(num_cpus=0, scheduling_strategy=here)
        self._coordinator = coordinator.remote(run.out, limits)
        for module in [one for name, one in sys.modules.items() if name.startswith(MODULE_PREFIX)]:
            # The functions of a chain's folder: the folder is not on the machines of the workers.
            ray.cloudpickle.register_pickle_by_value(module)
        self._job, self._keys = ray.put(run.job()), run.keys()
        looking = asyncio.ensure_future(self._look())
        try:
            made = -1
            while self._queue and made != (made := self._made()):
                serving = [asyncio.ensure_future(self._serve()) for _ in range(self._count)]
                try:
                    await asyncio.gather(*serving)
                finally:
                    for task in serving:
                        task.cancel()
                _, is_used_up = await self._ask("state")
                if not self._short or is_used_up or self._ends_run:
                    break
                # What others were lent and did not need has come back.
                self._queue.extend(self._short)
                self._short.clear()
                self._stopped = None
            run.take_results(0)
            return self._stopped
        finally:
            looking.cancel()
            for actor in self._actors:
                with suppress(Exception):
                    ray.kill(actor)

    @property
    def _ends_run(self) -> bool:
        """Return whether no further shard is begun."""
        return self._stopped is not None and getattr(self._stopped, "is_time", True)

    def _made(self) -> int:
        return sum(map(self._run.count_results, self._examples))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            in_flight, _ = await self._ask("state")
            self._run.take_results(in_flight)

    async def _serve(self) -> None:
        """Keep one worker at work, and replace it when it dies."""
        while self._queue and not self._stopped:
            if (worker := await self._start()) is None:
                continue
            ends = await asyncio.gather(*(self._run_shards(worker) for _ in range(_AT_ONCE)), return_exceptions=True)
            for end in ends:
                if isinstance(end, BaseException) and not isinstance(end, _Died):
                    raise end
            with suppress(Exception):
                self._ray.kill(worker)

    async def _start(self) -> Any:
        """Start a worker; None if it died at once."""
        ray = self._ray
        options = {"num_cpus": 1, "max_concurrency": _AT_ONCE, "scheduling_strategy": "SPREAD"}
        worker = ray.remote(RayWorker).options(**options).remote(self._coordinator)
        self._actors.append(worker)
        try:
            error = await asyncio.wrap_future(_send(worker, "start", self._job, self._keys))
        except ray.exceptions.RayActorError as death:
            self._starts += 1
            if self._starts > _MOST_DEATHS:
                raise CallFailed(f"workers end as soon as they are started: {death}") from None
            return None
        if error is not None:
            raise error
        self._starts = 0
        return worker

    async def _run_shards(self, worker: Any) -> None:
        while self._queue and not self._stopped:
            shard = self._queue.popleft()
            made = self._run.count_results(shard)
            seconds, time_limit = self._run.seconds_left()
            try:
                end: ShardEnd = await asyncio.wrap_future(
                    _send(worker, "run", shard, self._examples[shard], seconds, time_limit, self._count)
                )
            except self._ray.exceptions.RayActorError:
                await self._ask("lost", shard)
                self._run.take_results(0)
                self._note_death(shard, self._run.count_results(shard) > made)
                raise _Died from None
            self._run.add_servers(end.servers)
            if end.error is None:
                continue
            if end.by_budget:
                self._short.append(shard)
                self._stopped = self._stopped or end.error
            elif end.error.exit_code == 3:
                # The budget of a strategy: the other strategies of the shard are done.
                continue
            else:
                raise end.error

    def _note_death(self, shard: Shard, has_gained: bool) -> None:
        self._queue.appendleft(shard)
        self._deaths[shard] = 0 if has_gained else self._deaths.get(shard, 0) + 1
        if self._deaths[shard] >= _MOST_DEATHS:
            raise CallFailed(
                f"the shard {shard} has ended its worker {_MOST_DEATHS} times without a result in between, perhaps for "
                "want of memory; the logs of Ray say why"
            )

    async def _ask(self, name: str, *values: Any) -> Any:
        return await asyncio.wrap_future(_send(self._coordinator, name, *values))


def _send(actor: Any, name: str, *values: Any, **named: Any) -> Future[Any]:
    """Call a method of an actor, and return the future of its result."""
    future: Future[Any] = getattr(actor, name).remote(*values, **named).future()
    return future
