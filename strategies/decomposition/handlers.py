"""Handlers of sub-questions: strategies and Python functions."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from reasoning.answer import Answered, Failed
from reasoning.errors import BudgetExhausted, CallFailed, UsageError
from reasoning.kinds import Kind, Number, Text
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.programs.program_of_thoughts import ProgramOfThoughts
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy

Function = Callable[[Any], Any]
"""Maps the text behind the handler's name (parsed as JSON where possible) to a value that JSON can represent.

A plain function runs in a thread, so that it never blocks the event loop and several calls run at once; an `async def`
is awaited.
"""


class NoAnswer(Exception):
    """A sub-question could not be answered; the message says why."""


class NothingAsked(NoAnswer):
    """A program ends before its first sub-question."""


@dataclass(frozen=True)
class Handler:
    """A handler for one sort of sub-question.

    Attributes:
        name: one word by which the controller addresses it.
        does: its purpose, by which the controller chooses it.
        by: a strategy (another `decomposed` for hard sub-questions, for instance) or a function.
        kind: kind of answer that a strategy is asked for.
        sees_passage: whether a strategy sees the passage and table of the whole problem.
    """

    name: str
    does: str
    by: Strategy | Function
    kind: Kind = field(default_factory=Text)
    sees_passage: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name.casefold() == "eoq":
            raise UsageError(f"Handler({self.name!r}): the name of a handler must be one word other than EOQ")
        if isinstance(self.by, Strategy):
            self.by.check_supports(self.kind)

    def __repr__(self) -> str:
        if isinstance(self.by, Strategy) and self == Handler.from_value(self.by):
            return repr(self.by)
        by = repr(self.by) if isinstance(self.by, Strategy) else _function_name(self.by)
        kind = f", {self.kind!r}" if self.kind != Text() else ""
        return f"Handler({self.name!r}, {self.does!r}, {by}{kind}{', sees_passage=True' if self.sees_passage else ''})"

    @classmethod
    def from_value(cls, value: Handler | Strategy | Function) -> Handler:
        """Make a handler from a strategy or a function; return a `Handler` unchanged.

        A strategy gets the name and summary of its card. A function gets its own name and the first
        line of its docstring.

        Raises:
            UsageError: the value is of another type, or a function without a name.
        """
        if isinstance(value, Handler):
            return value
        if isinstance(value, Strategy):
            return cls(value.card.name, value.card.summary, value)
        if not callable(value):
            raise UsageError(f"a handler must be a strategy, a function or a Handler(…), got {value!r:.80}")
        if not hasattr(value, "__name__"):
            raise UsageError(f"a handler needs a name and a description: Handler('…', '…', {_function_name(value)})")
        return cls(value.__name__, (inspect.getdoc(value) or "").partition("\n")[0], value)

    def with_strategy(self, change: Callable[[Strategy], Strategy]) -> Handler:
        """Return a copy with its strategy replaced by `change(strategy)`; a function is kept."""
        return replace(self, by=change(self.by)) if isinstance(self.by, Strategy) else self

    async def answer(self, question: str, problem: Problem, session: Session) -> Any:
        """Answer a sub-question.

        Args:
            question: the sub-question.
            problem: the whole problem.
            session: the session to ask with.

        Returns:
            A value that JSON can represent.

        Raises:
            NoAnswer: the handler has no answer.
            CallFailed: a call failed.
        """
        if not isinstance(self.by, Strategy):
            argument = _parse_container(question) if self.by in TEXT_FUNCTIONS else parse_value(question)
            # Built-in functions run synchronously, so that branches in lockstep stay in lockstep.
            with _as_no_answer():
                value = (
                    self.by(argument)
                    if self.by in TEXT_FUNCTIONS
                    else await asyncio.to_thread(_as_no_answer()(self.by), argument)
                )
                value = await value if inspect.isawaitable(value) else value
                # Raises if JSON cannot represent the value.
                format_value(value)
                return value
        passage = {"context": problem.context, "table": problem.table} if self.sees_passage else {}
        answer = await self.by.solve(Problem(question, self.kind, **passage), session)  # type: ignore[arg-type]
        if isinstance(answer, Failed):
            raise answer.to_error()
        if not isinstance(answer, Answered):
            raise NoAnswer(answer.reason)
        return _parse_container(answer.value) if isinstance(answer.value, str) else answer.value


def _function_name(function: Function) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


@contextmanager
def _as_no_answer() -> Iterator[None]:
    """Turn any error of a function into NoAnswer; used in its thread, which a StopIteration could not leave."""
    try:
        yield
    except (NoAnswer, CallFailed, BudgetExhausted):
        raise
    except Exception as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error


def as_handlers(values: Sequence[Handler | Strategy | Function], *taken: str) -> tuple[Handler, ...]:
    """Convert values to handlers.

    Args:
        values: strategies, functions or handlers.
        taken: names that they must not have.

    Raises:
        UsageError: there is no handler, two have the same name, or one has a taken name.
    """
    if not values:
        raise UsageError("decomposed: handlers must not be empty")
    handlers = tuple(map(Handler.from_value, values))
    names = [*taken, *(handler.name.lower() for handler in handlers)]
    if duplicate := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"decomposed: two handlers are named {duplicate!r}; rename one: Handler('…', …)")
    return handlers


def parse_value(text: str) -> Any:
    """Parse a text as JSON, or return it unchanged."""
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _parse_container(text: str) -> Any:
    """Parse a text as a JSON list or object, or return it unchanged: 12.30 must not become 12.3."""
    value = parse_value(text)
    return value if isinstance(value, list | dict) else text


def format_value(value: Any) -> str:
    """Format a value for use in a question: text as it is, other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def split(text: Any) -> list[str]:
    """Split a text into a list of its words."""
    return format_value(text).split()


def letters(text: Any) -> list[str]:
    """Split a word into a list of its letters."""
    return list(format_value(text))


def merge(parts: Any) -> str:
    """Join the texts of a list with spaces."""
    return " ".join(map(format_value, parts)) if isinstance(parts, list | tuple) else format_value(parts)


TEXT_FUNCTIONS = (split, letters, merge)
"""The shipped functions, which run synchronously."""

DEFAULT_HANDLERS = (
    Handler("qa", "answers a short question of fact", ChainOfThought(stages=1), sees_passage=True),
    Handler("math", "calculates a number", ProgramOfThoughts(), Number()),
    Handler("split", "Splits a text into its words, as a list.", split),
    Handler("letters", "Splits a word into its letters, as a list.", letters),
    Handler("merge", "Writes the texts of a list one after the other, with spaces between.", merge),
)
