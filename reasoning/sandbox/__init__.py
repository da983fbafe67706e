"""The sandbox: model-written programs run here, never in this process."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from reasoning.sandbox.config import Sandbox

if TYPE_CHECKING:
    from reasoning.sandbox.interpreter import Interpreter

__all__ = ["Sandbox", "check_sandbox", "shared_interpreter"]


@functools.cache
def shared_interpreter(sandbox: Sandbox) -> Interpreter:
    """Return the interpreter of a configuration, one for the whole process.

    Its worker processes are started once: the first program of each session would otherwise wait
    for them.
    """
    from reasoning.sandbox.interpreter import Interpreter

    return Interpreter(sandbox)


def check_sandbox(sandbox: Sandbox) -> None:
    """Check that this machine provides a sandbox, by starting it.

    Raises:
        UsageError: it does not; says what is missing and what to do.
    """
    shared_interpreter(sandbox).check()
