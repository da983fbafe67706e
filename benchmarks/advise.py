"""Which technique to use on a task and a model, found out by a race within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import reasoning
from benchmarks import experiment
from benchmarks.comparison import Comparison
from benchmarks.forecast import first_requests
from benchmarks.pairs import Pair, outcomes, pairs
from benchmarks.plan import Plan
from benchmarks.rows import Row
from benchmarks.tasks import Task
from benchmarks.verdict import LEVEL
from reasoning import loop
from reasoning.errors import UsageError
from reasoning.problem import Example
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from benchmarks.progress import Display
    from reasoning.llm.llm import LLM

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
class Advice:
    """What to use, and why.

    Attributes:
        spec: the strategy to use; None where nothing could be found out.
        found: the race that it comes from.
        beside: each other strategy that was tried, seen from the advised one.
        measured: whether it stands on results; else it is what the techniques' cards say.
    """

    spec: str | None
    found: Comparison
    beside: tuple[Pair, ...]
    measured: bool

    @property
    def row(self) -> Row | None:
        """The advised strategy's numbers."""
        return next((row for row in self.found.rows if row.strategy == self.spec), None)

    @property
    def cost(self) -> str:
        """What a thousand questions take."""
        if self.row is None:
            return "unknown"
        usage, solves = self.row.usage, self.row.n + self.row.failed
        tokens = 1000 * (usage.prompt_tokens + usage.completion_tokens) / solves
        money = "" if usage.usd is None or self.found.free else f"${1000 * usage.usd / solves:,.2f}, "
        return f"{money}{1000 * usage.calls / solves:,.0f} calls, {tokens / 1000:,.0f}k tokens"

    def __str__(self) -> str:
        if self.spec is None:
            return f"No advice: {self.found.verdict}"
        lines = [f"Use: {self.spec}"]
        if not self.measured:
            card = reasoning.strategies.get(self.spec).card
            lines += [
                f"This is a prior and no measurement: {self.found.verdict.splitlines()[0]}",
                f"By its card, use it when {card.use_when}.",
                f"Not when {card.avoid_when}.",
            ]
        elif self.row is not None:
            low, high = self.row.interval
            right = f"{self.row.correct} of {self.row.n} right ({100 * low:.0f} to {100 * high:.0f} %)"
            lines += [f"It got {right}; 1,000 questions take {self.cost}."]
            lines += [_beside(pair) for pair in self.beside if pair.n]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"strategy": self.spec, "measured": self.measured, **self.found.to_json()}


def advise(
    task: Task, llm: LLM, plan: Plan, display: Display, candidates: Sequence[str | Strategy] | None = None
) -> Advice:
    """Race the candidates, and advise the cheapest of those that are as good as the best.

    As good is: not told apart from the best (over the problems that both solved, with Holm's correction), and behind it
    by no more than the race's margin. The model's budget ends the race where it is used up; what was found until then
    counts.

    Raises:
        UsageError: no candidate serves the task's kind of answer.
        CallFailed: nothing came through.
    """
    chosen = list(experiment.named_strategies(candidates or _serving(task, plan.seed, llm)).values())
    found = experiment.run(chosen, task, llm, plan, display)
    if found.stopped is not None and found.stopped.exit_code != 3:
        raise found.stopped
    measured = [row for row in found.rows if row.n >= FEW]
    if not any(row.correct for row in measured):
        return Advice(_by_card(chosen), found, (), measured=False)
    best = min(measured, key=lambda row: (-row.accuracy, _tokens(row)))
    every = pairs(outcomes(found.results), [row.strategy for row in measured])
    near = {best.strategy} | {
        pair.seen_from(best.strategy).second
        for pair in every
        if best.strategy in (pair.first, pair.second)
        and pair.adjusted >= LEVEL
        and 100 * pair.seen_from(best.strategy).difference.value <= (plan.race or 0)
    }
    advised = min((row for row in measured if row.strategy in near), key=_tokens).strategy
    beside = tuple(pair.seen_from(advised) for pair in every if advised in (pair.first, pair.second))
    return Advice(advised, found, beside, measured=True)


def _serving(task: Task, seed: int, llm: LLM) -> list[Strategy]:
    [example] = task.load(1, seed)
    serving = [one for one in map(reasoning.strategies.get, CANDIDATES) if _begins(one, example, llm)]
    if not serving:
        raise UsageError(f"none of the usual strategies gives answers of the kind {example.problem.kind!r}: name some")
    return serving


def _begins(strategy: Strategy, example: Example, llm: LLM) -> bool:
    """Whether it gives such answers, and has worked problems with such answers to show where it shows any."""
    try:
        strategy.check_serves(example.problem.kind)
        loop.run(first_requests(strategy, example, llm))
    except UsageError:
        return False
    return True


def _by_card(chosen: Sequence[Strategy]) -> str:
    """Without a measurement: chain of thought where it is among them, else what comes first."""
    names = {one.card.name: repr(one) for one in reversed(chosen)}
    return names.get("cot") or repr(chosen[0])


def _tokens(row: Row) -> float:
    """Tokens of a solve, in and out; money where its price is known."""
    solves = row.n + row.failed
    return (row.usage.usd or row.usage.prompt_tokens + row.usage.completion_tokens) / solves


def _beside(pair: Pair) -> str:
    found = pair.difference
    told = "not told apart" if pair.adjusted >= LEVEL else "better" if found.value > 0 else "worse"
    points = f"{100 * found.value:+.0f} points (95 %: {100 * found.low:+.0f} to {100 * found.high:+.0f})"
    return f"beside {pair.second}: {told}, {points} on {pair.n} problems"
