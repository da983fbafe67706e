"""The data of a report, computed once from a comparison and shown by every format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.report.agreement import Agreement, measure_agreement
from reasoning.benchmarks.report.calibration import Calibration, measure_calibration
from reasoning.benchmarks.report.cost_frontier import CostFrontier, cost_frontiers
from reasoning.benchmarks.report.repeatability import Repeatability, measure_repeatability
from reasoning.benchmarks.report.vote_curves import VoteCurve, vote_curves
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.short_names import ShortNames

_METADATA = ("source", "licence", "created", "library", "python", "git")
"""The metadata of a run that a report shows."""


@dataclass(frozen=True)
class ReportData:
    """A comparison with the further analyses of a report.

    Attributes:
        comparison: the strategies, their differences, the verdict and the caveats.
        folder: the results folder.
        repeatability: the variance between runs, if problems were solved several times.
        cost_frontiers: accuracy against each known measure of cost.
        vote_curves: accuracy against the number of draws, of strategies that vote.
        calibration: confidence against accuracy, of strategies that have a confidence.
        agreement: equal answers of strategies, and the problems that any, all or only one of them solves.
    """

    comparison: Comparison
    folder: ResultsFolder
    repeatability: tuple[Repeatability, ...]
    cost_frontiers: tuple[CostFrontier, ...]
    vote_curves: tuple[VoteCurve, ...]
    calibration: tuple[Calibration, ...]
    agreement: Agreement

    @classmethod
    def from_folder(cls, folder: ResultsFolder) -> ReportData:
        """Return the data of a results folder, even during a run."""
        return cls.from_comparison(Comparison.from_folder(folder))

    @classmethod
    def from_comparison(cls, comparison: Comparison) -> ReportData:
        """Return the data of a comparison that was read from a results folder."""
        folder, results, common, best = comparison.source, comparison.results, comparison.common, comparison.best
        assert folder is not None
        specs = [row.strategy for row in comparison.rows]
        return cls(
            comparison,
            folder,
            repeatability=measure_repeatability(results, specs, best.strategy if best else None),
            cost_frontiers=cost_frontiers(results, common, specs, comparison.pairs),
            vote_curves=vote_curves(folder, results, specs),
            calibration=measure_calibration(results, specs),
            agreement=measure_agreement(results, common, specs),
        )

    @property
    def specs(self) -> list[str]:
        """The strategies of the rows. A strategy's number in a report is its position here, from 1."""
        return [row.strategy for row in self.comparison.rows]

    @property
    def names(self) -> ShortNames:
        """The names of the strategies in a report."""
        return self.comparison.names

    @cached_property
    def headline(self) -> str:
        """The verdict in one sentence."""
        return self.comparison.conclusion.headline()

    @cached_property
    def details(self) -> list[str]:
        """The lines of the verdict that the headline does not repeat."""
        return [line for line in self.comparison.verdict.splitlines() if line != self.headline]

    @property
    def facts(self) -> dict[str, str]:
        """The settings and the metadata of the run, by name: task, model, seed, versions, licence."""
        metadata = {name: self.folder.metadata.get(name) for name in _METADATA}
        facts = {**self.folder.settings, **metadata}
        texts = {name: str(value) for name, value in facts.items() if value is not None}
        left_out = self.folder.metadata.get("left_out", ())
        return {
            name: f"{text} (not sent: refused by the model)" if name in left_out else text
            for name, text in texts.items()
        }

    @property
    def stopped(self) -> Mapping[str, int]:
        """The number of problems after which a race stopped each strategy, by strategy."""
        return self.comparison.race.stopped if self.comparison.race else {}

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data, without single results."""
        comparison, common = self.comparison, self.comparison.common
        same = [{"first": a, "second": b, "share": share} for (a, b), share in self.agreement.same_answer.items()]
        data = {
            "title": comparison.title,
            "facts": self.facts,
            "n": comparison.n,
            "headline": self.headline,
            "verdict": comparison.verdict.splitlines(),
            "caveats": comparison.caveats,
            "rows": [row.to_json() for row in comparison.rows],
            "best": comparison.best and comparison.best.to_json(),
            "pairs": comparison.pairs,
            "common": {"problems": len(common.problems), "excluded": dict(common.excluded)},
            "stopped": self.stopped,
            "repeatability": self.repeatability,
            "cost_frontiers": self.cost_frontiers,
            "vote_curves": self.vote_curves,
            "calibration": self.calibration,
            "agreement": {
                **dataclasses.asdict(dataclasses.replace(self.agreement, same_answer={})),
                "same_answer": same,
            },
            "parse_rules": comparison.parse_rules,
            "free": comparison.free,
        }
        return {name: _to_plain(value) for name, value in data.items()}


def _to_plain(value: Any) -> Any:
    """Return a value as JSON represents it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _to_plain(item) for name, item in dataclasses.asdict(value).items()}
    if isinstance(value, Mapping):
        return {name: _to_plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_to_plain(item) for item in value]
    return value
