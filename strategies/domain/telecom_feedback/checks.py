"""What the steps of the chain promise each other, and how a value is mended that breaks it.

No issue is invented: at least half of its words can be found in the feedback (see `reasoning.chain.text_checks.found`).
Every issue has a category, and none is lost or added on the way; every recommendation is for a category in use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.chain.text_checks import missing_from, normalize
from reasoning.chain.text_checks import word_recall as share_found

CATEGORIES = ("network", "billing", "customer service", "pricing", "device", "other")

_SENTIMENT = re.compile(r"\((?:negative|positive|neutral)\)$")
_FOUND = 0.5


def check_issues(issues: tuple[str, ...], values: Mapping[str, Any]) -> str | None:
    """Each issue has its sentiment, and is in the feedback."""
    if bare := [issue for issue in issues if not _SENTIMENT.search(issue)]:
        return f"{_quoted(bare)} must end with (negative), (positive) or (neutral)."
    if invented := [issue for issue in issues if not _is_in(issue, values["feedback"])]:
        return f"{_quoted(invented)} is not in the feedback: use its words, or leave it out."
    return None


def fallback_issues(issues: tuple[str, ...] | None, values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What has no sentiment is neutral, and what is not in the feedback is dropped; nothing left is no list."""
    kept = [issue for issue in issues or () if _is_in(issue, values["feedback"])]
    return tuple(issue if _SENTIMENT.search(issue) else f"{issue} (neutral)" for issue in kept) or None


def check_categories(found: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Each issue has one of the categories; none is lost and none invented."""
    if lost := missing_from(values["issues"], found):
        return f"{_quoted(lost)} is missing: copy every issue exactly, as a key."
    if invented := missing_from(found, values["issues"]):
        return f"{_quoted(invented)} is not among the issues."
    if wrong := [str(category) for category in found.values() if category not in CATEGORIES]:
        return f"{_quoted(wrong)} is no category: use {', '.join(CATEGORIES)}."
    return None


def fallback_categories(found: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, str]:
    """What is lost or has no category is "other"; what is invented is dropped."""
    given = {normalize(issue): category for issue, category in (found or {}).items()}
    categories = {issue: given.get(normalize(issue)) for issue in values["issues"]}
    return {issue: category if category in CATEGORIES else "other" for issue, category in categories.items()}


def check_recommendations(found: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Each key is a category of the step before, with a list of actions."""
    categories = set(values["categories"].values())
    if wrong := [key for key in found if key not in categories]:
        return f"{_quoted(wrong)} is no category of the input: use {', '.join(sorted(categories))}."
    if empty := [key for key, actions in found.items() if not _actions(actions)]:
        return f"{_quoted(empty)} needs a list of actions, each a text."
    return None if found else f"Write actions for {', '.join(sorted(categories))}."


def fallback_recommendations(found: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, list[str]] | None:
    """What is of no category of the input, or no action, is dropped; nothing left is no recommendation."""
    categories = set(values["categories"].values())
    kept = {key: _actions(actions) for key, actions in (found or {}).items() if key in categories}
    return {key: actions for key, actions in kept.items() if actions} or None


def _actions(found: Any) -> list[str]:
    """A list of actions; a single text is one. Empty where it is anything else."""
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(action, str) for action in found):
        return []
    return [action.strip() for action in found if action.strip()]


def _is_in(issue: str, feedback: str) -> bool:
    return share_found(_SENTIMENT.sub("", issue), feedback) >= _FOUND


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:5])
