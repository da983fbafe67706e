"""The filters of samples."""

from __future__ import annotations

import asyncio

import pytest

from reasoning.kinds import Number
from reasoning.sandbox.interpreter import Interpreter
from reasoning.voting import VoteSample, apply_filters, count_steps, runs_without_error, vote


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("6 trays of 12 are 72.\n72 - 5 = 67.\n\nThe answer is 67.", 2),
        ("## Plan\n\n- add\n- subtract\n\n**Answer: 67**", 2),
        ("First add. Then subtract! Is that all? Yes.", 4),
        ("The answer is 4.", 0),
        ("a\nb\nSo the answer is 4.", 2),
        ("a\nb\nThus, the final answer is 4.", 2),
        ("a\nb\n---\n- **The answer is** 4.", 2),
        ("a\nb\n$\\boxed{4}$", 2),
        ("a\nThe answers of both differ.", 2),
        ("Go on.\n" * 50, 1),
        ("a\nb\na\nb\na\nb", 2),
        ("#1. A label is a step.\n#2. So is this.", 2),
    ],
)
def test_steps_are_lines_or_else_sentences(text: str, count: int) -> None:
    assert count_steps(text) == count


def chain(lines: int, value: float | None, **more: bool) -> VoteSample:
    return VoteSample(value, text="\n".join(f"step {i}" for i in range(lines)), **more)


def test_the_most_complex_vote() -> None:
    """The majority is 40, but that of the three longest chains is 42 (the example of Fu et al. 2022)."""
    draws = [chain(9, 42), chain(8, 42), chain(7, 40), chain(7, 40), chain(3, 40), chain(2, 40)]
    assert vote(draws, Number()).value == 40
    found = vote(draws, Number(), most_complex=3)
    assert found.value == 42
    assert found.counts == ((42, 2), (40, 1))
    assert found.candidates[1].draws == (2,)  # of equals the earlier
    assert (found.excluded, found.unparsed, found.valid, found.total) == (3, 0, 3, 6)
    assert "3 excluded" in str(found)
    assert vote(draws, Number(), most_complex=6).value == 40


def test_unparsed_and_truncated_samples_are_not_among_the_most_complex() -> None:
    draws = [chain(20, None), chain(30, 7, truncated=True), chain(3, 1), chain(2, 2), chain(1, 2)]
    found = vote(draws, Number(), most_complex=1)
    assert (found.value, found.unparsed, found.excluded) == (1, 1, 3)


def test_the_predicate_is_called_for_samples_with_a_value() -> None:
    asked: list[object] = []

    def keep(draw: VoteSample) -> bool:
        asked.append(draw.value)
        return draw.value != 3

    found = vote([VoteSample(3), VoteSample(None), VoteSample(3), VoteSample(4)], Number(), keep=keep)
    assert asked == [3, 3, 4]
    assert (found.value, found.excluded, found.unparsed) == (4, 2, 1)
    none = vote([VoteSample(3), VoteSample(None)], Number(), keep=keep)
    assert none.value is None
    assert none.reason == "no sample of 2 voted: 1 unparsed, 1 excluded by the filter"


def test_the_predicate_is_applied_before_most_complex() -> None:
    draws = [chain(9, 3), chain(8, 4), chain(7, 5)]
    assert vote(draws, Number(), keep=lambda draw: draw.value != 3, most_complex=1).value == 4


def test_a_sample_whose_program_runs_votes() -> None:
    draws = [
        VoteSample(1, text="```python\nans = 1\n```"),
        VoteSample(2, text="```python\nans = 1 / 0\n```"),
        VoteSample(3, text="No program here."),
        VoteSample(None, text="```python\nans = 4\n```"),
        VoteSample(5, text="```python\nans = 5\n```", kept=False),
    ]
    with Interpreter() as interpreter:
        marked = asyncio.run(runs_without_error(draws, interpreter))
    assert [draw.counts for draw in marked] == [True, False, False, False, False]
    assert apply_filters(draws) == draws
