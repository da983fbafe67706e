"""The copying of a shard's files from the worker that fills them to the folder of the run, as they grow.

Files that only grow are copied from where the copy ends, so that a shipment may be repeated, and a worker that begins a
shard again continues the copy. A worker reads a result before the draws that it needs, and the copy gets the draws
first, so that the copy is at every moment a folder as a kill could have left it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reasoning.benchmarks.results.folder import DRAWS, SPENDING
from reasoning.errors import InputError
from reasoning.files import atomic_write

GROWING = (SPENDING, DRAWS, "corpora.jsonl", "problems.jsonl", "traces.jsonl", "results.jsonl")
"""The files that only grow, in the order in which a worker writes them."""
REPLACED = ("run.json",)
"""The files that are written anew."""
_MOST_BYTES = 8_000_000
"""The most bytes of a file in one shipment."""


@dataclass
class Shipment:
    """The growth of a shard's files.

    Attributes:
        grown: by name of a file, the offset and the bytes from there on.
        replaced: by name of a file, its new contents.
    """

    grown: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    replaced: dict[str, bytes] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.grown or self.replaced)


class Sender:
    """Reads what the files of a worker's folder have gained.

    Args:
        folder: the worker's folder.
        sizes: by name of a file, the bytes that the copy has.
    """

    def __init__(self, folder: Path, sizes: Mapping[str, int]) -> None:
        self._folder, self._sizes = folder, dict(sizes)
        self._written: dict[str, int] = {}

    def read(self) -> Shipment:
        """Return what the files have gained since the last call; empty if that is nothing."""
        shipment = Shipment()
        for name in reversed(GROWING):
            start = self._sizes.get(name, 0)
            with suppress(FileNotFoundError), (self._folder / name).open("rb") as file:
                if os.fstat(file.fileno()).st_size > start:
                    file.seek(start)
                    data = file.read(_MOST_BYTES)
                    # A worker that begins again cuts off a torn last line, which must not have been copied.
                    if b"\n" not in data:
                        data += file.readline()
                    if data := data[: data.rfind(b"\n") + 1]:
                        shipment.grown[name] = start, data
                        self._sizes[name] = start + len(data)
        for name in REPLACED:
            with suppress(FileNotFoundError):
                changed = (self._folder / name).stat().st_mtime_ns
                if changed != self._written.get(name):
                    shipment.replaced[name] = (self._folder / name).read_bytes()
                    self._written[name] = changed
        return shipment


class Receiver:
    """Writes shipments into the folder of a shard.

    Args:
        folder: the folder; it is created with the first shipment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}

    def sizes(self) -> dict[str, int]:
        """Return the size of each file that only grows."""
        return {name: (self._folder / name).stat().st_size for name in GROWING if (self._folder / name).is_file()}

    def read(self, name: str, start: int) -> bytes:
        """Return the bytes of a file from an offset on, at most those of one shipment; empty at its end."""
        if name not in GROWING + REPLACED:
            raise InputError(f"{name!r} is not a file of a shard")
        with suppress(FileNotFoundError), (self._folder / name).open("rb") as file:
            file.seek(start)
            return file.read(_MOST_BYTES)
        return b""

    def write(self, shipment: Shipment) -> None:
        """Write a shipment.

        Raises:
            InputError: it does not continue the files, or they cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, content in shipment.replaced.items():
            if name in REPLACED:
                atomic_write(self._folder / name, content)
        for name in GROWING:
            if name in shipment.grown:
                self._append(name, *shipment.grown[name])

    def close(self) -> None:
        """Close the files. They are opened again on the next shipment."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def _append(self, name: str, start: int, data: bytes) -> None:
        path = self._folder / name
        try:
            if name not in self._files:
                self._files[name] = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
            file = self._files[name]
            size = os.fstat(file).st_size
            if start > size:
                raise InputError(f"{path}: has {size:,} bytes, and the next ones are those from {start:,} on")
            if os.pwrite(file, data, start) != len(data):
                os.ftruncate(file, size)
                raise OSError(28, "no space left on the disk")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; what was stored before is kept") from None
