"""What the steps of the chain promise each other: no claim without its words in the document, no quotation that is
not in the sources, and no summary in which a claim has lost its mark, or got another one, or that adds a sentence.

All of them go by words: that a sentence denies the claim whose words it has ("is not 212 metres long") is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.chain.text_checks import normalize, word_recall

MARKS = {"supported": "", "contradicted": " [contradicted]", "not found": " [unsupported]"}

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?(?: ?\[(?:unsupported|contradicted)\]\.?)?")
_MARK = re.compile(r"\[(?:unsupported|contradicted)\]")
_LETTER = re.compile(r"[^\W\d_]")
_SAID = 0.6
"""The share of a claim's words that must be in the document, or in a sentence that speaks of the claim."""


def check_claims(claims: list[str], values: Mapping[str, Any]) -> str | None:
    """Each claim is in the document."""
    if invented := [claim for claim in claims if word_recall(claim, values["document"]) < _SAID]:
        return f"{_quoted(invented)} is not in the document: use its words, or leave it out."
    return None


def fallback_claims(claims: list[str] | None, values: Mapping[str, Any]) -> list[str] | None:
    """What is not in the document is dropped."""
    return [claim for claim in claims or [] if word_recall(claim, values["document"]) >= _SAID] or None


def check_verdict(verdict: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """A verdict that rests on the sources quotes them."""
    if verdict["verdict"] != "not found" and not _is_in(verdict["quote"], values["sources"]):
        return f"{_quoted([verdict['quote']])} is not in the sources: copy a sentence of theirs, or say not found."
    return None


def fallback_verdict(verdict: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict without a quotation that is there is none: not found."""
    return {"verdict": "not found", "quote": ""}


def marked(claims: list[str], verdicts: tuple[dict[str, Any], ...]) -> str:
    """The claims, one a line, each with its mark."""
    lines = [f"{claim}{MARKS[one['verdict']]}" for claim, one in zip(claims, verdicts, strict=True)]
    return "\n".join(lines) or "No claims."


def check_summary(summary: str, values: Mapping[str, Any]) -> str | None:
    """Each claim is spoken of, every time with the mark that it has and no other, and nothing else is."""
    found_ones = (match[0].strip() for match in _SENTENCE.finditer(summary))
    sentences = [one for one in found_ones if _LETTER.search(one)]  # the number of an item says nothing
    if added := [one for one in sentences if word_recall(_bare(one), _bare(values["marked"])) < _SAID]:
        return f"{_quoted(added)} is none of the claims: leave it out."
    lines = values["marked"].split("\n")
    for line in lines:
        marks, claim = set(_MARK.findall(line)), _bare(line)
        about = _about(claim, sentences, [_bare(one) for one in lines])
        if not about:
            return f"{_quoted([claim])} is missing."
        if any(set(_MARK.findall(one)) != marks for one in about):
            wanted = f"must end with {', '.join(marks)}" if marks else "must have no mark"
            return f"Each sentence on {_quoted([claim])} {wanted}."
    return None


def _about(claim: str, sentences: list[str], claims: list[str]) -> list[str]:
    """The sentences that speak of a claim: those which have most of it, and others that have no other claim more."""
    said = {one: word_recall(claim, one) for one in sentences}
    most = max(said.values(), default=0.0)
    return [
        one
        for one, share in said.items()
        if share >= _SAID and (share == most or all(word_recall(other, one) <= share for other in claims))
    ]


def _bare(text: str) -> str:
    return _MARK.sub("", text).strip()


def fallback_summary(summary: str | None, values: Mapping[str, Any]) -> str:
    """The claims themselves, with their marks."""
    return str(values["marked"])


def _is_in(quote: str, source: str) -> bool:
    """Whether a quotation of at least two words is in a source; signs and capital letters do not matter."""
    words = normalize(quote)
    return " " in words and f" {words} " in f" {normalize(source)} "


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name:.200}"' for name in names[:3])
