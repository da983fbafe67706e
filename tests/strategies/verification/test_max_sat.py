"""The solver finds what trying all assignments finds."""

from __future__ import annotations

import random
from itertools import product

import pytest

from reasoning.strategies.verification.max_sat import Clause, solve_max_sat


def lost(clauses: list[Clause], values: tuple[bool, ...]) -> float:
    """Return the weight of the clauses that an assignment does not satisfy."""
    return sum(weight for literals, weight in clauses if not any(values[abs(one) - 1] is (one > 0) for one in literals))


@pytest.mark.parametrize("seed", range(60))
def test_the_lost_weight_is_the_least_of_all_assignments(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randint(1, 7)
    clauses = [
        Clause(
            tuple(
                chance.choice([1, -1]) * variable for variable in chance.sample(range(1, count + 1), min(size, count))
            ),
            chance.choice([1.0, chance.random(), 0.0]),
        )
        for size in chance.choices([1, 1, 2, 2, 3], k=chance.randint(0, 18))
    ]
    fixed = [chance.choice([1, -1]) * chance.randint(1, count)] if chance.random() < 0.5 else []
    allowed = [
        values
        for values in product([False, True], repeat=count)
        if all(values[abs(one) - 1] is (one > 0) for one in fixed)
    ]
    found = solve_max_sat(clauses, fixed)
    least = min(lost(clauses, values) for values in allowed)
    assert found.lost == pytest.approx(least, abs=1e-5)
    assignment = tuple(variable in found.true for variable in range(1, count + 1))
    assert lost(clauses, assignment) == pytest.approx(least, abs=1e-5)
    assert all((abs(one) in found.true) is (one > 0) for one in fixed)


def test_the_larger_weight_wins_over_the_larger_number_of_clauses() -> None:
    clauses = [Clause((1,), 0.4), Clause((1,), 0.4), Clause((-1,), 0.9)]
    assert solve_max_sat(clauses).true == frozenset()
    assert solve_max_sat(clauses[:2]).true == {1}


def test_without_clauses_nothing_is_lost() -> None:
    assert solve_max_sat([]) == (frozenset(), 0.0)
    assert solve_max_sat([Clause((1, 2), 0.0)], [-1]).lost == 0
