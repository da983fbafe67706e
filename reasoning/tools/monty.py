"""Tier 1: programs run in Monty, a Python written in Rust that has no way out (pydantic-monty).

A pool of worker processes, each program in a session of its own, always with limits. Monty's synchronous pool is driven
from our own threads: it is quicker than its asynchronous one, whose runtime can abort the whole process at exit.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reasoning.errors import UsageError
from reasoning.tools import literals
from reasoning.tools.execution import Execution, Limits, Plain, Source
from reasoning.tools.faults import describe, is_missing
from reasoning.tools.output import Output
from reasoning.tools.program import bind_last_expression, last_assigned

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontyError, MontySession

_EXPRESSION = "__value__"


class Turn:
    """One program's use of a worker, which another thread may end."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._stopped = False
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def at(self, worker: int | None) -> Iterator[None]:
        """While the program is with the worker of this process id."""
        with self._lock:
            self._pid = worker
        if self._stopped:
            self.stop()
        try:
            yield
        finally:
            with self._lock:
                self._pid = None

    def stop(self) -> None:
        """End the worker now; the pool replaces it."""
        with self._lock:
            self._stopped = True
            if self._pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, getattr(signal, "SIGKILL", signal.SIGTERM))


class MontyPool:
    """Monty's workers, started when they are needed.

    Args:
        workers: processes at most.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: Monty | None = None
        self._lock = threading.Lock()

    def run(
        self, code: str, inputs: Mapping[str, Plain], sources: Sequence[str | Source], limits: Limits, turn: Turn
    ) -> Execution:
        """Run one program; blocks. Raises Unsupported, and UsageError for inputs that are not plain data."""
        from pydantic_monty import MontyConversionError, MontyError

        output = Output(limits.output_chars)
        steps = _steps(code, sources, limits, output)
        given: dict[str, Plain] | None = dict(inputs)
        with self._checkout(limits) as session, turn.at(session.worker_pid):
            started = time.perf_counter()
            text = next(steps)
            while True:
                reply: str | MontyError
                try:
                    reply = session.feed_run(text, inputs=given, print_callback=output)
                except (MontyConversionError, ValueError, OverflowError) as error:
                    raise UsageError(f"the inputs of a program must be plain data: {error}") from None
                except MontyError as error:
                    reply = error
                given = None  # set once: what the program made of them stays
                try:
                    text = steps.send(reply)
                except StopIteration as done:
                    execution: Execution = done.value
                    return replace(execution, stdout=output.text, seconds=time.perf_counter() - started)

    def close(self) -> None:
        """End the workers. May be called twice."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def _checkout(self, limits: Limits) -> MontySession:
        with self._lock:
            if self._pool is None:
                from pydantic_monty import Monty

                self._pool = Monty(min_processes=0, max_processes=self._workers).__enter__()
            return self._pool.checkout(
                limits={
                    "max_feed_duration_secs": limits.seconds,
                    "max_memory": int(limits.memory_mb * 2**20),
                    "max_recursion_depth": limits.recursion,
                },
                os_policy={"sleep": "zero", "random_start": {"seed": 0}},  # no waiting; the same result every time
            )


def _steps(
    code: str, sources: Sequence[str | Source], limits: Limits, output: Output
) -> Generator[str, str | MontyError, Execution]:
    """What to feed to a session, one text after the other, until the result is known.

    Each text ends in a formatted string, which the program cannot shadow: what leaves the sandbox is always a text, and
    of bounded length.
    """
    bound = bind_last_expression(code, _EXPRESSION) if Source.EXPRESSION in sources else None
    pending = f"{bound or code}\npass\n"  # goes out with the first thing to read; `pass` ends an open line
    missing = None
    for source in (*sources, None):
        place = None
        if source is Source.EXPRESSION:
            place = _EXPRESSION if bound else None
        elif source is Source.ASSIGNED:
            place = last_assigned(code)
        elif isinstance(source, str):
            place = source
        if place or pending:
            text = pending + (f"f'{{{place}!r:.{limits.output_chars}}}'" if place else "''")
            pending = ""
            reply = yield text
            if not isinstance(reply, str):
                if not (place and is_missing(place, reply, text)):
                    return Execution(error=describe(reply, code, limits))
                missing = missing or f"NameError: the program does not set {place}"
            elif place and reply != "None":
                return _result(reply, limits)
        if source is Source.PRINTED and (line := output.last_line()) is not None:
            return Execution(_printed(line))
    return Execution(error=missing)


def _result(text: str, limits: Limits) -> Execution:
    if len(text) >= limits.output_chars:
        return Execution(error=f"the result is longer than {limits.output_chars} characters")
    try:
        return Execution(literals.read(text))
    except ValueError as error:
        return Execution(error=f"the result is {error}")


def _printed(line: str) -> Plain:
    """A number where the line is nothing else, else the line itself: "1,200" is for the kind of answer to read."""
    try:
        value = literals.read(line)
    except ValueError:
        return line
    return value if isinstance(value, bool | int | float) else line
