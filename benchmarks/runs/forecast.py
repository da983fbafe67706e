"""The forecast of a run over the user's own problems: what is left to buy, and whether to ask before it starts.

All of a user's file is run without a limit, so a long file must not cost a lot by surprise.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from reasoning import event_loop
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.cost_estimate import estimate_strategy, prepare
from reasoning.benchmarks.runs.runner import missing_keys
from reasoning.benchmarks.tasks import Task
from reasoning.engine.llm import LLM
from reasoning.errors import UsageError
from reasoning.strategy import Strategy

DEAR_USD = 1.0
"""A run that may cost more than this many US dollars is dear."""
DEAR_MINUTES = 10
"""A run on a local model that is likely to take more minutes than this is dear."""
DEAR_CALLS = 1_000
"""A run of more calls than this is dear if the model's price is unknown."""
SECONDS_PER_CALL = 1.5
"""Seconds of a call of the default local model on two cores: 96 calls of four techniques took 130 seconds."""
_SAMPLE = 100
"""The problems from which the cost of all problems is estimated; long files take seconds otherwise."""


@dataclass(frozen=True)
class Forecast:
    """The calls that a run has yet to buy, without draws of the journal and stored results.

    Attributes:
        least_calls, most_calls: the calls, at least and at most.
        usd: the cost in US dollars, at most; None if the price is unknown.
        minutes: the likely time in minutes; None if the model is not local.
        free: true if the calls cost nothing.
    """

    least_calls: int
    most_calls: int
    usd: float | None
    minutes: float | None
    free: bool

    @property
    def is_dear(self) -> bool:
        """True if the run is likely to exceed one of the limits above, as far as its price or speed is known."""
        if self.minutes is not None:
            return self.minutes > DEAR_MINUTES
        if self.free:
            return False
        return self.most_calls > DEAR_CALLS if self.usd is None else self.usd > DEAR_USD

    def __str__(self) -> str:
        low, high = self.least_calls, self.most_calls
        calls = f"about {low:,} calls" if low == high else f"{low:,} to {high:,} calls"
        if self.minutes is not None:
            return f"{calls}, about {_format_minutes(self.minutes)} at {SECONDS_PER_CALL:g} seconds a call"
        if self.free:
            return calls
        return f"{calls}, " + ("the price is unknown" if self.usd is None else f"at most about ${self.usd:,.2f}")


def forecast(strategies: Mapping[str, Strategy], task: Task, llm: LLM, config: RunConfig) -> Forecast:
    """Return the calls that a run of these strategies has yet to buy. Loads the problems and calls no model.

    Raises:
        UsageError: the problems or the results folder cannot be read, or a strategy does not support them.
    """
    examples = {str(example.problem.id): example for example in task.load(config.limit, config.seed)}
    is_begun = config.folder is not None and (config.folder / "run.json").is_file()
    store = ResultsFolder.read(config.folder) if config.folder and is_begun else ResultsFolder(None, {})
    least = most = usd = 0.0
    is_priced, ready = True, dict[str, Strategy]()
    for spec, strategy in strategies.items():
        # What is learned in another way than from demonstrations has a cost that shows only when it is fitted.
        with suppress(UsageError) if strategy.needs_fit else nullcontext():
            ready[spec], fit = prepare(strategy, next(iter(examples.values())), config)
            least, most = least + (fit or (0, 0))[0], most + (fit or (0, 0))[1]
    keys = missing_keys(store, list(examples), ready, config.epochs)
    for spec, strategy in ready.items():
        missing = [key.problem for key in keys if key.strategy == spec]
        if not missing:
            continue
        step = -(-len(missing) // _SAMPLE)
        sample = [examples[problem] for problem in missing[::step]]
        row = event_loop.run_sync(estimate_strategy(spec, strategy, sample, llm, 1, new_samples=config.new_samples))
        scale = len(missing) / len(sample) * (1 - row.recorded / max(row.first_draws, 1))
        least, most = least + scale * row.least.calls, most + scale * row.most.calls
        if row.most.usd is None:
            is_priced = False
        else:
            usd += scale * row.most.usd
    minutes = least * SECONDS_PER_CALL / 60 if llm.name.startswith("local:") else None
    return Forecast(round(least), round(most), usd if is_priced else None, minutes, llm.client.free)


def _format_minutes(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.0f} hours"
