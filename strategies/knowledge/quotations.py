"""Quotations and the answer after them: parsing both from a reply."""

from __future__ import annotations

import json
import re
from typing import Any

from reasoning.strategies.reply_parsing import json_objects, parse_items, parse_numbered, split_by_labels

_COUNT = r"(?:[#\s]?(?:\d{1,2}|[①-⑳]|[A-H](?![a-z])))"
_SECTION = re.compile(
    rf"^[^\w\n①-⑳]{{0,8}}(?:\d{{1,2}}[.)] ?\**)?(?:(?:relevant|quoted|copied|verbatim) )?"
    rf"(?:section|quote|quotation|excerpt|passage|extract){_COUNT}(?: ?\([^()\n]{{1,80}}\))?"
    r"(?:[^\w\n:：\"“„'‘’«»「]{0,4}[:：]|[^\w\n:：\"“„'‘’«»「]{0,4}(?:$| [-–—] |(?=[\"“„«「])))",
    re.MULTILINE | re.IGNORECASE,
)
_ANSWER = re.compile(
    r"^\W{0,8}(?:\d{1,2}[.)] ?\**)?(?:(?:so|thus|hence|therefore),? )?(?:(?:the|my) )?(?:final |short )?answer"
    r"(?:\W{0,4}[:：]| is\b:?|\W{0,4}$| [-–—] )",
    re.MULTILINE | re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•>]\s+)+")
_QUOTED_LINE = re.compile(r"^[ \t]{0,8}(?:>[ \t]?)+(\S.*)$", re.MULTILINE)
_FENCE = re.compile(r"^\s{0,8}(?:```|~~~)\w{0,20}\s*$", re.MULTILINE)
_LISTS = ("sections", "relevant_sections", "quotes", "quotations", "excerpts", "passages")


def parse_sections(text: str) -> list[str]:
    """Return the sections that a reply quotes, without quotation marks.

    They are labelled ("Section 1:", "**Section 1**", "Quote 2 – …"), or a list of a JSON object, or
    else the items of a list or table, or else quoted lines ("> …"), in front of the answer.
    """
    quotations = text[: next((match.start() for match in _ANSWER.finditer(text)), len(text))]
    labelled = [part for _, part in split_by_labels(quotations, _SECTION)]
    listed = labelled or _sections_of(_json_object(text))
    listed = listed or [item for _, item in parse_numbered(quotations)] or parse_items(quotations)
    sections = (_plain(part) for part in listed or _QUOTED_LINE.findall(quotations))
    return [section for section in sections if section]


def parse_answer_part(text: str) -> str | None:
    """Return the text after the last "Answer:" of a reply or an equivalent label or JSON field, or None."""
    fields = _json_object(text)
    if (answer := fields.get("answer", fields.get("final_answer"))) is not None:
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return [None, *(part for _, part in split_by_labels(text, _ANSWER))][-1]


def _json_object(text: str) -> dict[str, Any]:
    """Return the first JSON object of a reply that has a list of sections; an empty one without any."""
    return next((value for value in json_objects(text) if _sections_of(value)), {})


def _sections_of(fields: dict[str, Any]) -> list[str]:
    listed: list[Any] = next((fields[name] for name in _LISTS if isinstance(fields.get(name), list)), [])
    rows = ([*row.values()] if isinstance(row, dict) else [row] for row in listed)
    return [max((cell for cell in row if isinstance(cell, str)), key=len, default="") for row in rows]


def _plain(section: str) -> str:
    """Return a quoted section without bullets, fences, bold type and quotation marks around it."""
    return _BULLET.sub("", _FENCE.sub("", section).strip()).strip("*\"“”„'‘’«»「」` \n|")
