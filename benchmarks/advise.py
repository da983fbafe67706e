"""Advice on which technique to use on a task with a model, from a race within a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reasoning import event_loop, registry
from reasoning.benchmarks import experiment
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.recommendation import MIN_PROBLEMS, Recommendation
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.listeners import RunListener
from reasoning.benchmarks.tasks import Task
from reasoning.chain.structured import structure_all
from reasoning.dry_run import record_requests
from reasoning.errors import UsageError
from reasoning.problem import Example
from reasoning.strategies.direct.effort import at_efforts
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

CANDIDATES = (
    "vanilla",
    "cot",
    "cot(shots=4)",
    "plan_and_solve",
    "least_to_most",
    "program_of_thoughts",
    "self_consistency(cot, samples=5)",
    "self_consistency(program_of_thoughts, samples=5)",
)
"""The default candidates, one of each mechanism. Those that do not support the task's kind of answer are left out."""
_AT_EFFORTS = ("vanilla", "cot")
"""The default candidates that are also raced at efforts: no technique, and one that thinks a second time."""
_STRUCTURED = ("vanilla",)
"""The default candidates that are also raced with structured replies. The others write steps as free text."""
_USUAL_EFFORTS = ("low", "medium", "high")
USUAL_LIMIT = 200
"""The largest number of problems of a race without a limit; a file of the user may be raced whole."""


def advise(
    task: Task,
    llm: LLM,
    config: RunConfig,
    listener: RunListener,
    candidates: Sequence[str | Strategy] | None = None,
    efforts: Sequence[str] | None = None,
    *,
    structured: bool = False,
) -> Recommendation:
    """Race the candidates, and recommend the cheapest of those that are as good as the best.

    Advice is for future questions, so the race is over all problems of this kind (see
    `reasoning.benchmarks.statistics.racing`).

    A strategy is as good as the best if it is not significantly different (on the problems that
    both answered, with Holm's correction) and not worse by more than the race's margin. A strategy
    that the race stopped is not as good. If the model's budget runs out, the race ends there, and
    the results up to then count. If no problem was solved, or with fewer than ten problems and an
    undecided race, the recommendation is a prior from the cards. If replies that a limit cut off,
    refusals or failures could have decided it, there is no recommendation.

    Args:
        task: the task.
        llm: the model.
        config: the configuration of the run, with the margin of the race.
        listener: receives the progress.
        candidates: the strategies to race; by default those of `CANDIDATES` that support the task. If the model
            thinks, direct prompting and chain of thought are also raced at the efforts that it takes.
        efforts: the efforts of thought at which each candidate is raced, instead.
        structured: whether candidates are also raced with structured replies: each that can have them, of the default
            ones direct prompting.

    Raises:
        UsageError: no default candidate supports the task's kind of answer, no candidate can have structured replies,
            or the model takes no schema of a reply.
        CallFailed: no call succeeded.
    """
    raced = list(map(registry.get, candidates)) if candidates else _supported(task, config.seed, llm)
    pairs = _structure(raced, task, config, llm, by_default=not candidates) if structured else []
    raced += [new for _, new in pairs]
    if efforts is not None:
        raced = at_efforts(raced, efforts)
        pairs = [pair for one in pairs for pair in zip(*(at_efforts([each], efforts) for each in one), strict=True)]
    elif not candidates:
        raced = [*raced, *at_efforts([one for one in raced if repr(one) in _AT_EFFORTS], _efforts_to_race(llm))]
    chosen = list(experiment.named_strategies(raced).values())
    config = replace(config, race_over_population=True)
    comparison = experiment.run_comparison(chosen, task, llm, config, listener)
    if comparison.stopped is not None and comparison.stopped.exit_code != 3:
        raise comparison.stopped
    chosen.sort(key=lambda strategy: strategy.calls_range()[::-1])
    specs = {repr(free): repr(new) for free, new in pairs}
    found = _recommend(comparison, chosen, config.race_margin or 0)
    return replace(found, structured=specs, refused=bool(specs) and not _takes_schemas(llm))


def _recommend(comparison: Comparison, candidates: Sequence[Strategy], margin: float) -> Recommendation:
    """Return the recommendation of a race; the candidates are sorted by their calls."""
    rows = {row.strategy: row for row in comparison.common_rows}
    is_decided = comparison.race is not None and len(comparison.race.stopped) == len(candidates) - 1 > 0
    price = _price(comparison)
    best = min(rows.values(), key=lambda row: (-row.correct, price(row)), default=None)
    if best is None or not best.correct or (best.n < MIN_PROBLEMS and not is_decided):
        return Recommendation(repr(candidates[0]), comparison, None, (), (), tuple(candidates))
    against_best = _differences(comparison, best.strategy)
    if any(pair.is_withheld for pair in against_best):
        withheld = comparison.conclusion.headline()
        return Recommendation(
            *(best.strategy, comparison, best, (best.strategy,), tuple(against_best), tuple(candidates)),
            withheld=withheld,
        )
    ties = [best] + [
        rows[pair.second] for pair in against_best if not pair.is_shown and 100 * pair.difference.value <= margin
    ]
    ties.sort(key=price)
    recommended = ties[0]
    return Recommendation(
        recommended.strategy,
        comparison,
        recommended,
        ties=tuple(row.strategy for row in ties),
        differences=tuple(_differences(comparison, recommended.strategy)),
        candidates=tuple(candidates),
    )


def _structure(
    strategies: Sequence[Strategy], task: Task, config: RunConfig, llm: LLM, *, by_default: bool
) -> list[tuple[Strategy, Strategy]]:
    """Return the strategies that can have structured replies, each with its structured copy.

    Raises:
        UsageError: none can, or the model takes no schema of a reply.
    """
    if not _takes_schemas(llm):
        raise UsageError(f"{llm.name} takes no schema of a reply (response_format), so leave --structured out")
    considered = [one for one in strategies if not by_default or repr(one) in _STRUCTURED] or strategies
    kinds = [example.problem.kind for example in task.load(config.limit, config.seed)]
    changed, _ = structure_all(considered, kinds)
    return [(old, new) for old, new in zip(considered, changed, strict=True) if new != old]


def _takes_schemas(llm: LLM) -> bool:
    """Return whether the model takes a schema of a reply, as far as its table and its refusals tell."""
    return not llm.traits.dropped({"response_format": {}})


def _efforts_to_race(llm: LLM) -> list[str]:
    """Return the efforts that are raced by default: the usual ones that the model is known to take."""
    known = [effort for effort in _USUAL_EFFORTS if effort in llm.traits.efforts]
    return [effort for effort in known if not llm.traits.find_effort_problem(llm.name, {"reasoning_effort": effort})]


def _differences(comparison: Comparison, spec: str) -> list[PairedDifference]:
    """Return the differences of this strategy to each other one."""
    return [pair.oriented(spec) for pair in comparison.pairs if spec in (pair.first, pair.second)]


def _supported(task: Task, seed: int, llm: LLM) -> list[Strategy]:
    [example] = task.load(1, seed)
    supported = [candidate for candidate in map(registry.get, CANDIDATES) if _can_start(candidate, example, llm)]
    if not supported:
        raise UsageError(
            f"none of the default strategies supports answers of the kind {example.problem.kind!r}; "
            "name the strategies to compare"
        )
    return supported


def _can_start(strategy: Strategy, example: Example, llm: LLM) -> bool:
    """Return whether the strategy supports the kind of answer, and has demonstrations of that kind if it shows any."""
    try:
        strategy.check_supports(example.problem.kind)
        event_loop.run_sync(record_requests(strategy, example.problem, llm))
    except UsageError:
        return False
    return True


def _price(comparison: Comparison) -> Callable[[StrategySummary], float]:
    """Return a function from a row to the cost of a solve.

    All costs have one unit: US dollars if every price is known and any is above 0, else tokens.
    """
    rows = comparison.common_rows
    if all(row.usage.usd is not None for row in rows) and any(row.usage.usd for row in rows):
        return lambda row: (row.usage.usd or 0.0) / row.n
    return lambda row: (row.usage.prompt_tokens + row.usage.completion_tokens) / row.n
