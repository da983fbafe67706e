"""The seccomp filter: the system calls that a program may make, assembled by hand.

It is an allow-list of calls that compute and read. No call that reaches another process, a network,
or a file to write is on it. Every other call fails with EPERM, which a program sees as a
PermissionError. A call for another architecture kills the process.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterator

_READING = (
    "read readv pread64 lseek close fstat stat lstat newfstatat statx access faccessat faccessat2 getdents64 getcwd "
    "dup dup2 dup3"
)
_COMPUTING = (
    "write writev mmap mprotect munmap mremap brk madvise rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack "
    "futex set_robust_list set_tid_address rseq sched_yield sched_getaffinity getcpu restart_syscall exit exit_group "
    "getrandom"
)
_INFORMATION = (
    "getpid gettid getppid getuid geteuid getgid getegid uname sysinfo getrusage times time gettimeofday clock_gettime "
    "clock_getres clock_nanosleep nanosleep poll ppoll select pselect6 getrlimit"
)
ALLOWED = tuple(f"{_READING} {_COMPUTING} {_INFORMATION}".split())

NUMBERS = {
    "x86_64": {
        "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8,
        "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
        "rt_sigreturn": 15, "ioctl": 16, "pread64": 17, "readv": 19, "writev": 20, "access": 21, "select": 23,
        "sched_yield": 24, "mremap": 25, "madvise": 28, "dup": 32, "dup2": 33, "nanosleep": 35, "getpid": 39,
        "exit": 60, "uname": 63, "fcntl": 72, "getcwd": 79, "gettimeofday": 96, "getrlimit": 97,
        "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108,
        "getppid": 110, "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204,
        "getdents64": 217, "set_tid_address": 218, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
        "clock_nanosleep": 230, "exit_group": 231, "openat": 257, "newfstatat": 262,
        "faccessat": 269, "pselect6": 270, "ppoll": 271, "set_robust_list": 273, "dup3": 292, "prlimit64": 302,
        "getcpu": 309, "getrandom": 318, "statx": 332, "rseq": 334, "faccessat2": 439,
    },
    "aarch64": {
        "getcwd": 17, "dup": 23, "dup3": 24, "fcntl": 25, "ioctl": 29, "faccessat": 48, "openat": 56, "close": 57,
        "getdents64": 61, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67,
        "pselect6": 72, "ppoll": 73, "newfstatat": 79, "fstat": 80, "exit": 93, "exit_group": 94,
        "set_tid_address": 96, "futex": 98, "set_robust_list": 99, "nanosleep": 101, "clock_gettime": 113,
        "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123, "sched_yield": 124,
        "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
        "times": 153, "uname": 160, "getrlimit": 163, "getrusage": 165, "getcpu": 168, "gettimeofday": 169,
        "getpid": 172, "getppid": 173, "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178,
        "sysinfo": 179, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233,
        "prlimit64": 261, "getrandom": 278, "statx": 291, "rseq": 293, "faccessat2": 439,
    },
}  # fmt: skip
"""The numbers of the system calls on each architecture, from the kernel's headers."""

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_…
_O_WRITES = 0o1 | 0o2 | 0o100 | 0o1000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
_FCNTL = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in seccomp_data


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def supported() -> bool:
    """Return whether the numbers of this architecture are known."""
    return platform.system() == "Linux" and platform.machine() in NUMBERS and struct.calcsize("P") == 8


def build_filter(machine: str) -> bytes:
    """Return the filter program for an architecture, in the kernel's binary form."""
    numbers = NUMBERS[machine]
    steps = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for name in ALLOWED:
        if name in numbers:
            steps += [(_EQUAL, 0, 1, numbers[name]), (_RETURN, 0, 0, _ALLOW)]
    for name, conditions in _conditions():
        if name in numbers:
            steps += [(_EQUAL, 0, len(conditions), numbers[name]), *conditions]
    steps.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _conditions() -> Iterator[tuple[str, list[tuple[int, int, int, int]]]]:
    """Yield the calls that are allowed with certain arguments only."""
    for name, flags in (("open", 1), ("openat", 2)):
        yield name, [_argument(flags), (_ANY_BIT, 1, 0, _O_WRITES), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    for name, allowed in (("fcntl", _FCNTL), ("ioctl", _IOCTL)):
        tests = [(_EQUAL, len(allowed) - index, 0, value) for index, value in enumerate(allowed)]
        yield name, [_argument(1), *tests, (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    unset = [  # a process may read its own limits, and not set them
        test
        for index, argument in enumerate((0, 2))
        for half in (0, 4)
        for test in (_argument(argument, half), (_EQUAL, 0, 7 - 4 * index - half // 2, 0))
    ]
    yield "prlimit64", [*unset, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]


def _argument(index: int, half: int = 0) -> tuple[int, int, int, int]:
    return _LOAD, 0, 0, _ARGUMENTS + 8 * index + half


def install_filter(code: bytes) -> None:
    """Install a filter on this process, for good. Needs no_new_privs.

    Raises:
        OSError: the kernel has no seccomp filters.
    """
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 2, ctypes.byref(program), 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")
