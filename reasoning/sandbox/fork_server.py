"""Tier 2: real Python, in a locked-down process of its own for each program.

A process that has the scientific packages loaded is forked for each program (`reasoning.sandbox.child`), which takes a
few milliseconds. What locks it is written in docs/security.md.
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

from reasoning.errors import ReasoningError
from reasoning.sandbox import literals
from reasoning.sandbox.child.zygote import REQUEST
from reasoning.sandbox.execution import ExecutionResult
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty_errors import SandboxUnavailable
from reasoning.sandbox.program_imports import MODULES
from reasoning.sandbox.protocol import ProgramChannel

GUARANTEES = ("files", "network", "processes", "memory")
"""What must hold; the rest (time, environment) holds on every system that can fork."""
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from reasoning.sandbox.child.zygote import main; main({control}, {options!r})"
)
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # loading needs them
_FIXED = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TZ": "UTC",
}


@dataclass(frozen=True)
class SandboxStatus:
    """What holds for the child processes of this machine, as tried out in one.

    Attributes:
        means: by which means each guarantee is enforced.
        broken: guarantees that do not hold.
        packages: that programs may import, beside the standard library.
    """

    mechanisms: Mapping[str, str]
    unenforced: Sequence[str]
    packages: Sequence[str]


class ForkServerPool:
    """Forks a process for each program; the one that is forked starts with the first.

    Args:
        packages: that programs may import, where they are installed.
        locked: refuse to run anything where a guarantee does not hold.
    """

    tier = "child"

    def __init__(self, packages: Sequence[str], *, locked: bool = True) -> None:
        self._packages = packages
        self._locked = locked
        self._zygote: _Zygote | None = None
        self._lock = threading.Lock()

    def run(self, job: Job) -> ExecutionResult:
        """Run one program; blocks.

        Raises:
            Unavailable: this machine cannot lock it down.
            UsageError: its inputs are not plain data.
        """
        with self._fork(job) as (connection, child), job.cancel_token.on_cancel(child.kill):
            return ProgramChannel(connection.fileno(), connection.fileno(), job, self.tier).run()

    def status(self) -> SandboxStatus:
        """What holds here. Raises SandboxUnavailable where there is no such thing as a child process."""
        return self._started().status

    def close(self) -> None:
        """End the processes. May be called twice; a later run starts new ones."""
        with self._lock:
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    @contextlib.contextmanager
    def _fork(self, job: Job) -> Iterator[tuple[socket.socket, _Child]]:
        zygote = self._started()
        if self._locked and zygote.status.unenforced:
            raise SandboxUnavailable(
                f"this machine does not enforce the lock on {', '.join(zygote.status.unenforced)} "
                "(see `reasoning doctor`; Interpreter(isolation='process') runs programs all the same)"
            )
        try:
            connection, child = zygote.fork(job)
        except ConnectionError:  # it has died: once more with another
            self._discard(zygote)
            connection, child = self._started().fork(job)
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

    def _started(self) -> _Zygote:
        with self._lock:
            if self._zygote is None:
                self._zygote = _Zygote(self._packages)
            return self._zygote


class _Zygote:
    """The process that is forked."""

    def __init__(self, packages: Sequence[str]) -> None:
        if not hasattr(os, "fork"):
            raise SandboxUnavailable("this system cannot fork processes")
        self._control, control = socket.socketpair()
        options = {"root": _ROOT, "folders": _folders(packages), "packages": list(packages), "modules": sorted(MODULES)}
        start = _START.format(root=_ROOT, control=control.fileno(), options=repr(options))
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        with control:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-S", "-B", "-X", "utf8", "-c", start],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(control.fileno(),),
                env=_FIXED | kept,
                cwd="/",
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        self.close = weakref.finalize(self, _end, self._process, self._control)
        self._lock = threading.Lock()
        self.status = self._report()

    def fork(self, job: Job) -> tuple[socket.socket, _Child]:
        """A process that waits for the job. Raises ConnectionError when the process that is forked has ended."""
        ours, theirs = socket.socketpair()
        try:
            with theirs, self._lock:
                request = repr((job.limits.seconds, int(job.limits.memory_mb * 2**20))).encode().ljust(REQUEST)
                socket.send_fds(self._control, [request], [theirs.fileno()])
            ours.settimeout(30)
            word, handles, _, _ = socket.recv_fds(ours, 32, 1)
            if not word:
                raise ConnectionResetError("no process was forked")
            ours.setblocking(False)
            return ours, _Child(int(word), handles[0] if handles else None)
        except BaseException:
            ours.close()
            raise

    def _report(self) -> SandboxStatus:
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
    """One program's process.

    Args:
        pid: its number.
        handle: a descriptor that means this process and no other, where the system has such.
    """

    def __init__(self, pid: int, handle: int | None) -> None:
        self._pid = pid
        self._handle = handle

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            if self._handle is None:
                os.kill(self._pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def end(self) -> None:
        """End it: from here on it does nothing more. The system takes it apart meanwhile."""
        self.kill()
        if self._handle is not None:
            os.close(self._handle)


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _folders(packages: Sequence[str]) -> list[str]:
    """Where the packages are, without importing them."""
    found = []
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            place = Path(spec.origin).parent
            found.append(str(place.parent if spec.submodule_search_locations else place))
    return list(dict.fromkeys(found))
