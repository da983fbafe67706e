"""What a strategy may use beside the model; made when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reasoning.tools.interpreter import Interpreter


class Tools:
    """The tools of a session.

    Attributes:
        interpreter: runs programs that a model wrote, away from this process.
    """

    @cached_property
    def interpreter(self) -> Interpreter:
        from reasoning.tools.interpreter import Interpreter

        return Interpreter()
