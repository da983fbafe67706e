"""The strategy that a race recommends, with its evidence, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from reasoning import registry
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.double_thought import describe_double_thought
from reasoning.benchmarks.analysis.formatting import difference_cells, join_names
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.structured_gain import describe_structured_gain
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.strategies.direct.effort import Effort
from reasoning.strategies.direct.vanilla import Vanilla
from reasoning.strategy import Strategy
from reasoning.tables import pluralize
from reasoning.text_safety import strip_control

MIN_PROBLEMS = 10
"""The smallest number of problems on which a measurement can support advice."""


@dataclass(frozen=True)
class Recommendation:
    """The strategy to use, with the evidence.

    Attributes:
        strategy: the spec of the recommended strategy: the cheapest of those that do not differ
            significantly from the best.
        comparison: the race behind it.
        summary: its numbers on the compared problems; None if the results cannot support advice. Then
            the strategy is the candidate with the fewest calls, and the cards of the candidates are
            the only evidence.
        ties: the strategies that are as good as the best, the recommended one among them; the
            cheapest first.
        differences: the recommended strategy against each other compared one.
        candidates: the strategies that were raced.
        withheld: why there is no recommendation, if replies that a limit cut off, refusals or failures
            could have decided it; else empty. Then `strategy` is the one with the most right answers.
        structured: the specs of candidates with structured replies, by those of the same ones without them.
        refused: whether the model has refused to structure its replies, so that some of theirs were free text.
    """

    strategy: str
    comparison: Comparison
    summary: StrategySummary | None
    ties: tuple[str, ...]
    differences: tuple[PairedDifference, ...]
    candidates: tuple[Strategy, ...]
    withheld: str = ""
    structured: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False

    @property
    def is_measured(self) -> bool:
        """Return whether results support the recommendation."""
        return self.summary is not None and not self.withheld

    @property
    def cost(self) -> dict[str, float]:
        """The cost of a thousand questions, from the answered ones: calls, tokens, and US dollars if known."""
        if self.summary is None:
            return {}
        usage, n = self.summary.usage, self.summary.n
        money = {} if usage.usd is None or self.comparison.free else {"usd": 1000 * usage.usd / n}
        tokens = usage.prompt_tokens + usage.completion_tokens
        return {"calls": 1000 * usage.calls / n, "tokens": 1000 * tokens / n, **money}

    def __str__(self) -> str:
        lines = [f"Use: {self.strategy}"]
        if self.withheld:
            lines = ["No recommendation.", self.withheld, *map(_describe_difference, self.differences)]
            lines[1:] = map(self.comparison.names, lines[1:])
        elif self.summary is None:
            lines += [
                f"This is a prior, not a measurement: {self._why_unmeasured()}",
                "No candidate is significantly better than another, so it is the one with the fewest calls. The cards "
                "of the candidates, the fewest calls first:",
                *map(_describe_card, self.candidates),
            ]
        else:
            if settings := _settings_without_technique(self.strategy):
                lines.append(f"That is no technique, with {' and '.join(settings)}.")
            low, high = self.summary.interval
            right = f"{self.summary.correct} of {self.summary.n} right ({100 * low:.0f} to {100 * high:.0f} %)"
            lines.append(f"It got {right}; 1,000 questions take {_format_cost(self.cost)}.")
            if len(self.ties) > 1:
                others = join_names([spec for spec in self.ties if spec != self.strategy])
                lines.append(
                    f"It is the cheapest of {len(self.ties)} strategies that are not significantly different, not the "
                    f"best measured one; the others are {others}."
                )
            by_chance = [pair.second for pair in self.differences if not pair.is_shown and pair.second not in self.ties]
            if by_chance:
                lines.append(f"It has more right answers than {join_names(by_chance)}, which may be chance.")
            lines += map(_describe_difference, self.differences)
            lines += describe_double_thought(self.comparison)
            lines += describe_structured_gain(self.comparison, self.structured)
            if race := self.comparison.race:
                lines += [
                    f"against {spec}: the race stopped it after {problems} problems"
                    for spec, problems in race.stopped.items()
                ]
            lines[1:] = map(self.comparison.names, lines[1:])
        if self.refused:
            lines.append(
                f"{self.comparison.model} refused to structure its replies: those of the structured candidates are "
                "free text, in part or all, and tell nothing about structured ones."
            )
        return strip_control("\n".join(lines))

    def _why_unmeasured(self) -> str:
        best = self.comparison.best
        if best is None or not best.correct:
            return self.comparison.verdict.splitlines()[0]
        return (
            f"{pluralize(best.n, 'problem')} answered by every candidate are not enough; "
            f"at least {MIN_PROBLEMS} are needed."
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data.

        "cost" is the cost of a thousand questions, "stopped" the error that ended the race early. "strategy" is
        null if there is no recommendation; "withheld" says why.
        """
        evidence = self.summary and {
            "row": self.summary.to_json(),
            "ties": list(self.ties),
            "differences": [asdict(pair) for pair in self.differences],
        }
        return {
            "strategy": None if self.withheld else self.strategy,
            "measured": self.is_measured,
            "withheld": self.withheld or None,
            "cost": self.cost or None,
            "evidence": evidence,
            "stopped": None if self.comparison.stopped is None else str(self.comparison.stopped),
            "failed": len(self.comparison.failed),
            "structured": [
                {"free": free, "structured": structured, "refused": self.refused}
                for free, structured in self.structured.items()
            ],
            **self.comparison.to_json(),
        }


def _settings_without_technique(spec: str) -> list[str]:
    """Return the effort and the form of replies with which a spec solves without a technique; empty for other specs."""
    strategy, settings = registry.get(spec), []
    if isinstance(strategy, Effort):
        settings.append(f"the effort {', '.join(map(str, strategy.sampling.values()))}")
        strategy = strategy.base
    if not isinstance(strategy, Vanilla):
        return []
    return settings + ["structured replies"] * strategy.prompt.structured


def _format_cost(cost: Mapping[str, float]) -> str:
    money = f"${cost['usd']:,.2f}, " if "usd" in cost else ""
    return f"{money}{cost['calls']:,.0f} calls, {cost['tokens'] / 1000:,.0f}k tokens"


def _describe_card(candidate: Strategy) -> str:
    low, high = candidate.calls_range()
    calls = pluralize(low, "call") if low == high else f"{low} to {high} calls"
    return f"- {candidate!r}, {calls}: when {candidate.card.use_when}. Not when {candidate.card.avoid_when}."


def _describe_difference(pair: PairedDifference) -> str:
    difference = pair.difference.value
    relation = "better" if difference > 0 else "worse"
    if not pair.is_shown:
        relation = "no verdict" if pair.is_withheld else "not significantly different"
    points = f"{round(100 * difference):+d} points (95 %: {difference_cells(pair)[1]})"
    return f"against {pair.second}: {relation}, {points} on {pluralize(pair.n, 'problem')}"
