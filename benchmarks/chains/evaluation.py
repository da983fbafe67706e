"""A chain by step and end to end, and the blame: how much better its end is where one step's result is right.

The right result of a step comes with right results of all steps before it. So what a step itself loses is counted from
where all that it reads is right; along a line of steps these losses add up to all that the end lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.analysis.summary_table import many, numbers
from reasoning.benchmarks.chains.grid import Grid, html, shown, terminal, text
from reasoning.benchmarks.chains.runner import END, PartScore, oracle_label
from reasoning.benchmarks.statistics import clustered_mean, holm, wilson

if TYPE_CHECKING:
    from rich.console import RenderableType

    from reasoning.chain.chain import Chain


@dataclass(frozen=True)
class PartSummary:
    """One part of a chain on its cases.

    Attributes:
        part: the step in the chain, "STEP alone", or "end to end".
        n: cases that could be told; `failed` could not.
        passed: those that passed all their checks, with a Wilson interval of the share.
        score: the mean of the checks' scores, with an interval.
    """

    part: str
    n: int
    failed: int
    passed: int
    share: tuple[float, float]
    score: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class StepLoss:
    """What a step costs the end.

    Attributes:
        step: whose result was replaced by the right one; of the last step that is the end itself.
        before, after: the end's score where all that the step reads is right, and where its result is; same cases.
        pair: their difference; its `adjusted` p is by Holm over all steps.
    """

    step: str
    before: float
    after: float
    pair: PairedDifference


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What an evaluation comes to. Print it, or let a notebook show it.

    Attributes:
        name, model: the version of the chain, and what answered.
        rows: by part.
        blames: by step, in the chain's order.
        agreed, judged: judgements in which the judge said the same in both orders, and all of them.
        unblamed: by step that has no blame, the steps whose right results no case with an end has.
        unchecked: cases that are left out, since they say nothing of what is right.
    """

    name: str
    model: str
    rows: tuple[PartSummary, ...]
    losses: tuple[StepLoss, ...]
    agreed: int = 0
    judged: int = 0
    not_attributed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unchecked: int = 0

    @property
    def worst(self) -> StepLoss | None:
        """The step that loses most, where that is shown: see `reasoning.benchmarks.chains.grid.shown`."""
        told = [one for one in self.losses if shown(one.pair) and one.pair.difference.low > 0]
        return max(told, key=lambda one: one.pair.difference.value, default=None)

    def table(self) -> RenderableType:
        """For the terminal."""
        from rich.console import Group

        first, second = (terminal(one) for one in self.grids)
        blame: list[RenderableType] = [second, ""] if self.losses else []
        return Group(first, "", *blame, self.summary)

    def __repr__(self) -> str:
        return text(self.table())

    def _repr_html_(self) -> str:
        grids = "".join(html(one) for one in self.grids if one.rows)
        return f"{grids}<p>{escape(self.summary).replace(chr(10), '<br>')}</p>"

    @property
    def grids(self) -> tuple[Grid, Grid]:
        """The scores by part, and what each step loses."""
        parts, steps = [], []
        for row in self.rows:
            share = (f"{row.passed / row.n:.0%}", f"{row.share[0]:.0%} to {row.share[1]:.0%}") if row.n else ("", "")
            spread = f"{row.interval[0]:.2f} to {row.interval[1]:.2f}" if row.interval[0] < row.interval[1] else ""
            parts.append((row.part, f"{row.n}", *share, f"{row.score:.2f}" if row.n else "", spread))
        for one in self.losses:
            ends = f"{one.before:.2f} → {one.after:.2f}"
            steps.append((one.step, f"{one.pair.n}", ends, *numbers(one.pair)))
        worst = self.worst
        return (
            Grid(("part", "cases", "passed", "95 %", "score", "95 %"), parts, {END}),
            Grid(
                ("step", "cases", "end: right\ninputs → result", "loses,\npoints", "95 %", "p (Holm)"),
                steps,
                {worst.step} if worst else set(),
            ),
        )

    @property
    def summary(self) -> str:
        """Which step to work on, and what is left out: a line each."""
        lines = [self._work_on()] if self.losses else []
        for step, names in self.not_attributed.items():
            lines.append(f"no blame for {step}: no case with a checked end has gold of {' and '.join(names)}")
        if self.unchecked:
            lines.append(f"{many(self.unchecked, 'case')} without a check: left out")
        if failed := sum(row.failed for row in self.rows):
            lines.append(f"{failed} outcomes could not be told (failed calls) and are left out")
        if self.judged:
            lines.append(f"the judge said the same in both orders in {self.agreed} of {self.judged} judgements")
        return "\n".join([*lines, f"{self.name} on {self.model}"])

    def _work_on(self) -> str:
        best = self.worst
        if best is None:
            return "no step is to blame that so many cases can show"
        most = best.pair.difference.value
        like = [one.step for one in self.losses if one is not best and one.pair.difference.high >= most]
        said = f"work on {best.step}: from right inputs it loses {100 * most:.1f} points at the end"
        return f"{said}; {', '.join(like)} may lose as much" if like else said

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "run": self.name,
            "model": self.model,
            "rows": [
                {
                    "part": row.part,
                    "n": row.n,
                    "failed": row.failed,
                    "passed": row.passed,
                    "passed_ci95": list(row.share),
                    "score": row.score,
                    "score_ci95": list(row.interval),
                }
                for row in self.rows
            ],
            "blame": [
                {
                    "step": one.step,
                    "n": one.pair.n,
                    "before": one.before,
                    "after": one.after,
                    "loses": one.pair.difference.value,
                    "ci95": [one.pair.difference.low, one.pair.difference.high],
                    "p": one.pair.p_adjusted,
                }
                for one in self.losses
            ],
            "work_on": self.worst.step if self.worst else None,
            "judge": {"agreed": self.agreed, "n": self.judged},
            "no_blame": {step: list(names) for step, names in self.not_attributed.items()},
            "no_check": self.unchecked,
        }


def summarize_evaluation(
    outcomes: Iterable[PartScore], chain: Chain, name: str, model: str, unchecked: int = 0
) -> Evaluation:
    """The tables of outcomes.

    Args:
        outcomes: of trials (`reasoning.benchmarks.chains.runner.evaluation`).
        chain: what was run.
        name, model: what was run.
        unchecked: cases that were left out, since they check nothing.
    """
    found = list(outcomes)
    steps = [step.name for step in chain.steps]
    parts = [part for step in steps for part in (f"{step} alone", step)] + [END]
    rows = [row for part in parts if (row := _row(part, [one for one in found if one.part == part]))]
    scores = by_part(found)
    blames, unblamed = [], {}
    for step in steps:
        before = scores.get(oracle_label(chain, chain.needs[step]), {})
        after = scores.get(oracle_label(chain, [step]), {}) if step != steps[-1] else dict.fromkeys(before, 1.0)
        if before.keys() & after.keys():
            blames.append(_blame(step, before, after))
        elif step in chain.ancestors[steps[-1]] or step == steps[-1]:
            needed = [one for one in steps if one in chain.needs[step] or (one == step != steps[-1])]
            missing = tuple(name for name in needed if not scores.get(oracle_label(chain, [name])))
            unblamed[step] = missing or tuple(needed)
    adjusted = holm({one.step: one.pair.p for one in blames})
    blames = [replace(one, pair=replace(one.pair, p_adjusted=adjusted[one.step])) for one in blames]
    agreed = [one for outcome in found for one in outcome.judge_agreed]
    if END not in scores:  # then there is no end of which a step could lose anything
        unblamed = {}
    return Evaluation(name, model, tuple(rows), tuple(blames), sum(agreed), len(agreed), unblamed, unchecked)


def by_part(outcomes: Iterable[PartScore]) -> dict[str, dict[str, float]]:
    """Scores by part and case, without those that could not be told."""
    scores: dict[str, dict[str, float]] = {}
    for one in outcomes:
        if one.score is not None:
            scores.setdefault(one.part, {})[one.case] = one.score
    return scores


def _row(part: str, outcomes: Sequence[PartScore]) -> PartSummary | None:
    told = [one for one in outcomes if one.score is not None]
    if not outcomes:
        return None
    if not told:
        return PartSummary(part, 0, len(outcomes), 0, (0.0, 1.0), 0.0, (0.0, 1.0))
    passed = sum(bool(one.passed) for one in told)
    mean = clustered_mean([one.score or 0.0 for one in told], [one.case for one in told])
    interval = (max(0.0, mean.low), min(1.0, mean.high))
    return PartSummary(
        part, len(told), len(outcomes) - len(told), passed, wilson(passed, len(told)), mean.value, interval
    )


def _blame(step: str, before: Mapping[str, float], after: Mapping[str, float]) -> StepLoss:
    [pair] = paired_differences({"after": after, "before": before}, ["after", "before"])
    both = [case for case in before if case in after]
    first, second = (sum(scores[case] for case in both) / len(both) for scores in (before, after))
    return StepLoss(step, first, second, pair)
