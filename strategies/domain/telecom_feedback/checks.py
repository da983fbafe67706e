"""Checks and fallbacks for the steps of the chain.

No issue is invented: at least half of its words are in the feedback (see
`reasoning.chain.text_checks.word_recall`). Every issue has a category, and no issue is lost or
added on the way. Every recommendation is for a category in use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.chain.text_checks import missing_from, normalize, word_recall

CATEGORIES = ("network", "billing", "customer service", "pricing", "device", "other")

_SENTIMENT = re.compile(r"\((?:negative|positive|neutral)\)$")
_MIN_RECALL = 0.5


def check_issues(issues: tuple[str, ...], values: Mapping[str, Any]) -> str | None:
    """Check that each issue has its sentiment and is in the feedback."""
    if bare := [issue for issue in issues if not _SENTIMENT.search(issue)]:
        return f"{_quoted(bare)} must end with (negative), (positive) or (neutral)."
    if invented := [issue for issue in issues if not _is_in(issue, values["feedback"])]:
        return f"{_quoted(invented)} is not in the feedback: use its words, or leave it out."
    return None


def fallback_issues(issues: tuple[str, ...] | None, values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Drop issues that are not in the feedback, and add (neutral) where no sentiment is given; None without issues."""
    kept = [issue for issue in issues or () if _is_in(issue, values["feedback"])]
    return tuple(issue if _SENTIMENT.search(issue) else f"{issue} (neutral)" for issue in kept) or None


def check_categories(categories: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Check that each issue has one of the categories, and that no issue is lost or invented."""
    if lost := missing_from(values["issues"], categories):
        return f"{_quoted(lost)} is missing: copy every issue exactly, as a key."
    if invented := missing_from(categories, values["issues"]):
        return f"{_quoted(invented)} is not among the issues."
    if wrong := [str(category) for category in categories.values() if category not in CATEGORIES]:
        return f"{_quoted(wrong)} is no category: use {', '.join(CATEGORIES)}."
    return None


def fallback_categories(categories: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, str]:
    """Sort lost issues and those without a category under "other", and drop invented ones."""
    category_of = {normalize(issue): category for issue, category in (categories or {}).items()}
    sorted_issues = {issue: category_of.get(normalize(issue)) for issue in values["issues"]}
    return {issue: category if category in CATEGORIES else "other" for issue, category in sorted_issues.items()}


def check_recommendations(recommendations: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Check that each key is a category of the step before, with a list of actions."""
    categories = set(values["categories"].values())
    if wrong := [key for key in recommendations if key not in categories]:
        return f"{_quoted(wrong)} is no category of the input: use {', '.join(sorted(categories))}."
    if empty := [key for key, actions in recommendations.items() if not _actions(actions)]:
        return f"{_quoted(empty)} needs a list of actions, each a text."
    return None if recommendations else f"Write actions for {', '.join(sorted(categories))}."


def fallback_recommendations(
    recommendations: dict[str, Any] | None, values: Mapping[str, Any]
) -> dict[str, list[str]] | None:
    """Drop unknown categories, and those without actions; None if all are dropped."""
    categories = set(values["categories"].values())
    kept = {key: _actions(actions) for key, actions in (recommendations or {}).items() if key in categories}
    return {key: actions for key, actions in kept.items() if actions} or None


def _actions(value: Any) -> list[str]:
    """Return a list of actions; a single text is one action. Empty for anything else."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(action, str) for action in value):
        return []
    return [action.strip() for action in value if action.strip()]


def _is_in(issue: str, feedback: str) -> bool:
    return word_recall(_SENTIMENT.sub("", issue), feedback) >= _MIN_RECALL


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:5])
