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
        context: the context of all of them together, in tokens. A token costs 12 kB of memory with
            Qwen2.5-Coder-0.5B, 28 kB with its 1.5 B, and 115 kB with Qwen3-0.6B.
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
_MEMORY_FACTOR = 2
"""The free memory that `_MANY` needs, as a multiple of what weights and context take."""


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


def choose_layout(weights: int | None = None, cache: int | None = None, free_memory: int | None = None) -> Layout:
    """Return the fastest layout for the installed llama.cpp; without arguments, that of a machine with enough memory.

    Args:
        weights: the size of the weights in bytes; None if there is no file yet.
        cache: the memory of a token in the context in bytes; None if it is not known.
        free_memory: the free memory in bytes; None if it is not known.
    """
    if _MATRICES in read_compiled_features() and _has_memory(weights, cache, free_memory):
        return _MANY
    return Layout()


def _has_memory(weights: int | None, cache: int | None, free_memory: int | None) -> bool:
    """Return whether `_MANY` fits; True if the weights or the free memory are not known."""
    if weights is None or free_memory is None:
        return True
    return cache is not None and free_memory >= _MEMORY_FACTOR * (weights + _MANY.context * cache)
