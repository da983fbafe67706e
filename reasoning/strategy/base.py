"""The base class of strategies: frozen objects with an `async def solve` and a card, made by `@technique`."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from reasoning import event_loop
from reasoning.answer import Answer
from reasoning.card import Card, fixed_range
from reasoning.engine.budget import Budget
from reasoning.engine.notebook_progress import notebook_progress
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Kind
from reasoning.parameters import check_parameters, to_spec
from reasoning.problem import Example, Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.short_repr import shorten
from reasoning.strategy.fitting import Fit, fit_needed, fit_strategy
from reasoning.strategy.solving import connected, solve_many, solve_one
from reasoning.trace import Trace
from reasoning.watching import Watch

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.journal import Journal

S = TypeVar("S", bound="Strategy")


class Strategy(ABC):
    """A way of answering a problem with a model. Its repr is its spec: `strategies.get(repr(s)) == s`."""

    card: ClassVar[Card]
    prompt_includes_samples: ClassVar[bool] = False
    """True if a prompt may contain the replies of all branches, for the cost estimate."""
    fit_reads_targets: ClassVar[bool] = True
    """False if `fit` learns from questions alone, so that its pool may contain problems without targets."""

    @abstractmethod
    async def solve(self, problem: Problem, session: Session) -> Answer:
        """Answer one problem. Called by `run`, by other strategies and by the benchmark."""

    def run(
        self,
        problem: Problem | str,
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        sampling: Mapping[str, Any] | None = None,
        watch: Watch | None = None,
        series: str | None = None,
    ) -> Answer:
        """Answer one problem, from synchronous code: a script, a notebook or a thread.

        Args:
            problem: a problem, or a bare question, which asks for a text.
            llm: the model, or its name for `reasoning.connect`.
            epoch: the number of an independent repetition; each has its own draws.
            budget: the limit for this problem, within the model's budget.
            sampling: sampling parameters of this solve, which override those of the model; the
                strategy's own override them.
            watch: a function that receives a `SolveEvent` whenever a stage or a call begins or ends. It
                runs on the library's event loop, in another thread, so it must return at once. If it
                raises an exception, it gets no further event, and the solve runs to its end.
            series: the name of a series of draws that is independent of all others. The same name
                repeats its draws without a purchase; None is the series that all solves share.

        Returns:
            The answer. If this problem's own budget runs out first, the samples that it covered have
            the vote, and the answer says so; without a vote, `Unparsed` with the partial result.

        Raises:
            UsageError: the strategy does not support this kind of answer, a parameter is wrong, or `watch`
                raised an exception; the solve has then ended, and its draws are recorded.
            AuthenticationFailed, EndpointDown: no call can succeed. After other failed calls the
                answer is `Failed`.
            BudgetExhausted: the model's budget is used up.

        Examples:
            >>> from reasoning import Problem, kinds, strategies
            >>> from reasoning.testing import ScriptedLLM
            >>> llm = ScriptedLLM(["Each spider has 8 legs. The answer is 16."])
            >>> problem = Problem("How many legs do two spiders have?", kinds.Number())
            >>> answer = strategies.get("cot").run(problem, llm)
            >>> answer.state, answer.value, answer.usage.calls
            ('answered', 16, 1)
        """
        model, one = connected(llm), self._to_problem(problem)
        with notebook_progress(model):
            return event_loop.run_sync(
                solve_one(self, one, model, epoch=epoch, budget=budget, sampling=sampling, watch=watch, series=series)
            )

    async def arun(
        self,
        problem: Problem | str,
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        journal: Journal | None = None,
        trace: Trace | None = None,
        sampling: Mapping[str, Any] | None = None,
        watch: Watch | None = None,
        series: str | None = None,
    ) -> Answer:
        """Answer one problem, from asynchronous code on any event loop.

        Args:
            problem: as in `run`.
            llm: as in `run`.
            epoch: as in `run`.
            budget: as in `run`.
            journal: where draws are recorded, instead of the model's own journal.
            trace: the trace to fill, which has the calls and their usage also if an error is raised;
                by default a new one.
            sampling: as in `run`.
            watch: as in `run`. If the caller's event loop is not the library's, pass events on with
                `loop.call_soon_threadsafe`.
            series: as in `run`.
        """
        return await event_loop.run_async(
            solve_one(
                self,
                self._to_problem(problem),
                llm,
                epoch=epoch,
                budget=budget,
                journal=journal,
                trace=trace,
                sampling=sampling,
                watch=watch,
                series=series,
            )
        )

    def map(
        self,
        problems: Iterable[Problem | str],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        concurrency: int | None = None,
    ) -> list[Answer]:
        """Answer many problems concurrently, from synchronous code. The answers are in the order of the problems.

        Args:
            problems: the problems, or bare questions.
            llm: as in `run`.
            epoch: as in `run`.
            budget: the limit for each problem.
            concurrency: the maximum number of problems to solve at once; by default the model's
                maximum number of requests in flight.

        Raises:
            Exception: as in `run`. The draws made until then are in the journal.
        """
        model, listed = connected(llm), self._to_problems(problems)
        with notebook_progress(model, len(listed)) as on_answer:
            return event_loop.run_sync(
                solve_many(
                    self, listed, model, epoch=epoch, budget=budget, concurrency=concurrency, on_answer=on_answer
                )
            )

    async def amap(
        self,
        problems: Iterable[Problem | str],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        concurrency: int | None = None,
    ) -> list[Answer]:
        """Answer many problems concurrently, from asynchronous code on any event loop; cheaper than many `arun`.

        Args:
            problems: as in `map`.
            llm: as in `map`.
            epoch: as in `map`.
            budget: as in `map`.
            concurrency: as in `map`.
        """
        listed = self._to_problems(problems)
        return await event_loop.run_async(
            solve_many(self, listed, llm, epoch=epoch, budget=budget, concurrency=concurrency)
        )

    def fit(
        self: S,
        pool: Iterable[Example | Problem | str],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
    ) -> S:
        """Return a copy of this strategy that has learned from examples, from synchronous code.

        Every draw is in the journal: fitting again on the same examples costs nothing and gives the
        same copy. A wrapper is fitted inside: each inner strategy that needs it learns from the
        examples, the innermost first.

        Args:
            pool: the examples to learn from; not those on which the strategy is evaluated. Problems or
                bare questions if the strategy learns from questions alone, as `auto_cot` does.
            llm: as in `run`.
            epoch: the number of an independent repetition; each has its own draws.
            budget: the limit for the whole fit, within the model's budget.

        Raises:
            UsageError: the strategy learns nothing from examples, or the pool is empty.
            CallFailed: a call failed for good.
            BudgetExhausted: the budget does not cover a call.
        """
        model = connected(llm)
        trace = Trace(f"fit {self!r}")
        with notebook_progress(model, describe=lambda: trace.last_note):
            return event_loop.run_sync(fit_strategy(self, pool, model, epoch=epoch, budget=budget, trace=trace))

    async def afit(
        self: S,
        pool: Iterable[Example | Problem | str],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        journal: Journal | None = None,
        trace: Trace | None = None,
    ) -> S:
        """Return a copy that has learned from examples, from asynchronous code on any event loop.

        Args:
            pool: as in `fit`.
            llm: as in `fit`.
            epoch: as in `fit`.
            budget: as in `fit`.
            journal: where draws are recorded, instead of the model's own journal.
            trace: receives the calls and notes while the strategy learns.
        """
        return await event_loop.run_async(
            fit_strategy(self, pool, llm, epoch=epoch, budget=budget, journal=journal, trace=trace)
        )

    async def fit_inner(self: S, fit: Fit) -> S:
        """Return a copy in which each inner strategy that needs fitting is fitted, the innermost first.

        Args:
            fit: returns the fitted copy of a strategy whose own inner strategies are fitted. Equal
                strategies are fitted once.
        """
        fitted = [(inner, await fit_needed(inner, fit)) for inner in self._inner_to_fit()]
        return self.map_inner(lambda inner: next((new for known, new in fitted if known == inner), inner))

    @property
    def needs_fit(self) -> bool:
        """True if this strategy, or one inside it, cannot answer before it has learned from examples; see `fit`.

        False by default. A technique that must learn first overrides it, and is False once it has.
        """
        return any(inner.needs_fit for inner in self.inner_strategies())

    def check_fitted(self) -> None:
        """Raise UsageError if this strategy cannot answer before it has learned; says how it learns."""
        if self._is_unfitted:
            raise UsageError(
                f"{self!r} must learn from examples before it answers: strategy.fit(pool, llm), or `reasoning bench "
                "run`, which fits it first; `demonstrations=FILE` gives back what an earlier fit has learned"
            )

    def check_supports(self, kind: Kind) -> None:
        """Raise UsageError if this strategy does not support a kind of answer."""
        kinds = self.card.kinds
        if kinds and not isinstance(kind, tuple(kinds)):
            known = ", ".join(cls.__name__ for cls in kinds)
            of_kind = "the kinds" if len(kinds) > 1 else "the kind"
            raise UsageError(f"{self.card.name} gives answers of {of_kind} {known}; this problem asks for {kind!r}")

    def calls_range(self) -> tuple[int, int]:
        """Return the least and the greatest number of completions for one problem.

        By default the card's fixed number; a technique overrides it if the number depends on its
        parameters.
        """
        fixed = fixed_range(self.card.calls)
        # `technique` has checked that a class with an expression overrides this method.
        assert fixed is not None
        return fixed

    def rounds_range(self) -> tuple[int, int] | None:
        """Return the least and the greatest number of sequential rounds of calls for one problem.

        By default the card's fixed number; a technique overrides it if the number depends on its
        parameters. None if it is not known.
        """
        return fixed_range(self.card.rounds)

    def fit_calls_range(self, pool: int) -> tuple[int, int] | None:
        """Return the least and the greatest number of completions of a fit; None if it is not known.

        By default that of the inner strategies that need fitting. A technique that learns overrides it.

        Args:
            pool: the number of examples to learn from.
        """
        ranges = [inner.fit_calls_range(pool) for inner in self._inner_to_fit()]
        known = [one for one in ranges if one is not None]
        return (sum(low for low, _ in known), sum(high for _, high in known)) if known and None not in ranges else None

    def parameters(self) -> Iterator[tuple[str, Any]]:
        """Yield the parameters with their names, in order."""
        # Techniques are dataclasses.
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            yield field.name, getattr(self, field.name)

    def replace(self: S, **changes: Any) -> S:
        """Return a copy with some parameters changed.

        Raises:
            UnknownName: there is no such parameter; suggests the nearest one.
        """
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        if unknown := next((name for name in changes if name not in names), None):
            raise UnknownName("parameter", unknown, names, f"of {self.card.name}")
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    @property
    def free_text_prompts(self) -> frozenset[str]:
        """The names of the prompts whose replies this technique reads as free text, or does not use.

        They ask for the answer, and cannot be structured nevertheless; see `Prompt.structured`.
        """
        return frozenset()

    def with_prompts(self: S, change: Callable[[str, Prompt], Prompt]) -> S:
        """Return a copy with changed prompts.

        Techniques with prompts that are not parameters define it. The others return themselves.

        Args:
            change: is called with each name and prompt, and returns the prompt that replaces it.
        """
        return self

    def with_strategies(self: S, change: Callable[[Strategy], Strategy]) -> S:
        """Return a copy with changed inner strategies; see `with_prompts`."""
        return self

    def map_inner(self: S, change: Callable[[Strategy], Strategy]) -> S:
        """Return a copy with every direct inner strategy changed; this one if none changes.

        Args:
            change: returns the replacement of an inner strategy.
        """
        inner = {name: value for name, value in self.parameters() if isinstance(value, Strategy)}
        changes = {name: new for name, value in inner.items() if (new := change(value)) != value}
        changed = (self.replace(**changes) if changes else self).with_strategies(change)
        return self if changed == self else changed.as_variant_of(self)

    def inner_strategies(self) -> list[Strategy]:
        """Return the direct inner strategies: those that are parameters, and those of `with_strategies`."""
        found = [value for _, value in self.parameters() if isinstance(value, Strategy)]

        def collect(inner: Strategy) -> Strategy:
            found.append(inner)
            return inner

        self.with_strategies(collect)
        return found

    def as_variant_of(self: S, original: Strategy) -> S:
        """Return this strategy, a changed copy, with its own repr, under which results are stored.

        By default it is returned unchanged: its repr shows the changes.
        """
        return self

    def with_spec(self: S, spec: str) -> S:
        """Return a copy whose traces have another name than its repr, which may be as long as what it learned."""
        named = copy(self)
        named.__dict__["_spec"] = spec
        return named

    def check_parameters(self, **bounds: float | tuple[float, float]) -> None:
        """Check each parameter against its annotation, and the named ones against their bounds.

        Args:
            **bounds: the least value of a parameter, or the least and the greatest, by name.

        Raises:
            UsageError: names the parameter, its value and what it must be.
        """
        check_parameters(self, bounds)

    def __repr__(self) -> str:
        return to_spec(self.card.name, self)

    def __post_init__(self) -> None:
        self.check_parameters()

    async def _fit(self: S, pool: Sequence[Example], session: Session) -> S:
        """Return a copy that has learned from the examples. Techniques with a learning phase define it."""
        # Never called: `fit` refuses a strategy that does not define it.
        raise NotImplementedError

    @property
    def _learns(self) -> bool:
        return type(self)._fit is not Strategy._fit

    def _inner_to_fit(self) -> list[Strategy]:
        """Return the direct inner strategies that need fitting, each once."""
        distinct: list[Strategy] = []
        for inner in self.inner_strategies():
            if inner.needs_fit and inner not in distinct:
                distinct.append(inner)
        return distinct

    @cached_property
    def _is_unfitted(self) -> bool:
        """`needs_fit`, computed once for all problems."""
        return self.needs_fit

    def _check_structured_prompts(self) -> None:
        if self._misused_prompt:
            raise UsageError(
                f"{self._misused_prompt} cannot be structured: the technique reads its reply as free text, or does not "
                "use the prompt with these parameters"
            )

    @cached_property
    def _misused_prompt(self) -> str:
        """The name of a structured prompt whose reply must be free text, here or inside; otherwise empty."""
        for name, value in self.parameters():
            if isinstance(value, Prompt) and value.structured and name in self.free_text_prompts:
                return f"{self.card.name}.{name}"
        return next(filter(None, (inner._misused_prompt for inner in self.inner_strategies())), "")

    @cached_property
    def _spec(self) -> str:
        """The repr, computed once for all problems."""
        return repr(self)

    def _to_problem(self, problem: Any) -> Problem:
        """Return the problem that `run` was called with."""
        return Problem.of(problem)

    def _to_problems(self, problems: Iterable[Any]) -> list[Problem]:
        """Return the problems that `map` was called with. A single one is refused: its parts would be the problems."""
        if isinstance(problems, str | Problem | Mapping):
            raise UsageError(f"map takes a list of problems, got one problem; write map([{shorten(problems)}], llm)")
        return [self._to_problem(problem) for problem in problems]
