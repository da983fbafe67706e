"""Everything that a report says, computed once from a results folder: plain data that every format shows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.verdict import ALPHA, best_scope, whole_points
from reasoning.benchmarks.report.agreement import Agreement, measure_agreement
from reasoning.benchmarks.report.calibration import Calibration, measure_calibration
from reasoning.benchmarks.report.cost_frontier import CostFrontier, cost_frontiers
from reasoning.benchmarks.report.repeatability import Repeatability, measure_repeatability
from reasoning.benchmarks.report.vote_curves import VoteCurve, vote_curves
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.short_names import ShortNames

_ABOUT = ("source", "licence", "created", "library", "python", "git")
"""What is shown of what made a run."""


@dataclass(frozen=True)
class ReportData:
    """What a run found.

    Attributes:
        title: what was compared, in a line.
        facts: what made the run, by name: task, model, seed, versions, licence.
        n: how many problems were begun.
        headline: the verdict in a sentence.
        verdict: the lines that say how sure that is.
        remarks: what limits the numbers.
        rows: one for each strategy, in the order of the run.
        best: of what is compared, the most accurate strategy; of equal ones the one with the fewest tokens; None where
            nothing is. Its row counts what all that are compared have answered.
        pairs: every two strategies that are compared, on the problems that both answered.
        against_best: of these the ones with the best, seen from it, the largest difference first.
        on: what is compared, and what is left out.
        stopped: the strategies that a race has stopped, with the number of problems after which.
        runs: what changes from run to run, where problems were solved several times.
        costs: accuracy against each known measure of cost.
        draws: accuracy against the number of draws, where there were votes.
        sureness: whether confidences mean what they say, where there are some.
        agreement: what the strategies have in common.
        readings: by rule and strategy, how many answers it read; a rule that read nothing says why.
        free: whether the model costs no money.
        results: the single results, in order of the problems.
    """

    title: str
    facts: Mapping[str, str]
    n: int
    headline: str
    verdict: tuple[str, ...]
    remarks: tuple[str, ...]
    rows: tuple[StrategySummary, ...]
    best: StrategySummary | None
    pairs: tuple[PairedDifference, ...]
    against_best: tuple[PairedDifference, ...]
    on: CommonSubset
    stopped: Mapping[str, int]
    repeatability: tuple[Repeatability, ...]
    cost_frontiers: tuple[CostFrontier, ...]
    vote_curves: tuple[VoteCurve, ...]
    calibration: tuple[Calibration, ...]
    agreement: Agreement
    parse_rules: Mapping[str, Mapping[str, int]]
    free: bool
    results: tuple[Result, ...] = field(repr=False)

    @cached_property
    def names(self) -> ShortNames:
        """What the strategies are called in a report."""
        return ShortNames.of(self.specs)

    @property
    def specs(self) -> list[str]:
        """The strategies of the rows; a strategy's number in a report is its place here, from 1."""
        return [row.strategy for row in self.rows]

    def to_json(self) -> dict[str, Any]:
        """Plain data without the single results."""
        left_out = ("results", "against_best")
        data = {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name not in left_out}
        data["rows"] = [row.to_json() for row in self.rows]
        data["best"] = self.best and self.best.to_json()
        data["on"] = {"problems": len(self.on.problems), "left_out": dict(self.on.excluded)}
        same = [{"first": a, "second": b, "share": share} for (a, b), share in self.agreement.same_answer.items()]
        data["agreement"] = {**dataclasses.asdict(dataclasses.replace(self.agreement, same_answer={})), "same": same}
        return {name: _plain(value) for name, value in data.items()}


def find(store: ResultsFolder) -> ReportData:
    """What a results folder holds, also while a run fills it."""
    found = Comparison.from_folder(store)
    specs = [row.strategy for row in found.rows]
    said = tuple(found.verdict.splitlines())
    return ReportData(
        title=found.title,
        facts=_facts(store),
        n=found.n,
        headline=_headline(found),
        verdict=said,
        remarks=found.caveats,
        rows=found.rows,
        best=found.best,
        pairs=found.pairs,
        against_best=found.against_best,
        on=found.common,
        stopped=found.race.stopped if found.race else {},
        repeatability=measure_repeatability(found.results, specs, found.best.strategy if found.best else None),
        cost_frontiers=cost_frontiers(found.results, found.common, specs, found.pairs),
        vote_curves=vote_curves(store, found.results, specs),
        calibration=measure_calibration(found.results, specs),
        agreement=measure_agreement(found.results, found.common, specs),
        parse_rules=_readings(found.results),
        free=found.free,
        results=found.results,
    )


def _headline(found: Comparison) -> str:
    """The verdict in a sentence; after a race, what it has decided."""
    best, against = found.best, found.against_best
    if best is None or not best.correct or not against or (found.race and found.race.stopped):
        return found.verdict.splitlines()[0]
    level_with = [pair.second for pair in against if pair.p_adjusted >= ALPHA]
    most = f"{best.strategy} has the most right answers{best_scope(found)} ({best.correct} of {best.n})"
    if not level_with:
        second = min(against, key=lambda pair: pair.difference.value)
        value, low, high = map(whole_points, dataclasses.astuple(second.difference))
        every = "every other" if not found.common.excluded else "all that it is compared with"
        others = f"{every}; the next best, {second.second}," if len(against) > 1 else second.second
        return f"{best.strategy} beats {others} by {value} points (95 %: {low} to {high})."
    if len(level_with) == len(against):
        names = "the others" if len(against) > 1 else level_with[0]
        return f"{most}, but cannot be told apart from {names}: it may be chance."
    names = level_with[0] if len(level_with) == 1 else f"{len(level_with)} others"
    beaten = len(against) - len(level_with)
    return f"{most} and beats {beaten} of {len(against)}, but cannot be told apart from {names}."


def _readings(results: Iterable[Result]) -> dict[str, dict[str, int]]:
    counts = Counter((one.rule or f"{one.state}: {one.reason.partition(':')[0]}", one.strategy) for one in results)
    rules: dict[str, dict[str, int]] = {}
    for (rule, spec), count in counts.items():
        rules.setdefault(rule, {})[spec] = count
    return dict(sorted(rules.items(), key=lambda item: -sum(item[1].values())))


def _facts(store: ResultsFolder) -> dict[str, str]:
    said = {**store.settings, **{name: store.metadata.get(name) for name in _ABOUT}}
    return {name: str(value) for name, value in said.items() if value is not None}


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(one) for name, one in dataclasses.asdict(value).items()}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value
