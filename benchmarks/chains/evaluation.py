"""A chain by step and end to end, and the blame: how much better its end is where one step's result is right.

The right result of a step comes with right results of all steps before it. So what a step itself loses is counted from
where all that it reads is right; along a line of steps these losses add up to all that the end lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks.pairs import Pair, pairs
from benchmarks.statistics import clustered, holm, wilson
from benchmarks.table import bare
from reasoning.chain.trials.trial import END, Outcome, right

if TYPE_CHECKING:
    from rich.console import RenderableType

    from reasoning.chain.chain import Chain


@dataclass(frozen=True)
class Row:
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
class Blame:
    """What a step costs the end.

    Attributes:
        step: whose result was replaced by the right one; of the last step that is the end itself.
        before, after: the end's score where all that the step reads is right, and where its result is; same cases.
        pair: their difference; its `adjusted` p is by Holm over all steps.
    """

    step: str
    before: float
    after: float
    pair: Pair


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation comes to.

    Attributes:
        name, model: the version of the chain, and what answered.
        rows: by part.
        blames: by step, in the chain's order.
        agreed, judged: judgements in which the judge said the same in both orders, and all of them.
    """

    name: str
    model: str
    rows: tuple[Row, ...]
    blames: tuple[Blame, ...]
    agreed: int = 0
    judged: int = 0

    @property
    def worst(self) -> Blame | None:
        """The step that loses most, where that is shown: the interval is above 0."""
        shown = [one for one in self.blames if one.pair.difference.low > 0]
        return max(shown, key=lambda one: one.pair.difference.value, default=None)

    def table(self) -> RenderableType:
        """For the terminal."""
        from rich.console import Group

        table = bare()
        table.add_column("part", no_wrap=True)
        for title in ("cases", "passed", "95 %", "score", "95 %"):
            table.add_column(title, justify="right", no_wrap=True)
        for row in self.rows:
            share = (f"{row.passed / row.n:.0%}", f"{row.share[0]:.0%} to {row.share[1]:.0%}") if row.n else ("", "")
            spread = f"{row.interval[0]:.2f} to {row.interval[1]:.2f}" if row.interval[0] < row.interval[1] else ""
            cells = (f"{row.n}", *share, f"{row.score:.2f}" if row.n else "", spread)
            table.add_row(row.part, *cells, style="bold" if row.part == END else "")
        second = bare()
        second.add_column("step", no_wrap=True)
        for title in (
            "cases",
            "the end: right inputs → right result",
            "loses, points",
            "95 %",
            "p (Holm)",
        ):
            second.add_column(title, justify="right", no_wrap=True)
        for one in self.blames:
            found = one.pair.difference
            second.add_row(
                *(one.step, f"{one.pair.n}", f"{one.before:.2f} → {one.after:.2f}", f"{100 * found.value:+.1f}"),
                *(f"{100 * found.low:+.0f} to {100 * found.high:+.0f}", f"{one.pair.adjusted:.3f}"),
                style="bold" if one is self.worst else "",
            )
        blame: list[RenderableType] = [second, ""] if self.blames else []
        return Group(table, "", *blame, self._said())

    def _said(self) -> str:
        lines = []
        if self.blames:
            lines.append(self._work_on())
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
        like = [one.step for one in self.blames if one is not best and one.pair.difference.high >= most]
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
                    "p": one.pair.adjusted,
                }
                for one in self.blames
            ],
            "work_on": self.worst.step if self.worst else None,
            "judge": {"agreed": self.agreed, "n": self.judged},
        }


def evaluated(outcomes: Iterable[Outcome], chain: Chain, name: str, model: str) -> Evaluation:
    """The tables of outcomes.

    Args:
        outcomes: of trials (`reasoning.chain.trials.trial.evaluation`).
        chain: what was run.
        name, model: what was run.
    """
    found = list(outcomes)
    steps = [step.name for step in chain.steps]
    parts = [part for step in steps for part in (f"{step} alone", step)] + [END]
    rows = [row for part in parts if (row := _row(part, [one for one in found if one.part == part]))]
    scores = by_part(found)
    blames = []
    for step in steps:
        before = scores.get(right(chain, chain.needs[step]), {})
        after = scores.get(right(chain, [step]), {}) if step != steps[-1] else dict.fromkeys(before, 1.0)
        if before.keys() & after.keys():
            blames.append(_blame(step, before, after))
    adjusted = holm({one.step: one.pair.p for one in blames})
    blames = [replace(one, pair=replace(one.pair, adjusted=adjusted[one.step])) for one in blames]
    agreed = [one for outcome in found for one in outcome.agreed]
    return Evaluation(name, model, tuple(rows), tuple(blames), sum(agreed), len(agreed))


def by_part(outcomes: Iterable[Outcome]) -> dict[str, dict[str, float]]:
    """Scores by part and case, without those that could not be told."""
    scores: dict[str, dict[str, float]] = {}
    for one in outcomes:
        if one.score is not None:
            scores.setdefault(one.part, {})[one.case] = one.score
    return scores


def _row(part: str, outcomes: Sequence[Outcome]) -> Row | None:
    told = [one for one in outcomes if one.score is not None]
    if not outcomes:
        return None
    if not told:
        return Row(part, 0, len(outcomes), 0, (0.0, 1.0), 0.0, (0.0, 1.0))
    passed = sum(bool(one.passed) for one in told)
    mean = clustered([one.score or 0.0 for one in told], [one.case for one in told])
    interval = (max(0.0, mean.low), min(1.0, mean.high))
    return Row(part, len(told), len(outcomes) - len(told), passed, wilson(passed, len(told)), mean.value, interval)


def _blame(step: str, before: Mapping[str, float], after: Mapping[str, float]) -> Blame:
    [pair] = pairs({"after": after, "before": before}, ["after", "before"])
    both = [case for case in before if case in after]
    first, second = (sum(scores[case] for case in both) / len(both) for scores in (before, after))
    return Blame(step, first, second, pair)
