"""The cases of a chain with several models at one step, the other steps unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.chains.api import Progress, no_progress
from reasoning.benchmarks.chains.cases import Case
from reasoning.benchmarks.chains.runner import END, CaseRun, RunCost, SuiteResult, plan_evaluation, run_suite
from reasoning.chain.chain import Chain
from reasoning.engine.call_settings import DEFAULT_PARAMS
from reasoning.errors import UsageError
from reasoning.messages import Usage

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM


@dataclass(frozen=True)
class ModelRun:
    """The cases of a chain with one model at the step.

    Attributes:
        model: the model's name.
        scores: by part ("STEP alone" or "end to end") and case; None if a call failed.
        incomplete: by part, the cases with a reply that a limit cut off or that the model declined.
        costs: the usage of the step alone, by case.
    """

    model: str
    scores: Mapping[str, Mapping[str, float | None]]
    incomplete: Mapping[str, frozenset[str]]
    costs: Mapping[str, Usage]

    def known(self, part: str) -> dict[str, float]:
        """Return the known scores of a part, by case."""
        return {case: score for case, score in self.scores.get(part, {}).items() if score is not None}

    def bound(self, part: str, highest: bool) -> dict[str, float]:
        """Return the lowest or the highest scores of a part that missing and incomplete replies allow, by case."""
        lost = self.incomplete.get(part, frozenset())
        return {
            case: float(highest) if score is None or (highest and case in lost) else score
            for case, score in self.scores.get(part, {}).items()
        }


def to_model_run(model: str, step: str, result: SuiteResult) -> ModelRun:
    """Return the scores and costs of a suite that ran a step alone and the whole chain.

    Args:
        model: the model at the step.
        step: the name of the step.
        result: the result of the suite.
    """
    parts = (f"{step} alone", END)
    scores: dict[str, dict[str, float | None]] = {part: {} for part in parts}
    for score in result.scores:
        if score.part in scores:
            scores[score.part][score.case] = score.score
    incomplete = {part: frozenset(one.case for one in _of(part, result.costs) if one.incomplete) for part in parts}
    costs = {one.case: one.usage for one in _of(parts[0], result.costs)}
    return ModelRun(model, {part: known for part, known in scores.items() if known}, incomplete, costs)


def _of(part: str, costs: Sequence[RunCost]) -> list[RunCost]:
    return [one for one in costs if part in one.parts]


def plan_model(
    chain: Chain,
    step: str,
    model: str | None,
    cases: Sequence[Case],
    sampling: Mapping[str, Any],
    *,
    alone: bool = False,
) -> list[CaseRun]:
    """Return the runs of a step alone, with gold inputs, and of the whole chain.

    Args:
        chain: the chain.
        step: the name of the step.
        model: the model at the step; None for the chain's.
        cases: the cases.
        sampling: sampling parameters of the step's calls, unless the step sets its own.
        alone: leave the runs of the whole chain out.

    Raises:
        UsageError: no case checks the step or the end.
    """
    parts = (f"{step} alone",) if alone else (f"{step} alone", END)
    changed = chain.with_step(step, model=model, sampling={**sampling, **chain.step(step).sampling})
    runs = list(_only(parts, plan_evaluation(changed, cases)))
    if not runs:
        where = f"the step {step!r}" + ("" if alone else " or the end")
        raise UsageError(f"no case of the chain {chain.name!r} checks {where}: add gold values")
    return runs


def _only(parts: Sequence[str], runs: Iterator[CaseRun]) -> Iterator[CaseRun]:
    for run in runs:
        if wanted := {part: name for part, name in run.parts.items() if part in parts}:
            yield replace(run, parts=wanted)


def run_models(
    chain: Chain,
    step: str,
    models: Sequence[str],
    cases: Sequence[Case],
    llm: LLM,
    own: str = "",
    progress: Progress = no_progress,
    *,
    alone: bool = False,
) -> tuple[list[ModelRun], list[SuiteResult]]:
    """Run the cases with each model at a step.

    All are planned before the first call, and all have the same sampling parameters. An error that
    stops one model's runs also ends the others.

    Args:
        chain: the chain.
        step: the name of the step.
        models: the models at the step.
        cases: the cases.
        llm: the model of the other steps, and of judges.
        own: the name in `models` that stands for `llm` itself.
        progress: shows the progress of one model's runs.
        alone: run the step alone, and never the whole chain.

    Raises:
        UsageError: a model is unknown, or no case checks the step or the end.
    """
    # A model that is connected for a step has none of the user's settings, such as a limit on tokens.
    given = {name: value for name, value in llm.sampling.items() if value != DEFAULT_PARAMS.get(name)}
    planned = []
    for model in models:
        if model != own:
            # An unknown model is an error before the first call.
            llm.sibling(model)
        is_own = model == own
        plan = plan_model(chain, step, None if is_own else model, cases, {} if is_own else given, alone=alone)
        planned.append((model, plan))
    runs: list[ModelRun] = []
    results: list[SuiteResult] = []
    for model, plan in planned:
        with progress(len(plan)) as on_finished:
            result = run_suite(plan, llm, on_finished)
        runs.append(to_model_run(model, step, result))
        results.append(result)
        if result.stopped is not None:
            break
    return runs, results
