"""Decisions whether a smaller model replaces another one at a step of a chain, with a tolerance.

Source:
    Non-inferiority with a margin fixed in advance, read from the confidence interval: Piaggio et al.
    2012, "Reporting of Noninferiority and Equivalence Randomized Trials", JAMA 308(24). Intervals: Tango
    1998 for single outcomes, Student's otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reasoning.benchmarks.analysis.paired import ALPHA, MIN_CASES, PairedDifference, paired_differences
from reasoning.benchmarks.statistics import Difference, holm, paired_mean, tango
from reasoning.tables import render_text
from reasoning.tuning.comparison.model_runs import ModelRun

Outcome = Literal["replaces", "does not replace", "undecided", "withheld"]
MOST_TIMES = 100
"""The largest multiple of the cases that is reported as the number that would be needed."""


@dataclass(frozen=True)
class PartComparison:
    """A candidate against the reference on one part.

    Attributes:
        part: the part.
        pair: the paired difference, with Holm's correction of its p-value over all parts and candidates.
        mean: the candidate's mean score over the cases with both.
        reference_mean: the same of the reference.
        interval: the difference with the interval by which the verdict is made.
        missing: cases that are left out, because a call failed with one of the models.
        needed: the number of cases like these after which the interval would decide: 0 if it decides
            now, infinite if the difference is so near the tolerance that it hardly ever would.
    """

    part: str
    pair: PairedDifference
    mean: float
    reference_mean: float
    interval: Difference
    missing: int = 0
    needed: float = 0


@dataclass(frozen=True)
class Verdict:
    """The verdict on a candidate.

    Attributes:
        model: the candidate.
        outcome: "replaces" if the loss on every part is shown to be smaller than the tolerance; "does
            not replace" if it is shown to be larger on one; else "undecided". "withheld" if failed
            calls, or replies that a limit cut off, could have made the verdict.
        parts: the comparisons behind it.
        reason: why it is withheld or undecided; "" otherwise.
    """

    model: str
    outcome: Outcome
    parts: tuple[PartComparison, ...]
    reason: str = ""


@dataclass(frozen=True, repr=False)
class ModelComparison:
    """The comparison of several models at one step of a chain, each against the first.

    Print it, or let a notebook show it.

    Attributes:
        chain, step: the names of the chain and the step.
        tolerance: the largest loss that does not matter, in points.
        runs: the models; the first is the reference.
        verdicts: the verdict on each other model.
        stopped: whether the runs ended before all cases were scored.
    """

    chain: str
    step: str
    tolerance: float
    runs: tuple[ModelRun, ...]
    verdicts: tuple[Verdict, ...]
    stopped: bool = False

    def __repr__(self) -> str:
        from reasoning.tuning.comparison.report import describe

        return render_text(describe(self))

    def _repr_html_(self) -> str:
        from reasoning.tuning.comparison.report import describe, draw

        return f"{draw(self)}{describe(self).to_html()}"


def compare_models(
    chain: str, step: str, runs: Sequence[ModelRun], tolerance: float, *, stopped: bool = False
) -> ModelComparison:
    """Compare models at a step of a chain, each against the first one.

    The intervals of several candidates have Bonferroni's correction. A candidate must be shown to be
    good enough on every part, so the parts need no further correction (Berger 1982, Technometrics
    24(4), intersection-union test).

    Args:
        chain: the chain's name.
        step: the step's name.
        runs: the runs; the first is of the reference.
        tolerance: the largest loss that does not matter, in points.
        stopped: whether an error ended a run before all cases were scored.
    """
    reference, *candidates = runs
    confidence = 1 - ALPHA / max(1, len(candidates))
    pairs = {
        (run.model, part): _pair(run.known(part), reference.known(part))
        for run in candidates
        for part in reference.scores
    }
    adjusted = holm({key: pair.p for key, pair in pairs.items() if pair.n})
    verdicts = []
    for run in candidates:
        parts = [
            _compare_part(part, replace(pair, p_adjusted=adjusted[model, part]), run, reference, tolerance, confidence)
            for (model, part), pair in pairs.items()
            if model == run.model and pair.n
        ]
        verdicts.append(_judge(run, reference, parts, tolerance / 100, confidence, stopped))
    return ModelComparison(chain, step, tolerance, tuple(runs), tuple(verdicts), stopped)


def _pair(candidate: Mapping[str, float], reference: Mapping[str, float]) -> PairedDifference:
    [pair] = paired_differences({"candidate": candidate, "reference": reference}, ["candidate", "reference"])
    return pair


def _compare_part(
    part: str, pair: PairedDifference, run: ModelRun, reference: ModelRun, tolerance: float, confidence: float
) -> PartComparison:
    a, b = _paired(run.known(part), reference.known(part))
    interval = _interval(a, b, confidence)
    every = run.scores[part].keys() | reference.scores[part].keys()
    return PartComparison(
        part,
        pair,
        sum(a) / len(a),
        sum(b) / len(b),
        interval,
        missing=len(every) - len(a),
        needed=_cases_needed(a, b, tolerance / 100, confidence),
    )


def _judge(
    run: ModelRun,
    reference: ModelRun,
    parts: Sequence[PartComparison],
    margin: float,
    confidence: float,
    stopped: bool,
) -> Verdict:
    """Return the verdict on a candidate."""
    if stopped:
        return Verdict(run.model, "withheld", tuple(parts), "not all cases were run")
    compared = {part.part for part in parts}
    if unknown := [part for part in reference.scores if part not in compared]:
        reason = f"no case has a known score of {' or '.join(unknown)} with both models"
        return Verdict(run.model, "withheld", tuple(parts), reason)
    outcome = _outcome([part.interval for part in parts], margin)
    if outcome == "undecided" or min(part.pair.n for part in parts) < MIN_CASES:
        return Verdict(run.model, "undecided", tuple(parts), "the cases are too few to tell")
    # The worst for what the verdict says: what is missing counts against it.
    favourable = outcome == "does not replace"
    extremes = [
        _interval(*_paired(run.bound(part.part, favourable), reference.bound(part.part, not favourable)), confidence)
        for part in parts
    ]
    if _outcome(extremes, margin) != outcome:
        return Verdict(run.model, "withheld", tuple(parts), _explain_missing(run, reference, [p.part for p in parts]))
    return Verdict(run.model, outcome, tuple(parts))


def _outcome(intervals: Sequence[Difference], margin: float) -> Outcome:
    if any(interval.high < -margin for interval in intervals):
        return "does not replace"
    return "replaces" if all(interval.low > -margin for interval in intervals) else "undecided"


def _explain_missing(run: ModelRun, reference: ModelRun, parts: Sequence[str]) -> str:
    """Return which scores are missing or incomplete, in words."""
    causes = []
    for model in (reference, run):
        failed = sum(score is None for part in parts for score in model.scores[part].values())
        cut = sum(len(model.incomplete.get(part, ())) for part in parts)
        if failed:
            causes.append(f"{failed} of its scores with {model.model} are unknown, since calls failed")
        if cut:
            lost = f"in {cut} runs a limit on tokens cut off a reply of {model.model}, or it declined"
            causes.append(f"{lost} (see --max-tokens)")
    return f"{'; '.join(causes)}, which could have made the verdict"


def _paired(candidate: Mapping[str, float], reference: Mapping[str, float]) -> tuple[list[float], list[float]]:
    common = [case for case in candidate if case in reference]
    return [candidate[case] for case in common], [reference[case] for case in common]


def _interval(a: Sequence[float], b: Sequence[float], confidence: float) -> Difference:
    """Return the difference of two means over the same cases, with its interval."""
    if all(score in (0.0, 1.0) for score in (*a, *b)):
        return tango([score == 1 for score in a], [score == 1 for score in b], confidence)
    return paired_mean(a, b, confidence=confidence)


def _cases_needed(a: Sequence[float], b: Sequence[float], margin: float, confidence: float) -> float:
    """Return the number of cases after which the interval excludes a loss of the margin, if more are like these."""

    def decides(times: int) -> bool:
        return _outcome([_interval(list(a) * times, list(b) * times, confidence)], margin) != "undecided"

    if decides(1) and len(a) >= MIN_CASES:
        return 0
    if not decides(MOST_TIMES):
        return math.inf
    low, high = 1, MOST_TIMES
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle + 1, high)
    return max(MIN_CASES, low * len(a))
