"""Runs programs that a model wrote: never in this process, always with limits, one session each."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Literal

from reasoning.errors import UsageError
from reasoning.sandbox.cancellation import CancelToken, ConcurrencyLimit
from reasoning.sandbox.container import ContainerRunner
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResourceLimits, ResultSource, ResultSpec
from reasoning.sandbox.fork_server import ForkServerPool
from reasoning.sandbox.host_functions import HostFunctions
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty import MontyPool
from reasoning.sandbox.monty_errors import SandboxUnavailable, UnsupportedByMonty
from reasoning.sandbox.program_imports import MODULES, imported_modules, undefined_calls

PACKAGES = ("sympy", "numpy", "dateutil")
"""What programs may import beside the standard library, where it is installed."""
_ISOLATIONS = ("locked", "process", "monty")
_PLACE = re.compile(r"[^\W\d]\w*(\(\))?")
_LONGEST = 200_000  # characters of a program: what a model writes is far shorter
_WAITING = 64  # programs at once that may wait for functions of ours

Function = Callable[..., Any]


class Interpreter:
    """Runs programs side by side, each in the tier that it needs.

    Monty runs what it can; what it lacks (sympy, numpy, inheritance, …) runs in a locked-down process, or in a
    container where an image is named. A program that fails by its own fault is not run again.

    A bad program never raises: `ExecutionResult.error` says what went wrong. Programs share nothing and reach nothing:
    no variable of another program, no file, no network, no environment. docs/security.md lists the mechanisms. The
    processes end with this process, or when the interpreter is closed. It is also a context manager.

    Args:
        limits: what each program may use, unless a run says otherwise.
        workers: programs that compute at once; by default one for each CPU.
        packages: what programs may import beside the standard library, where it is installed.
        isolation: "locked" refuses a process that this machine cannot lock down (`reasoning doctor` tells); "process"
            runs it all the same, with the locks that there are; "monty" runs nothing outside Monty.
        container: an image of Docker or Podman, in which what Monty lacks is run instead.
    """

    def __init__(
        self,
        limits: ResourceLimits | None = None,
        *,
        workers: int | None = None,
        packages: Sequence[str] = PACKAGES,
        isolation: Literal["locked", "process", "monty"] = "locked",
        container: str | None = None,
    ) -> None:
        if isolation not in _ISOLATIONS:
            raise UsageError(f"isolation={isolation!r}: one of {', '.join(_ISOLATIONS)}")
        for name in packages:
            if not name.isidentifier():
                raise UsageError(f"packages: {name!r} is no name that a program can import")
        self.limits = limits or ResourceLimits()
        self.packages = tuple(packages)
        self._workers = workers or os.cpu_count() or 1
        self._slots = ConcurrencyLimit(self._workers)
        self._monty = MontyPool(self._workers, self._slots)
        self._monty_waiting = MontyPool(_WAITING, self._slots)
        self._second: ForkServerPool | ContainerRunner | None = None
        if container is not None:
            self._second = ContainerRunner(container)
        elif isolation != "monty":
            self._second = ForkServerPool(self.packages, locked=isolation == "locked")
        self._threads: dict[int, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def run(
        self,
        code: str,
        *,
        inputs: Mapping[str, PlainData] | None = None,
        functions: Mapping[str, Function] | None = None,
        on_undefined: Function | None = None,
        result: ResultSpec = None,
        limits: ResourceLimits | None = None,
    ) -> ExecutionResult:
        """Run a program and read its result; blocks.

        Args:
            code: Python source, untrusted.
            inputs: variables that are set when it starts.
            functions: of ours that it may call by name. What they are given and return is plain data; the time that
                they take is not the program's; what they raise ends the program and is raised here.
            on_undefined: is called as `unknown(name, …)` for functions that the program calls and nobody defines.
            result: where the result is: a variable ("ans"), a call ("solver()"), a Source, or several of them, of which
                the first that holds something counts. None is the last expression, else what was printed last.
            limits: instead of the interpreter's own.

        Raises:
            UsageError: `result`, `inputs` or `functions` cannot be used; never because of `code`.
        """
        return self._run(self._job(code, inputs, functions, on_undefined, result, limits, CancelToken()))

    async def arun(
        self,
        code: str,
        *,
        inputs: Mapping[str, PlainData] | None = None,
        functions: Mapping[str, Function] | None = None,
        on_undefined: Function | None = None,
        result: ResultSpec = None,
        limits: ResourceLimits | None = None,
    ) -> ExecutionResult:
        """Like `run`, on any event loop; functions may be coroutine functions, and run on that loop.

        Others run in a thread. Cancelling it ends the program at once.
        """
        loop, turn = asyncio.get_running_loop(), CancelToken()
        job = self._job(code, inputs, functions, on_undefined, result, limits, turn, loop)
        try:
            return await loop.run_in_executor(self._pool(job), self._run, job)
        except asyncio.CancelledError:
            turn.cancel()
            raise

    def close(self) -> None:
        """End the workers. May be called twice; a later run starts new ones."""
        with self._lock:
            pools, self._threads = self._threads, {}
        for threads in pools.values():
            threads.shutdown(wait=False, cancel_futures=True)
        for tier in (self._monty, self._monty_waiting, self._second):
            if tier is not None:
                tier.close()

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _job(
        self,
        code: str,
        inputs: Mapping[str, PlainData] | None,
        functions: Mapping[str, Function] | None,
        unknown: Function | None,
        result: ResultSpec,
        limits: ResourceLimits | None,
        turn: CancelToken,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> Job:
        code = code.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")
        known = dict(functions or {})
        for name in known:
            if not name.isidentifier():
                raise UsageError(f"functions: {name!r} is no name that a program can call")
        if unknown is not None and len(code) <= _LONGEST:
            known |= {
                name: functools.partial(unknown, name)
                for name in undefined_calls(code)
                if name not in known and name not in (inputs or {})
            }
        limits = limits or self.limits
        calls = HostFunctions(known, limits, self._slots, turn, loop)
        return Job(code, inputs or {}, _sources(result), limits, calls, turn)

    def _pool(self, job: Job) -> ThreadPoolExecutor:
        size = _WAITING if job.host_functions.names else self._workers
        with self._lock:
            if size not in self._threads:
                self._threads[size] = ThreadPoolExecutor(size, thread_name_prefix="interpreter")
            return self._threads[size]

    def _run(self, job: Job) -> ExecutionResult:
        if len(job.code) > _LONGEST:
            return ExecutionResult(error=f"the program is longer than {_LONGEST} characters")
        modules = imported_modules(job.code)
        why = next((f"import of {name}" for name in modules if name in self.packages), None)
        if why is None:
            try:
                return (self._monty_waiting if job.host_functions.names else self._monty).run(job)
            except UnsupportedByMonty as error:
                why = str(error)
        if self._second is None:
            return ExecutionResult(error=f"Monty cannot run this: {why}")
        for name, line in modules.items():
            if name not in MODULES and name not in self.packages and isinstance(self._second, ForkServerPool):
                return ExecutionResult(error=f"ImportError: programs may not import {name} (line {line})")
        job.host_functions.rewind()
        try:
            with self._slots.slot():
                return self._second.run(job)
        except SandboxUnavailable as error:
            return ExecutionResult(error=f"Monty cannot run this: {why}; {error}")


def _sources(result: ResultSpec) -> tuple[str | ResultSource, ...]:
    if result is None:
        return (ResultSource.EXPRESSION, ResultSource.PRINTED)
    sources = (result,) if isinstance(result, str | ResultSource) else tuple(result)
    for source in sources:
        if isinstance(source, str) and not _PLACE.fullmatch(source):
            raise UsageError(f"result={source!r}: name a variable, such as 'ans', or a call, such as 'solver()'")
    return sources
