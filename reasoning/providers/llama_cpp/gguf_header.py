"""The fields in the header of a GGUF file that decide how its server is set up."""

from __future__ import annotations

import re
from pathlib import Path

_SIZE = 1 << 20
"""The bytes that are read. Before the vocabulary, the fields of a model take a few kilobytes."""
_UINT32 = rb"\x04\x00\x00\x00"
_CACHED = 2
"""The bytes of a cached number: 16 bits."""


class GGUFHeader:
    """The fields of a model at the beginning of its file.

    A file that cannot be read has none: loading it says what is wrong.

    Args:
        path: the weights.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._start = file.read(_SIZE)
        except OSError:
            self._start = b""

    @property
    def states_pooling(self) -> bool:
        """True for the weights of an embedding model, which state how it pools."""
        return b".pooling_type" in self._start

    @property
    def cache_bytes(self) -> int | None:
        """The memory of one token in the context: keys and values of all layers, in bytes; None if it is not stated.

        Layers that look back only a few tokens, or keep a state instead, need less.
        """
        layers, width, heads = map(self._read, (".block_count", ".embedding_length", ".attention.head_count"))
        if not (layers and width and heads):
            return None
        groups = self._read(".attention.head_count_kv") or heads
        key = self._read(".attention.key_length") or width // heads
        value = self._read(".attention.value_length") or key
        return _CACHED * layers * groups * (key + value)

    def _read(self, name: str) -> int | None:
        """Return the number of the first field whose name ends so."""
        found = re.search(re.escape(name.encode()) + _UINT32 + rb"(.{4})", self._start, re.DOTALL)
        return int.from_bytes(found[1], "little") if found else None
