"""The base class of strategies: frozen objects with an `async def solve` and a card, made by `@technique`."""

from __future__ import annotations

import dataclasses
import inspect
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from reasoning import event_loop, telemetry
from reasoning.answer import Answer, Unparsed
from reasoning.branches import gather
from reasoning.card import Card, Count, count_text, fixed_range
from reasoning.draw_stream import DrawStream
from reasoning.engine.budget import Budget, check_budget, nest
from reasoning.engine.notebook_progress import notebook_progress
from reasoning.engine.single_flight import CallContext
from reasoning.errors import BudgetExhausted, UnknownName, UsageError
from reasoning.kinds import Kind
from reasoning.parameters import check_parameters, to_spec
from reasoning.problem import Example, Problem
from reasoning.prompts import Prompt
from reasoning.sampling_params import validate_params
from reasoning.session import Session
from reasoning.short_repr import shorten
from reasoning.trace import Trace
from reasoning.truncation import name_truncation
from reasoning.watching import Listener, Watch

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.journal import Journal

S = TypeVar("S", bound="Strategy")

Fit = Callable[["Strategy"], Awaitable["Strategy"]]
"""Returns the fitted copy of a strategy."""


@dataclass_transform(frozen_default=True)
def technique(
    *,
    title: str,
    calls: Count,
    rounds: Count = "",
    counts: str = "",
    authors: str = "",
    year: int | None = None,
    arxiv: str | None = None,
    doi: str | None = None,
    kinds: Sequence[type[Kind]] = (),
    requires: Sequence[str] = (),
    use_when: str = "",
    avoid_when: str = "",
    name: str = "",
    aliases: Sequence[str] = (),
    version: int = 1,
    default_kinds: Sequence[type[Kind]] = (),
) -> Callable[[type[S]], type[S]]:
    """Make a `Strategy` subclass a frozen dataclass with a card.

    Args:
        title: the technique's name in the paper.
        calls: the number of completions for one problem: a number, the least and the greatest, or
            an expression for readers, such as "1 + samples". A class with an expression defines
            `calls_range`.
        rounds: the number of sequential rounds of calls, in the same form; a class with an
            expression defines `rounds_range`. By default it is not known.
        counts: the meaning of the names in these expressions that are not parameters.
        authors: the paper's authors, such as "Wei et al.".
        year: the paper's year.
        arxiv: the paper's number on arXiv, such as "2201.11903".
        doi: the paper's DOI, if it is not on arXiv.
        kinds: the kinds of answer that the technique can give; by default all.
        requires: what it needs besides a model, such as "interpreter".
        use_when: when the technique helps, with the evidence.
        avoid_when: when it does not, with the evidence.
        name: the name in specs; by default the class's name in snake_case.
        aliases: other names of the technique.
        version: the version of the algorithm. Raise it with every change that may change answers,
            so that stored results of benchmarks are recomputed.
        default_kinds: the kinds that it serves without demonstrations of the user's own; by default
            all of `kinds`.

    Returns:
        The decorator. The card's summary is the first line of the class's docstring.

    Raises:
        UsageError: the class is not a `Strategy`, or an expression has no method.
    """

    def decorate(cls: type[S]) -> type[S]:
        if not issubclass(cls, Strategy):
            raise UsageError(f"a technique must be a Strategy: write 'class {cls.__name__}(Strategy)'")
        for count, method in ((calls, "calls_range"), (rounds, "rounds_range")):
            if count and fixed_range(count_text(count)) is None and getattr(cls, method) is getattr(Strategy, method):
                raise UsageError(f"{cls.__name__}: {count!r} is not a number: define {method}(self) -> (least, most)")
        summary = (inspect.getdoc(cls) or title).partition("\n")[0]
        decorated = dataclass(frozen=True, repr=False)(cls)
        decorated.card = Card(
            name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower(),
            *(title, summary, count_text(calls), counts, authors, year, arxiv),
            *(tuple(kinds), tuple(requires), use_when, avoid_when, tuple(aliases), doi, count_text(rounds)),
            version=version,
            default_kinds=tuple(default_kinds),
        )
        return decorated

    return decorate


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
        model = _connected(llm)
        with notebook_progress(model):
            return event_loop.run_sync(
                self._run(problem, model, epoch, budget, None, sampling=sampling, watch=watch, series=series)
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
            self._run(problem, llm, epoch, budget, journal, trace, sampling=sampling, watch=watch, series=series)
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
        model, listed = _connected(llm), self._to_problems(problems)
        with notebook_progress(model, len(listed)) as on_answer:
            return event_loop.run_sync(self._map(listed, model, epoch, budget, concurrency, on_answer))

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
        return await event_loop.run_async(self._map(self._to_problems(problems), llm, epoch, budget, concurrency))

    @property
    def free_text_prompts(self) -> frozenset[str]:
        """The names of the prompts whose replies this technique reads as free text, or does not use.

        They ask for the answer, and cannot be structured nevertheless; see `Prompt.structured`.
        """
        return frozenset()

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

    @cached_property
    def _misused_prompt(self) -> str:
        """The name of a structured prompt whose reply must be free text, here or inside; otherwise empty."""
        for name, value in self.parameters():
            if isinstance(value, Prompt) and value.structured and name in self.free_text_prompts:
                return f"{self.card.name}.{name}"
        return next(filter(None, (inner._misused_prompt for inner in self.inner_strategies())), "")

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
        model = _connected(llm)
        trace = Trace(f"fit {self!r}")
        with notebook_progress(model, describe=lambda: trace.last_note):
            return event_loop.run_sync(self._fitted(pool, model, epoch, budget, trace))

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
        return await event_loop.run_async(self._fitted(pool, llm, epoch, budget, trace, journal))

    async def fit_inner(self: S, fit: Fit) -> S:
        """Return a copy in which each inner strategy that needs fitting is fitted, the innermost first.

        Args:
            fit: returns the fitted copy of a strategy whose own inner strategies are fitted. Equal
                strategies are fitted once.
        """
        fitted: list[tuple[Strategy, Strategy]] = []
        for inner in self.inner_strategies():
            if inner.needs_fit and all(inner != known for known, _ in fitted):
                fitted.append((inner, await fit_needed(inner, fit)))
        return self.map_inner(lambda inner: next((new for known, new in fitted if known == inner), inner))

    async def _fit(self: S, pool: Sequence[Example], session: Session) -> S:
        """Return a copy that has learned from the examples. Techniques with a learning phase define it."""
        raise NotImplementedError

    @property
    def _learns(self) -> bool:
        return type(self)._fit is not Strategy._fit

    @property
    def _fit_needs_targets(self) -> bool:
        """True unless this strategy and those that `fit` reaches within it learn from questions alone."""
        reached = [inner for inner in self.inner_strategies() if inner.needs_fit]
        own = self._learns and self.fit_reads_targets
        return own or any(inner._fit_needs_targets for inner in reached)

    def _to_examples(self, pool: Iterable[Example | Problem | str]) -> list[Example]:
        """Return the examples that `fit` was called with; questions get no target."""
        if isinstance(pool, str | Problem | Example):
            raise UsageError(f"fit(pool=…) takes a list, got {shorten(pool)}; write fit([…], llm)")
        examples = []
        for one in pool:
            if not isinstance(one, Example):
                if self._fit_needs_targets:
                    raise UsageError(
                        f"fit(pool=…) takes examples with targets, Example(problem, target), got {one!r:.80}"
                    )
                one = Example(Problem.of(one), None)
            self.check_supports(one.problem.kind)
            if one.problem.images:
                raise UsageError(
                    f"fit(pool=…) takes problems without images, since demonstrations are texts; {self!r} would learn "
                    f"from {one.problem.question!r:.60} without seeing its image"
                )
            examples.append(one)
        if not examples:
            raise UsageError("fit(pool=…) needs at least one example, got none")
        return examples

    async def _fitted(
        self: S,
        pool: Iterable[Example | Problem | str],
        llm: LLM | str,
        epoch: int,
        budget: Budget | None,
        trace: Trace | None = None,
        journal: Journal | None = None,
    ) -> S:
        if not self._learns and not self.needs_fit:
            inner = next(
                (name for name, value in self.parameters() if isinstance(value, Strategy) and value._learns), None
            )
            hint = f"; its {inner} does: strategy.replace({inner}=strategy.{inner}.fit(pool, llm))" if inner else ""
            raise UsageError(f"{self!r} has no fit: it learns nothing from examples{hint}")
        examples = self._to_examples(pool)
        model = _connected(llm)
        model.check_price(budget)
        nested = nest(budget, model.budget)
        trace = trace or Trace(f"fit {self!r}")
        context = CallContext(nested, model.journal if journal is None else journal, trace.name)

        def start(part: Trace) -> Session:
            # Each strategy learns from the draws that it would have alone.
            return Session(model, part, stream=DrawStream(epoch=epoch), context=context)

        async def fit(inner: Strategy) -> Strategy:
            part = Trace(f"fit {inner!r}")
            trace.events.append(part)
            return await inner._fit(examples, start(part))

        with telemetry.solve(trace.name, model.client.model, model.client.endpoint):
            if not self._learns:
                return await fit_needed(self, fit)
            return await (await self.fit_inner(fit))._fit(examples, start(trace))

    async def _map(
        self,
        problems: Sequence[Problem | str],
        llm: LLM | str,
        epoch: int,
        budget: Budget | None,
        concurrency: int | None,
        on_answer: Callable[[], None] = lambda: None,
    ) -> list[Answer]:
        model = _connected(llm)
        if concurrency is not None and concurrency < 1:
            raise UsageError(f"concurrency must be at least 1, got {concurrency}")
        model.check_price(budget)
        answers: dict[int, Answer] = {}
        queue = iter(enumerate(problems))

        async def work() -> None:
            for index, problem in queue:
                nested = None if budget is None else check_budget(budget).nested_in(model.budget)
                answers[index] = await self._run(problem, model, epoch, nested, None)
                on_answer()

        workers = min(concurrency or model.limits.concurrency, len(problems))
        await gather([work() for _ in range(workers)])
        return [answers[index] for index in range(len(problems))]

    async def _run(
        self,
        problem: Problem | str,
        llm: LLM | str,
        epoch: int,
        budget: Budget | None,
        journal: Journal | None,
        trace: Trace | None = None,
        *,
        sampling: Mapping[str, Any] | None = None,
        watch: Watch | None = None,
        series: str | None = None,
    ) -> Answer:
        llm = _connected(llm)
        problem = self._to_problem(problem)
        self.check_fitted()
        self.check_supports(problem.kind)
        if self._misused_prompt:
            raise UsageError(
                f"{self._misused_prompt} cannot be structured: the technique reads its reply as free text, or does not "
                "use the prompt with these parameters"
            )
        if sampling:
            validate_params(sampling, "of run")
        if series is not None and (not isinstance(series, str) or not series):
            raise UsageError(f"series must be a name, or None for the series that all solves share, got {series!r}")
        listener = None if watch is None else Listener(watch, self._spec)
        llm.check_price(budget)
        nested = nest(budget, llm.budget)
        trace = trace or Trace(self._spec)
        trace.name = self._spec
        started = time.monotonic()
        session = Session(
            llm,
            trace,
            stream=DrawStream(epoch=epoch),
            context=CallContext(
                nested,
                llm.journal if journal is None else journal,
                trace.name,
                None if budget is None else nested,
            ),
            sampling=sampling,
            images=problem.images,
            before=problem.before,
            series=series or "",
            listener=listener,
        )
        try:
            with telemetry.solve(trace.name, llm.client.model, llm.client.endpoint), session.watched_branch():
                answer = await session.solve(self, problem)
        except BudgetExhausted as error:
            if not session.owns(error):
                raise
            answer = session.stopped_answer(error)
        finally:
            trace.seconds = time.monotonic() - started
        if listener is not None:
            listener.check()
        if isinstance(answer, Unparsed):
            answer = replace(answer, reason=name_truncation(answer.reason, trace))
        return replace(answer, usage=trace.usage, trace=trace, strategy=self)

    def _to_problem(self, problem: Any) -> Problem:
        """Return the problem that `run` was called with."""
        return Problem.of(problem)

    def _to_problems(self, problems: Iterable[Any]) -> list[Problem]:
        """Return the problems that `map` was called with. A single one is refused: its parts would be the problems."""
        if isinstance(problems, str | Problem | Mapping):
            raise UsageError(f"map takes a list of problems, got one problem; write map([{shorten(problems)}], llm)")
        return [self._to_problem(problem) for problem in problems]

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
        distinct: list[Strategy] = []
        for inner in self.inner_strategies():
            if inner.needs_fit and all(inner != known for known in distinct):
                distinct.append(inner)
        ranges = [inner.fit_calls_range(pool) for inner in distinct]
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
        return replace(self, **changes)  # type: ignore[type-var]

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

    @cached_property
    def _is_unfitted(self) -> bool:
        """`needs_fit`, computed once for all problems."""
        return self.needs_fit

    @cached_property
    def _spec(self) -> str:
        """The repr, computed once for all problems."""
        return repr(self)

    def __repr__(self) -> str:
        return to_spec(self.card.name, self)

    def __post_init__(self) -> None:
        self.check_parameters()

    def check_parameters(self, **bounds: float | tuple[float, float]) -> None:
        """Check each parameter against its annotation, and the named ones against their bounds.

        Args:
            **bounds: the least value of a parameter, or the least and the greatest, by name.

        Raises:
            UsageError: names the parameter, its value and what it must be.
        """
        check_parameters(self, bounds)


async def fit_needed(strategy: S, fit: Fit) -> S:
    """Return a copy in which the strategy and all strategies inside it that need fitting are fitted.

    Args:
        strategy: the strategy.
        fit: as in `Strategy.fit_inner`.
    """
    ready = await strategy.fit_inner(fit)
    # A strategy learns a copy of itself.
    return await fit(ready) if ready.needs_fit else ready  # type: ignore[return-value]


def _connected(llm: LLM | str) -> LLM:
    # Imported here, so that `import reasoning` does not load the providers.
    from reasoning.engine.connect import connected

    return connected(llm)
