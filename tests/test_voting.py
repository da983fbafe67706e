"""Which value wins a vote."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.voting import Vote, majority

DRAWS = st.lists(st.none() | st.sampled_from([3, 3.0000000001, 4, 5, 0]), max_size=12)


def test_the_majority_wins() -> None:
    vote = majority([18, 5, 18, None, 18, 5, 7], Number())
    assert vote == Vote(18, ((18, 3), (5, 2), (7, 1)), valid=6, total=7)
    assert vote.share == 0.5
    assert not vote.tied


def test_a_sample_without_an_answer_is_no_vote() -> None:
    vote = majority([None, None, None, 4], Number())
    assert (vote.value, vote.share, vote.valid, vote.total) == (4, 1.0, 1, 4)


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_nothing_valid_is_no_value(values: list[Any]) -> None:
    assert majority(values, Number()) == Vote(None, (), valid=0, total=len(values))
    assert majority(values, Number()).share == 0
    assert not majority(values, Number()).tied


def test_no_and_zero_are_answers() -> None:
    assert majority([False, None, False, True], YesNo()).value is False
    assert majority([0, None, 0, 1], Number()).value == 0


def test_a_tie_goes_to_the_earliest_draw_and_says_so() -> None:
    vote = majority(["B", "A", "A", "C", "B"], Choice(["x", "y", "z"]))
    assert vote.value == "B"
    assert vote.tied
    assert vote.counts == (("B", 2), ("A", 2), ("C", 1))


def test_what_is_one_answer_to_the_kind_is_one_candidate() -> None:
    assert majority([18, 18.0000000001, 17, 17.5], Number()).counts[0] == (18, 2)
    assert majority(["Paris", "the Paris.", "Rome", "paris"], Text()).counts == (("Paris", 3), ("Rome", 1))


def test_the_form_that_stands_for_a_candidate_does_not_depend_on_the_order() -> None:
    forms = ["the Eiffel tower", "Eiffel Tower", "eiffel tower", "Eiffel Tower"]
    assert {majority(order, Text()).value for order in permutations(forms)} == {"Eiffel Tower"}


@settings(deadline=None)
@given(draws=DRAWS, data=st.data())
def test_without_a_tie_the_order_of_the_draws_does_not_matter(draws: list[Any], data: st.DataObject) -> None:
    kind = Number()
    vote, other = majority(draws, kind), majority(data.draw(st.permutations(draws)), kind)
    assert (vote.share, vote.valid, vote.total, vote.tied) == (other.share, other.valid, other.total, other.tied)
    assert sorted(vote.counts) == sorted(other.counts)
    if not vote.tied:
        assert vote.value == other.value


@settings(deadline=None)
@given(draws=DRAWS)
def test_counts_add_up(draws: list[Any]) -> None:
    vote = majority(draws, Number())
    assert vote.total == len(draws)
    assert vote.valid == sum(count for _, count in vote.counts) == sum(value is not None for value in draws)
    assert [count for _, count in vote.counts] == sorted((count for _, count in vote.counts), reverse=True)
    assert 0 <= vote.share <= 1
    assert (vote.value is None) == (vote.valid == 0)
