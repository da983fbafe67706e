"""Near duplicates among questions."""

from __future__ import annotations

import random

import pytest

from reasoning.errors import UsageError
from reasoning.strategies.demonstrations.near_duplicates import (
    _shingles,
    find_near_duplicates,
    group_near_duplicates,
    words_of,
)

PENS = "Ann buys 3 boxes of 8 pens in the morning, gives 4 pens to her brother and loses 2. How many pens has she got?"


@pytest.mark.parametrize(
    ("question", "near"),
    [
        (PENS, True),
        (f"  {PENS.upper()}\n", True),
        (PENS.replace(",", " -").replace("?", ""), True),
        (PENS.replace("brother", "sister"), True),
        (PENS.replace("8", "9"), False),  # another problem, with another answer
        (PENS.replace("3", "three"), False),
        (PENS.replace("Ann", "Bea").replace("pens", "cups").replace("brother", "sister"), False),
        ("What is 3 + 8 + 4 + 2?", False),
        ("", False),
    ],
)
def test_equalwords_of_or_equal_numbers_in_almost_the_samewords_of(question: str, near: bool) -> None:
    assert find_near_duplicates([question], ["Who wrote Emma?", PENS]) == ({0: 1} if near else {})


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("A car costs 1,200 dollars.", "A car costs 1200 dollars.", True),
        ("What is the capital of France?", "What is the capital of Spain?", False),
        ("What is 12 + 3 * 4?", "What is 12 - 3 * 4?", False),
        ("What is 12 - 3 * 4?", "what is: 12 - 3 * 4", True),
        ("Emma?", "emma", True),
        ("Emma?", "Emma who?", False),
        (
            "太郎はりんごを三個とみかんを五個買いました。果物は全部で何個ですか。",
            "太郎はりんごを三個とみかんを五個買いました。果物は全部で何個ですか",
            True,
        ),
        ("太郎はりんごを三個買いました。", "花子は本を一冊読みました。", False),
    ],
)
def test_numbers_short_questions_and_scripts_without_spaces(one: str, other: str, near: bool) -> None:
    assert bool(find_near_duplicates([one], [other])) == near
    assert bool(find_near_duplicates([other], [one])) == near


def test_the_most_similar_one_is_named_and_the_first_of_equals() -> None:
    close = PENS.replace("brother", "sister")
    assert find_near_duplicates([PENS], [close, PENS, PENS.lower()]) == {0: 1}
    assert find_near_duplicates([PENS, close], [close]) == {0: 0, 1: 0}


def test_the_result_is_that_of_comparing_all_pairs() -> None:
    chance = random.Random(0)
    words = [f"w{number:c}" for number in range(97, 117)]
    base = [chance.choice(words) for _ in range(25)]

    def vary() -> str:
        changed = list(base)
        for _ in range(chance.randrange(4)):
            changed[chance.randrange(25)] = chance.choice(words)
        return " ".join(changed)

    pool, judged = [vary() for _ in range(60)], [vary() for _ in range(60)]
    for threshold in (0.5, 0.7, 0.8, 0.95, 1.0):
        sets = {text: _shingles(words_of(text)) for text in (*pool, *judged)}
        expected = {
            index
            for index, text in enumerate(pool)
            if any(len(sets[text] & sets[other]) >= threshold * len(sets[text] | sets[other]) for other in judged)
        }
        assert set(find_near_duplicates(pool, judged, threshold=threshold)) == expected
        assert 0 < len(expected) < 60 or threshold <= 0.5


def test_a_threshold_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="above 0 and at most 1, got 0"):
        find_near_duplicates([], [], threshold=0)


def test_a_giant_question_is_compared() -> None:
    giant = "pens and cups, " * 20_000
    assert find_near_duplicates([giant], [giant + "!", "pens"]) == {0: 0}


def test_groups_are_what_near_duplicates_connect() -> None:
    chance = random.Random(1)
    words = [f"w{number:c}" for number in range(97, 117)]
    texts: list[str] = []
    for _ in range(12):
        base = [chance.choice(words) for _ in range(25)]
        for _ in range(5):
            # Each differs from the one before, so that the ends of a row may be no near duplicates of each other.
            base[chance.randrange(25)] = chance.choice(words)
            texts.append(" ".join(base))
    chance.shuffle(texts)
    expected = list(range(len(texts)))
    for index, text in enumerate(texts):
        for other in range(index):
            if find_near_duplicates([text], [texts[other]]):
                first, last = sorted((expected[index], expected[other]))
                expected = [first if group == last else group for group in expected]
    groups = group_near_duplicates(texts)
    assert groups == expected
    assert 5 < len(set(groups)) < len(texts)
