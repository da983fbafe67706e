"""The cost of a run before it starts: calls, tokens and money, from the techniques' call counts and first requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from reasoning import event_loop
from reasoning.benchmarks.results.fitted import with_learned
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks.fitting_pool import USUAL_POOL
from reasoning.draw_stream import EPOCH_STRIDE
from reasoning.dry_run import record_requests
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.engine.llm import LLM
from reasoning.errors import UsageError
from reasoning.messages import Conversation, Request, Usage
from reasoning.problem import Example
from reasoning.providers import model_table
from reasoning.providers.pricing import advise_name
from reasoning.strategies.demonstrations import shipped_examples
from reasoning.strategies.direct.effort import effort_settings
from reasoning.strategy import Strategy, fit_needed
from reasoning.tables import Table, pluralize

_BATCH_HOURS = 24
"""Hours within which providers answer a batch."""
_BYTES_A_TOKEN = 6
"""Bytes per token for a lower bound: in no language are the tokens of a prompt longer on average."""


@dataclass(frozen=True)
class StrategyCost:
    """The cost of one strategy on all problems and repetitions, at least and at most.

    Attributes:
        strategy: its spec.
        least, most: completions, tokens and US dollars.
        recorded: the number of its first draws that the journal has.
        first_draws: the number of draws that it asks for before it has seen a reply.
        rounds: the most replies that one problem waits for, one after the other; None if it is not
            known.
        fit: the completions of the fit that comes first, at least and at most; None if it is not known,
            and (0, 0) if no fit is needed.
    """

    strategy: str
    least: Usage
    most: Usage
    recorded: int
    first_draws: int
    rounds: int | None
    fit: tuple[int, int] | None = (0, 0)


@dataclass(frozen=True)
class BatchEstimate:
    """The waves of batches of a run, one after the other.

    Attributes:
        waves: the most waves, if no line fails; None if it is not known.
        has_price: whether the price of batches is known; if not, the standard price counts.
    """

    waves: int | None
    has_price: bool

    def __str__(self) -> str:
        number = "an unknown number of waves" if self.waves is None else f"at most {pluralize(self.waves, 'wave')}"
        days = "" if self.waves is None else f", so at most {self.waves * _BATCH_HOURS:,} hours together"
        price = "The cost is at the price of batches."
        if not self.has_price:
            price = "No price of batches is known: the cost is at the standard price, which is an upper bound."
        return (
            f"Batches: {number}, one after the other, each within {_BATCH_HOURS} hours{days}. Lines that fail or "
            f"expire take further waves. Techniques that stop early wait for each of their rounds. {price}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for `--json`."""
        hours = None if self.waves is None else self.waves * _BATCH_HOURS
        return {"waves": self.waves, "hours": hours, "batch_price": self.has_price}


@dataclass(frozen=True)
class CostEstimate:
    """The cost of a run. The bounds hold for an empty journal."""

    title: str
    rows: tuple[StrategyCost, ...]
    free: bool
    reasoning_tokens: int = 0
    """The tokens by which each limit is raised for the model's reasoning."""
    advice: str = ""
    """The similar names in the price table, if the price is unknown."""
    batches: BatchEstimate | None = None
    """The waves of batches, if the calls travel in batches."""

    @property
    def least(self) -> Usage:
        return sum((row.least for row in self.rows), Usage())

    @property
    def most(self) -> Usage:
        return sum((row.most for row in self.rows), Usage())

    @property
    def notes(self) -> str:
        """The assumptions of the bounds, and the number of draws that the journal has."""
        first, recorded = sum(row.first_draws for row in self.rows), sum(row.recorded for row in self.rows)
        notes = ["", "Upper bounds: every reply is as long as max_tokens, and every token of a prompt is one byte."]
        if self.reasoning_tokens:
            notes.append(
                f"The model reasons before it answers: each reply has room for {self.reasoning_tokens:,} tokens of "
                "reasoning, which --max-tokens N replaces."
            )
        notes.append("Rounds: the most replies that one problem waits for, one after the other.")
        if any(row.fit != (0, 0) for row in self.rows):
            notes.append(
                "Fitting: the calls before the first problem, which are not in the other columns. The tokens of a "
                "strategy that must be fitted are those with the library's own demonstrations."
            )
        if self.batches is not None:
            notes.append(str(self.batches))
        if recorded:
            notes.append(
                f"The journal has {recorded:,} of the {first:,} draws that are asked for first; they cost nothing."
            )
        if not self.free and self.most.usd is None:
            notes.append(
                f"No price is known for this model{self.advice}. If the name is right, give its price in "
                f"{model_table.users_path()}, or limit tokens."
            )
        return "\n".join([*notes, *self._names.legend])

    @cached_property
    def _names(self) -> ShortNames:
        return ShortNames.of(row.strategy for row in self.rows)

    def table(self) -> Table:
        """Return the bounds of each strategy and of all."""
        rows = [
            (self._names(row.strategy), str(row.rounds or "–"), *self._cells(row.least, row.most)) for row in self.rows
        ]
        rows.append(("all", "", *self._cells(self.least, self.most)))
        header: tuple[str, ...] = ("strategy", "rounds", "calls", "prompt tokens", "completion tokens", "cost")
        if any(row.fit != (0, 0) for row in self.rows):
            header = (*header, "fitting")
            fits = [*("unknown" if row.fit is None else _range(*row.fit) for row in self.rows), ""]
            rows = [(*row, fit) for row, fit in zip(rows, fits, strict=True)]
        return Table(
            header,
            rows,
            emphasized={len(self.rows)},
            priority=("cost", "calls", "fitting", "completion tokens", "prompt tokens"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for `--json`."""

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
            **({} if self.batches is None else {"batches": self.batches.to_json()}),
            "strategies": [
                {
                    "strategy": row.strategy,
                    "rounds": row.rounds,
                    "least": plain(row.least),
                    "most": plain(row.most),
                    **({} if row.fit == (0, 0) else {"fit_calls": row.fit and list(row.fit)}),
                }
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
                _range(low, high)
                for low, high in (
                    (least.calls, most.calls),
                    (least.prompt_tokens, most.prompt_tokens),
                    (least.completion_tokens, most.completion_tokens),
                )
            ),
            cost,
        ]


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} – {high:,}"


def estimate_cost(strategies: Mapping[str, Strategy], task: Task, llm: LLM, config: RunConfig) -> CostEstimate:
    """Return the cost of strategies on a task's problems. Loads the problems and calls no model.

    Raises:
        UnknownName: the provider of the model is unknown.
    """
    examples = task.load(config.limit, config.seed)
    rows = []
    for spec, strategy in strategies.items():
        ready, fit = prepare(strategy, examples[0], config)
        row = estimate_strategy(spec, ready, examples, llm, config.epochs, new_samples=config.new_samples)
        rows.append(replace(event_loop.run_sync(row), fit=fit))
    problems = pluralize(len(examples), "problem")
    problems += f" × {config.epochs} repetitions" if config.epochs > 1 else ""
    name = task_title({"task": task.name, "split": task.split})
    title = f"{name} · {problems} · {short_model_name(llm.name)} · nothing is called"
    settings = [llm.sampling, *({**llm.sampling, **one} for one in map(effort_settings, strategies.values()) if one)]
    has_room = llm.given_max_tokens is None and any(map(llm.traits.reasons, settings))
    room = llm.traits.thinking_tokens if has_room else 0
    advice = ""
    if not llm.client.free and any(row.most.usd is None for row in rows):
        # The name may be wrong: the client raises UnknownName for a provider that it does not know.
        llm.client.key_variables()
        advice = advise_name(llm.name, llm.client.endpoint)
    batches = None if llm.client.timed else _count_waves(rows, len(examples) * config.epochs, llm, config)
    return CostEstimate(title, tuple(rows), llm.client.free, room, advice, batches)


def _count_waves(rows: Sequence[StrategyCost], solves: int, llm: LLM, config: RunConfig) -> BatchEstimate:
    """Return the waves of a run: the rounds of the longest technique, for each group of solves in progress at once."""
    has_price = not llm.client.prices.endswith("standard price")
    rounds = [row.rounds for row in rows if row.rounds is not None]
    if len(rounds) < len(rows) or any(row.fit is None for row in rows):
        return BatchEstimate(None, has_price)
    groups = -(-solves * len(rows) // (config.concurrency or llm.limits.concurrency))
    # A fit waits for each of its calls, at worst.
    fits = sum(row.fit[1] for row in rows if row.fit is not None)
    return BatchEstimate(groups * max(rounds, default=0) + fits, has_price)


def prepare(strategy: Strategy, example: Example, config: RunConfig) -> tuple[Strategy, tuple[int, int] | None]:
    """Return a strategy whose cost can be estimated, and the calls of the fit that comes first, as `StrategyCost.fit`.

    It has what it learned in the results folder; else the library's own demonstrations stand for what
    it will learn.

    Raises:
        UsageError: it learns something else than demonstrations.
    """
    if not strategy.needs_fit:
        return strategy, (0, 0)
    if config.folder is not None and (config.folder / "run.json").is_file():
        with suppress(UsageError):
            return with_learned(ResultsFolder.read_run_file(config.folder), strategy), (0, 0)
    shipped = shipped_examples(example.problem.kind.name) or shipped_examples("text")

    async def stand_in(learner: Strategy) -> Strategy:
        names = [name for name, _ in learner.parameters()]
        ready = learner.replace(demonstrations=shipped) if "demonstrations" in names else learner
        if ready.needs_fit:
            raise UsageError(f"the cost of {learner!r} is not known before it is fitted; leave it out of --dry-run")
        return ready

    fit = strategy.fit_calls_range(config.pool_size or USUAL_POOL)
    return event_loop.run_sync(fit_needed(strategy, stand_in), is_short=True), fit


async def estimate_strategy(
    spec: str, strategy: Strategy, examples: Sequence[Example], llm: LLM, epochs: int, *, new_samples: bool = False
) -> StrategyCost:
    """Return the cost of one strategy on these problems, each repeated `epochs` times. Calls no model.

    With `new_samples`, draws of the journal do not count, since none is used.
    """
    low, high = (epochs * calls for calls in strategy.calls_range())
    chain_length = _longest_chain(strategy)
    price, worst_price = llm.client.price, llm.client.worst_price
    least, most, recorded, first = Usage(), Usage(), 0, 0
    for example in examples:
        strategy.check_supports(example.problem.kind)
        requests = await record_requests(strategy, example.problem, llm)
        for request, draws in requests:
            epoch_draws = [epoch * EPOCH_STRIDE + draw for epoch in range(epochs) for draw in draws]
            recorded += 0 if new_samples else len(llm.journal.read(request.key, epoch_draws))
            first += len(epoch_draws)
        prompt_tokens = max(max_prompt_tokens(request) for request, _ in requests)
        max_tokens = max(request.max_tokens for request, _ in requests)
        if chain_length > 1:
            # Later calls may have the usual limit, or one of their technique.
            max_tokens = max(max_tokens, *(request.max_tokens for request in _later_requests(strategy, llm)))
        # A later prompt may hold every earlier reply of its branch.
        earlier_replies = (chain_length - 1) * max_tokens
        fewest = low * prompt_tokens // _BYTES_A_TOKEN
        # At best all of a prompt is in the provider's cache, and at worst all is written to it.
        least += _priced(Usage(low, fewest, low, fewest if llm.client.caches_prompts else 0), price)
        most += _priced(Usage(high, high * (prompt_tokens + earlier_replies), high * max_tokens), worst_price)
    rounds = strategy.rounds_range()
    return StrategyCost(spec, least, most, recorded, first, None if rounds is None else rounds[1])


def _priced(usage: Usage, price: Any) -> Usage:
    return Usage(usage.calls, usage.prompt_tokens, usage.completion_tokens, usd=price(usage))


def _later_requests(strategy: Strategy, llm: LLM) -> Iterator[Request]:
    """Yield a request with each limit on tokens that a call after the first may have."""
    empty = Conversation(())
    yield llm.request(empty, {})
    for name, value in strategy.parameters():
        if isinstance(value, Strategy):
            yield from _later_requests(value, llm)
        elif name.endswith("_tokens") and isinstance(value, int):
            yield llm.request(empty, {"max_tokens": value})


def _longest_chain(strategy: Strategy) -> int:
    """Return the most calls whose prompts may hold each other's replies: a wrapper's branches are independent."""
    inner = [value for _, value in strategy.parameters() if isinstance(value, Strategy)]
    if not inner or strategy.prompt_includes_samples:
        return strategy.calls_range()[1]
    return max(_longest_chain(one) for one in inner)
