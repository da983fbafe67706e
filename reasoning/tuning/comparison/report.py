"""A comparison of models at a step as tables with a verdict, and as plain data."""

from __future__ import annotations

import math
from typing import Any

from reasoning.benchmarks.analysis.formatting import p_cell
from reasoning.benchmarks.statistics import clustered_share
from reasoning.messages import Usage
from reasoning.tables import Document, Table, pluralize
from reasoning.tuning.comparison.decision import ModelComparison, PartComparison, Verdict
from reasoning.tuning.comparison.model_runs import ModelRun
from reasoning.tuning.pictures import ScoreRow, draw_scores

PER = 1_000
"""The number of inputs for which costs are given."""
_WIDTHS = {0: 36}
"""The most characters of a model's name in a terminal."""


def describe(comparison: ModelComparison) -> Document:
    """Return the scores by model and part, the costs, the verdicts and notes."""
    costs = _costs(comparison)
    about: list[Table | str] = []
    if costs.rows:
        about = [f"The step alone, per {PER:,} inputs; the seconds are of one input:", costs]
    return Document([_scores(comparison), *about, "\n".join(_notes(comparison))])


def draw(comparison: ModelComparison) -> str:
    """Return a picture of the scores: each model with its own interval, and its difference to the first one."""
    reference, *others = comparison.runs
    differences = {(verdict.model, one.part): one for verdict in comparison.verdicts for one in verdict.parts}
    groups = {}
    for part in reference.scores:
        rows = [_score_row(reference, part, "reference")]
        for run in others:
            if one := differences.get((run.model, part)):
                change, ends, _ = _cells(one)
                rows.append(_score_row(run, part, f"{change} points ({ends})"))
        groups[part] = [row for row in rows if row is not None]
    return draw_scores(groups, f"Scores of the models at {comparison.step} of {comparison.chain}")


def _score_row(run: ModelRun, part: str, about: str) -> ScoreRow | None:
    known = run.known(part)
    if not known:
        return None
    low, high = clustered_share(list(known.values()), list(known))
    return ScoreRow(_cut(run.model), sum(known.values()) / len(known), low, high, about)


def _cut(name: str) -> str:
    return name if len(name) <= _WIDTHS[0] else f"{name[: _WIDTHS[0] - 1]}…"


def _scores(comparison: ModelComparison) -> Table:
    reference, *_ = comparison.runs
    rows: list[tuple[str, ...]] = []
    for part in reference.scores:
        known = reference.known(part)
        mean = f"{sum(known.values()) / len(known):.2f}" if known else ""
        rows.append((reference.model, part, f"{len(known)}", mean, "", "", ""))
        rows += [
            (verdict.model, part, f"{one.pair.n}", f"{one.mean:.2f}", *_cells(one))
            for verdict in comparison.verdicts
            for one in verdict.parts
            if one.part == part
        ]
    header = ("model", "part", "cases", "score", "change, points", "interval", "p (Holm)")
    priority = ("part", "score", "change, points", "interval", "cases")
    return Table(header, rows, text_columns=2, priority=priority, max_widths=_WIDTHS)


def _cells(part: PartComparison) -> tuple[str, str, str]:
    interval = part.interval
    value = round(100 * interval.value, 1) + 0.0
    ends = f"{round(100 * interval.low):+d} to {round(100 * interval.high):+d}"
    return f"{value:+.1f}", ends, p_cell(part.pair.p_adjusted)


def _costs(comparison: ModelComparison) -> Table:
    rows = []
    for run in comparison.runs:
        one = mean_cost(run)
        if one is None:
            continue
        usd = "" if one.usd is None else f"{PER * one.usd:,.2f}"
        tokens = (f"{PER * one.prompt_tokens:,.0f}", f"{PER * one.completion_tokens:,.0f}")
        rows.append((run.model, f"{PER * one.calls:,.0f}", *tokens, usd, f"{one.seconds:.2f}"))
    header = ("model", "calls", "prompt tokens", "completion tokens", "US dollars", "seconds")
    return Table(header, rows, max_widths=_WIDTHS)


class MeanCost:
    """The mean cost of one input of a step.

    Attributes:
        calls, prompt_tokens, completion_tokens, seconds: the means; the seconds are those of all its
            calls, as they were measured when the calls were made.
        usd: US dollars; None if the price is not known.
    """

    def __init__(self, total: Usage, inputs: int) -> None:
        self.calls = total.calls / inputs
        self.prompt_tokens = total.prompt_tokens / inputs
        self.completion_tokens = total.completion_tokens / inputs
        self.seconds = total.seconds / inputs
        self.usd = None if total.usd is None else total.usd / inputs


def mean_cost(run: ModelRun) -> MeanCost | None:
    """Return the mean cost of one input of the step alone; None if no such run has finished."""
    return MeanCost(Usage.total(run.costs.values()), len(run.costs)) if run.costs else None


def _notes(comparison: ModelComparison) -> list[str]:
    reference = comparison.runs[0].model
    notes = [_sentence(verdict, reference, comparison) for verdict in comparison.verdicts]
    notes += [saving for run in comparison.runs[1:] if (saving := _saving(comparison.runs[0], run))]
    correction = f", {len(comparison.verdicts)} candidates by Bonferroni" if len(comparison.verdicts) > 1 else ""
    notes.append(f"tolerance: {comparison.tolerance:g} points; intervals: 95 %{correction}")
    if list(comparison.runs[0].scores) == [f"{comparison.step} alone"]:
        notes.append("the whole chain was not compared: its end may lose more or less than the step")
    notes += [
        f"{verdict.model}, {one.part}: {pluralize(one.missing, 'case')} left out, since a call failed"
        for verdict in comparison.verdicts
        for one in verdict.parts
        if one.missing
    ]
    return notes


def _sentence(verdict: Verdict, reference: str, comparison: ModelComparison) -> str:
    where, points = f"at {comparison.step}", f"{comparison.tolerance:g} points"
    if verdict.outcome == "replaces":
        lost = max(0.0, *(-100 * part.interval.low for part in verdict.parts))
        parts = " and ".join(part.part for part in verdict.parts)
        return (
            f"{verdict.model} replaces {reference} {where}: it loses less than {points} ({parts}; at most {lost:.1f})"
        )
    if verdict.outcome == "does not replace":
        worst = min(verdict.parts, key=lambda part: part.interval.high)
        least = -100 * worst.interval.high
        return (
            f"{verdict.model} does not replace {reference} {where}: {worst.part} it loses more than {points} "
            f"(at least {least:.1f})"
        )
    if verdict.outcome == "withheld":
        return f"no verdict on {verdict.model}: {verdict.reason}"
    return f"{verdict.model} is not shown to replace {reference} {where}: {verdict.reason}{_needed(verdict)}"


def _needed(verdict: Verdict) -> str:
    """Return the number of cases that would be needed, as the end of a sentence."""
    most = max(verdict.parts, key=lambda part: part.needed)
    if math.isinf(most.needed):
        return f"; its difference {most.part} is at the tolerance, so that more cases like these would not tell either"
    return f"; about {most.needed:,} cases like these would be needed ({most.part}: {most.pair.n})"


def _saving(reference: ModelRun, run: ModelRun) -> str:
    """Return what a model saves per 1,000 inputs, and what it takes more; "" if a cost is not known."""
    before, after = mean_cost(reference), mean_cost(run)
    if before is None or after is None:
        return ""
    tokens = before.prompt_tokens + before.completion_tokens - after.prompt_tokens - after.completion_tokens
    amounts = [
        (round(PER * (before.seconds - after.seconds) / 60, 1), "{:,.1f} minutes of calls"),
        (round(PER * tokens), "{:,.0f} tokens"),
    ]
    if before.usd is not None or after.usd is not None:
        # A local model has no price, which is not known to be 0.
        words = "${:,.2f}" if before.usd is not None and after.usd is not None else "${:,.2f} of the provider"
        amounts.insert(0, (round(PER * ((before.usd or 0.0) - (after.usd or 0.0)), 2), words))
    saved = ", ".join(words.format(amount) for amount, words in amounts if amount > 0)
    more = ", ".join(words.format(-amount) for amount, words in amounts if amount < 0)
    parts = [f"saves {saved}"] * bool(saved) + [f"takes {more} more"] * bool(more)
    return f"{run.model}, per {PER:,} inputs: {' and '.join(parts) or 'takes as much'}"


def to_json(comparison: ModelComparison) -> dict[str, Any]:
    """Return the comparison as plain data."""
    return {
        "chain": comparison.chain,
        "step": comparison.step,
        "tolerance": comparison.tolerance,
        "reference": comparison.runs[0].model,
        "complete": not comparison.stopped,
        "models": [_run_json(run) for run in comparison.runs],
        "verdicts": [
            {
                "model": verdict.model,
                "verdict": verdict.outcome,
                "reason": verdict.reason,
                "parts": [_part_json(part) for part in verdict.parts],
            }
            for verdict in comparison.verdicts
        ],
    }


def _run_json(run: ModelRun) -> dict[str, Any]:
    known = {part: run.known(part) for part in run.scores}
    cost = mean_cost(run)
    return {
        "model": run.model,
        "scores": {part: sum(by.values()) / len(by) if by else None for part, by in known.items()},
        "n": {part: len(by) for part, by in known.items()},
        "cost_per_input": None if cost is None else vars(cost),
    }


def _part_json(part: PartComparison) -> dict[str, Any]:
    return {
        "part": part.part,
        "n": part.pair.n,
        "missing": part.missing,
        "score": part.mean,
        "reference": part.reference_mean,
        "difference": part.interval.value,
        "interval": [part.interval.low, part.interval.high],
        "p": part.pair.p_adjusted,
        "test": part.pair.test,
        "cases_needed": None if math.isinf(part.needed) else part.needed,
    }
