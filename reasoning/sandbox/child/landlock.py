"""Landlock rules: the files that a program may read.

Nothing may be written, created or removed anywhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable

# The numbers of the system calls, the same on every architecture.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3


def version() -> int:
    """Return Landlock's version in this kernel; 0 if it has none."""
    try:
        return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), 1)))
    except (OSError, AttributeError):  # no libc or no such function: not Linux
        return 0


def restrict(readable: Iterable[str]) -> None:
    """Restrict this process and its children to reading these files and folders.

    Needs no_new_privs.

    Connecting, listening and signals to processes outside are forbidden too, if Landlock's version
    supports that.

    Raises:
        OSError: the kernel refuses the rules.
    """
    files = (1 << 13) - 1  # version 1; later versions add renaming, truncating and device control
    files |= sum(1 << bit for bit, since in ((13, 2), (14, 3), (15, 5)) if version() >= since)
    rules = struct.pack("=Q", files)
    if version() >= 4:
        rules += struct.pack("=Q", 0b11)  # bind and connect
    if version() >= 6:
        rules += struct.pack("=Q", 0b11)  # abstract sockets, signals
    ruleset = _call(_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    try:
        for path in readable:
            with contextlib.suppress(FileNotFoundError):
                _allow(ruleset, path)
        _call(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0)
        _call(_ADD, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
