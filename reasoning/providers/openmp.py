"""The waiting threads of OpenMP, which llama.cpp and PyTorch compute with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = "1000"
"""The number of times that a waiting OpenMP thread checks again before it sleeps. The longer
default is no faster on an idle machine, and many times slower if another process needs one of the
cores."""


@contextmanager
def short_waits() -> Iterator[None]:
    """Let threads of a library that is loaded in the block sleep soon unless the environment says otherwise.

    OpenMP reads the setting once, when the library is loaded.
    """
    ours = not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()
    if ours:
        os.environ["GOMP_SPINCOUNT"] = _SPIN
    try:
        yield
    finally:
        if ours:
            del os.environ["GOMP_SPINCOUNT"]
