"""What a technique is: a frozen object with one `async def solve`, and a card that says what it is good for."""

from __future__ import annotations

import dataclasses
import inspect
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from reasoning import event_loop, telemetry
from reasoning.answer import Answer
from reasoning.branches import FirstCall, gather
from reasoning.card import Card
from reasoning.draw_stream import DrawStream
from reasoning.engine.budget import Budget, nest
from reasoning.errors import BudgetExhausted, UsageError
from reasoning.fitting import fitted
from reasoning.formula import Formula
from reasoning.kinds import Kind
from reasoning.parameters import check_parameters, to_spec
from reasoning.problem import Example, Problem
from reasoning.sandbox import Tools
from reasoning.session import Session
from reasoning.trace import Trace

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.journal import Journal

S = TypeVar("S", bound="Strategy")


@dataclass_transform(frozen_default=True)
def technique(
    *,
    title: str,
    calls: str,
    waves: str = "",
    counts: str = "",
    ranges: Mapping[str, tuple[int, int | str]] | None = None,
    authors: str = "",
    year: int | None = None,
    arxiv: str | None = None,
    doi: str | None = None,
    serves: Sequence[type[Kind]] = (),
    needs: Sequence[str] = (),
    use_when: str = "",
    avoid_when: str = "",
    name: str = "",
    aliases: Sequence[str] = (),
) -> Callable[[type[S]], type[S]]:
    """Make a `Strategy` subclass a frozen dataclass with a card; see `Card` for the arguments.

    The name is the class's in snake_case unless given; the summary is the first line of its docstring.
    """

    def decorate(cls: type[S]) -> type[S]:
        if not issubclass(cls, Strategy):
            raise UsageError(f"write 'class {cls.__name__}(Strategy)': a technique is a Strategy")
        summary = (inspect.getdoc(cls) or title).partition("\n")[0]
        made = dataclass(frozen=True, repr=False)(cls)
        made.card = Card(
            name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower(),
            *(title, summary, Formula(calls), counts, ranges or {}, authors, year, arxiv),
            *(tuple(serves), tuple(needs), use_when, avoid_when, tuple(aliases), doi),
            Formula(waves) if waves else None,
        )
        return made

    return decorate


class Strategy(ABC):
    """A way of answering a problem with a model. Its repr is its spec: `strategies.get(repr(s)) == s`."""

    card: ClassVar[Card]
    prompt_includes_samples: ClassVar[bool] = False
    """Whether a call of a wrapper may hold all that its branches said: what a forecast must reckon with."""

    opens: ClassVar[bool] = False
    """Whether `opening` tells how its `solve` begins; a class with its own `solve` says so by an `opening`."""

    @abstractmethod
    async def solve(self, problem: Problem, session: Session) -> Answer:
        """Answer one problem. Called by `run`, by other strategies and by the benchmark."""

    def first_call(self, problem: Problem) -> FirstCall | None:
        """Its first call for a problem, where that is known beforehand and comes before all else; None where it is not.

        A vote asks for the first draws of all its samples with it, and runs `solve` only where a reply settles nothing.
        So `solve` must begin with this call, and give this answer where it is settled.
        """
        return None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        nearest = next(one for one in cls.__mro__ if {"solve", "opening"} & vars(one).keys())
        cls.opens = "opening" in vars(nearest)

    def run(self, problem: Problem | str, llm: LLM | str, *, epoch: int = 0, budget: Budget | None = None) -> Answer:
        """Answer one problem, from synchronous code: a script, a notebook, a thread.

        Args:
            problem: a problem, or a bare question (which wants a text).
            llm: what `reasoning.connect` gives, or the model's name.
            epoch: the number of an independent repetition; each has draws of its own.
            budget: what may be spent on this problem, within the model's budget.

        Returns:
            The answer; `Unparsed` where its own budget is used up before there is one, with what there was by then.

        Raises:
            UsageError: the strategy does not serve this kind of answer.
            AuthenticationFailed, EndpointDown: no call can come through. Other failed calls give `Failed`.
            BudgetExhausted: the model's budget is used up.
        """
        return event_loop.run_sync(self._run(problem, llm, epoch, budget, None, None))

    async def arun(
        self,
        problem: Problem | str,
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        journal: Journal | None = None,
        tools: Tools | None = None,
    ) -> Answer:
        """The same from asynchronous code, on any event loop.

        Args:
            journal: where draws are recorded, over the model's own journal.
            tools: those to use, where several solves share them.
        """
        return await event_loop.run_async(self._run(problem, llm, epoch, budget, journal, tools))

    def map(
        self,
        problems: Iterable[Problem | str],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        concurrency: int | None = None,
    ) -> list[Answer]:
        """Answer many problems side by side, from synchronous code; the answers come in the problems' order.

        Args:
            problems, llm, epoch: as in `run`.
            budget: what may be spent on each problem.
            concurrency: problems under way at once; by default as many as the model takes requests.

        Raises:
            As `run`. What was paid for until then is in the journal.
        """
        return event_loop.run_sync(self._map(list(problems), llm, epoch, budget, concurrency))

    async def amap(
        self,
        problems: Iterable[Problem | str],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        concurrency: int | None = None,
    ) -> list[Answer]:
        """The same from asynchronous code, on any event loop: cheaper than many `arun`."""
        return await event_loop.run_async(self._map(list(problems), llm, epoch, budget, concurrency))

    def fitted(self: S, pool: Iterable[Example], llm: LLM | str, *, epoch: int = 0, budget: Budget | None = None) -> S:
        """The copy that a technique of two phases makes of itself from examples, from synchronous code.

        Every draw is in the journal: fitted again on the same examples, it spends nothing and is the same.

        Args:
            pool: examples to learn from; not those by which it is judged.
            llm, epoch: as in `run`.
            budget: what may be spent on all of them, within the model's budget.

        Raises:
            UsageError: it has no `async def fit(pool, session)`, or there are no examples.
            CallFailed, BudgetExhausted: a call did not come through, or could not be afforded.
        """
        return event_loop.run_sync(fitted(self, list(pool), llm, epoch, budget))

    async def afitted(
        self: S, pool: Iterable[Example], llm: LLM | str, *, epoch: int = 0, budget: Budget | None = None
    ) -> S:
        """The same from asynchronous code, on any event loop."""
        return await event_loop.run_async(fitted(self, list(pool), llm, epoch, budget))

    async def _map(
        self,
        problems: Sequence[Problem | str],
        llm: LLM | str,
        epoch: int,
        budget: Budget | None,
        concurrency: int | None,
    ) -> list[Answer]:
        from reasoning.engine.connect import connect

        model = connect(llm) if isinstance(llm, str) else llm
        tools = Tools()
        answers: dict[int, Answer] = {}
        left = iter(enumerate(problems))

        async def work() -> None:
            for place, problem in left:
                own = None if budget is None else budget.nested_in(model.budget)
                answers[place] = await self._run(problem, model, epoch, own, None, tools)

        workers = min(concurrency or model.limits.concurrency, len(problems))
        await gather([work() for _ in range(workers)])
        return [answers[place] for place in range(len(problems))]

    async def _run(
        self,
        problem: Problem | str,
        llm: LLM | str,
        epoch: int,
        budget: Budget | None,
        journal: Journal | None,
        tools: Tools | None,
    ) -> Answer:
        from reasoning.engine.single_flight import CallContext

        if isinstance(llm, str):
            from reasoning.engine.connect import connect

            llm = connect(llm)
        problem = Problem.of(problem)
        self.check_supports(problem.kind)
        own = nest(budget, llm.budget)
        trace = Trace(self._spec)
        started = time.monotonic()
        session = Session(
            llm,
            trace,
            lane=DrawStream(epoch=epoch),
            tools=tools,
            account=CallContext(own, llm.journal if journal is None else journal, trace.name),
        )
        try:
            with telemetry.solve(trace.name):
                answer = await session.solve(self, problem)
        except BudgetExhausted as error:
            if budget is None or error.budget is not own:
                raise
            answer = session.stopped_answer(str(error))
        trace.seconds = time.monotonic() - started
        return replace(answer, usage=trace.usage, trace=trace, strategy=self)

    def check_supports(self, kind: Kind) -> None:
        """Raise UsageError where this strategy cannot give this kind of answer."""
        serves = self.card.kinds
        if serves and not isinstance(kind, tuple(serves)):
            known = ", ".join(one.__name__ for one in serves)
            raise UsageError(f"{self.card.name} gives answers of the kinds {known}; this problem wants {kind!r}")

    def calls(self, **counts: int) -> int:
        """The number of completions for one problem, by the card's formula.

        Args:
            counts: the names in the formula that are not parameters, such as `m` sub-questions.
        """
        return self.card.calls(**{**self._values(lambda inner: inner.calls(**counts)), **counts})

    def round_count(self, **counts: int) -> int | None:
        """How many calls follow one another for one problem, by the card's formula; None where a card has none.

        Args:
            counts: as in `calls`.
        """
        values = self._values(lambda inner: inner.round_count(**counts))
        inner = [values[name] for name, value in self.parameters() if isinstance(value, Strategy)]
        return None if self.card.rounds is None or None in inner else self.card.rounds(**{**values, **counts})

    def calls_range(self) -> tuple[int, int]:
        """The least and the greatest number of completions for one problem, by the card's formula and ranges."""

        def end(place: int) -> int:
            values = self._values(lambda inner: inner.calls_range()[place])
            counts = {name: Formula(str(limits[place]))(**values) for name, limits in self.card.ranges.items()}
            return self.card.calls(**{**values, **counts})

        return end(0), end(1)

    def _values(self, of: Callable[[Strategy], int | None]) -> dict[str, Any]:
        """Its parameters for a formula, in which a strategy within it stands for a number."""
        return {name: of(value) if isinstance(value, Strategy) else value for name, value in self.parameters()}

    def parameters(self) -> Iterator[tuple[str, Any]]:
        """Its parameters by name, in order."""
        for one in dataclasses.fields(self):  # type: ignore[arg-type]  # techniques are dataclasses
            yield one.name, getattr(self, one.name)

    def replace(self: S, **changes: Any) -> S:
        """A copy with some parameters changed."""
        return replace(self, **changes)  # type: ignore[type-var]

    @cached_property
    def _spec(self) -> str:
        """Its repr, for as many problems as it solves."""
        return repr(self)

    def __repr__(self) -> str:
        return to_spec(self.card.name, self)

    def __post_init__(self) -> None:
        self.check_parameters()

    def check_parameters(self, **bounds: float | tuple[float, float]) -> None:
        """Check each parameter against its annotation, and the named ones against their least value, or least and most.

        Raises:
            UsageError: names the parameter, the value and what would do.
        """
        check_parameters(self, bounds)
