"""Parsers, checks and fallbacks for the steps of the chain: every quotation of an answer is in the passage that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reasoning.chain.reply_rows import read_fields, read_rows, split_pairs
from reasoning.chain.text_checks import normalize, unique
from reasoning.kinds import Items, Json

NOWHERE = "not in the folder"

_TERMS = re.compile(r"\b(?:words|terms|keywords|phrases)[*_ ]*$", re.IGNORECASE)
_ANSWER = re.compile(r"[#*_\s-]{0,8}answer\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d{1,3}")
_MAX_LINE = 5_000
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{3,1000})[\"”“»]")
_PASSAGE = re.compile(r"(?:passages?|source|\[|\(|^)\s{0,3}#?(\d{1,3})\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}|\d+")


def parse_terms(text: str, values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the terms of a list, without what a list says of each; commas separate where no semicolon does."""
    terms = list(Items().parse(text) or ())
    if len(terms) == 1 and "," in terms[0]:
        terms = terms[0].split(",")
    elif not terms and "\n" not in text.strip():
        terms = text.split(",") if text.count(",") > 1 else []
    terms = [_term(term).strip(" \t*_`\"'“”.") for term in terms]
    return tuple(unique(filter(None, terms))) or None


def _term(text: str) -> str:
    """Return a term without the explanation behind it, or the introduction before it: "Words: drill"."""
    left, right = next(split_pairs(text), (text, ""))
    return right if right and _TERMS.search(left) else left


def check_terms(terms: tuple[str, ...]) -> str | None:
    """Check for at most twelve terms, each of at most five words."""
    if long := [term for term in terms if len(term.split()) > 5]:
        return f'"{long[0]:.80}" is too long for a search: words and short phrases, with ; between them.'
    return None if len(terms) <= 12 else f"{len(terms)} are too many: the six that matter most."


def fallback_terms(terms: tuple[str, ...] | None, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the short terms, or the words of the question if there are no short ones."""
    short = tuple(term for term in terms or () if len(term.split()) <= 5)[:12]
    return short or tuple(_WORD.findall(values["question"])) or (values["question"],)


def parse_answer(text: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the answer and the quotations of a reply that names them in another form than the asked one; else None.

    A quotation without the number of its passage is given that of the only passage that has it.
    """
    passages = values["passages"]
    stated = Json().parse(text)
    if isinstance(stated, dict):
        listed = stated.get("quotations", [])
        listed = (
            [{"passage": key, "quote": quote} for key, quote in listed.items()] if isinstance(listed, dict) else listed
        )
        said, found = stated.get("answer"), [_read_quotation(item, passages) for item in _as_list(listed)]
    else:
        said = read_fields(text).get("answer")
        found = [quotation for line in text.split("\n") for quotation in _quotations(line, passages)]
        rows = [{cell.label: cell.text for cell in row.cells} for row in read_rows(text)]
        found += [_read_quotation(row, passages) for row in rows if any(label.startswith("quot") for label in row)]
    kept = {quotation["quote"]: quotation for quotation in found if quotation}
    return {"answer": said, "quotations": list(kept.values())} if isinstance(said, str) and said.strip() else None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _read_quotation(item: Any, passages: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return a quotation of JSON or of a table's row with the number of its passage; None if one of them is missing."""
    if isinstance(item, str):
        return _numbered(item, None, passages)
    named = item if isinstance(item, dict) else {}
    quote = next((text for name, text in named.items() if name.startswith(("quot", "text")) and text), "")
    number = _DIGITS.search(str(named.get("passage", "")))
    return _numbered(quote, number and int(number[0]), passages) if isinstance(quote, str) else None


def _quotations(line: str, passages: list[dict[str, Any]]) -> Iterator[dict[str, Any] | None]:
    """Yield the texts in quotation marks of a line, except of the line of the answer."""
    for match in () if _ANSWER.match(line) else _QUOTED.finditer(line[:_MAX_LINE]):
        stated = _PASSAGE.search(line[: match.start()]) or _PASSAGE.search(line[match.end() : _MAX_LINE])
        yield _numbered(match[1], int(stated[1]) if stated else None, passages)


def _numbered(quote: str, number: int | None, passages: list[dict[str, Any]]) -> dict[str, Any] | None:
    places = [passage["passage"] for passage in passages if _is_in(quote, passage["text"])]
    number = number or (places[0] if len(places) == 1 else None)
    return {"passage": number, "quote": quote} if quote and number else None


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
