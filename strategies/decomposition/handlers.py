"""What answers a sub-question: any strategy, or any Python function."""

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
"""From what stands behind the handler's name (JSON where it is some, else a text) to what JSON can hold.

A plain one runs in a thread, so that nothing waits for it, and several of its calls at once; an `async def` is awaited.
"""


class NoAnswer(Exception):
    """A sub-question that has no answer; the message says why."""


@dataclass(frozen=True)
class Handler:
    """One that answers sub-questions of one sort.

    Attributes:
        name: what a controller calls it, a word.
        does: what it is for; a controller chooses by this.
        by: a strategy, such as another `decomposed` for a sub-question that is hard itself, or a function.
        kind: what a strategy is to answer with.
        sees_passage: whether a strategy is shown the passage and table that the whole problem is about.
    """

    name: str
    does: str
    by: Strategy | Function
    kind: Kind = field(default_factory=Text)
    sees_passage: bool = False

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name.casefold() == "eoq":
            raise UsageError(f"Handler({self.name!r}): the name of a handler is one word, and not EOQ")
        if isinstance(self.by, Strategy):
            self.by.check_supports(self.kind)

    def __repr__(self) -> str:
        if isinstance(self.by, Strategy) and self == Handler.from_value(self.by):
            return repr(self.by)
        by = repr(self.by) if isinstance(self.by, Strategy) else _called(self.by)
        kind = f", {self.kind!r}" if self.kind != Text() else ""
        return f"Handler({self.name!r}, {self.does!r}, {by}{kind}{', sees_passage=True' if self.sees_passage else ''})"

    @classmethod
    def from_value(cls, given: Handler | Strategy | Function) -> Handler:
        """A handler as it is; a strategy under the name and summary of its card, a function under its own."""
        if isinstance(given, Handler):
            return given
        if isinstance(given, Strategy):
            return cls(given.card.name, given.card.summary, given)
        if not callable(given):
            raise UsageError(f"a handler is a strategy, a function or a Handler(…), not {given!r:.80}")
        if not hasattr(given, "__name__"):
            raise UsageError(f"a handler needs a name and what it does: Handler('…', '…', {_called(given)})")
        return cls(given.__name__, (inspect.getdoc(given) or "").partition("\n")[0], given)

    def with_strategy(self, change: Callable[[Strategy], Strategy]) -> Handler:
        """A copy with its strategy changed; a function stays as it is."""
        return replace(self, by=change(self.by)) if isinstance(self.by, Strategy) else self

    async def answer(self, question: str, problem: Problem, session: Session) -> Any:
        """What JSON can hold.

        Args:
            question: the sub-question.
            problem: the whole problem.
            session: the door to the model.

        Raises:
            NoAnswer: there is no answer.
            CallFailed: no call came through.
        """
        if not isinstance(self.by, Strategy):
            asked = _decoded(question) if self.by in _OWN else parse_value(question)
            with _stuck():  # our own are done at once, so that branches in step stay so
                value = self.by(asked) if self.by in _OWN else await asyncio.to_thread(_stuck()(self.by), asked)
                value = await value if inspect.isawaitable(value) else value
                format_value(value)  # what JSON cannot hold is no answer
                return value
        passage = {"context": problem.context, "table": problem.table} if self.sees_passage else {}
        answer = await self.by.solve(Problem(question, self.kind, **passage), session)  # type: ignore[arg-type]
        if isinstance(answer, Failed):
            raise CallFailed(answer.why)
        if not isinstance(answer, Answered):
            raise NoAnswer(answer.why)
        return _decoded(answer.value) if isinstance(answer.value, str) else answer.value


def _called(function: Function) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


@contextmanager
def _stuck() -> Iterator[None]:
    """What goes wrong in a function is no answer. Within its thread, since a StopIteration could not leave that."""
    try:
        yield
    except (NoAnswer, CallFailed, BudgetExhausted):
        raise
    except Exception as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error


def as_handlers(given: Sequence[Handler | Strategy | Function], *taken: str) -> tuple[Handler, ...]:
    """What is given, as handlers.

    Raises:
        UsageError: there are none, two have the same name, or one has a name that is taken.
    """
    if not given:
        raise UsageError("decomposed(handlers=()): nobody can answer a sub-question")
    handlers = tuple(map(Handler.from_value, given))
    names = [*taken, *(handler.name.lower() for handler in handlers)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"decomposed: two handlers are called {twice!r}; give one another name: Handler('…', …)")
    return handlers


def parse_value(text: str) -> Any:
    """The JSON that a text is; a text that is none stays as it is."""
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _decoded(text: str) -> Any:
    """The list or object that a text is; every other text stays as it is, so that 12.30 is not 12.3."""
    value = parse_value(text)
    return value if isinstance(value, list | dict) else text


def format_value(value: Any) -> str:
    """A value as it stands in a question: a text bare, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def split(text: Any) -> list[str]:
    """Splits a text into its words, as a list."""
    return format_value(text).split()


def letters(text: Any) -> list[str]:
    """Splits a word into its letters, as a list."""
    return list(format_value(text))


def merge(parts: Any) -> str:
    """Writes the texts of a list one after the other, with spaces between."""
    return " ".join(map(format_value, parts)) if isinstance(parts, list | tuple) else format_value(parts)


_OWN = (split, letters, merge)
DEFAULT_HANDLERS = (
    Handler("qa", "answers a short question of fact", ChainOfThought(stages=1), sees_passage=True),
    Handler("math", "calculates a number", ProgramOfThoughts(), Number()),
    *map(Handler.from_value, _OWN),
)
