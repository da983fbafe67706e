"""Checks and fallbacks for the steps of the chain: every quotation of an answer is in the passage that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.chain.text_checks import normalize

NOWHERE = "not in the folder"

_WORD = re.compile(r"[^\W\d_]{4,}|\d+")


def check_terms(terms: tuple[str, ...]) -> str | None:
    """Check for at most twelve terms, each of at most five words."""
    if long := [term for term in terms if len(term.split()) > 5]:
        return f'"{long[0]:.80}" is too long for a search: words and short phrases, with ; between them.'
    return None if len(terms) <= 12 else f"{len(terms)} are too many: the six that matter most."


def fallback_terms(terms: tuple[str, ...] | None, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the short terms, or the words of the question if there are no short ones."""
    short = tuple(term for term in terms or () if len(term.split()) <= 5)[:12]
    return short or tuple(_WORD.findall(values["question"])) or (values["question"],)


def check_answer(answer: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Check that each quotation is in its passage, and that every answer but "not in the folder" has one."""
    texts = {passage["passage"]: passage["text"] for passage in values["passages"]}
    for quotation in answer["quotations"]:
        number, quote = quotation["passage"], quotation["quote"]
        if number not in texts:
            return f"There is no passage {number}: there are {', '.join(map(str, texts))}."
        if not _is_in(quote, texts[number]):
            return f'"{quote:.200}" is not in passage {number}: copy it letter by letter.'
    if not answer["quotations"] and normalize(answer["answer"]) != NOWHERE:
        return f'An answer needs a quotation; where the passages do not say it, answer "{NOWHERE}".'
    return None


def fallback_answer(answer: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the quotations that are in their passages; an answer without any becomes "not in the folder"."""
    texts = {passage["passage"]: passage["text"] for passage in values["passages"]}
    kept = [
        quotation
        for quotation in (answer or {}).get("quotations", [])
        if _is_in(quotation["quote"], texts.get(quotation["passage"], ""))
    ]
    return (
        {"answer": answer["answer"], "quotations": kept} if answer and kept else {"answer": NOWHERE, "quotations": []}
    )


def _is_in(quote: str, text: str) -> bool:
    """Return whether a quotation of at least two words is in a text, ignoring punctuation and case."""
    words = normalize(quote)
    return " " in words and f" {words} " in f" {normalize(text)} "
