"""Runs programs that a model wrote: never in this process, always with limits, one session each."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from reasoning.errors import UsageError
from reasoning.tools.execution import Execution, Limits, Plain, Result, Source
from reasoning.tools.faults import Unsupported
from reasoning.tools.monty import MontyPool, Turn

_PLACE = re.compile(r"[^\W\d]\w*(\(\))?")


class Interpreter:
    """Runs programs side by side on a pool of workers, which starts with the first program.

    A bad program never raises: what went wrong is in `Execution.error`. Programs have nothing to share and nothing to
    reach: no variable of another's, no file, no network, no environment. The workers end with this process, or when the
    interpreter is closed; it is a context manager too.

    Args:
        limits: what each program may use, unless a run says otherwise.
        workers: processes at most; by default one for each CPU.
    """

    def __init__(self, limits: Limits | None = None, *, workers: int | None = None) -> None:
        self.limits = limits or Limits()
        self._workers = workers or os.cpu_count() or 1
        self._monty = MontyPool(self._workers)
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def run(
        self,
        code: str,
        *,
        inputs: Mapping[str, Plain] | None = None,
        result: Result = None,
        limits: Limits | None = None,
    ) -> Execution:
        """Run a program and read its result; blocks.

        Args:
            code: Python source, untrusted.
            inputs: variables that are set when it starts.
            result: where the result is: a variable ("ans"), a call ("solver()"), a Source, or several of them, of which
                the first that holds something counts. None is the last expression, else what was printed last.
            limits: instead of the interpreter's own.

        Raises:
            UsageError: `result` or `inputs` cannot be used; never because of `code`.
        """
        return self._run(Turn(), code, inputs or {}, _sources(result), limits or self.limits)

    async def arun(
        self,
        code: str,
        *,
        inputs: Mapping[str, Plain] | None = None,
        result: Result = None,
        limits: Limits | None = None,
    ) -> Execution:
        """Like `run`, on any event loop. Cancelling it ends the program at once."""
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="interpreter")
            threads = self._threads
        turn = Turn()
        arguments = (turn, code, inputs or {}, _sources(result), limits or self.limits)
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, self._run, *arguments)
        except asyncio.CancelledError:
            turn.stop()
            raise

    def close(self) -> None:
        """End the workers. May be called twice; a later run starts new ones."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
        self._monty.close()

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(
        self, turn: Turn, code: str, inputs: Mapping[str, Plain], sources: Sequence[str | Source], limits: Limits
    ) -> Execution:
        code = code.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")
        try:
            return self._monty.run(code, inputs, sources, limits, turn)
        except Unsupported as error:
            return Execution(error=f"Monty cannot run this: {error}")


def _sources(result: Result) -> tuple[str | Source, ...]:
    if result is None:
        return (Source.EXPRESSION, Source.PRINTED)
    sources = (result,) if isinstance(result, str | Source) else tuple(result)
    for source in sources:
        if isinstance(source, str) and not _PLACE.fullmatch(source):
            raise UsageError(f"result={source!r}: name a variable, such as 'ans', or a call, such as 'solver()'")
    return sources
