"""Scores of a step's values for the cases in `tests`, from 0 to 1."""

from __future__ import annotations

from typing import Any

from reasoning.chain.similarity import items
from reasoning.kinds.text import f1


def issues(value: tuple[str, ...], gold: tuple[str, ...]) -> float:
    """Return the F1 of the issues. Two issues match if the F1 of their words is at least 0.5 and the sentiment is equal."""
    return items(value, gold, _alike)


def categories(value: dict[str, Any], gold: dict[str, str]) -> float:
    """Return the F1 of the entries. Two entries match if their issues match, as in `issues`, and the category is equal."""
    found, wanted = ([f"{issue} → {category}" for issue, category in one.items()] for one in (value, gold))
    return items(found, wanted, _entry_alike)


def _alike(one: str, other: str) -> float:
    (words, _, sentiment), (wanted, _, right) = one.rpartition(" ("), other.rpartition(" (")
    return f1(words, wanted) if sentiment == right else 0.0


def _entry_alike(one: str, other: str) -> float:
    (issue, _, category), (wanted, _, right) = one.rpartition(" → "), other.rpartition(" → ")
    return _alike(issue, wanted) if category == right else 0.0
