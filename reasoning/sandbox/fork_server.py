"""The process tier: one locked-down Python process for each program.

A server process with the scientific packages loaded (`reasoning.sandbox.child`) is forked for each
program, which takes a few milliseconds. docs/how-to/security.md describes the
locks.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reasoning import forks
from reasoning.errors import ReasoningError, UsageError
from reasoning.sandbox import literals
from reasoning.sandbox.child.zygote import REQUEST
from reasoning.sandbox.execution import ExecutionResult
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty_errors import SandboxUnavailable
from reasoning.sandbox.program_imports import MODULES
from reasoning.sandbox.protocol import ProgramChannel

GUARANTEES = ("files", "network", "processes", "memory")
"""The guarantees that must hold.

The others (time, environment) hold on every system that can fork.
"""
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from reasoning.sandbox.child.zygote import main; main({control}, {options!r})"
)
# The environment variables that loading numpy may need.
_INHERITED_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_FIXED_VARIABLES = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TZ": "UTC",
}


@dataclass(frozen=True)
class SandboxStatus:
    """The guarantees that hold for child processes on this machine, as tested in one.

    Attributes:
        mechanisms: what enforces each guarantee.
        unenforced: the guarantees that do not hold.
        packages: the installed packages that programs may import besides the standard library.
    """

    mechanisms: Mapping[str, str]
    unenforced: Sequence[str]
    packages: Sequence[str]


class ForkServerPool:
    """Forks a server process for each program. The server starts with the first program.

    Args:
        packages: the packages that programs may import, if they are installed.
        locked: whether to refuse programs if a guarantee does not hold.
    """

    tier = "process"

    def __init__(self, packages: Sequence[str], *, locked: bool = True) -> None:
        self._packages = packages
        self._locked = locked
        self._zygote: _Zygote | None = None
        self._lock = threading.Lock()

    def run(self, job: Job) -> ExecutionResult:
        """Run one program; blocks.

        Raises:
            SandboxUnavailable: this machine cannot lock the process down.
            UsageError: the inputs are not plain data.
        """
        with self._fork(job) as (connection, child), job.cancel_token.on_cancel(child.kill):
            return ProgramChannel(connection.fileno(), connection.fileno(), job, self.tier).run()

    def status(self) -> SandboxStatus:
        """Return the guarantees that hold on this machine; starts the server.

        Raises:
            SandboxUnavailable: this system cannot fork processes.
            ReasoningError: the server could not be started.
        """
        return self._get_zygote().status

    def check(self, packages: Sequence[str] = ()) -> None:
        """Check that this machine locks programs down and has these packages; starts the server.

        Raises:
            UsageError: it does not; says what is missing and what to do.
        """
        try:
            status = self.status()
        except (SandboxUnavailable, ReasoningError) as error:
            raise UsageError(
                f"the sandbox mode 'process' is not available: {error}; choose the mode 'container' or 'interpreter'"
            ) from None
        if self._locked and status.unenforced:
            raise UsageError(
                f"the sandbox mode 'process' is not available: this machine does not enforce the lock on "
                f"{', '.join(status.unenforced)} (see `reasoning doctor`); choose the mode 'container' or 'interpreter'"
            )
        if missing := [name for name in packages if name not in status.packages]:
            raise UsageError(f"packages must be installed for programs to import them, missing: {', '.join(missing)}")

    def reset_after_fork(self) -> None:
        """Leave the server to the parent process; see `reasoning.forks`."""
        if self._zygote is not None:
            self._zygote.reset_after_fork()
        self._zygote, self._lock = None, threading.Lock()

    def close(self) -> None:
        """End the processes. May be called twice; a later run starts new ones."""
        with self._lock:
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    @contextlib.contextmanager
    def _fork(self, job: Job) -> Iterator[tuple[socket.socket, _Child]]:
        zygote = self._get_zygote()
        if self._locked and zygote.status.unenforced:
            raise SandboxUnavailable(
                f"this machine does not enforce the lock on {', '.join(zygote.status.unenforced)} "
                "(see `reasoning doctor`; Sandbox(require_lockdown=False) runs programs all the same)"
            )
        try:
            connection, child = zygote.fork(job)
        except ConnectionError:  # the server has died: try once more with a new one
            self._discard(zygote)
            connection, child = self._get_zygote().fork(job)
        with connection:
            try:
                yield connection, child
            finally:
                child.end()

    def _discard(self, zygote: _Zygote) -> None:
        with self._lock:
            if self._zygote is zygote:
                self._zygote = None
        zygote.close()

    def _get_zygote(self) -> _Zygote:
        with self._lock:
            if self._zygote is None:
                self._zygote = _Zygote(self._packages)
            return self._zygote


class _Zygote:
    """The server process that is forked."""

    def __init__(self, packages: Sequence[str]) -> None:
        if not hasattr(os, "fork"):
            raise SandboxUnavailable("this system cannot fork processes")
        self._control, control = socket.socketpair()
        options = {
            "root": _ROOT,
            "folders": _package_folders(packages),
            "packages": list(packages),
            "modules": sorted(MODULES),
        }
        start = _START.format(root=_ROOT, control=control.fileno(), options=repr(options))
        inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
        with control:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-S", "-B", "-X", "utf8", "-c", start],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(control.fileno(),),
                env=_FIXED_VARIABLES | inherited,
                cwd="/",
                start_new_session=True,  # Ctrl-C is handled by this process
            )
        self.close = weakref.finalize(self, _stop_server, self._process, self._control)
        self._lock = threading.Lock()
        self.status = self._read_status()

    def reset_after_fork(self) -> None:
        """Close the control socket in a child process, or the server would outlive the parent."""
        self.close.detach()
        self._control.close()
        # Its destructor would wait for the server.
        forks.leak(self._process)

    def fork(self, job: Job) -> tuple[socket.socket, _Child]:
        """Fork a process that waits for the job. Raises ConnectionError if the server has ended."""
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                request = repr((job.limits.seconds, int(job.limits.memory_mb * 2**20))).encode().ljust(REQUEST)
                socket.send_fds(self._control, [request], [theirs.fileno()])
            ours.settimeout(30)
            pid, handles, _, _ = socket.recv_fds(ours, 32, 1)
            if not pid:
                raise ConnectionResetError("no process was forked")
            ours.setblocking(False)
            return ours, _Child(int(pid), handles[0] if handles else None)
        except BaseException:
            ours.close()
            raise

    def _read_status(self) -> SandboxStatus:
        self._control.settimeout(60)
        try:
            with self._control.makefile(encoding="utf-8") as lines:
                report = literals.parse(lines.readline())
        except (OSError, ValueError) as error:
            report = {"failed": str(error)}
        self._control.settimeout(None)
        match report:
            case {"means": dict() as means, "broken": list() as broken, "packages": list() as packages}:
                return SandboxStatus(
                    {str(name): str(by) for name, by in means.items() if name not in broken},
                    [str(name) for name in broken],
                    [str(name) for name in packages],
                )
        self.close()
        raise ReasoningError(f"the process that runs programs could not be started: {report}")


class _Child:
    """The process of one program.

    Args:
        pid: its process id.
        handle: a pidfd, which can never refer to another process; None if the system has none.
    """

    def __init__(self, pid: int, handle: int | None) -> None:
        self._pid = pid
        self._handle = handle

    def kill(self) -> None:
        """Kill the process at once."""
        with contextlib.suppress(ProcessLookupError):
            if self._handle is None:
                os.kill(self._pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def end(self) -> None:
        """Kill the process and release its handle; the system reaps it in the background."""
        self.kill()
        if self._handle is not None:
            os.close(self._handle)


def _stop_server(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _package_folders(packages: Sequence[str]) -> list[str]:
    """Return the folders that hold the packages, without importing them."""
    folders = []
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent
            folders.append(str(folder.parent if spec.submodule_search_locations else folder))
    return list(dict.fromkeys(folders))
