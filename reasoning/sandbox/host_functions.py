"""Host functions: functions of this process that a program may call, such as one that asks a model.

Source: Chain of Code (Li et al. 2023, arXiv 2312.04474, section 2); Binder (Cheng et al. 2022,
arXiv 2210.02875).
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from reasoning.errors import UsageError
from reasoning.sandbox import literals
from reasoning.sandbox.cancellation import CancelToken, ConcurrencyLimit
from reasoning.sandbox.execution import PlainData, ResourceLimits


class CallRejected(TypeError):
    """The program called a host function in a way that is not allowed.

    The program may catch this error.
    """


class HostFunctions:
    """Answers one program's calls of host functions.

    Arguments and return values are plain data of bounded size. While a function runs, the program's
    clock is stopped and another program may compute. An exception in a function ends the program
    and is raised from `run`; an exhausted budget is such an exception.

    Args:
        functions: the functions by name. Coroutine functions need a `loop`.
        limits: limits on the number of calls, and on the length of arguments and return values.
        slots: the concurrency limit whose slot is released while a function runs.
        cancel_token: the program's token; None if nothing can cancel it.
        loop: the event loop that runs coroutines. They see the context variables of the code that
            created this object.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        limits: ResourceLimits,
        slots: ConcurrencyLimit,
        cancel_token: CancelToken | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.names = tuple(functions)
        self.failure: BaseException | None = None
        self._functions = functions
        self._limits = limits
        self._slots = slots
        self._cancel_token = cancel_token or CancelToken()
        self._loop = loop
        self._context = contextvars.copy_context()
        self._seconds = 0.0
        self._call_started: float | None = None
        self._calls = 0
        self._answers: dict[tuple[str, str], list[PlainData]] = {}
        self._recorded: dict[tuple[str, str], deque[PlainData]] = {}

    @property
    def seconds(self) -> float:
        """The wall-clock time in functions, over all tiers, with that of a call that runs now."""
        started = self._call_started
        return self._seconds + (0.0 if started is None else time.perf_counter() - started)

    def rewind(self) -> None:
        """Start over for another tier: each call that was made before is answered from memory, once.

        The order does not matter: Monty and CPython may differ in it.
        """
        self._recorded = {call: deque(values) for call, values in self._answers.items()}

    def call(self, name: str, arguments: str) -> PlainData:
        """Call a function and return its value.

        Args:
            name: the name of the function.
            arguments: the text of a pair: the positional arguments and the keyword arguments.

        Raises:
            CallRejected: the call itself is wrong, which is the program's fault.
            BaseException: the function's own exception, which is also kept as `failure`.
        """
        function, args, kwargs = self._parse_arguments(name, arguments)
        call = (name, repr((args, kwargs)))
        if recorded := self._recorded.get(call):
            return recorded.popleft()
        if self._calls >= self._limits.calls:
            raise CallRejected(f"more than {self._limits.calls} calls of functions")
        if self.failure is not None:
            raise CallRejected(f"{name} cannot be called any more")
        self._calls += 1
        self._call_started = time.perf_counter()
        try:
            with self._slots.released():
                value = self._to_plain_data(name, self._call_function(name, function, args, kwargs))
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self._seconds, self._call_started = self.seconds, None
        self._answers.setdefault(call, []).append(value)
        return value

    def _parse_arguments(self, name: str, arguments: str) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
        # These messages reach the program, and through its error the model.
        if name not in self._functions:
            raise CallRejected(f"no function {name!r}")
        if len(arguments) >= self._limits.output_chars:
            raise CallRejected(f"what {name} is given is longer than {self._limits.output_chars} characters")
        try:
            parsed = literals.parse(arguments)
        except ValueError as error:
            raise CallRejected(f"what {name} is given is {error}") from None
        match parsed:
            case [list() as args, dict() as kwargs] if all(isinstance(key, str) for key in kwargs):
                pass
            case _:
                raise CallRejected(f"{name} cannot be called so")
        function = self._functions[name]
        try:
            inspect.signature(function).bind(*args, **kwargs)  # wrong arguments are the program's fault
        except TypeError as error:
            raise CallRejected(f"{name}(): {error}") from None
        except ValueError:  # functions in C may have no signature
            pass
        return function, args, {str(key): value for key, value in kwargs.items()}

    def _call_function(self, name: str, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        value = self._context.run(function, *args, **kwargs)
        if not inspect.isawaitable(value):
            return value
        if self._loop is None:
            if inspect.iscoroutine(value):
                value.close()
            raise UsageError(f"the function {name} is asynchronous: use arun instead of run")
        future = self._context.run(asyncio.run_coroutine_threadsafe, _await(value), self._loop)
        with self._cancel_token.on_cancel(future.cancel):
            return future.result()

    def _to_plain_data(self, name: str, value: Any) -> PlainData:
        text = literals.serialize(value, f"the return value of the function {name}")
        if len(text) >= self._limits.output_chars:
            limit = self._limits.output_chars
            raise UsageError(f"the return value of the function {name} must be shorter than {limit} characters")
        return literals.parse(text)


async def _await(value: Any) -> Any:
    return await value
