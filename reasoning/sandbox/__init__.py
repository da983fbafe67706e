"""What a strategy may use beside the model; made when first asked for."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reasoning.sandbox.interpreter import Interpreter


class Tools:
    """The tools of a session.

    Attributes:
        interpreter: runs programs that a model wrote, away from this process; one for all sessions of the process,
            since the first program of each would wait for it to start.
    """

    @property
    def interpreter(self) -> Interpreter:
        return _interpreter()


@functools.cache
def _interpreter() -> Interpreter:
    from reasoning.sandbox.interpreter import Interpreter

    return Interpreter()
