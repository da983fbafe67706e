"""What the steps of the chain promise each other: no claim without its words in the document, no quotation that is
not in the sources, and no summary in which an unsupported claim has lost its mark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.chain.contracts import found, same

MARKS = {"supported": "", "contradicted": " [contradicted]", "not found": " [unsupported]"}

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?(?: ?\[(?:unsupported|contradicted)\]\.?)?")
_MARK = re.compile(r"\[(?:unsupported|contradicted)\]")
_SAID = 0.6
"""The share of a claim's words that must be in the document, or in a sentence that speaks of the claim."""


def check_claims(claims: list[str], values: Mapping[str, Any]) -> str | None:
    """Each claim is in the document."""
    if invented := [claim for claim in claims if found(claim, values["document"]) < _SAID]:
        return f"{_quoted(invented)} is not in the document: use its words, or leave it out."
    return None


def mend_claims(claims: list[str] | None, values: Mapping[str, Any]) -> list[str] | None:
    """What is not in the document is dropped."""
    return [claim for claim in claims or [] if found(claim, values["document"]) >= _SAID] or None


def check_verdict(verdict: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """A verdict that rests on the sources quotes them."""
    if verdict["verdict"] != "not found" and not _is_in(verdict["quote"], values["sources"]):
        return f"{_quoted([verdict['quote']])} is not in the sources: copy a sentence of theirs, or say not found."
    return None


def mend_verdict(verdict: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict without a quotation that is there is none: not found."""
    return {"verdict": "not found", "quote": ""}


def marked(claims: list[str], verdicts: tuple[dict[str, Any], ...]) -> str:
    """The claims, one a line, each with its mark."""
    lines = [f"{claim}{MARKS[one['verdict']]}" for claim, one in zip(claims, verdicts, strict=True)]
    return "\n".join(lines) or "No claims."


def check_summary(summary: str, values: Mapping[str, Any]) -> str | None:
    """Each claim is spoken of, with the mark that it has."""
    sentences = [match[0].strip() for match in _SENTENCE.finditer(summary)]
    for line in values["marked"].split("\n"):
        mark, claim = _MARK.search(line), _MARK.sub("", line)
        about = [one for one in sentences if found(claim, one) >= _SAID]
        if not about:
            return f"{_quoted([claim.strip()])} is missing."
        if mark and not any(mark[0] in one for one in about):
            return f"The sentence on {_quoted([claim.strip()])} must end with {mark[0]}."
    return None


def mend_summary(summary: str | None, values: Mapping[str, Any]) -> str:
    """The claims themselves, with their marks."""
    return str(values["marked"])


def _is_in(quote: str, source: str) -> bool:
    """Whether a quotation of at least two words is in a source; signs and capital letters do not matter."""
    words = same(quote)
    return " " in words and f" {words} " in f" {same(source)} "


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name:.200}"' for name in names[:3])
