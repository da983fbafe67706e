"""Which technique to use on a task and a model, found out by a race within a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import reasoning
from reasoning import event_loop
from reasoning.benchmarks import experiment
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.formatting import difference_cells, join_names
from reasoning.benchmarks.analysis.paired import ALPHA, PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.tasks import Task
from reasoning.errors import UsageError
from reasoning.problem import Example
from reasoning.session import record_requests
from reasoning.strategy import Strategy
from reasoning.tables import pluralize

if TYPE_CHECKING:
    from reasoning.benchmarks.cli.progress import RunProgress
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
"""What is tried where nobody says, as far as it serves the task's kind of answer: one of each mechanism."""
FEW = 10
"""Problems below which nothing was measured that advice could stand on."""


@dataclass(frozen=True)
class Recommendation:
    """What to use, and why.

    Attributes:
        spec: the strategy to use: the cheapest of those that nothing tells apart from the best.
        found: the race that it comes from.
        row: its numbers, on what is compared; None where nothing was measured that advice could stand on. Then it is
            the candidate with the fewest calls, and the candidates' cards are all there is.
        near: the strategies, the advised one among them, that are as good as the best; the cheapest first.
        beside: each other strategy that is compared, seen from the advised one.
        candidates: what was raced.
    """

    strategy: str
    comparison: Comparison
    summary: StrategySummary | None
    ties: tuple[str, ...]
    differences: tuple[PairedDifference, ...]
    candidates: tuple[Strategy, ...]

    @property
    def is_measured(self) -> bool:
        """Whether it stands on results."""
        return self.summary is not None

    @property
    def cost(self) -> dict[str, float]:
        """What a thousand questions take, of those that were answered: calls, tokens, and dollars if they are known."""
        if self.summary is None:
            return {}
        usage, n = self.summary.usage, self.summary.n
        money = {} if usage.usd is None or self.comparison.free else {"usd": 1000 * usage.usd / n}
        tokens = usage.prompt_tokens + usage.completion_tokens
        return {"calls": 1000 * usage.calls / n, "tokens": 1000 * tokens / n, **money}

    def __str__(self) -> str:
        lines = [f"Use: {self.strategy}"]
        if self.summary is None:
            lines += [
                f"This is a prior and no measurement: {self._why_not()}",
                "Nothing tells the candidates apart, so it is the one with the fewest calls. What their cards say, the "
                "fewest calls first:",
                *map(_by_card, self.candidates),
            ]
        else:
            low, high = self.summary.interval
            right = f"{self.summary.correct} of {self.summary.n} right ({100 * low:.0f} to {100 * high:.0f} %)"
            lines.append(f"It got {right}; 1,000 questions take {_cost(self.cost)}.")
            if len(self.ties) > 1:
                others = join_names([spec for spec in self.ties if spec != self.strategy])
                lines.append(
                    f"It is advised as the cheapest of {len(self.ties)} that are not told apart, not as measured best; "
                    f"the others are {others}."
                )
            chance = [
                pair.second for pair in self.differences if pair.p_adjusted >= ALPHA and pair.second not in self.ties
            ]
            if chance:
                lines.append(f"It has more right answers than {join_names(chance)}, which may be chance.")
            lines += [_beside(pair) for pair in self.differences]
            if raced := self.comparison.race:
                lines += [
                    f"beside {spec}: the race stopped that after {n} problems" for spec, n in raced.stopped.items()
                ]
            lines[1:] = map(self.comparison.names, lines[1:])
        return "\n".join(lines)

    def _why_not(self) -> str:
        """Why nothing was measured."""
        best = self.comparison.best
        if best is None or not best.correct:
            return self.comparison.verdict.splitlines()[0]
        return f"{pluralize(best.n, 'problem')} with an answer of each is not enough, which {FEW} would be."

    def to_json(self) -> dict[str, Any]:
        """Plain data: "cost" is that of a thousand questions, "stopped" what ended the race before its end."""
        row = None if self.summary is None else self.summary.to_json()
        return {
            "strategy": self.strategy,
            "measured": self.is_measured,
            "cost": self.cost or None,
            "evidence": row
            and {"row": row, "near": list(self.ties), "beside": [asdict(pair) for pair in self.differences]},
            "stopped": None if self.comparison.stopped is None else str(self.comparison.stopped),
            "failed": len(self.comparison.failed),
            **self.comparison.to_json(),
        }


def advise(
    task: Task, llm: LLM, plan: RunConfig, display: RunProgress, candidates: Sequence[str | Strategy] | None = None
) -> Recommendation:
    """Race the candidates, and advise the cheapest of those that are as good as the best.

    Advice is for questions to come, so the race is about all problems like these (see `statistics.racing`).

    As good is: not told apart from the best (over the problems that both solved, with Holm's correction), and behind it
    by no more than the race's margin. What the race has stopped is not. The model's budget ends the race where it is
    used up; what was found until then counts. With fewer than ten problems, and no race that is decided, or none of
    them solved, the cards are left, which are a prior.

    Raises:
        UsageError: no candidate serves the task's kind of answer.
        CallFailed: nothing came through.
    """
    chosen = list(experiment.named_strategies(candidates or _serving(task, plan.seed, llm)).values())
    found = experiment.run_comparison(chosen, task, llm, replace(plan, race_over_population=True), display)
    if found.stopped is not None and found.stopped.exit_code != 3:
        raise found.stopped
    chosen.sort(key=lambda one: one.calls_range()[::-1])
    rows = {row.strategy: row for row in found.common_rows}
    decided = found.race is not None and len(found.race.stopped) == len(chosen) - 1 > 0
    price = _price(found)
    best = min(rows.values(), key=lambda row: (-row.correct, price(row)), default=None)
    if best is None or not best.correct or (best.n < FEW and not decided):
        return Recommendation(repr(chosen[0]), found, None, (), (), tuple(chosen))
    with_best = [pair.oriented(best.strategy) for pair in found.pairs if best.strategy in (pair.first, pair.second)]
    near = [best] + [
        rows[pair.second]
        for pair in with_best
        if pair.p_adjusted >= ALPHA and 100 * pair.difference.value <= (plan.race_margin or 0)
    ]
    near.sort(key=price)
    advised = near[0]
    beside = [pair.oriented(advised.strategy) for pair in found.pairs if advised.strategy in (pair.first, pair.second)]
    return Recommendation(
        *(advised.strategy, found, advised, tuple(row.strategy for row in near), tuple(beside), tuple(chosen))
    )


def _serving(task: Task, seed: int, llm: LLM) -> list[Strategy]:
    [example] = task.load(1, seed)
    serving = [one for one in map(reasoning.strategies.get, CANDIDATES) if _begins(one, example, llm)]
    if not serving:
        raise UsageError(f"none of the usual strategies gives answers of the kind {example.problem.kind!r}: name some")
    return serving


def _begins(strategy: Strategy, example: Example, llm: LLM) -> bool:
    """Whether it gives such answers, and has worked problems with such answers to show where it shows any."""
    try:
        strategy.check_supports(example.problem.kind)
        event_loop.run_sync(record_requests(strategy, example.problem, llm))
    except UsageError:
        return False
    return True


def _price(found: Comparison) -> Callable[[StrategySummary], float]:
    """What a solve costs, all in one unit: dollars where each price is known and any is above 0, else tokens."""
    if all(row.usage.usd is not None for row in found.common_rows) and any(row.usage.usd for row in found.common_rows):
        return lambda row: (row.usage.usd or 0.0) / row.n
    return lambda row: (row.usage.prompt_tokens + row.usage.completion_tokens) / row.n


def _cost(cost: Mapping[str, float]) -> str:
    money = f"${cost['usd']:,.2f}, " if "usd" in cost else ""
    return f"{money}{cost['calls']:,.0f} calls, {cost['tokens'] / 1000:,.0f}k tokens"


def _by_card(candidate: Strategy) -> str:
    """What its card says; whether it serves the task was seen before."""
    low, high = candidate.calls_range()
    calls = pluralize(low, "call") if low == high else f"{low} to {high} calls"
    return f"- {candidate!r}, {calls}: when {candidate.card.use_when}. Not when {candidate.card.avoid_when}."


def _beside(pair: PairedDifference) -> str:
    found = pair.difference
    told = "not told apart" if pair.p_adjusted >= ALPHA else "better" if found.value > 0 else "worse"
    points = f"{round(100 * found.value):+d} points (95 %: {difference_cells(pair)[1]})"
    return f"beside {pair.second}: {told}, {points} on {pluralize(pair.n, 'problem')}"
