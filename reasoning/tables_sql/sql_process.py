"""The process of a query: locked down on Linux, with SQLite's own limits everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from reasoning import forks
from reasoning.errors import ReasoningError, UsageError
from reasoning.sandbox.cancellation import CancelToken, ConcurrencyLimit
from reasoning.sandbox.execution import ResourceLimits
from reasoning.sandbox.fork_server import ForkServerPool
from reasoning.sandbox.host_functions import HostFunctions
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty_errors import SandboxUnavailable
from reasoning.tables_sql import child
from reasoning.tables_sql.sql import dump_request

_SOURCE = Path(child.__file__).read_text(encoding="utf-8")
_FORKED = f"{_SOURCE}\nans = answer(request)\n"
_STARTED = f"{_SOURCE}\nimport sys\nsys.stdout.buffer.write(answer(sys.stdin.buffer.read().decode()).encode())\n"
_GRACE = 2.0
"""Seconds for making the tables, and for a function of the engine that does not look at the clock."""


class QueryRunner:
    """Runs each query in a process of its own, at most one at a time for each CPU.

    On Linux and macOS the process is forked from a server with the locks that the machine has; see
    `reasoning.sandbox.fork_server`. A query cannot name a file or the network in the first place: the
    engine's authorizer refuses all but reading the tables. So a machine without locks may run queries
    too. Where processes cannot be forked, a new one is started.
    """

    def __init__(self) -> None:
        self._workers = os.cpu_count() or 1
        self._server = ForkServerPool(("sqlite3",), locked=False) if hasattr(os, "fork") else None
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the processes to the parent process, and start new ones on demand; see `reasoning.forks`."""
        if self._threads is not None:
            forks.leak(self._threads)
        self._threads, self._lock = None, threading.Lock()
        if self._server is not None:
            self._server.reset_after_fork()

    @property
    def threads(self) -> ThreadPoolExecutor:
        """The threads that wait for queries."""
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="sql")
            return self._threads

    def run(self, request: dict[str, Any], cancel_token: CancelToken) -> dict[str, Any]:
        """Run a query; blocks.

        Returns:
            Columns and rows, or the error; see `reasoning.tables_sql.child`.
        """
        text = dump_request(request)
        try:
            answer = self._run(text, request, cancel_token)
        except subprocess.TimeoutExpired:
            answer = None
        if answer is None:
            return {"error": f"the query took longer than {request['seconds']:g} s"}
        result: dict[str, Any] = json.loads(answer)
        return result

    def _run(self, text: str, request: dict[str, Any], cancel_token: CancelToken) -> str | None:
        if self._server is not None:
            try:
                return self._fork(text, request, cancel_token)
            except (SandboxUnavailable, ReasoningError) as error:
                if isinstance(error, UsageError):
                    raise
                # The server cannot be started on this machine.
                self._server = None
        return _start(text, request)

    def _fork(self, text: str, request: dict[str, Any], cancel_token: CancelToken) -> str | None:
        assert self._server is not None
        limits = ResourceLimits(
            seconds=request["seconds"] + _GRACE,
            # The engine limits its own heap; Python and the text of the tables need room, too.
            memory_mb=request["memory_mb"] + 64 + 40 * len(text) // 2**20,
            output_chars=4 * request["max_chars"] + 10_000,
        )
        functions = HostFunctions({}, limits, ConcurrencyLimit(1), cancel_token)
        ran = self._server.run(Job(_FORKED, {"request": text}, ("ans",), limits, functions, cancel_token))
        if isinstance(ran.value, str):
            return ran.value
        if ran.error and ran.error.startswith("timed out"):
            return None
        return json.dumps({"error": f"the query ended its process: {ran.error}"})


def _start(text: str, request: dict[str, Any]) -> str:
    """Run a query in a new process, on systems that cannot fork.

    Raises:
        subprocess.TimeoutExpired: it did not end in time.
        ReasoningError: the process failed.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _STARTED],
        input=text.encode(),
        capture_output=True,
        env={name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ},
        timeout=request["seconds"] + _GRACE + 5,
        check=False,
    )
    if done.returncode:
        raise ReasoningError(f"the process of a query failed with exit code {done.returncode}")
    return done.stdout.decode()


@cache
def shared_runner() -> QueryRunner:
    """Return the runner of this process."""
    return QueryRunner()
