"""Functions of the batch chain: merge the issues of many pieces of feedback, count them, and make the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reasoning.chain.reply_rows import read_rows
from reasoning.chain.text_checks import normalize, unique
from reasoning.kinds.phrasing import is_refusal

BATCH = 20
"""The issues that one prompt sorts: with more, small models lose some."""
NAMED = 12
"""The most frequent complaints of a category that its recommendations are written for."""
EXAMPLES = 3
"""The examples of a category in the table."""

_SMALL = frozenset(
    (
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "my",
        "our",
        "your",
        "this",
        "that",
        "it",
        "i",
        "we",
        "has",
        "have",
    )
)
"""Words without which an issue is the same."""


def merge_issues(found: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return each issue once with the number of pieces of feedback that have it, the most frequent first.

    Issues with the same words and the same sentiment are one, without regard to case, punctuation,
    order and words such as "the". The first wording is kept.
    """
    counts = Counter[str]()
    wording: dict[str, str] = {}
    for issues in found:
        for key in dict.fromkeys(_key(issue) for issue in issues):
            counts[key] += 1
        for issue in issues:
            wording.setdefault(_key(issue), issue)
    return [{"issue": wording[key], "count": count} for key, count in counts.most_common()]


def _key(issue: str) -> str:
    words = normalize(issue).split()
    return " ".join(sorted(word for word in words[:-1] if word not in _SMALL) + words[-1:])


def split_batches(merged: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the issues in texts of at most `BATCH`, with a semicolon between them."""
    issues = [str(item["issue"]).replace(";", ",") for item in merged]
    return ["; ".join(issues[start : start + BATCH]) for start in range(0, len(issues), BATCH)]


def group_issues(merged: Sequence[Mapping[str, Any]], categories: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the categories with their issues; those with the most issues first.

    An issue that no batch sorted is under "other".
    """
    category_of = {normalize(issue): category for batch in categories for issue, category in batch.items()}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for item in merged:
        groups.setdefault(category_of.get(normalize(item["issue"]), "other"), []).append(item)
    listed = [{"category": category, "issues": issues} for category, issues in groups.items()]
    return sorted(listed, key=lambda group: -_total(group["issues"]))


def list_complaints(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a text for each category with complaints: its name and its most frequent complaints."""
    texts = []
    for group in groups:
        if complaints := _complaints(group)[:NAMED]:
            lines = [f"- {_bare(item['issue'])} ({_customers(item['count'])})" for item in complaints]
            texts.append("\n".join([f"Category: {group['category']}", "Issues:", *lines]))
    return texts


def parse_actions(text: str, values: Mapping[str, Any]) -> list[str] | None:
    """Return the actions of a list, a table or JSON, each once; None without any.

    In a row with several texts the last one is the action, unless another one is named so.
    """
    actions = list[str]()
    for row in read_rows(text):
        named = [cell.text for cell in row.cells if cell.label.startswith(("action", "recommend"))]
        action = named[0] if named else row.cells[-1].text
        if row.listed and " " in action and not is_refusal(action):
            actions.append(action)
    return unique(actions) or None


def check_actions(actions: list[Any]) -> str | None:
    """Check for one to six actions, each a text."""
    if not actions or not all(isinstance(action, str) and action.strip() for action in actions):
        return "Write a JSON list of actions, each a text."
    return None if len(actions) <= 6 else f"{len(actions)} actions are too many: the four that matter most."


def fallback_actions(actions: list[Any] | None, values: Mapping[str, Any]) -> list[str]:
    """Return at most four actions; an empty list without any, so that the table keeps the category."""
    return [action.strip() for action in actions or () if isinstance(action, str) and action.strip()][:4]


def make_table(
    groups: Sequence[Mapping[str, Any]], complaints: Sequence[str], recommendations: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """Return a row for each category.

    Its fields: the category, the number of issues and of complaints among them, its most frequent
    issues as examples, and the recommendations.
    """
    actions = dict(zip(complaints, recommendations, strict=True))
    named = {text.partition("\n")[0].removeprefix("Category: "): actions[text] for text in complaints}
    return [
        {
            "category": group["category"],
            "issues": _total(group["issues"]),
            "complaints": _total(_complaints(group)),
            "examples": "; ".join(f"{item['issue']} × {item['count']}" for item in group["issues"][:EXAMPLES]),
            "recommendation": "; ".join(named.get(group["category"], ())),
        }
        for group in groups
    ]


def _complaints(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in group["issues"] if str(item["issue"]).endswith("(negative)")]


def _total(issues: Sequence[Mapping[str, Any]]) -> int:
    return sum(item["count"] for item in issues)


def _bare(issue: str) -> str:
    return issue.rpartition(" (")[0] or issue


def _customers(count: int) -> str:
    return f"{count} customer{'s' * (count != 1)}"
