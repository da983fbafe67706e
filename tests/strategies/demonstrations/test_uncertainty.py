"""The measures of uncertainty, with the pitfalls of the paper's code."""

from __future__ import annotations

import math
from typing import Any

import pytest

from reasoning.errors import UsageError
from reasoning.kinds import Choice, Kind, Number, Text, YesNo
from reasoning.kinds.label import Label
from reasoning.problem import Example, Problem
from reasoning.strategies.demonstrations.uncertainty import (
    SampledQuestion,
    measure_uncertainty,
    most_uncertain_first,
    usable_measure,
)
from reasoning.voting import VoteSample

PENS = Problem("Ann has 3 pens and buys 7. How many are that?", Number())


def test_disagreement_is_the_share_of_distinct_answers() -> None:
    assert measure_uncertainty(PENS, [12, 12, 12, 12], "disagreement") == 0.25
    assert measure_uncertainty(PENS, [7, 9, 14, 9.0], "disagreement") == 0.75


def test_samples_without_an_answer_are_an_answer_of_their_own_except_for_the_variance() -> None:
    values: list[Any] = [10, None, 10, None]
    assert measure_uncertainty(PENS, values, "disagreement") == 0.5
    assert measure_uncertainty(PENS, values, "entropy") == pytest.approx(math.log(2))
    assert measure_uncertainty(PENS, values, "variance") == 0.0


def test_entropy_is_that_of_the_frequencies_and_equal_for_equal_frequencies() -> None:
    assert measure_uncertainty(PENS, [5] * 4, "entropy") == 0.0
    assert measure_uncertainty(PENS, [1, 1, 2, 3], "entropy") == measure_uncertainty(PENS, [9, 8, 7, 7], "entropy")
    assert measure_uncertainty(PENS, [1, 2, 3, 4], "entropy") == pytest.approx(math.log(4))


def test_the_variance_is_of_a_sample_and_normalised_by_the_numbers_of_the_question() -> None:
    # The question's numbers sum to 10; the sample variance of 1 and 2 is 0.5.
    assert measure_uncertainty(PENS, [10, 20], "variance") == pytest.approx(0.5)
    large = Problem("Ann has 300 pens and buys 700. How many are that?", Number())
    assert measure_uncertainty(large, [1000, 2000], "variance") == pytest.approx(0.5)
    in_words = Problem("Ann has three pens and buys seven. How many are that?", Number())
    assert measure_uncertainty(in_words, [10, 20], "variance") == pytest.approx(0.5)
    assert measure_uncertainty(Problem("How many?", Number()), [1, 2], "variance") == 0.5


@pytest.mark.parametrize("values", [[], [None, None], [4], [4, None], [10**400, 1], [float("inf"), 2]])
def test_the_variance_of_too_few_or_endless_numbers_is_zero(values: list[Any]) -> None:
    assert measure_uncertainty(PENS, values, "variance") == 0.0


@pytest.mark.parametrize(
    ("kind", "measure"),
    [
        (YesNo(), "entropy"),
        (Choice(("red", "blue")), "entropy"),
        (Label(("good", "bad")), "entropy"),
        (Choice(("red", "blue", "green")), "disagreement"),
        (Label(("good", "bad", "mixed")), "disagreement"),
        (Number(), "disagreement"),
        (Text(), "disagreement"),
    ],
)
def test_two_possible_answers_are_measured_by_entropy(kind: Kind, measure: str) -> None:
    assert usable_measure(kind, "disagreement") == measure
    assert usable_measure(kind, "entropy") == "entropy"


def test_only_numbers_have_a_variance() -> None:
    assert usable_measure(Number(), "variance") == "variance"
    with pytest.raises(UsageError, match="needs answers that are numbers, got the kind 'yesno'"):
        usable_measure(YesNo(), "variance")


def test_the_variance_of_huge_numbers_is_the_largest() -> None:
    huge = measure_uncertainty(PENS, [1e300, -1e300], "variance")
    assert huge > measure_uncertainty(PENS, [1e9, -1e9], "variance")
    assert most_uncertain_first([sampled("a", 1.0), sampled("b", huge)], 0)[0].uncertainty == huge


def sampled(name: str, uncertainty: float, *values: Any) -> SampledQuestion:
    return SampledQuestion(Example(Problem(name, Number()), 1), tuple(map(VoteSample, values)), uncertainty)


def test_ties_are_broken_by_the_seed_and_not_by_the_order_or_by_rounding() -> None:
    sums = (0.1 + 0.2, 0.3, math.fsum([0.1, 0.2]))
    alike = [sampled(f"q{index}", sums[index % 3]) for index in range(12)]
    orders = {tuple(one.example.problem.question for one in most_uncertain_first(alike, seed)) for seed in range(8)}
    assert len(orders) == 8
    assert most_uncertain_first(alike, 3) == most_uncertain_first(alike, 3)
    mixed = [sampled("low", 0.1), *alike, sampled("high", 0.9)]
    ranked = most_uncertain_first(mixed, 0)
    assert (ranked[0].example.problem.question, ranked[-1].example.problem.question) == ("high", "low")


def test_the_shares_of_the_answers() -> None:
    assert sampled("q", 0.5, 4, None, 4.0, 5, None, 4).shares == [("4", 3), (None, 2), ("5", 1)]
