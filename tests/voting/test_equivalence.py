"""Answers with the same meaning are one candidate."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from reasoning.errors import UsageError
from reasoning.kinds import Number, Text
from reasoning.voting import AnswerClasses, Decided, majority, simulate_stopping


def near(a: float, b: float) -> bool:
    return abs(a - b) <= 1


def test_a_key_function_joins() -> None:
    values = ["cat", "a dog", "kitten", None, "dog"]
    found = majority(values, Text(), group=lambda value: "cat" if value[0] in "ck" else "dog")
    assert found.counts == (("cat", 2), ("dog", 2))
    assert majority(["Ab", "ab", "c"], Text(), group=str.casefold).counts[0][1] == 2


def test_a_key_of_none_is_a_key() -> None:
    found = majority(["x", "y", None], Text(), group=lambda value: None)
    assert found.counts == (("x", 2),)


def test_a_function_of_two_values_joins_what_is_connected() -> None:
    assert majority([1, 2, 3, 9, None], Number(), group=near).counts == ((1, 3), (9, 1))  # 1 and 3 through 2
    assert majority([1, 3, 9], Number(), group=near).counts == ((1, 1), (3, 1), (9, 1))


def test_the_classes_do_not_depend_on_the_order() -> None:
    groups = set()
    for order in permutations([1, 2, 3, 5, 6, 9]):
        keys = AnswerClasses(Number(), near).classify(order)
        groups.add(frozenset(frozenset(v for v, k in zip(order, keys, strict=True) if k == key) for key in set(keys)))
    assert groups == {frozenset({frozenset({1, 2, 3}), frozenset({5, 6}), frozenset({9})})}


def test_the_function_is_called_once_for_equal_keys() -> None:
    asked: list[tuple[Any, Any]] = []

    def same(a: str, b: str) -> bool:
        asked.append((a, b))
        return False

    groups = AnswerClasses(Text(), same)
    groups.classify(["Paris", "paris", "Rome", None])
    groups.classify(["the Rome", "Paris", "Rome"])
    assert asked == [("Paris", "Rome")]


def test_a_key_that_cannot_be_hashed_is_refused() -> None:
    with pytest.raises(UsageError, match="group must return a hashable key"):
        majority(["a"], Text(), group=lambda value: [value])


def test_a_function_with_a_default_takes_one_value() -> None:
    assert not AnswerClasses(Text(), lambda value, how=1: value).can_merge
    assert AnswerClasses(Text(), near).can_merge


@pytest.mark.parametrize("group", [lambda: 1, lambda a, b, c: a, dict, 7])
def test_a_function_of_other_arity_is_refused(group: Any) -> None:
    with pytest.raises(UsageError, match="group must"):
        AnswerClasses(Text(), group)


def test_a_rule_decides_by_the_draws_so_far() -> None:
    """The fourth draw joins 1 and 3 through 2, which was unknown after three draws."""
    values = [1, 3, 3, 2, 9]
    found = simulate_stopping(values, Number(), Decided(), group=near)
    assert found.draws == 4
    assert found.vote.counts == ((3, 4),)
