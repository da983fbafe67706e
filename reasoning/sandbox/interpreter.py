"""The interpreter of model-written programs: outside this process, with limits."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any

from reasoning import forks
from reasoning.errors import ReasoningError, UsageError
from reasoning.sandbox.cancellation import CancelToken, ConcurrencyLimit
from reasoning.sandbox.config import Sandbox
from reasoning.sandbox.container import ContainerRunner
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResourceLimits, ResultSource, ResultSpec
from reasoning.sandbox.fork_server import ForkServerPool
from reasoning.sandbox.host_functions import HostFunctions
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty import MontyPool, is_lost
from reasoning.sandbox.monty_differences import find_difference
from reasoning.sandbox.monty_errors import SandboxUnavailable, UnsupportedByMonty, may_be_montys, same_error
from reasoning.sandbox.program_imports import MODULES, imported_modules, undefined_calls
from reasoning.sandbox.watchdog import Watchdog

PACKAGES = ("sympy", "numpy", "dateutil")
"""The packages that programs may import by default, if they are installed."""
_RESULT_PLACE = re.compile(r"[^\W\d]\w*(\(\))?")
# Characters of a program. Models write far shorter ones.
_MAX_CODE_CHARS = 200_000
# Programs that may wait for host functions at the same time.
_MAX_WAITING = 64

_FORKED = (
    "this process was forked from one that had run programs, after which Monty cannot run them: use the sandbox mode "
    "'process', or start processes with multiprocessing.get_context('spawn')"
)

Function = Callable[..., Any]


class Interpreter:
    """Runs programs concurrently, each in the tier that it needs.

    Monty runs a program if it can. A program that needs more (sympy, numpy, inheritance, …), or to
    which Monty may give another value than Python, runs in the tier that the sandbox's mode names.
    So does a program that fails in Monty with an error that may be Monty's; if Python agrees that
    it fails, the error is Monty's. The limits are the program's, over both tiers, and a call of a
    host function is made once: the second tier is answered from memory.

    A bad program never raises: `ExecutionResult.error` says what went wrong. Programs share nothing
    and reach nothing: no variable of another program, no file, no network, no environment.
    docs/how-to/security.md lists the mechanisms. The worker processes end with this process, or
    when the interpreter is closed. It is also a context manager.

    Args:
        sandbox: the mode, its packages and its limits, as a `Sandbox` or as a string.
        limits: the limits of each program; None stands for those of the sandbox. `run` can override
            them.
        workers: the maximum number of programs that compute at once; None is one for each CPU.

    Raises:
        UsageError: the sandbox cannot be parsed, or its settings contradict each other.

    Examples:
        >>> from reasoning.sandbox.interpreter import Interpreter
        >>> with Interpreter("interpreter") as interpreter:
        ...     interpreter.run("sum(range(5))").value
        ...     interpreter.run("ask('height')", functions={"ask": lambda name: 828}).value
        ...     interpreter.run("1 / 0").error
        10
        828
        'ZeroDivisionError: division by zero (line 1)'
    """

    def __init__(
        self,
        sandbox: Sandbox | str = "process",
        *,
        limits: ResourceLimits | None = None,
        workers: int | None = None,
    ) -> None:
        self.sandbox = Sandbox.of(sandbox)
        self.limits = limits or self.sandbox.limits
        self.packages = PACKAGES if self.sandbox.packages is None else tuple(self.sandbox.packages)
        self._workers = workers or os.cpu_count() or 1
        self._slots = ConcurrencyLimit(self._workers)
        self._watchdog = Watchdog()
        self._monty = MontyPool(self._workers, self._slots, self._watchdog)
        self._monty_waiting = MontyPool(_MAX_WAITING, self._slots, self._watchdog)
        self._second_tier: ForkServerPool | ContainerRunner | None = None
        if self.sandbox.image is not None:
            self._second_tier = ContainerRunner(self.sandbox.image)
        elif self.sandbox.mode == "process":
            self._second_tier = ForkServerPool(self.packages, locked=self.sandbox.require_lockdown)
        self._threads: dict[int, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the workers to the parent process, and start new ones on demand; see `reasoning.forks`."""
        forks.leak(*self._threads.values())
        self._threads, self._lock = {}, threading.Lock()
        for pool in (self._slots, self._watchdog, self._monty, self._monty_waiting):
            pool.reset_after_fork()
        if isinstance(self._second_tier, ForkServerPool):
            self._second_tier.reset_after_fork()

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
            inputs: variables that are set before the program starts.
            functions: host functions that the program may call, by name. Their arguments and return
                values are plain data. Their own time does not count towards the program's. An
                exception in one ends the program and is raised here.
            on_undefined: called as `on_undefined(name, …)` for every function that the program
                calls and does not define.
            result: where the result is: a variable ("ans"), a call ("solver()"), a `ResultSource`,
                or several of them, tried in order until one has a value. None stands for the last
                expression, then the last printed line.
            limits: limits of this program instead of the interpreter's.

        Returns:
            The value or the error, with the printed output and the time.

        Raises:
            UsageError: `result`, `inputs` or `functions` cannot be used; never because of `code`.
        """
        return self._run(self._make_job(code, inputs, functions, on_undefined, result, limits, CancelToken()))

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
        """Run a program from asynchronous code, on any event loop.

        Arguments and errors are those of `run`.

        Host functions may be coroutine functions, which run on that loop; other functions run in a
        thread. Cancelling the call ends the program at once.
        """
        loop, cancel_token = asyncio.get_running_loop(), CancelToken()
        job = self._make_job(code, inputs, functions, on_undefined, result, limits, cancel_token, loop)
        try:
            return await loop.run_in_executor(self._thread_pool(job), self._run, job)
        except asyncio.CancelledError:
            cancel_token.cancel()
            raise

    def check(self) -> None:
        """Check that this machine provides the sandbox's mode and packages, by starting it.

        Raises:
            UsageError: it does not; says what is missing and what to do.
        """
        if isinstance(self._second_tier, ForkServerPool):
            self._second_tier.check(self.sandbox.packages or ())
        elif self._second_tier is not None:
            self._second_tier.check()

    def close(self) -> None:
        """End the workers. May be called twice; a later run starts new ones."""
        with self._lock:
            pools, self._threads = self._threads, {}
        for threads in pools.values():
            threads.shutdown(wait=False, cancel_futures=True)
        for tier in (self._monty, self._monty_waiting, self._watchdog, self._second_tier):
            if tier is not None:
                tier.close()

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _make_job(
        self,
        code: str,
        inputs: Mapping[str, PlainData] | None,
        functions: Mapping[str, Function] | None,
        on_undefined: Function | None,
        result: ResultSpec,
        limits: ResourceLimits | None,
        cancel_token: CancelToken,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> Job:
        code = code.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")
        available = dict(functions or {})
        for name in available:
            if not name.isidentifier():
                raise UsageError(f"functions must have names that a program can call, got {name!r}")
        if on_undefined is not None and len(code) <= _MAX_CODE_CHARS:
            available |= {
                name: functools.partial(on_undefined, name)
                for name in undefined_calls(code)
                if name not in available and name not in (inputs or {})
            }
        limits = limits or self.limits
        host_functions = HostFunctions(available, limits, self._slots, cancel_token, loop)
        return Job(code, inputs or {}, _result_sources(result), limits, host_functions, cancel_token)

    def _thread_pool(self, job: Job) -> ThreadPoolExecutor:
        size = _MAX_WAITING if job.host_functions.names else self._workers
        with self._lock:
            if size not in self._threads:
                self._threads[size] = ThreadPoolExecutor(size, thread_name_prefix="interpreter")
            return self._threads[size]

    def _run(self, job: Job) -> ExecutionResult:
        # The errors here reach the model that wrote the program: recorded draws depend on their
        # words.
        if len(job.code) > _MAX_CODE_CHARS:
            return ExecutionResult(error=f"the program is longer than {_MAX_CODE_CHARS} characters")
        modules = imported_modules(job.code)
        for name in modules:
            if name in self.packages:
                return self._run_in_second_tier(job, modules, f"import of {name}")
        if is_lost():
            if self._second_tier is None:
                raise UsageError(_FORKED)
            return self._run_in_second_tier(job, modules, "this process was forked from one that had run programs")
        difference = find_difference(job.code)
        if difference is not None and self._second_tier_has(modules):
            try:
                return self._run_second(job)
            except (SandboxUnavailable, ReasoningError) as error:
                if isinstance(error, UsageError) or job.host_functions.failure is not None:
                    raise
        if difference is not None and difference.wrong:
            return self._run_in_second_tier(job, modules, difference.what)
        try:
            result = (self._monty_waiting if job.host_functions.names else self._monty).run(job)
        except UnsupportedByMonty as error:
            return self._run_in_second_tier(job, modules, str(error), error.seconds)
        return self._ask_python(job, modules, result) if may_be_montys(result.error, job.code) else result

    def _run_in_second_tier(
        self, job: Job, modules: Mapping[str, int], reason: str, seconds: float = 0.0
    ) -> ExecutionResult:
        """Run a program that Monty cannot run, for this reason."""
        if self._second_tier is None:
            return ExecutionResult(error=f"Monty cannot run this: {reason}")
        for name, line in modules.items():
            if not self._second_tier_has([name]):
                return ExecutionResult(error=f"ImportError: programs may not import {name} (line {line})")
        try:
            return self._run_second(job, seconds)
        except SandboxUnavailable as error:
            if is_lost():
                raise UsageError(_FORKED) from None
            return ExecutionResult(error=f"Monty cannot run this: {reason}; {error}")

    def _ask_python(self, job: Job, modules: Mapping[str, int], first: ExecutionResult) -> ExecutionResult:
        """Return the result of a program that has failed in Monty: Python's, if that differs.

        An error in which both agree keeps Monty's words.
        """
        if not self._second_tier_has(modules):
            return first
        try:
            second = self._run_second(job, first.seconds)
        except (SandboxUnavailable, ReasoningError):
            if job.host_functions.failure is not None:
                raise
            return first
        return replace(first, seconds=second.seconds) if same_error(first.error, second.error) else second

    def _second_tier_has(self, modules: Iterable[str]) -> bool:
        if isinstance(self._second_tier, ForkServerPool):
            return all(name in MODULES or name in self.packages for name in modules)
        return self._second_tier is not None

    def _run_second(self, job: Job, seconds: float = 0.0) -> ExecutionResult:
        """Run a program in the second tier with what is left of its limits.

        Args:
            job: the program.
            seconds: wall-clock time that it has used in Monty.
        """
        assert self._second_tier is not None
        used = max(0.0, seconds - job.host_functions.seconds)
        job.host_functions.rewind()
        with self._slots.slot():
            result = self._second_tier.run(replace(job, seconds_used=used))
        return replace(result, seconds=seconds + result.seconds)


def _result_sources(result: ResultSpec) -> tuple[str | ResultSource, ...]:
    if result is None:
        return (ResultSource.EXPRESSION, ResultSource.PRINTED)
    sources = (result,) if isinstance(result, str | ResultSource) else tuple(result)
    for source in sources:
        if isinstance(source, str) and not _RESULT_PLACE.fullmatch(source):
            raise UsageError(f"result must be a variable such as 'ans' or a call such as 'solver()', got {source!r}")
    return sources
