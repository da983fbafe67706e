"""The interpreter tier: Monty (pydantic-monty), a Python in Rust without access to the machine.

A pool of worker processes runs the programs, each in its own session with limits. Threads of this
process drive Monty's synchronous pool, because it is faster than the asynchronous one, whose runtime
can abort the process at exit.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reasoning import forks
from reasoning.errors import UsageError
from reasoning.sandbox import literals
from reasoning.sandbox.cancellation import ConcurrencyLimit
from reasoning.sandbox.captured_output import CapturedOutput
from reasoning.sandbox.code_extraction import bind_last_expression, last_assigned
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResourceLimits, ResultSource
from reasoning.sandbox.host_functions import CallRejected
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty_errors import NOT_SET, UnsupportedByMonty, describe_monty_error, is_missing
from reasoning.sandbox.watchdog import Watchdog

if TYPE_CHECKING:
    from pydantic_monty import Monty, MontyError, MontySession

_EXPRESSION = "__value__"
# Seconds that a worker may take to notice that a program's time is over, before it is killed.
_GRACE = 0.5
_CALL_NAME = "__call_of_a_function__"
_FUNCTION_SOURCE = f"""def {{name}}(*args, **kwargs):
    return {_CALL_NAME}("{{name}}", f"{{{{(args, kwargs)!r:.{{room}}}}}}")
"""
"""A host function as Monty sees it. It passes its arguments on as a text of bounded length."""

# Python rounds a decimal fraction that lies between two floats by its exact value (2.675 to 2.67),
# as formatting does in both. Monty multiplies and divides by powers of ten.
_ROUND_SOURCE = """def round(number, ndigits=None, __round=round):
    if type(number) is float and type(ndigits) is int and number - number == 0:
        if 0 < ndigits < 320:
            return float(f"{number:.{ndigits}f}")
        if ndigits < 0 and number == int(number):
            return float(__round(int(number), ndigits))
    return __round(number, ndigits)
"""


@dataclass
class _Runtime:
    """Monty's runtime in this process. Its threads do not survive a fork, and it cannot be started a second time."""

    started: bool = False
    lost: bool = False

    def reset_after_fork(self) -> None:
        self.lost = self.started


_runtime = _Runtime()
forks.reset_in_child(_runtime)


def is_lost() -> bool:
    """Return whether this process was forked from one that had used Monty, which would hang here."""
    return _runtime.lost


class MontyPool:
    """Monty's worker processes, started on demand.

    Args:
        workers: the maximum number of processes.
        slots: the concurrency limit. A program takes its worker first and then a slot, and keeps
            the worker while it waits for a host function.
        watchdog: kills the workers if this process ends before it closes them.
    """

    def __init__(self, workers: int, slots: ConcurrencyLimit, watchdog: Watchdog) -> None:
        self._workers = workers
        self._slots = slots
        self._watchdog = watchdog
        self._pool: Monty | None = None
        self._lock = threading.Lock()

    def run(self, job: Job) -> ExecutionResult:
        """Run one program; blocks.

        Raises:
            UnsupportedByMonty: the program needs something that Monty does not have.
            UsageError: the inputs are not plain data.
        """
        with (
            self._check_out(job.limits) as session,
            self._slots.slot(),
            job.cancel_token.on_cancel(functools.partial(_kill, session.worker_pid)),
        ):
            self._watchdog.watch(session.worker_pid)
            return self._exchange(session, job)

    def reset_after_fork(self) -> None:
        """Leave the workers to the parent process; see `reasoning.forks`."""
        forks.leak(self._pool)
        self._pool, self._lock = None, threading.Lock()

    def close(self) -> None:
        """End the workers. May be called twice."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(None, None, None)

    def _check_out(self, limits: ResourceLimits) -> MontySession:
        with self._lock:
            if self._pool is None:
                from pydantic_monty import Monty

                pool = Monty(min_processes=0, max_processes=self._workers, feed_duration_limit_grace=_GRACE)
                self._pool = pool.__enter__()
                _runtime.started = True
            return self._pool.checkout(
                limits={
                    "max_feed_duration_secs": limits.seconds,
                    "max_memory": int(limits.memory_mb * 2**20),
                    "max_recursion_depth": limits.recursion,
                    "max_suspensions": limits.calls + 1000,
                },
                # Sleeping takes no time, and random numbers are the same in every run.
                os_policy={"sleep": "zero", "random_start": {"seed": 0}},
            )

    def _exchange(self, session: MontySession, job: Job) -> ExecutionResult:
        from pydantic_monty import MontyConversionError, MontyCrashedError, MontyError

        output = CapturedOutput(job.limits.output_chars)
        steps = _steps(job, output)
        functions = {_CALL_NAME: functools.partial(_answer_call, job)} if job.host_functions.names else None
        inputs: dict[str, PlainData] | None = dict(job.inputs)
        worker = session.worker_pid
        started = time.perf_counter()
        first = text = next(steps)
        execution: ExecutionResult | None = None
        while execution is None:
            reply: str | MontyError
            # Monty counts each text's time anew; the limit is the program's, over all of them.
            deadline = contextlib.nullcontext() if text is first else _deadline(job, started, worker)
            try:
                with deadline:
                    reply = session.feed_run(text, inputs=inputs, external_lookup=functions, print_callback=output)
            except (MontyConversionError, ValueError, OverflowError) as error:
                raise UsageError(f"the inputs of a program must be plain data: {error}") from None
            except MontyError as error:
                reply = error
            if job.host_functions.failure is not None:
                raise job.host_functions.failure
            if isinstance(reply, MontyCrashedError):
                self._watchdog.forget(worker)
                if _seconds_left(job, started) <= 0:
                    execution = ExecutionResult(error=f"timed out after {job.limits.seconds:g} s")
                    break
            inputs = None  # set once: the program's own assignments stay
            try:
                text = steps.send(reply)
            except StopIteration as done:
                execution = done.value
            except UnsupportedByMonty as error:
                error.seconds = time.perf_counter() - started
                raise
        return replace(execution, stdout=output.text, seconds=time.perf_counter() - started)


def _seconds_left(job: Job, started: float) -> float:
    return job.limits.seconds - (time.perf_counter() - started - job.host_functions.seconds)


@contextlib.contextmanager
def _deadline(job: Job, started: float, worker: int | None) -> Iterator[None]:
    """Kill the worker when the program has used its time, without that of host functions."""
    timer: threading.Timer
    ended = False

    def check() -> None:
        nonlocal timer
        seconds = _seconds_left(job, started)
        if seconds <= 0:
            _kill(worker)
        elif not ended:
            timer = threading.Timer(seconds, check)
            timer.daemon = True
            timer.start()

    check()
    try:
        yield
    finally:
        ended = True
        timer.cancel()


def _kill(pid: int | None) -> None:
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _answer_call(job: Job, name: str, arguments: str) -> PlainData:
    """Answer a call that `_FUNCTION_SOURCE` passes on.

    The program can call this directly, with anything.
    """
    if not (isinstance(name, str) and isinstance(arguments, str)):
        raise CallRejected("no such call")
    try:
        return job.host_functions.call(name, arguments)
    except CallRejected:
        raise
    except BaseException:
        job.cancel_token.cancel()  # the program could catch what is raised into it
        raise


def _steps(job: Job, output: CapturedOutput) -> Generator[str, str | MontyError, ExecutionResult]:
    """Yield the texts to feed to a session, one after the other, until the result is known.

    Each text ends in an f-string, which the program cannot shadow. So only text of bounded length
    leaves the sandbox.
    """
    code, sources, limits = job.code, job.sources, job.limits
    prelude = _ROUND_SOURCE * ("round" in code)
    for name in job.host_functions.names:
        prelude += _FUNCTION_SOURCE.format(name=name, room=limits.output_chars)
    if prelude:
        yield f"{prelude}''"
    bound = bind_last_expression(code, _EXPRESSION) if ResultSource.EXPRESSION in sources else None
    # Sent with the first place to read. The `pass` ends a line that the program leaves open.
    pending = f"{bound or code}\npass\n"
    missing = None
    for source in (*sources, None):
        place = None
        if source is ResultSource.EXPRESSION:
            place = _EXPRESSION if bound else None
        elif source is ResultSource.ASSIGNED:
            place = last_assigned(code)
        elif isinstance(source, str):
            place = source
        if place or pending:
            text = pending + (f"f'{{{place}!r:.{limits.output_chars}}}'" if place else "''")
            pending = ""
            reply = yield text
            if not isinstance(reply, str):
                if not (place and is_missing(place, reply, text)):
                    return ExecutionResult(error=describe_monty_error(reply, code, limits, skip_first=bool(prelude)))
                missing = missing or f"{NOT_SET} {place}"
            elif place and reply != "None":
                return literals.parse_result(reply, limits)
        if source is ResultSource.PRINTED and (line := output.last_line()) is not None:
            return ExecutionResult(literals.parse_printed(line))
    return ExecutionResult(error=missing)
