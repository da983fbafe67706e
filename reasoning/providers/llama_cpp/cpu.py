"""The instructions that the installed llama.cpp was compiled for, those of this CPU, and the layout that is fastest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reasoning.providers.openmp import short_waits

FLAGS = {"AVX2": "avx2", "AVX512": "avx512f", "AVX512_VNNI": "avx512_vnni", "AMX_INT8": "amx_int8"}
"""llama.cpp's names of what makes it fast, with the flags by which Linux lists them."""
_MATRICES = "AMX_INT8"
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Layout:
    """The parallel sequences of a server.

    Attributes:
        slots: the number of parallel sequences.
        context: the context of all of them together, in tokens. A token costs 12 kB of memory at 0.5 B
            parameters, 28 kB at 1.5 B.
        flash_attention: whether attention is computed in one pass; None lets llama.cpp decide.
    """

    slots: int = 8
    context: int = 16_384
    flash_attention: bool | None = None


_MANY = Layout(slots=32, context=65_536, flash_attention=False)
"""The layout for matrix instructions, which compute many sequences in the time of a few.

At 0.5 B parameters on two cores: 205 tokens a second, 162 with 16 slots, 119 with 16 slots and flash attention.
Without these instructions flash attention is faster: 20 tokens a second with 8 slots on one core, 16 without it.
"""
_MEMORY_FACTOR = 8
"""The free memory that `_MANY` needs, as a multiple of the weights: its context takes up to 1.7 of them."""


@cache
def read_compiled_features() -> frozenset[str]:
    """Return what the installed llama.cpp was compiled for, such as AVX2; nothing if it is not installed."""
    try:
        with short_waits():
            import xllamacpp
    except ImportError:
        return frozenset()
    return frozenset(re.findall(r"(\w+) = 1", xllamacpp.get_system_info()))


def read_cpu_features() -> frozenset[str]:
    """Return what this CPU has, in llama.cpp's names; nothing where it cannot be read (only Linux lists it)."""
    try:
        flags = set(re.search(r"^flags\s*:(.*)$", _CPUINFO.read_text(), re.MULTILINE)[1].split())  # type: ignore[index]
    except (OSError, TypeError):
        return frozenset()
    return frozenset(name for name, flag in FLAGS.items() if flag in flags)


def find_unused_features() -> list[str]:
    """Return what this CPU has and the installed llama.cpp does not use; nothing if it is not installed."""
    compiled = read_compiled_features()
    return [name for name in FLAGS if compiled and name in read_cpu_features() - compiled]


def choose_layout(weights: int | None = None, free_memory: int | None = None) -> Layout:
    """Return the fastest layout for the installed llama.cpp.

    Args:
        weights: the size of the weights in bytes; None if it is not known yet.
        free_memory: the free memory in bytes; None if it is not known.
    """
    if _MATRICES not in read_compiled_features():
        return Layout()
    if weights is not None and free_memory is not None and free_memory < _MEMORY_FACTOR * weights:
        return Layout()
    return _MANY
