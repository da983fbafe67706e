"""Scores of a chain by step and end to end, and the loss that each step causes at the end.

A step's own loss is the difference between two scores at the end: with gold values for the step's
inputs, and with the gold value for its result. In a linear chain, these losses add up to the whole
loss of "end to end".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.formatting import difference_cells
from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.chains.runner import END, PartScore, oracle_label
from reasoning.benchmarks.statistics import clustered_mean, holm, wilson
from reasoning.tables import Document, Table, escape_html, pluralize, render_text

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain


@dataclass(frozen=True)
class PartSummary:
    """The scores of one part of a chain, summarized over its cases.

    Attributes:
        part: a step of the whole chain, "STEP alone", or "end to end".
        n: cases with a known score.
        failed: cases without one, because a call failed.
        passed: cases that passed all their checks.
        share: the 95 % Wilson interval of the share that passed.
        score: the mean score of the checks, from 0 to 1.
        interval: the 95 % interval of the mean score.
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
    """The loss that one step causes at the end.

    Attributes:
        step: the step whose result was replaced by its gold value. For the last step, that is the
            end itself.
        before, after: the score at the end with gold inputs of the step, and with its gold result,
            over the same cases.
        pair: the difference; its `p_adjusted` has Holm's correction over all steps.
    """

    step: str
    before: float
    after: float
    pair: PairedDifference


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The evaluation of a chain. Print it, or let a notebook show it.

    Attributes:
        name: the version of the chain, such as "mine@3".
        model: the model's name.
        rows: the scores by part.
        losses: the losses by step, in the chain's order.
        agreed, judged: the number of judgements that were the same in both orders, and of all judgements.
        not_attributed: for each step without a loss, the steps that lack gold values.
        unchecked: the number of cases that are left out because they have no check.
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
        """The step with the largest significant loss; None if no loss is significant."""
        significant = [loss for loss in self.losses if loss.pair.is_significant and loss.pair.difference.low > 0]
        return max(significant, key=lambda loss: loss.pair.difference.value, default=None)

    def table(self) -> Document:
        """Return the evaluation as tables and a summary."""
        scores, losses = self.tables
        return Document([scores, *([losses] if self.losses else []), self.summary])

    def __repr__(self) -> str:
        return render_text(self.table())

    def _repr_html_(self) -> str:
        tables = "".join(table.to_html() for table in self.tables if table.rows)
        return f"{tables}<p>{escape_html(self.summary).replace(chr(10), '<br>')}</p>"

    @property
    def tables(self) -> tuple[Table, Table]:
        """The scores by part, and the losses by step."""
        scores, losses = [], []
        for row in self.rows:
            share = (f"{row.passed / row.n:.0%}", f"{row.share[0]:.0%} to {row.share[1]:.0%}") if row.n else ("", "")
            interval = f"{row.interval[0]:.2f} to {row.interval[1]:.2f}" if row.interval[0] < row.interval[1] else ""
            scores.append((row.part, f"{row.n}", *share, f"{row.score:.2f}" if row.n else "", interval))
        for loss in self.losses:
            ends = f"{loss.before:.2f} → {loss.after:.2f}"
            losses.append((loss.step, f"{loss.pair.n}", ends, *difference_cells(loss.pair)))
        header = ("step", "cases", "end: gold inputs → gold result", "loss, points", "95 %", "p (Holm)")
        return (
            Table(
                ("part", "cases", "passed", "95 %", "score", "95 %"),
                scores,
                emphasized={index for index, row in enumerate(self.rows) if row.part == END},
            ),
            Table(
                header,
                losses,
                emphasized={index for index, loss in enumerate(self.losses) if loss is self.worst},
                priority=("loss, points", "p (Holm)", "95 %"),
            ),
        )

    @property
    def summary(self) -> str:
        """The step to work on and the cases and scores that are left out, one line each."""
        lines = [self._advice()] if self.losses else []
        for step, names in self.not_attributed.items():
            lines.append(
                f"no loss is known for {step}: no case that checks the end has gold values of {' and '.join(names)}"
            )
        if self.unchecked:
            lines.append(f"{pluralize(self.unchecked, 'case')} without a check: left out")
        if failed := sum(row.failed for row in self.rows):
            lines.append(f"{pluralize(failed, 'score')} unknown because of failed calls: left out")
        if self.judged:
            lines.append(f"the judge agreed with itself in both orders in {self.agreed} of {self.judged} judgements")
        return "\n".join([*lines, f"{self.name} on {self.model}"])

    def _advice(self) -> str:
        worst = self.worst
        if worst is None:
            return "no step causes a loss that is significant with this many cases"
        most = worst.pair.difference.value
        similar = [loss.step for loss in self.losses if loss is not worst and loss.pair.difference.high >= most]
        advice = f"work on {worst.step}: with gold inputs it loses {100 * most:.1f} points at the end"
        return f"{advice}; {', '.join(similar)} may lose as much" if similar else advice

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as plain data."""
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
                    "step": loss.step,
                    "n": loss.pair.n,
                    "before": loss.before,
                    "after": loss.after,
                    "loses": loss.pair.difference.value,
                    "ci95": [loss.pair.difference.low, loss.pair.difference.high],
                    "p": loss.pair.p_adjusted,
                }
                for loss in self.losses
            ],
            "work_on": self.worst.step if self.worst else None,
            "judge": {"agreed": self.agreed, "n": self.judged},
            "no_blame": {step: list(names) for step, names in self.not_attributed.items()},
            "no_check": self.unchecked,
        }


def summarize_evaluation(
    scores: Iterable[PartScore], chain: Chain, name: str, model: str, unchecked: int = 0
) -> Evaluation:
    """Return the evaluation of a chain from the scores of its parts.

    Args:
        scores: the scores of the runs of `reasoning.benchmarks.chains.runner.plan_evaluation`.
        chain: the chain.
        name: the version of the chain.
        model: the model's name.
        unchecked: the number of cases that were left out because they have no check.
    """
    all_scores = list(scores)
    steps = [step.name for step in chain.steps]
    parts = [part for step in steps for part in (f"{step} alone", step)] + [END]
    rows = [row for part in parts if (row := summarize_part([score for score in all_scores if score.part == part]))]
    known = by_part(all_scores)
    losses, not_attributed = [], {}
    for step in steps:
        before = known.get(oracle_label(chain, chain.dependencies[step]), {})
        after = known.get(oracle_label(chain, [step]), {}) if step != steps[-1] else dict.fromkeys(before, 1.0)
        if before.keys() & after.keys():
            losses.append(_loss(step, before, after))
        elif step in chain.ancestors[steps[-1]] or step == steps[-1]:
            needed = [name for name in steps if name in chain.dependencies[step] or (name == step != steps[-1])]
            missing = tuple(name for name in needed if not known.get(oracle_label(chain, [name])))
            not_attributed[step] = missing or tuple(needed)
    adjusted = holm({loss.step: loss.pair.p for loss in losses})
    losses = [replace(loss, pair=replace(loss.pair, p_adjusted=adjusted[loss.step])) for loss in losses]
    agreed = [agreed for score in all_scores for agreed in score.judge_agreed]
    if END not in known:
        # Without an end, no step can lose anything at it.
        not_attributed = {}
    return Evaluation(name, model, tuple(rows), tuple(losses), sum(agreed), len(agreed), not_attributed, unchecked)


def by_part(scores: Iterable[PartScore]) -> dict[str, dict[str, float]]:
    """Return the known scores by part and case."""
    known: dict[str, dict[str, float]] = {}
    for score in scores:
        if score.score is not None:
            known.setdefault(score.part, {})[score.case] = score.score
    return known


def summarize_part(scores: Sequence[PartScore]) -> PartSummary | None:
    """Return the summary of the scores of one part; None without scores."""
    if not scores:
        return None
    part, known = scores[0].part, [score for score in scores if score.score is not None]
    if not known:
        return PartSummary(part, 0, len(scores), 0, (0.0, 1.0), 0.0, (0.0, 1.0))
    passed = sum(bool(score.passed) for score in known)
    mean = clustered_mean([score.score or 0.0 for score in known], [score.case for score in known])
    return PartSummary(
        part,
        len(known),
        len(scores) - len(known),
        passed,
        share=wilson(passed, len(known)),
        score=mean.value,
        interval=(max(0.0, mean.low), min(1.0, mean.high)),
    )


def _loss(step: str, before: Mapping[str, float], after: Mapping[str, float]) -> StepLoss:
    [pair] = paired_differences({"after": after, "before": before}, ["after", "before"])
    both = [case for case in before if case in after]
    first, second = (sum(scores[case] for case in both) / len(both) for scores in (before, after))
    return StepLoss(step, first, second, pair)
