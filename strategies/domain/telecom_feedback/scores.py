"""Scores of a step's values for the cases in `tests`, from 0 to 1."""

from __future__ import annotations

from typing import Any

from reasoning.chain.similarity import items
from reasoning.kinds.text import f1


def issues(value: tuple[str, ...], gold: tuple[str, ...]) -> float:
    """Return the F1 of the issues.

    Two issues match if the F1 of their words is at least 0.5 and the sentiment is equal.
    """
    return items(value, gold, _alike)


def categories(value: dict[str, Any], gold: dict[str, str]) -> float:
    """Return the F1 of the entries.

    Two entries match if their issues match, as in `issues`, and the category is equal.
    """
    actual, expected = ([f"{issue} → {category}" for issue, category in entries.items()] for entries in (value, gold))
    return items(actual, expected, _entry_alike)


def _alike(actual: str, expected: str) -> float:
    (words, _, sentiment), (expected_words, _, expected_sentiment) = actual.rpartition(" ("), expected.rpartition(" (")
    return f1(words, expected_words) if sentiment == expected_sentiment else 0.0


def _entry_alike(actual: str, expected: str) -> float:
    (issue, _, category), (expected_issue, _, expected_category) = actual.rpartition(" → "), expected.rpartition(" → ")
    return _alike(issue, expected_issue) if category == expected_category else 0.0
