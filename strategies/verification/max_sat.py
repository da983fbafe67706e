"""Weighted MAX-SAT: the truth values that satisfy clauses of the greatest weight, by the solver RC2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reasoning.errors import MissingExtra

_SCALE = 1_000_000
"""Weights are rounded to integers of this unit, since the solver adds integers without error."""


class Clause(NamedTuple):
    """A soft clause: a disjunction of literals.

    Attributes:
        literals: variables, counted from 1; a negative number is a negated variable.
        weight: the weight that is lost if no literal is true.
    """

    literals: tuple[int, ...]
    weight: float


class Assignment(NamedTuple):
    """An optimal assignment.

    Attributes:
        true: the variables that are true.
        lost: the weight of the clauses that it does not satisfy.
    """

    true: frozenset[int]
    lost: float


def check_solver() -> None:
    """Check that the solver is installed.

    Raises:
        MissingExtra: it is not; says how to install it.
    """
    try:
        import pysat.examples.rc2  # noqa: F401
    except ImportError:
        raise MissingExtra("weighted MAX-SAT", "logic", "python-sat") from None


def solve_max_sat(clauses: Sequence[Clause], fixed: Iterable[int] = ()) -> Assignment:
    """Return an assignment that satisfies clauses of the greatest weight.

    Args:
        clauses: the soft clauses. Clauses without weight have no effect.
        fixed: literals that must be true.

    Examples:
        >>> solve_max_sat([Clause((1,), 0.9), Clause((-1, -2), 1.0), Clause((2,), 0.4)])
        Assignment(true=frozenset({1}), lost=0.4)
    """
    from pysat.examples.rc2 import RC2
    from pysat.formula import WCNF

    formula = WCNF()
    for literal in fixed:
        formula.append([literal])
    for literals, weight in clauses:
        if (rounded := round(weight * _SCALE)) > 0:
            formula.append(list(literals), weight=rounded)
    with RC2(formula) as solver:
        model = solver.compute() or []
        return Assignment(frozenset(literal for literal in model if literal > 0), solver.cost / _SCALE)
