"""What a run will take, before a call is made: from the cards' formulas and the prompts as they will go out."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoning import event_loop
from reasoning.benchmarks.analysis.summary_table import many
from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.tasks import Task
from reasoning.draw_stream import EPOCH_STRIDE, DrawStream
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.engine.llm import LLM
from reasoning.engine.single_flight import CallContext, DrawError
from reasoning.errors import UsageError
from reasoning.formula import Formula
from reasoning.journal import Journal
from reasoning.messages import Completion, Request, Usage
from reasoning.problem import Example
from reasoning.session import Session
from reasoning.strategy import Strategy
from reasoning.trace import Trace

if TYPE_CHECKING:
    from rich.table import Table

_BYTES_A_TOKEN = 6
"""No language's prompts have longer tokens on average, so that a sixth of a prompt's bytes is a lower bound."""


@dataclass(frozen=True)
class Row:
    """What one strategy will take on all problems and repetitions, at least and at most.

    Attributes:
        strategy: its spec.
        least, most: completions, tokens and US dollars.
        recorded: of the draws that it asks for first, how many the journal has.
        first: how many draws it asks for first.
        waves: replies that one problem waits for, one after the other, at most; None where its card does not say.
    """

    strategy: str
    least: Usage
    most: Usage
    recorded: int
    first: int
    waves: int | None


@dataclass(frozen=True)
class Forecast:
    """What a run will take. The bounds hold for a journal that is empty."""

    title: str
    rows: tuple[Row, ...]
    free: bool

    @property
    def least(self) -> Usage:
        return sum((row.least for row in self.rows), Usage())

    @property
    def most(self) -> Usage:
        return sum((row.most for row in self.rows), Usage())

    @property
    def notes(self) -> str:
        """What the bounds stand on, and what the journal already has."""
        first, recorded = sum(row.first for row in self.rows), sum(row.recorded for row in self.rows)
        notes = ["", "At most: every reply as long as max_tokens allows, and no token of a prompt longer than a byte."]
        notes.append("Waves: so many replies follow one another for one problem, at most.")
        if recorded:
            notes.append(
                f"The journal has {recorded:,} of the {first:,} draws that are asked for first; they cost nothing."
            )
        if not self.free and self.most.usd is None:
            notes.append("No price is known for this model: give one in a models.toml, or limit tokens.")
        return "\n".join([*notes, *self._names.legend])

    @cached_property
    def _names(self) -> ShortNames:
        return ShortNames.of(row.strategy for row in self.rows)

    def table(self) -> Table:
        """A `rich` table for the terminal."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("strategy")
        for name in ("waves", "calls", "tokens in", "tokens out", "cost"):
            table.add_column(name, justify="right")
        for row in self.rows:
            table.add_row(Text(self._names(row.strategy)), str(row.waves or "–"), *self._cells(row.least, row.most))
        table.add_section()
        table.add_row("all", "", *self._cells(self.least, self.most))
        return table

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `--json`."""

        def plain(usage: Usage) -> dict[str, Any]:
            return {
                "calls": usage.calls,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "usd": usage.usd,
            }

        return {
            "least": plain(self.least),
            "most": plain(self.most),
            "strategies": [
                {"strategy": row.strategy, "waves": row.waves, "least": plain(row.least), "most": plain(row.most)}
                for row in self.rows
            ],
        }

    def _cells(self, least: Usage, most: Usage) -> list[str]:
        cost = "local" if self.free else "unknown"
        if not self.free and most.usd is not None:
            digits = 2 if most.usd >= 1 else 4
            cost = f"${least.usd or 0:,.{digits}f} – ${most.usd:,.{digits}f}"
        return [
            *(
                f"{low:,}" if low == high else f"{low:,} – {high:,}"
                for low, high in (
                    (least.calls, most.calls),
                    (least.prompt_tokens, most.prompt_tokens),
                    (least.completion_tokens, most.completion_tokens),
                )
            ),
            cost,
        ]


def forecast(strategies: Mapping[str, Strategy], task: Task, llm: LLM, plan: RunConfig) -> Forecast:
    """What these strategies will take on the task's problems. Makes the problems and calls nobody."""
    examples = task.load(plan.limit, plan.seed)
    rows = [
        event_loop.run_sync(_row(spec, strategy, examples, llm, plan.epochs)) for spec, strategy in strategies.items()
    ]
    problems = many(len(examples), "problem")
    problems += f" × {plan.epochs} repetitions" if plan.epochs > 1 else ""
    name = task_title({"task": task.name, "split": task.split})
    title = f"{name} · {problems} · {short_model_name(llm.name)} · nothing is called"
    return Forecast(title, tuple(rows), llm.client.free)


async def _row(spec: str, strategy: Strategy, examples: Sequence[Example], llm: LLM, epochs: int) -> Row:
    low, high = (epochs * calls for calls in strategy.calls_range())
    chained = _longest_chain(strategy)
    price = llm.client.price
    least, most, recorded, first = Usage(), Usage(), 0, 0
    for example in examples:
        strategy.check_supports(example.problem.kind)
        asked = await first_requests(strategy, example, llm)
        for request, draws in asked:
            every = [epoch * EPOCH_STRIDE + draw for epoch in range(epochs) for draw in draws]
            recorded += len(llm.journal.read(request.key, every))
            first += len(every)
        bound = max(max_prompt_tokens(request) for request, _ in asked)
        longest = max(request.max_tokens for request, _ in asked)
        said = (chained - 1) * longest  # a later prompt may hold every earlier reply of its branch
        for_sure = Usage(low, low * bound // _BYTES_A_TOKEN, low)
        worst = Usage(high, high * (bound + said), high * longest)
        least, most = least + _priced(for_sure, price), most + _priced(worst, price)
    return Row(spec, least, most, recorded, first, most_waves(strategy))


def most_waves(strategy: Strategy) -> int | None:
    """How many calls follow one another for one problem, at most, by the cards; None where one does not say."""
    given = dict(strategy.parameters())
    inner = {name: most_waves(value) for name, value in given.items() if isinstance(value, Strategy)}
    if strategy.card.rounds is None or None in inner.values():
        return None
    counts = {name: Formula(str(most))(**given) for name, (_, most) in strategy.card.ranges.items()}
    with suppress(UsageError):  # a count that has no range
        return strategy.card.rounds(**{**given, **counts, **inner})
    return None


def _priced(usage: Usage, price: Any) -> Usage:
    return Usage(usage.calls, usage.prompt_tokens, usage.completion_tokens, usd=price(usage))


def _longest_chain(strategy: Strategy) -> int:
    """At most so many calls follow upon each other's replies: a wrapper's branches run side by side."""
    inner = [value for _, value in strategy.parameters() if isinstance(value, Strategy)]
    if not inner or strategy.prompt_includes_samples:
        return strategy.calls_range()[1]
    return max(_longest_chain(one) for one in inner)


class _Enough(Exception):
    """The first requests are known."""


async def first_requests(strategy: Strategy, example: Example, llm: LLM) -> list[tuple[Request, Sequence[int]]]:
    """What the strategy asks before it has heard anything."""
    asked: list[tuple[Request, Sequence[int]]] = []

    async def outcomes(
        request: Request, draws: Sequence[int], account: CallContext | None = None
    ) -> list[Completion | DrawError]:
        asked.append((request, draws))
        raise _Enough

    peek = copy.copy(llm)
    peek.outcomes = outcomes  # type: ignore[method-assign]
    account = CallContext(llm.budget, Journal())
    with suppress(_Enough):
        await strategy.solve(example.problem, Session(peek, Trace(""), lane=DrawStream(), account=account))
    return asked
