"""The irreversible locks of a process: those of the server, then those of each program.

A lock that this machine lacks is skipped. `find_unenforced` then tests which guarantees hold, and
the host process decides whether programs may run.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import socket
import struct
from collections.abc import Callable, Iterable

from reasoning.sandbox.child import landlock, seccomp

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_FILTER = seccomp.build_filter(platform.machine()) if seccomp.supported() else None
_PDEATHSIG, _DUMPABLE, _CAPBSET_DROP, _NO_NEW_PRIVS, _AMBIENT = 1, 4, 24, 38, 47  # prctl
_NAMESPACES = {"user": 0x10000000, "network": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000}


def lock_server(readable: Iterable[str]) -> dict[str, str]:
    """Lock the server that programs are forked from. Its children inherit the locks.

    Args:
        readable: the files and folders that programs may read.

    Returns:
        The mechanism of each guarantee whose lock could be applied.
    """
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    except (OSError, AttributeError):  # not Linux
        return {}
    means = {"privileges": "no_new_privs, capabilities dropped", "processes": "", "files": "", "network": ""}
    own_network = not libc.unshare(sum(_NAMESPACES.values())) or not libc.unshare(_NAMESPACES["network"])
    _drop_capabilities(libc)
    with contextlib.suppress(OSError):
        landlock.restrict(readable)
        means["files"] = f"Landlock {landlock.version()}"
    if _FILTER is not None:
        means["processes"] = means["network"] = "seccomp"
        means["files"] += ", seccomp" if means["files"] else ""
    if own_network:
        means["network"] += (", " if means["network"] else "") + "a network namespace of its own"
    return {guarantee: by for guarantee, by in means.items() if by}


def address_space() -> int | None:
    """Return the address space of this process, in bytes.

    It cannot be read after files are locked.
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    except (OSError, ValueError):
        return None


def lock_program(seconds: float, memory: int | None) -> None:
    """Lock the process of one program.

    Args:
        seconds: processor time.
        memory: bytes of address space, including those in use already; None sets no limit.
    """
    _limit(seconds, memory)
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        libc.prctl(_DUMPABLE, 0, 0, 0, 0)
        if _FILTER is not None:
            seccomp.install_filter(_FILTER)


def find_unenforced() -> list[str]:
    """Return the guarantees that do not hold in this process, by trying to break each."""
    attempts: dict[str, tuple[Callable[[], object], ...]] = {
        "files": (lambda: os.listdir("/"), lambda: os.open(__file__, os.O_RDONLY), _write),
        "network": (_connect,),
        "processes": (os.fork, lambda: os.kill(os.getppid(), 0), lambda: os.execv("/", ["/"])),
    }
    return [guarantee for guarantee, tried in attempts.items() if any(_works(attempt) for attempt in tried)]


def _works(attempt: Callable[[], object]) -> bool:
    try:
        if attempt() == 0 and attempt is os.fork:
            os._exit(0)
    except PermissionError:
        return False
    except OSError:
        return True  # not refused: it failed for another reason
    return True


def _write() -> None:
    path = f"/tmp/reasoning-{os.getpid()}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(path)


def _connect() -> None:
    socket.socket().close()


def _limit(seconds: float, memory: int | None) -> None:
    limits = {
        "CPU": int(seconds) + 2,
        "AS": resource.RLIM_INFINITY if memory is None else memory,
        "FSIZE": 0,
        "CORE": 0,
        "NPROC": 0,
        "NOFILE": 64,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        "SIGPENDING": 0,
    }
    for name, limit in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # not every system has every limit
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    libc.prctl(_AMBIENT, 4, 0, 0, 0)
    for capability in range(64):
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    libc.capset(struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", 0, 0, 0, 0, 0, 0))
