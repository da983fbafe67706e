"""Which files a program may read: Landlock's rules. Nothing may be written, made or removed anywhere."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the calls' numbers, the same on every kind of machine
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3


def version() -> int:
    """Landlock's version in this kernel; 0 when it has none."""
    try:
        return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), 1)))
    except (OSError, AttributeError):  # no such library, or no such function: not Linux
        return 0


def load(readable: Iterable[str]) -> None:
    """Leave this process and its children nothing but these files and folders, to read. Needs no_new_privs.

    Connecting and listening are forbidden too, and signals to processes outside, where the version knows them.

    Raises:
        OSError: the kernel refuses.
    """
    files = (1 << 13) - 1  # version 1; then renaming, truncating, controls of devices
    files |= sum(1 << bit for bit, since in ((13, 2), (14, 3), (15, 5)) if version() >= since)
    rules = struct.pack("=Q", files)
    if version() >= 4:
        rules += struct.pack("=Q", 0b11)  # to bind and to connect
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
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0)
        _call(_ADD, ruleset, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
