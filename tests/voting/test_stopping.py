"""The stopping rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.errors import UsageError
from reasoning.kinds import Number
from reasoning.voting import (
    Beta,
    Decided,
    Dirichlet,
    Fixed,
    Rule,
    Window,
    majority,
    next_batch_size,
    simulate_stopping,
    stopping_point,
)
from reasoning.voting.stopping import p_leads, p_leads_all

RULES: list[Rule] = [Fixed(), Decided(), Beta(), Dirichlet(), Window(3), Beta(0.8), Dirichlet(0.8)]
VALUES = st.lists(st.sampled_from([1, 1, 1, 2, 3, None]), max_size=24)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        (0, 0, 1 / 2),
        (1, 0, 3 / 4),
        (3, 0, 15 / 16),
        (4, 0, 31 / 32),
        (5, 5, 1 / 2),
        (2, 1, 11 / 16),  # of 4 throws at most 2 heads: 1 + 4 + 6 of 16
    ],
)
def test_the_probability_that_the_first_of_two_leads(first: int, second: int, p: float) -> None:
    assert p_leads(first, second) == p
    assert p_leads(second, first) == pytest.approx(1 - p)


def exactly(first: int, others: Sequence[int]) -> Fraction:
    """Return P(Gamma(first + 1) > all Gamma(other + 1)) from the expanded product: polynomials times exp(-m x)."""
    terms: dict[int, list[Fraction]] = {1: [Fraction(0)] * first + [Fraction(1, math.factorial(first))]}
    for other in others:
        tail = [Fraction(1, math.factorial(i)) for i in range(other + 1)]
        grown = {m: list(polynomial) for m, polynomial in terms.items()}
        for m, polynomial in terms.items():
            into = grown.setdefault(m + 1, [])
            for (i, a), (j, b) in product(enumerate(polynomial), enumerate(tail)):
                into.extend([Fraction(0)] * (i + j + 1 - len(into)))
                into[i + j] -= a * b
        terms = grown
    parts = ((m, i, one) for m, polynomial in terms.items() for i, one in enumerate(polynomial))
    return sum((one * math.factorial(i) / Fraction(m) ** (i + 1) for m, i, one in parts), Fraction(0))


@pytest.mark.parametrize(
    ("first", "others"), [(0, [0]), (4, [0]), (3, [3]), (5, [2, 2]), (6, [1, 1, 1, 1]), (10, [7, 3]), (2, [2, 2, 2])]
)
def test_the_probability_that_the_first_of_many_leads(first: int, others: list[int]) -> None:
    assert p_leads_all(first, tuple(others)) == pytest.approx(float(exactly(first, others)), abs=1e-9)


@pytest.mark.parametrize(("first", "second"), [(40, 30), (300, 260), (590, 580)])
def test_both_formulas_agree_for_two_candidates_with_many_votes(first: int, second: int) -> None:
    assert p_leads_all(first, (second,)) == pytest.approx(p_leads(first, second), abs=1e-9)


def test_equal_candidates_have_equal_probabilities() -> None:
    assert p_leads_all(7, (7, 7, 7)) == pytest.approx(1 / 4, abs=1e-9)


@pytest.mark.parametrize(
    ("rule", "keys", "point"),
    [
        (Fixed(), [1] * 9, None),
        (Decided(), [1] * 5, None),
        (Decided(), [1] * 6, 6),
        (Decided(), [1, 1, 1, 2, 1, 1], None),  # 5 to 1, and 4 are left: a tie can still come
        (Decided(), [1, 1, 1, 2, 1, 1, 1], 7),
        (Decided(), [None] * 6 + [1, 1, 1], 9),  # 3 to 0, and 1 is left
        (Beta(), [1, 1, 1], None),
        (Beta(), [1, 1, 1, 1, 1, 1], 4),
        (Beta(), [1, None, 1, 1, None, 1], 6),
        (Beta(), [1, 2, 1, 1, 1, 1], None),  # 5 to 1: 0.9375
        (Beta(), [1, 2, 1, 1, 1, 1, 1], 7),  # 6 to 1: 0.965
        (Beta(0.9), [1, 1, 1], 3),
        (Dirichlet(), [1, 1, 1, 1], 4),
        (Dirichlet(), [1, 2, 3, 1, 1, 1, 1, 1], None),  # 6 to 1 to 1: Beta stops here
        (Beta(), [1, 2, 3, 1, 1, 1, 1, 1], 8),
        (Window(3), [1, 1], None),
        (Window(3), [1, 1, 1], 3),
        (Window(3), [2, 1, 1, 1, 1], None),  # three in a row, but in no window
        (Window(3), [2, 1, 1, 1, 1, 1], 6),
        (Window(3), [1, None, 1, None, None, None], None),
        (Window(1), [2], 1),
    ],
)
def test_the_stopping_point_of_a_rule(rule: Rule, keys: list[Any], point: int | None) -> None:
    assert stopping_point(keys, rule, max_draws=10) == point


def test_every_rule_stops_at_the_maximum() -> None:
    for rule in RULES:
        assert stopping_point([1, 2] * 5, rule) == 10
        assert stopping_point([None] * 10, rule) == 10


@given(keys=VALUES)
def test_decided_means_that_no_further_draw_changes_the_winner(keys: list[Any]) -> None:
    point = stopping_point(keys, Decided())
    if point is not None and any(key is not None for key in keys):
        assert majority(keys[:point], Number()).value == majority(keys, Number()).value


@settings(deadline=None)
@given(keys=VALUES)
def test_dirichlet_never_stops_before_beta(keys: list[Any]) -> None:
    assert (stopping_point(keys, Dirichlet()) or 0) >= (stopping_point(keys, Beta()) or 0)


@settings(deadline=None, max_examples=60)
@given(keys=st.lists(st.sampled_from([1, 2, None]), max_size=7), rule=st.sampled_from(RULES))
def test_a_batch_is_the_smallest_after_which_the_rule_could_stop(keys: list[Any], rule: Rule) -> None:
    """No smaller batch can end the sampling, and this one can, so no draw is paid for in vain."""
    most = 10
    if stopping_point(keys, rule, most) is not None:
        return
    size = next_batch_size(keys, rule, most)
    assert 1 <= size <= most - len(keys)
    lengths = range(1, min(size, 4) + 1)  # longer batches have too many continuations
    continuations = [said for more in lengths for said in product([1, 2, 3, None], repeat=more)]
    ends = {stopping_point([*keys, *said], rule, most) for said in continuations}
    assert all(point is None or point >= len(keys) + size for point in ends)
    if size <= 4 and len(keys) + size < most:
        assert len(keys) + size in ends


def test_the_batches_of_one_solve() -> None:
    assert next_batch_size([], Beta(), 40) == 4
    assert next_batch_size([1, 1, 1, 2], Beta(), 40) == 3  # 6 to 1
    assert next_batch_size([1, 2, 3, 4], Beta(), 40) == 5  # 6 to 1 again
    assert next_batch_size([], Decided(), 40) == 21
    assert next_batch_size([1] * 20 + [2], Decided(), 40) == 1
    assert next_batch_size([], Window(5), 40) == 5
    assert next_batch_size([1, 1, 1], Window(5), 40) == 2
    assert next_batch_size([1, 2, 1], Window(5), 40) == 7
    assert next_batch_size([], Window(50), 40) == 40
    assert next_batch_size([1] * 39, Fixed(), 40) == 1


@settings(deadline=None)
@given(values=VALUES.filter(len), rule=st.sampled_from(RULES))
def test_batches_stop_at_the_same_point_as_single_draws(values: list[Any], rule: Rule) -> None:
    drawn = 0
    while (point := stopping_point(values[:drawn], rule, len(values))) is None:
        drawn += next_batch_size(values[:drawn], rule, len(values))
    found = simulate_stopping(values, Number(), rule)
    assert found.draws == point == drawn  # and no draw beyond is paid for
    assert found.vote == majority(values[:drawn], Number())


@settings(deadline=None)
@given(values=VALUES.filter(len), rule=st.sampled_from(RULES), more=VALUES)
def test_draws_after_the_stopping_point_change_nothing(values: list[Any], rule: Rule, more: list[Any]) -> None:
    point = stopping_point(values, rule, max_draws=30)
    if point is not None:
        assert stopping_point(values[:point] + more, rule, max_draws=30) == point


@pytest.mark.parametrize("threshold", [0.5, 1, 1.5, -1])
@pytest.mark.parametrize("rule", [Beta, Dirichlet])
def test_a_threshold_is_a_probability(rule: type, threshold: float) -> None:
    with pytest.raises(UsageError, match=r"above 0\.5 and below 1"):
        rule(threshold)
    with pytest.raises(UsageError, match="window must be at least 1"):
        Window(0)
