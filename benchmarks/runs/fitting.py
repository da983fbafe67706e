"""The fit of a run's strategies before its first result, on examples that the run never judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reasoning import event_loop
from reasoning.benchmarks.results.fitted import (
    Fitted,
    copy_fits,
    fitted_records,
    read_learned,
    read_pool,
    store_record,
    write_learned,
    write_pool,
)
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.listeners import RunListener
from reasoning.benchmarks.runs.open_run import OpenRun
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks.fitting_pool import USUAL_POOL, FittingPool, choose_pool, overlaps
from reasoning.engine.budget import Budget
from reasoning.engine.llm import LLM
from reasoning.errors import ReasoningError, SettingsChanged, UsageError
from reasoning.messages import Usage
from reasoning.strategy import Strategy, fit_needed
from reasoning.tables import pluralize
from reasoning.trace import Note, Trace

SCOPE = "fit"
"""The name of the fits in the ledger of a run, which holds them apart from the calls that answer problems."""
_MAX_NOTES = 20
"""The most notes of a fit that its file repeats."""


def fit_strategies(
    run: OpenRun, named: Mapping[str, Strategy], task: Task, model: LLM, config: RunConfig, listener: RunListener
) -> tuple[dict[str, Strategy], ReasoningError | None]:
    """Return the strategies of a run with those fitted that need it, and the error that ended the fits early.

    A strategy learns once: its file in the results folder says what, and a continued run reads the
    file. It learns again if the file is missing, or if problems of its pool are now judged.

    Args:
        run: the run. Its folder holds the problems that are judged.
        named: the strategies by spec.
        task: the task of the run.
        model: the model.
        config: the configuration of the run, with the pool that the user asked for.
        listener: receives the progress.

    Raises:
        UsageError: no example is left to learn from, a file does not hold what a strategy takes,
            strategies have learned from another pool than the one that is asked for, or the folder of
            the fits lacks one.
    """
    if not any(strategy.needs_fit for strategy in named.values()):
        return dict(named), None
    if config.fit_folder is not None:
        copy_fits(config.fit_folder, run.store)
    return event_loop.run_sync(_Fits(run, task, model, config, listener).fit_all(named))


@dataclass
class _Fits:
    """The fits of one command."""

    run: OpenRun
    task: Task
    model: LLM
    config: RunConfig
    listener: RunListener
    pool: FittingPool | None = None

    def __post_init__(self) -> None:
        self._done: dict[str, Strategy] = {}

    async def fit_all(self, named: Mapping[str, Strategy]) -> tuple[dict[str, Strategy], ReasoningError | None]:
        fitted: dict[str, Strategy] = {}
        for spec, strategy in named.items():

            async def fit(learner: Strategy, spec: str = spec) -> Strategy:
                return await self._fit_once(learner, spec)

            try:
                # Results and traces keep the spec of the run: a fitted strategy's own repr holds all that it learned.
                fitted[spec] = (await fit_needed(strategy, fit)).with_spec(spec) if strategy.needs_fit else strategy
            except ReasoningError as error:
                if isinstance(error, UsageError) and not error.ends_run:
                    raise
                return dict(named), error
        return fitted, None

    async def _fit_once(self, learner: Strategy, spec: str) -> Strategy:
        """Return the learner with what it learns or has learned, and record that the strategy `spec` uses it."""
        name, store = repr(learner), self.run.store
        record = next((one for one in fitted_records(store) if one.learner == name), None)
        known = self._done.get(name)
        if record is not None and known is None:
            known = self._reuse(record, learner)
        if record is None or known is None:
            known, record = await self._fit(learner, name, spec)
        self._done[name] = known
        if spec not in record.strategies:
            store_record(store, replace(record, strategies=(*record.strategies, spec)))
        return known

    def _reuse(self, record: Fitted, learner: Strategy) -> Strategy | None:
        """Return the learner as its file says; None if it must learn again."""
        store, asked = self.run.store, _asked_for(self.config)
        if any(new is not None and new != old for new, old in zip(asked, record.asked_for, strict=True)):
            raise SettingsChanged(
                f"{record.learner} has learned from {record.pool} in {store.folder}; to learn from another pool, give "
                "another --out"
            )
        pool = read_pool(store, record)
        if pool is None or overlaps(pool, store.examples.values()):
            return None
        return read_learned(store, record, learner)

    async def _fit(self, learner: Strategy, name: str, spec: str) -> tuple[Strategy, Fitted]:
        run, config = self.run, self.config
        if config.fit_folder is not None:
            raise UsageError(
                f"{name} must learn before the shards, once and without their problems, and {config.fit_folder} does "
                "not hold what it has learned: run the same command with --shard fit, and then the shards"
            )
        if self.pool is None:
            judged = list(run.store.examples.values())
            self.pool = choose_pool(self.task, judged, config.seed, config.pool_size or USUAL_POOL, config.pool)
        trace, budget = Trace(f"fit {name}"), Budget().nested_in(run.budget)
        if run.ledger is not None:
            budget.account = run.ledger.account(SCOPE, name)
        refused = budget.refusals
        self.listener.on_fit(f"fitting {learner.card.name} on {self.pool}", self.model, trace)
        fitted = await learner.afit(
            self.pool.examples,
            self.model,
            epoch=int(run.store.metadata.get("first_epoch", 0)),
            budget=budget,
            journal=run.journal,
            trace=trace,
        )
        if (stopped := budget.refusal_since(refused)) is not None:
            # What was learned until then would pass for all of it in a continued run. Recorded draws cost nothing.
            raise stopped
        if fitted.needs_fit:
            raise UsageError(
                f"{name} has learned nothing from {self.pool}; give another --pool or a larger --pool-size"
            )
        usage = trace.usage
        notes = [event.text for event in trace.events if isinstance(event, Note)]
        comments = [
            f"What {name} has learned from {self.pool}, with the model {self.model.name}.",
            f"Cost: {_describe(usage)}.",
            *notes[:_MAX_NOTES],
            "Edit it as you like: the next run makes the results anew, and recorded draws cost nothing.",
        ]
        file, digest = write_learned(run.store, learner, fitted, comments)
        record = Fitted(
            *(name, (spec,), file, digest, str(self.pool), write_pool(run.store, self.pool.examples)),
            *(_asked_for(config), usage, notes[-1] if notes else ""),
        )
        store_record(run.store, record)
        return fitted, record


def _asked_for(config: RunConfig) -> tuple[str | None, int | None]:
    return None if config.pool is None else config.pool.name, config.pool_size


def _describe(usage: Usage) -> str:
    tokens = f"{usage.prompt_tokens + usage.completion_tokens:,} tokens"
    price = [] if usage.usd is None else [f"${usage.usd:.4f}"]
    return ", ".join([pluralize(usage.calls, "call"), tokens, *price, f"{usage.seconds:,.0f} seconds of model time"])
