"""Parsers, checks and fallbacks for the steps of the chain.

No issue is invented: at least half of its words are in the feedback (see
`reasoning.chain.text_checks.word_recall`). Every issue has a category, and no issue is lost or
added on the way. Every category with a complaint has a recommendation, and every recommendation is
for a category in use.

The parsers read what chat models write whatever the prompt asks for: tables, lists below headings,
lines such as "issue: category", JSON in another shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reasoning.chain.reply_rows import Row, read_rows, split_pairs
from reasoning.chain.text_checks import missing_from, normalize, unique, word_recall
from reasoning.kinds import Items, Json
from reasoning.kinds.items import split_outside_brackets

CATEGORIES = ("network", "billing", "customer service", "pricing", "device", "other")

_SENTIMENT = re.compile(r"\((?:negative|positive|neutral)\)$")
_MIN_RECALL = 0.5
_MAX_KEPT = 120
"""The characters of a feedback without issues that stand for it."""
_WORDS = {"negative": "negative", "negativ": "negative", "positive": "positive", "positiv": "positive"} | {
    "neutral": "neutral"
}
_TAIL = re.compile(
    rf"(?:[:(\[{{→>|–—;,=]|\s-)[\s*_\"“(\[-]*(?:(?:overall )?sentiment\W{{1,3}})?({'|'.join(_WORDS)})$", re.IGNORECASE
)
_HEAD = re.compile(rf"[\s*_(\[]*({'|'.join(_WORDS)})[\s*_]*[)\]:–—-]+[\s*_]*(?=\w)", re.IGNORECASE)
_ISSUE = re.compile(r"(?:issue|complaint|problem|point)s?\s?\d{0,2}\s?[:.)]\s*", re.IGNORECASE)
_NONE = re.compile(
    r"(?:there (?:is|are) |i (?:found|see) )?(?:none|no (?:specific |clear )?(?:issues?|complaints?|complaint (?:and|or) "
    r"(?:no )?praise)(?: (?:found|mentioned|identified|here|in (?:the|this) feedback))*)",
    re.IGNORECASE,
)
_NO_ACTION = re.compile(r"(?:none|n/?a|nothing|no (?:further )?actions?(?: (?:needed|required))?)", re.IGNORECASE)
_GENERAL = {"issue", "issues", "problem", "problems", "category", "related", "feedback"}
_ACTION = re.compile(r"(?:recommend|action|solution|suggest|next step|measure)")
_OTHER = re.compile(
    r"(?:issue|complaint|problem|sentiment|priority|reason|rationale|impact|count|number|explanation|categor|no|id)s?"
)


def parse_issues(text: str, values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the issues of a reply, each with its sentiment in brackets, without repetitions; None without any."""
    if _NONE.fullmatch(text.strip(' \n.*_`"“”')):
        return ()
    items = [_with_sentiment(item) for item in Items(empty="none").parse(text) or ()]
    if not items or any(not _SENTIMENT.search(item) or item.startswith(("{", "[")) for item in items):
        rows = [issue for row in read_rows(text) if (issue := _issue(row))]
        items = rows if any(map(_SENTIMENT.search, rows)) else items
    known = {normalize(_bare(item)) for item in items if _SENTIMENT.search(item)}
    items = [item for item in items if _SENTIMENT.search(item) or normalize(item) not in known]
    return tuple(unique(items)) or None


def _with_sentiment(item: str) -> str:
    """Return an issue with its sentiment in brackets at the end; unchanged if it states no sentiment."""
    text = item.rstrip(' .)]}*_"”’')
    if (tail := _TAIL.search(text, max(0, len(text) - 60))) and text[: tail.start()].strip(" *_"):
        issue, sentiment = text[: tail.start()], tail[1]
    elif head := _HEAD.match(text):
        issue, sentiment = item[head.end() :], head[1]
    else:
        return item
    issue = _ISSUE.sub("", issue.strip(), count=1).strip(" *_") if _ISSUE.match(issue.strip()) else issue.strip(" *_")
    return item if _is_label(issue) else f"{issue} ({_WORDS[sentiment.casefold()]})"


def _is_label(text: str) -> bool:
    return (
        normalize(text) in ("sentiment", "overall sentiment", "tone", "issue", "impact") or text.strip(".)").isdigit()
    )


def _issue(row: Row) -> str:
    """Return the issue of a row, with its sentiment if the row or a heading above states one; "" if it has none."""
    sentiment, issue = "", ""
    for cell in row.cells:
        words = normalize(cell.text).split()
        stated = {_WORDS[word] for word in words if word in _WORDS}
        if len(stated) == 1 and len(words) <= 3 and all(word in _WORDS or word in _LABELS for word in words):
            sentiment = stated.pop()
        elif _SENTIMENT.search(marked := _with_sentiment(cell.text)):
            return marked
        elif not issue and words and not _is_label(cell.text) and cell.label not in ("category", "id", "no", "quote"):
            issue = cell.text
    if not issue or not (row.listed or sentiment):
        return ""
    return f"{issue} ({sentiment})" if sentiment else issue


_LABELS = _GENERAL | {"sentiment", "complaint", "complaints", "praise", "points", "aspects", "comments", "overall"}


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


def keep_feedback(issues: tuple[str, ...] | None, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the issues as `fallback_issues` does, or else the feedback itself, so that a batch loses none."""
    words = " ".join(values["feedback"].split())
    return fallback_issues(issues, values) or (f"{words[:_MAX_KEPT].strip()} (neutral)",)


def parse_categories(text: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the category of each issue that a reply sorts, in the order of the reply; None without any.

    An issue in two categories has none. What is sorted besides the issues is dropped if no issue is
    missing; otherwise the object stays as it is, so that the check can name what is wrong.
    """
    expected = _listed(values["issues"])
    issues = _find_issues(expected)
    found: dict[str, set[str]] = {}
    for row in read_rows(text):
        for issue, category in _pairs(row, issues):
            found.setdefault(issue, set()).add(category)
    sorted_issues = {issue: categories.pop() for issue, categories in found.items() if len(categories) == 1}
    if len(sorted_issues) == len(set(expected)):
        return sorted_issues
    raw = Json().parse(text)
    if isinstance(raw, dict) and all(isinstance(category, str) for category in raw.values()):
        return {issues.get(normalize(key)) or key: find_category(item) or item for key, item in raw.items()}
    return sorted_issues or None


def find_category(text: str) -> str | None:
    """Return the category that a text names, such as "Network" or "Customer Service issues"; None for any other text.

    Examples:
        >>> find_category("**Network** (signal)"), find_category("not network"), find_category("network or device")
        ('network', None, None)
    """
    words = normalize(text.partition("(")[0].replace("_", " ")).split()
    named = " ".join(word for word in words if word not in _GENERAL)
    return next((category for category in CATEGORIES if named in (category, f"{category}s")), None)


def _find_issues(issues: Iterable[str]) -> dict[str, str]:
    """Return each issue by its words, and by those without its sentiment if no other issue has them."""
    issues = list(issues)
    bare = [normalize(_bare(issue)) for issue in issues]
    known = {words: issue for words, issue in zip(bare, issues, strict=True) if bare.count(words) == 1}
    return known | {normalize(issue): issue for issue in issues}


def _pairs(row: Row, issues: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the issues of a row, each with the row's category, if it has exactly one."""
    named, categories = list[str](), set[str]()
    for cell in row.cells:
        for pieces in [(cell.text,), *split_pairs(cell.text)]:
            parts = [p for piece in pieces for p in ([piece] if _is_known(piece, issues) else _split(piece))]
            # A single word may be the name of a field, as in "Category: network".
            if all(_is_known(part, issues) or find_category(part) or " " not in part for part in parts):
                found = [issues[normalize(part)] for part in parts if _is_known(part, issues)]
                of_parts = {find_category(part) for part in parts if not _is_known(part, issues)} - {None}
                named, categories = named + found, categories | {str(category) for category in of_parts}
                break
    if len(categories) == 1:
        [category] = categories
        yield from ((issue, category) for issue in named)


def _is_known(text: str, issues: Mapping[str, str]) -> bool:
    return normalize(text) in issues


def _split(text: str) -> list[str]:
    return [part for part in split_outside_brackets(text, ";") if part.strip()]


def check_categories(categories: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Check that each issue has one of the categories, and that no issue is lost or invented."""
    if lost := missing_from(_listed(values["issues"]), categories):
        return f"{_quoted(lost)} is missing: copy every issue exactly, as a key."
    if invented := missing_from(categories, _listed(values["issues"])):
        return f"{_quoted(invented)} is not among the issues."
    if wrong := [str(category) for category in categories.values() if category not in CATEGORIES]:
        return f"{_quoted(wrong)} is no category: use {', '.join(CATEGORIES)}."
    return None


def fallback_categories(categories: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, str]:
    """Sort lost issues and those without a category under "other", and drop invented ones."""
    category_of = {normalize(issue): find_category(str(category)) for issue, category in (categories or {}).items()}
    return {issue: category_of.get(normalize(issue)) or "other" for issue in _listed(values["issues"])}


def _listed(issues: Iterable[str] | str) -> list[str]:
    """Return the issues as a list; a text has a semicolon between them."""
    return [issue.strip() for issue in _split(issues)] if isinstance(issues, str) else list(issues)


def parse_recommendations(text: str, values: Mapping[str, Any]) -> dict[str, list[str]] | None:
    """Return the actions for each category of a reply; None without any.

    Categories that differ in case are one, a single text is a list of one, and a category that is
    not in use is dropped if every complaint has its actions.
    """
    issues = _find_issues(values["categories"])
    found: dict[str, list[str]] = {}
    for row in read_rows(text):
        category, actions = _actions(row, issues)
        if actions:
            found[category] = unique([*found.get(category, ()), *actions])
    used = set(values["categories"].values())
    complete = _complaints(values["categories"]) <= found.keys()
    return {name: actions for name, actions in found.items() if name in used or not complete} or None


def _actions(row: Row, issues: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the category of a row and the actions in it."""
    texts = [(cell.text, cell.label) for cell in row.cells]
    for number, (text, _) in enumerate(texts):
        pairs = [(find_category(left), right) for left, right in split_pairs(text)]
        pairs += [(find_category(right), "") for left, right in split_pairs(text) if normalize(left) == "category"]
        category, right = next((pair for pair in pairs if pair[0]), (find_category(text), ""))
        if category:
            rest = [*([(right, "")] if right else []), *(other for place, other in enumerate(texts) if place > number)]
            return category, [action for action in _cells_with_actions(rest) if normalize(action) not in issues]
    return "", []


def _cells_with_actions(cells: list[tuple[str, str]]) -> Iterator[str]:
    """Yield the texts that say what to do: those so labelled, or else those that no other label names."""
    skipped, labelled = False, any(_ACTION.search(label) for _, label in cells)
    for text, label in cells:
        name, _, rest = text.partition(":")
        if skipped or _OTHER.fullmatch(normalize(name)) or (_ACTION.search(normalize(name)) and not rest):
            # "priority" as the key of the next cell, or with its value behind a colon.
            skipped = not skipped and not rest and not _ACTION.search(normalize(name))
            continue
        text = rest.strip() if rest and len(name.split()) < 4 and _ACTION.search(normalize(name)) else text
        if (_ACTION.search(label) if labelled else not _OTHER.fullmatch(label)) and not _NO_ACTION.fullmatch(
            text.strip(" .–—-")
        ):
            yield from [text] if text.strip(" .–—-") else []


def _complaints(categories: Mapping[str, str]) -> set[str]:
    return {category for issue, category in categories.items() if issue.endswith("(negative)")}


def check_recommendations(recommendations: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Check that each category with a complaint has a list of actions, and that no other key is there.

    Categories with praise alone may be left out.
    """
    categories = set(values["categories"].values())
    if wrong := [key for key in recommendations if key not in categories]:
        return f"{_quoted(wrong)} is no category of the input: use {', '.join(sorted(categories))}."
    if empty := [key for key, actions in recommendations.items() if not _texts(actions)]:
        return f"{_quoted(empty)} needs a list of actions, each a text."
    if missing := sorted(_complaints(values["categories"]) - recommendations.keys()):
        return f"Write actions for {', '.join(missing)} too."
    return None


def fallback_recommendations(
    recommendations: dict[str, Any] | None, values: Mapping[str, Any]
) -> dict[str, list[str]] | None:
    """Drop unknown categories, and those without actions; None if all are dropped."""
    categories = set(values["categories"].values())
    kept = {key: _texts(actions) for key, actions in (recommendations or {}).items() if key in categories}
    return {key: actions for key, actions in kept.items() if actions} or None


def _texts(value: Any) -> list[str]:
    """Return a list of actions without the empty ones; an empty list for anything else."""
    if not isinstance(value, list) or not all(isinstance(action, str) for action in value):
        return []
    return [action.strip() for action in value if action.strip()]


def _bare(issue: str) -> str:
    return _SENTIMENT.sub("", issue).strip()


def _is_in(issue: str, feedback: str) -> bool:
    return word_recall(_bare(issue), feedback) >= _MIN_RECALL


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:5])
