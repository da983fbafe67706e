"""Expressions are scored by their value: 1/2 is right where 0.5 is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.kinds import Expression, Kind
from reasoning.sandbox import Tools
from reasoning.sandbox.math_equality import is_equal


@dataclass(frozen=True)
class MathScorer:
    """Whether an expression is the target, by its notation or else by its value, which sympy works out in the sandbox.

    Without sympy, or where no process can be locked down, only notation counts, with a warning.
    """

    kind: Expression
    target: Any

    slow: ClassVar[bool] = True
    """Whether the event loop should not wait for it."""

    def __call__(self, value: Any) -> bool:
        if self.kind.score(value, self.target):
            return True
        return is_equal(self.kind.show(value), self.kind.target(self.target), Tools().interpreter)


def default_scorer(kind: Kind, target: Any) -> MathScorer | None:
    """What scores answers of a kind better than the kind itself can; mostly nothing."""
    return MathScorer(kind, target) if isinstance(kind, Expression) else None
