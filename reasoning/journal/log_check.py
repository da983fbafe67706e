"""A check of the write-ahead log that a killed process leaves behind.

SQLite reads a log up to the first frame whose checksum is wrong, and takes the rest for the remains
of a write that was cut off: a damaged bit loses the draws behind it without an error. The index
next to the log has the number of frames that were committed.
"""

from __future__ import annotations

import struct
from pathlib import Path

from reasoning.journal.connection import wal_path

_ATTEMPTS = 5
"""Another process may restart the log between two reads."""
_INDEX, _HEADER, _FRAME_HEADER = 48, 32, 24


def find_log_problem(path: Path) -> str:
    """Return what is wrong with the log of a journal; empty if it is sound, or nothing can be said.

    The journal must not have been opened by this process: SQLite then forgets what it cannot read.
    """
    # SQLite puts the log next to the file that a link names.
    path, problem, seen = path.resolve(), "", (b"", b"")
    for _ in range(_ATTEMPTS):
        try:
            index = path.with_name(f"{path.name}-shm").read_bytes()[: 2 * _INDEX]
            log = wal_path(path).read_bytes()
        except FileNotFoundError:
            return ""
        if seen == (index, log):
            break
        seen = index, log
        (committed,) = struct.unpack("=I", index[16:20].ljust(4, b"\0"))
        if index[:_INDEX] != index[_INDEX:] or not any(index[12:13]) or not committed:
            return ""
        valid = _count_valid_frames(log, committed)
        if index[32:40] == log[16:24] and valid >= committed:
            return ""
        problem = (
            f"the log {wal_path(path)}: {valid:,} of {committed:,} committed pages can be read; the draws behind them "
            "are lost when the journal is opened"
        )
    return problem


def _count_valid_frames(log: bytes, most: int) -> int:
    """Return the number of frames at the beginning of a log whose checksums are right."""
    if len(log) < _HEADER:
        return 0
    magic, _, page_size = struct.unpack(">III", log[:12])
    order = ">" if magic & 1 else "<"
    sums = _checksum((0, 0), log[:24], order)
    if sums != struct.unpack(">II", log[24:32]) or magic & ~1 != 0x377F0682:
        return 0
    for number in range(most):
        frame = log[_HEADER + number * (_FRAME_HEADER + page_size) :][: _FRAME_HEADER + page_size]
        if len(frame) < _FRAME_HEADER + page_size or frame[8:16] != log[16:24]:
            return number
        sums = _checksum(_checksum(sums, frame[:8], order), frame[_FRAME_HEADER:], order)
        if sums != struct.unpack(">II", frame[16:24]):
            return number
    return most


def _checksum(sums: tuple[int, int], content: bytes, order: str) -> tuple[int, int]:
    """Return SQLite's running checksum of a log after more of its content."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(content) // 4}I", content))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
