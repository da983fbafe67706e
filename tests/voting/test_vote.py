"""The winner of a vote, weights, ties and abstentions."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.voting import Vote, VoteSample, majority, tie_credit, vote

DRAWS = st.lists(st.none() | st.sampled_from([3, 3.0000000001, 4, 5, 0]), max_size=12)
WEIGHED = st.lists(
    st.builds(
        VoteSample,
        st.none() | st.sampled_from(["a", "A", "b", "c"]),
        logprob=st.sampled_from([-1.0, -2.0, -4.0, -8.0]),
        tokens=st.sampled_from([1, 2, 4]),
    ),
    max_size=8,
)


def test_the_majority_wins() -> None:
    found = majority([18, 5, 18, None, 18, 5, 7], Number())
    assert found.value == 18
    assert found.counts == ((18, 3), (5, 2), (7, 1))
    assert (found.valid, found.unparsed, found.total) == (6, 1, 7)
    assert found.shares == pytest.approx((3 / 6, 2 / 6, 1 / 6))
    assert found.candidates[1].draws == (1, 5)
    assert not found.tied
    assert found.reason == ""
    assert str(found) == "18: 3, 5: 2, 7: 1; 1 unparsed"


def test_a_sample_without_an_answer_does_not_vote() -> None:
    found = majority([None, None, None, 4], Number())
    assert (found.value, found.share, found.valid, found.total) == (4, 1.0, 1, 4)


@pytest.mark.parametrize("values", [[], [None], [None, None]])
def test_a_vote_without_valid_samples_has_no_value(values: list[Any]) -> None:
    found = majority(values, Number())
    assert found.value is None
    assert (found.share, found.entropy, found.tied, found.abstained, found.winners) == (0, 0, False, False, ())
    assert found.reason == f"no sample of {len(values)} could be parsed"


def test_no_and_zero_are_answers() -> None:
    assert majority([False, None, False, True], YesNo()).value is False
    assert majority([0, None, 0, 1], Number()).value == 0


def test_a_tie_goes_to_the_first_draw_and_is_reported() -> None:
    found = majority(["B", "A", "A", "C", "B"], Choice(["x", "y", "z"]))
    assert found.value == "B"
    assert found.tied
    assert found.winners == ("B", "A")
    assert found.counts == (("B", 2), ("A", 2), ("C", 1))
    assert "a tie, the first drawn wins" in str(found)


def test_a_tie_goes_to_the_likelier_candidate_where_all_that_tie_have_log_probabilities() -> None:
    draws = [
        VoteSample("x", logprob=-9, tokens=3),
        VoteSample("y", logprob=-2, tokens=2),
        VoteSample("z", logprob=-1, tokens=1),
    ]
    found = vote([*draws, replace(draws[0], logprob=-12), replace(draws[1], logprob=-4)], Text())
    assert found.value == "y"  # -1.5 a token against -3.5; z has one vote
    assert found.winners == ("y", "x")
    assert "a tie, the likelier wins" in str(found)
    without = vote([*draws, replace(draws[0], logprob=None), replace(draws[1], logprob=-4)], Text())
    assert without.value == "x"
    assert "a tie, the first drawn wins" in str(without)


def test_values_with_equal_keys_are_one_candidate() -> None:
    assert majority([18, 18.0000000001, 17, 17.5], Number()).counts[0] == (18, 2)
    assert majority(["Paris", "the Paris.", "Rome", "paris"], Text()).counts == (("Paris", 3), ("Rome", 1))


def test_the_representative_form_does_not_depend_on_the_order() -> None:
    forms = ["the Eiffel tower", "Eiffel Tower", "eiffel tower", "Eiffel Tower"]
    for order in permutations(forms):
        found = majority(order, Text())
        assert found.value == "Eiffel Tower"
        assert found.candidates[0].representative == order.index("Eiffel Tower")


@settings(deadline=None)
@given(draws=DRAWS, data=st.data())
def test_without_a_tie_the_order_of_the_draws_does_not_matter(draws: list[Any], data: st.DataObject) -> None:
    kind = Number()
    found, other = majority(draws, kind), majority(data.draw(st.permutations(draws)), kind)
    for name in ("share", "valid", "total", "tied", "entropy"):
        assert getattr(found, name) == getattr(other, name)
    assert sorted(found.counts) == sorted(other.counts)
    assert sorted(found.winners) == sorted(other.winners)
    if not found.tied:
        assert found.value == other.value


@settings(deadline=None)
@given(draws=WEIGHED, weigh=st.sampled_from(["equal", "probability", "mean_probability"]), data=st.data())
def test_with_log_probabilities_not_even_a_tie_depends_on_it(
    draws: list[VoteSample], weigh: Any, data: st.DataObject
) -> None:
    found = vote(draws, Text(), weigh=weigh)
    other = vote(data.draw(st.permutations(draws)), Text(), weigh=weigh)
    assert {(one.value, one.weight, one.logprob) for one in found.candidates} == {
        (one.value, one.weight, one.logprob) for one in other.candidates
    }
    assert set(found.winners) == set(other.winners)
    likely = [one.logprob for one in found.candidates if one.value in found.winners]
    if len(set(likely)) == len(likely):
        assert found.value == other.value


@settings(deadline=None)
@given(draws=WEIGHED, data=st.data())
def test_equal_draws_may_change_places(draws: list[VoteSample], data: st.DataObject) -> None:
    """Swapping equal samples changes only their indexes."""
    same = [at for at, draw in enumerate(draws) if draw.value is not None and draw.value.casefold() == "a"]
    swapped = list(draws)
    for at, source in zip(same, data.draw(st.permutations(same)), strict=True):
        swapped[at] = draws[source]
    found, other = vote(draws, Text()), vote(swapped, Text())
    assert [(one.value, one.weight, one.draws) for one in found.candidates] == [
        (one.value, one.weight, one.draws) for one in other.candidates
    ]
    assert found.value == other.value


@settings(deadline=None)
@given(draws=DRAWS)
def test_counts_add_up(draws: list[Any]) -> None:
    found = majority(draws, Number())
    assert found.total == len(draws)
    assert found.valid == sum(count for _, count in found.counts) == sum(value is not None for value in draws)
    assert [count for _, count in found.counts] == sorted((count for _, count in found.counts), reverse=True)
    assert sorted(at for one in found.candidates for at in one.draws) == [
        at for at, value in enumerate(draws) if value is not None
    ]
    assert 0 <= found.share <= 1
    assert 0 <= found.entropy <= math.log2(max(len(found.candidates), 1)) + 1e-9
    assert (found.value is None) == (found.valid == 0)


def test_entropy_in_bits() -> None:
    assert majority([1, 1, 1, None], Number()).entropy == 0
    assert majority([1, 2, 3, 4], Number()).entropy == pytest.approx(2)
    assert majority([1, 1, 2, 3], Number()).entropy == pytest.approx(1.5)


def test_below_min_share_the_vote_abstains_and_keeps_its_candidates() -> None:
    values = [1, 1, 2, 3, None]
    found = majority(values, Number(), min_share=0.6)
    assert found.value is None
    assert found.abstained
    assert found.counts == ((1, 2), (2, 1), (3, 1))
    assert found.reason == "no majority: 1 has 50% of the votes, min_share is 60%"
    assert majority(values, Number(), min_share=0.5).value == 1
    assert majority([1, 1, 2], Number(), min_share=2 / 3).value == 1  # exactly the minimum is enough
    with pytest.raises(UsageError, match="from 0 to 1"):
        majority(values, Number(), min_share=60)


def test_a_verifier_weighs() -> None:
    draws = [
        VoteSample(1, text="poor"),
        VoteSample(1, text="poor"),
        VoteSample(2, text="good"),
        VoteSample(None, text="good"),
    ]
    found = vote(draws, Number(), weigh=lambda draw: {"poor": 0.25, "good": 0.75}[draw.text])
    assert found.value == 2
    assert found.shares == pytest.approx((0.6, 0.4))
    assert found.counts == ((2, 1), (1, 2))
    assert "2: 1 (weight 0.75)" in str(found)
    nothing = vote(draws, Number(), weigh=lambda draw: 0)
    assert (nothing.value, nothing.reason, nothing.winners) == (None, "no vote has any weight", ())


def test_equal_sums_of_weights_tie_despite_rounding() -> None:
    draws = [VoteSample(1, text="0.3"), VoteSample(2, text="0.1"), VoteSample(2, text="0.2")]
    found = vote(draws, Number(), weigh=lambda draw: float(draw.text))
    assert found.tied
    assert found.value == 1


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf, "much", None])
def test_an_invalid_weight_is_refused(weight: Any) -> None:
    with pytest.raises(UsageError, match=r"a finite number of at least 0, got .* for sample 1"):
        vote([VoteSample(None), VoteSample(3)], Number(), weigh=lambda draw: weight)


def test_log_probabilities_weigh_as_in_the_paper() -> None:
    """The two weightings disagree on one likely long reply against two less likely short ones."""
    draws = [
        VoteSample(1, logprob=math.log(0.9**20), tokens=20),
        VoteSample(2, logprob=math.log(0.6**2), tokens=2),
        VoteSample(2, logprob=math.log(0.6**3), tokens=3),
        VoteSample(3, logprob=math.log(0.7**9), tokens=9),
    ]
    whole = vote(draws, Number(), weigh="probability")
    assert whole.shares == pytest.approx([p / sum((0.36 + 0.216, 0.9**20, 0.7**9)) for p in (0.576, 0.9**20, 0.7**9)])
    mean = vote(draws, Number(), weigh="mean_probability")
    assert [one.value for one in mean.candidates] == [2, 1, 3]
    assert mean.shares == pytest.approx([p / (1.2 + 0.9 + 0.7) for p in (1.2, 0.9, 0.7)])
    assert vote(draws[:2], Number(), weigh="mean_probability").value == 1
    assert vote(draws[:2], Number(), weigh="probability").value == 2


def test_probabilities_that_underflow_still_weigh() -> None:
    draws = [VoteSample(1, logprob=-2000, tokens=1000), VoteSample(2, logprob=-2001, tokens=1000)]
    assert vote(draws, Number(), weigh="probability").shares == pytest.approx((1 / (1 + math.exp(-1)), 0.26894), 1e-4)


def test_without_log_probabilities_all_weigh_the_same_with_a_note() -> None:
    draws = [
        VoteSample(1, logprob=-0.1, tokens=1),
        VoteSample(2),
        VoteSample(2, logprob=-9, tokens=1),
        VoteSample(None),
    ]
    found = vote(draws, Number(), weigh="probability")
    assert (found.value, found.share) == (2, 2 / 3)
    assert "samples without log-probabilities: 1; all weigh the same" in str(found)
    with pytest.raises(UnknownName, match="did you mean 'probability'"):
        vote(draws, Number(), weigh="probabilty")  # type: ignore[arg-type]


def test_the_credit_of_a_tie_is_the_share_of_its_winners_that_are_right() -> None:
    def credit(found: Vote, *right: Any) -> float:
        return tie_credit(found, lambda value: value in right)

    assert credit(majority([1, 1, 2], Number()), 1) == 1
    assert credit(majority([1, 1, 2], Number()), 2) == 0
    assert credit(majority([1, 2, 3, None], Number()), 3) == pytest.approx(1 / 3)
    assert credit(majority([1, 2, 3], Number()), 3, 1) == pytest.approx(2 / 3)
    assert credit(majority([None], Number()), 1) == 0
    assert credit(majority([1, 2], Number(), min_share=0.9), 1) == 0
