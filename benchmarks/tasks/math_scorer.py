"""A scorer that compares expressions by value: 1/2 is right if the target is 0.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.kinds import Expression, Kind
from reasoning.problem import accepted_answers
from reasoning.sandbox import Sandbox, shared_interpreter
from reasoning.sandbox.math_equality import is_equal


@dataclass(frozen=True)
class MathScorer:
    """A scorer that compares an expression with the target, by notation or else by value.

    The value is computed by sympy in the sandbox. Without sympy, or if no process can be locked down,
    only the notation is compared, with a warning.

    Attributes:
        kind: the kind of the answer.
        target: the right expression, or `AnyOf` several.
    """

    kind: Expression
    target: Any

    slow: ClassVar[bool] = True
    """True: it runs in a thread, so that it does not block the event loop."""

    def __call__(self, value: Any) -> bool:
        targets = accepted_answers(self.target)
        if any(self.kind.score(value, target) for target in targets):
            return True
        if not self.kind.is_value(value):
            return False
        shown, interpreter = self.kind.show(value), shared_interpreter(Sandbox())
        return any(is_equal(shown, self.kind.target(target), interpreter) for target in targets)


def default_scorer(kind: Kind, target: Any) -> MathScorer | None:
    """Return a scorer that is better than the kind's own comparison, or None."""
    return MathScorer(kind, target) if isinstance(kind, Expression) else None
