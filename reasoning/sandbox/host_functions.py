"""Functions of ours that a program calls: a model's answer in the middle of a calculation.

(Chain of Code, Li et al. 2023, arXiv 2312.04474, section 2; Binder, Cheng et al. 2022, arXiv 2210.02875.)
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from reasoning.errors import UsageError
from reasoning.sandbox import literals
from reasoning.sandbox.cancellation import CancelToken, ConcurrencyLimit
from reasoning.sandbox.execution import PlainData, ResourceLimits


class CallRejected(TypeError):
    """The program calls a function in a way that it does not allow; it may catch this."""


class HostFunctions:
    """Answers what one program asks of functions in our process.

    What comes and goes is plain data of bounded size. While a function works, the program's clock stands still and
    another program computes. An exception in a function ends the program and is raised from `run`; so is a budget that
    is used up.

    Args:
        functions: by name; coroutine functions too where there is a loop.
        limits: how many calls, and how long what is given and returned may be.
        slots: to give back while waiting.
        turn: the program's.
        loop: where coroutines run; they see the context variables of who made this object.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        limits: ResourceLimits,
        slots: ConcurrencyLimit,
        turn: CancelToken,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.names = tuple(functions)
        self.failure: BaseException | None = None
        self._functions = functions
        self._limits = limits
        self._slots = slots
        self._turn = turn
        self._loop = loop
        self._context = contextvars.copy_context()
        self._answered: list[tuple[tuple[str, str], PlainData]] = []
        self._next = 0

    def rewind(self) -> None:
        """The program starts anew in another tier: what it has asked already is not asked again."""
        self._next = 0

    def call(self, name: str, given: str) -> PlainData:
        """What the function returns.

        Args:
            name: the function's.
            given: its arguments as the text of a pair, positional and by name.

        Raises:
            Refused: the program is to blame.
            BaseException: what the function raised; kept as `failure` too.
        """
        function, args, kwargs = self._arguments(name, given)
        asked = (name, repr((args, kwargs)))
        place, self._next = self._next, self._next + 1
        if place < len(self._answered) and self._answered[place][0] == asked:
            return self._answered[place][1]
        del self._answered[place:]
        if place >= self._limits.calls:
            raise CallRejected(f"more than {self._limits.calls} calls of functions")
        if self.failure is not None:
            raise CallRejected(f"{name} cannot be called any more")
        try:
            with self._slots.released():
                value = self._plain(name, self._call(name, function, args, kwargs))
        except BaseException as error:
            self.failure = error
            raise
        self._answered.append((asked, value))
        return value

    def _arguments(self, name: str, given: str) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
        if name not in self._functions:
            raise CallRejected(f"no function {name!r}")
        if len(given) >= self._limits.output_chars:
            raise CallRejected(f"what {name} is given is longer than {self._limits.output_chars} characters")
        try:
            read = literals.parse(given)
        except ValueError as error:
            raise CallRejected(f"what {name} is given is {error}") from None
        match read:
            case [list() as args, dict() as kwargs] if all(isinstance(key, str) for key in kwargs):
                pass
            case _:
                raise CallRejected(f"{name} cannot be called so")
        function = self._functions[name]
        try:
            inspect.signature(function).bind(*args, **kwargs)  # a wrong number of them is the program's fault
        except TypeError as error:
            raise CallRejected(f"{name}(): {error}") from None
        except ValueError:  # a function in C may not tell
            pass
        return function, args, {str(key): value for key, value in kwargs.items()}

    def _call(self, name: str, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        value = self._context.run(function, *args, **kwargs)
        if not inspect.isawaitable(value):
            return value
        if self._loop is None:
            if inspect.iscoroutine(value):
                value.close()
            raise UsageError(f"the function {name} is asynchronous: use arun instead of run")
        future = self._context.run(asyncio.run_coroutine_threadsafe, _awaited(value), self._loop)
        with self._turn.on_cancel(future.cancel):
            return future.result()

    def _plain(self, name: str, value: Any) -> PlainData:
        text = literals.serialize(value, f"what the function {name} returns")
        if len(text) >= self._limits.output_chars:
            raise UsageError(f"what the function {name} returns is longer than {self._limits.output_chars} characters")
        return literals.parse(text)


async def _awaited(value: Any) -> Any:
    return await value
