"""The standard streams of a command whose reader may go away (`| head -1`), or that is started without them.

After its reader has gone, a stream is the null device: the command continues to its end, and its results and its exit
code are those of any run. A command that would still buy what nothing reads calls `stdout_is_read`.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

_GONE = {errno.EPIPE, errno.EIO, errno.ESHUTDOWN} | ({errno.EINVAL} if sys.platform == "win32" else set())
"""The errors of a write that nothing can read: to a closed pipe, or to a terminal that was closed."""
_discarded: set[str] = set()


def install() -> None:
    """Replace standard output and standard error, and open those that are closed on the null device."""
    # Otherwise the next file that is opened, such as a results file, would become standard output.
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            # It becomes the lowest free descriptor, which is this one.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for name in ("stdout", "stderr"):
        _replace(name)


def stdout_is_read() -> bool:
    """Return whether standard output still has a reader, as far as a write has shown."""
    return "stdout" not in _discarded


def _replace(name: str) -> None:
    old = getattr(sys, name)
    buffer = getattr(old, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    # Consoles of Windows and streams of a test have other types.
    if type(raw) is not io.FileIO:
        return
    old.flush()
    stream = _Stream(raw.fileno(), name)
    new = io.TextIOWrapper(
        io.BufferedWriter(stream) if buffer is not raw else stream,  # type: ignore[type-var]
        encoding=old.encoding,
        errors=old.errors,
        line_buffering=old.line_buffering,
        write_through=old.write_through,
    )
    setattr(sys, name, new)


class _Stream(io.FileIO):
    """A file whose writes are discarded once nothing can read them. What cannot be said on standard error is lost."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.name = f"<{name}>"
        self._stream = name

    def write(self, data: bytes, /) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            if self._stream == "stdout" and error.errno not in _GONE:
                error.filename = "standard output"
                raise
        _discarded.add(self._stream)
        with suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
        return len(memoryview(data).cast("B"))
