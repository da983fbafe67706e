"""A run on the workers of a Ray cluster.

The shards are finer than the workers, so that the work is balanced: each worker is a Ray actor that runs two shards at
a time, so that one keeps its requests in flight while the other ends. No call to a model passes through Ray: what does
are the problems, a few leases of the budget, and what the shards have made, several times a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from reasoning import event_loop
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.experiment import named_strategies
from reasoning.benchmarks.results.fitted import with_learned
from reasoning.benchmarks.results.folder import SHARDS, ResultsFolder
from reasoning.benchmarks.results.folder_lock import lock_file
from reasoning.benchmarks.results.jsonl_tail import JsonlTail
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.result_table import ResultTable
from reasoning.benchmarks.results.settings import run_settings
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.runs.listeners import RunListener, RunStart
from reasoning.benchmarks.runs.runner import missing_keys
from reasoning.benchmarks.shards.coordinator import LEASES
from reasoning.benchmarks.shards.division import Shard
from reasoning.benchmarks.shards.job import PRICED, Job, is_of_library, name_job
from reasoning.benchmarks.shards.leases import Amounts, LeaseBook
from reasoning.benchmarks.shards.merge import find_shards, merge_shards, run_lock
from reasoning.benchmarks.shards.ray_cluster import RayCluster
from reasoning.benchmarks.shards.run_budget import RunBudget
from reasoning.benchmarks.shards.shard_run import check_divisible, fit_before_shards, fit_folder, needs_fit
from reasoning.benchmarks.shards.workers import Workers
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks.sent_task import SentTask
from reasoning.engine.ledger import Spending
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, CallFailed, InputError, ReasoningError, UsageError
from reasoning.files import parse_json_object
from reasoning.messages import Usage
from reasoning.problem import Example
from reasoning.providers.server_use import ServerUse, add_uses
from reasoning.strategy import Strategy

_SHARDS_PER_WORKER = 8


def run_on_ray(
    strategies: Sequence[str | Strategy],
    task: Task,
    model: LLM,
    config: RunConfig,
    cluster: RayCluster,
    listener: RunListener,
    spent: Usage | None = None,
) -> Comparison:
    """Run a comparison on a Ray cluster. The same call continues one that was stopped.

    Args:
        strategies: the strategies.
        task: the task, whose problems are loaded here and sent to the workers.
        model: what `reasoning.connect` returns; workers connect to the same model. Its budget and the rate limits
            that were given hold for all workers together.
        config: the configuration. Its folder has the merged results at the end.
        cluster: the cluster.
        listener: receives the progress.
        spent: what others have spent of the model's budget.

    Returns:
        The comparison of the merged folder.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: the model cannot be reached from workers, or the run cannot be divided.
        ReasoningError: what ended the run on a worker; the results until then are merged.
    """
    out = check_divisible(config)
    cluster.check_reachable()
    if model.reconnect is None:
        raise UsageError("the model must be one of reasoning.connect(…) by its name, without batches, for Ray")
    budget = RunBudget(out, model, spent or Usage())
    before = budget.read_spending()
    if needs_fit(strategies) and (stopped := fit_before_shards(strategies, task, model, config, listener)) is not None:
        raise stopped
    try:
        comparison = _Run(strategies, task, model, config, cluster, listener, out, before, budget).run()
    except BaseException:
        listener.on_end(None)
        raise
    listener.on_end(comparison)
    return comparison


@dataclass
class _WorkersView:
    """The model, as the progress of a run on workers shows it: with their usage and their requests in flight."""

    model: LLM
    usage: Usage = field(default_factory=Usage)
    in_flight: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


class _Run:
    """One command that runs shards on a cluster."""

    def __init__(
        self,
        strategies: Sequence[str | Strategy],
        task: Task,
        model: LLM,
        config: RunConfig,
        cluster: RayCluster,
        listener: RunListener,
        out: Path,
        before: Spending,
        budget: RunBudget,
    ) -> None:
        self.task, self.model, self.config, self.cluster = task, model, config, cluster
        self.listener, self.out, self.before = listener, out, before
        self.named = named_strategies(strategies)
        model.check_price(config.strategy_budget)
        model.check_price(config.problem_budget)
        listener.on_status(f"loading the problems of {task.name}")
        self.examples = task.load(config.limit, config.seed)
        self.run_budget, self.budget = budget, budget.of_shards()
        self.view = _WorkersView(model)
        self.tails: dict[Shard, JsonlTail] = {}
        self.servers: tuple[ServerUse, ...] = ()
        self.began = time.monotonic()

    def run(self) -> Comparison:
        found = self._find_missing()
        stopped: ReasoningError | None = None
        if found:
            lock = run_lock(self.out)
            with closing(lock_file(lock)):
                # A damaged file is named here: the actor's error would be one of Ray.
                LeaseBook(self.out / SHARDS / LEASES, self.budget).close()
                with self.cluster.connect() as (ray, workers):
                    stopped = event_loop.run_sync(Workers(self, ray, workers, found).drive())
        self.listener.on_status("merging the shards")
        comparison = merge_shards(self.out).comparison
        if comparison is None:
            raise stopped or CallFailed("no result was made")
        if isinstance(stopped, BudgetExhausted) and not stopped.is_time:
            stopped = self.run_budget.to_error()
        elif stopped is not None and not isinstance(stopped, BudgetExhausted):
            raise stopped
        after = self.run_budget.read_spending().total()
        return replace(
            comparison,
            spent=after - self.before.total(),
            stopped=stopped,
            before=self.before,
            left=self.run_budget.describe_left(after),
            selection=self.config.selection,
            servers=self.servers,
        )

    def job(self) -> Job:
        """Return what workers need to know."""
        model, config = self.model, self.config
        given = model.given_limits or LimitSettings()
        limits = None if config.strategy_budget is None else self.shards[0].of_budget(config.strategy_budget)
        part = replace(config, pool=None, shares_budget_with=(), strategy_budget=limits, concurrency=None)
        fit = fit_folder(self.out)
        files = [fit / "run.json", *(fit / "fitted").glob("*")] if (fit / "run.json").is_file() else []
        prints = {spec: fingerprint(strategy) for spec, strategy in self.named.items()}
        assert model.reconnect is not None
        return Job(
            name=name_job(self.out),
            strategies=tuple(self.named.values()),
            fingerprints=tuple(prints.values()),
            task=SentTask.of(self.task),
            connect=model.reconnect,
            config=replace(
                part,
                part_of=replace(config, pool=None, shares_budget_with=()),
                fingerprints={
                    spec: prints[spec]
                    for spec, strategy in self.named.items()
                    if not (strategy.needs_fit or is_of_library(strategy))
                },
            ),
            limits=given,
            budget=tuple(name for name in Amounts._fields if getattr(self.budget, name) is not None),
            fit={str(path.relative_to(fit)): path.read_bytes() for path in files},
            price=model.price(PRICED),
        )

    def keys(self) -> dict[str, str]:
        """Return the environment variables with keys that workers need."""
        names = [*(name for name, _ in self.model.client.key_variables()), "REASONING_API_KEY"]
        return {name: os.environ[name] for name in names if name in os.environ}

    def seconds_left(self) -> tuple[float | None, float | None]:
        """Return what is left of the budget's seconds and of the time limit."""
        passed = time.monotonic() - self.began
        limits = self.budget.seconds, self.config.time_limit
        left = [None if limit is None else max(0.0, limit - passed) for limit in limits]
        return left[0], left[1]

    def take_results(self, in_flight: int) -> None:
        """Report the results that have arrived."""
        self.view.in_flight = in_flight
        for tail in self.tails.values():
            for number, _, line in tail.read():
                result = Result.from_json(parse_json_object(line, f"{tail.path}:{number}"))
                self.view.usage = self.view.usage + result.spent
                self.listener.on_result(result)

    def count_results(self, shard: Shard) -> int:
        """Return the number of results of a shard that have arrived."""
        return self.tails[shard].lines

    def add_servers(self, uses: Sequence[ServerUse]) -> None:
        """Add what each of several servers did for a shard that has ended."""
        self.servers = add_uses((*self.servers, *uses))

    def _find_missing(self) -> dict[Shard, list[Example]]:
        """Return the shards that have results to make, with their problems, and report the start."""
        stored = dict[ResultKey, Result]()
        try:
            count, folders = find_shards(self.out)
        except InputError:
            count, folders = 0, {}
        workers = self.cluster.workers or os.cpu_count() or 1
        count = count or min(len(self.examples), _SHARDS_PER_WORKER * workers)
        if not count:
            raise UsageError(f"the task {self.task.name!r} has no problem")
        self.shards = [Shard(count, index) for index in range(count)]
        ready = self._learned()
        known = {spec: fingerprint(strategy) for spec, strategy in ready.items()}
        missing, keys = dict[Shard, list[Example]](), list[ResultKey]()
        for shard in self.shards:
            own = self.examples[shard.index :: count]
            if not own:
                continue
            store = ResultsFolder.read(folders[shard]) if shard in folders else ResultsFolder(None, {})
            ids = [str(example.problem.id) for example in own]
            of_shard = missing_keys(store, ids, ready, self.config.epochs, known)
            stored.update(store.results)
            self.tails[shard] = tail = JsonlTail(shard.folder(self.out) / "results.jsonl")
            for _ in tail.read():
                continue
            if of_shard:
                missing[shard] = own
                keys += of_shard
        self._begin_progress(stored, keys)
        return missing

    def _learned(self) -> Mapping[str, Strategy]:
        fit = fit_folder(self.out)
        if not (fit / "run.json").is_file():
            return self.named
        store = ResultsFolder.read(fit)
        return {spec: with_learned(store, one).with_spec(spec) for spec, one in self.named.items()}

    def _begin_progress(self, stored: Mapping[ResultKey, Result], keys: Sequence[ResultKey]) -> None:
        settings = run_settings(self.task, self.config.seed, self.model, self.config.problem_budget)
        examples = {str(example.problem.id): example for example in self.examples}
        known = {key: result for key, result in stored.items() if key.problem in examples}
        self.listener.on_open({**settings, "strategies": list(self.named), **self.config.to_json()})
        store = ResultsFolder(None, settings, {}, examples, ResultTable.of(known), list(self.named))
        comparison = Comparison.from_folder(store, selection=self.config.selection)
        title = replace(comparison, n=len(examples)).title
        view = cast(LLM, self.view)
        self.listener.on_start(
            RunStart(title, view, list(self.named), keys, comparison.results, self.config.time_limit)
        )
