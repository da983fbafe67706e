"""Parsers, checks and fallbacks for the steps of the chain.

Every claim has its words in the document, every quotation is in the sources, and in the summary
every claim keeps its mark and no sentence is added.

All checks compare words. A sentence that denies the claim whose words it uses ("is not 212 metres
long") is not detected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.chain.reply_rows import read_fields, read_rows
from reasoning.chain.text_checks import normalize, unique, word_recall
from reasoning.kinds.phrasing import is_refusal

MARKS = {"supported": "", "contradicted": " [contradicted]", "not found": " [unsupported]"}

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?(?: ?\[(?:unsupported|contradicted)\]\.?)?")
_MARK = re.compile(r"\[(?:unsupported|contradicted)\]")
_LETTER = re.compile(r"[^\W\d_]")
_CLAIM = re.compile(r"(?:claim|fact) ?\d{0,3} ?[:.)] ?", re.IGNORECASE)
_NO_QUOTE = re.compile(r"(?:none|null|n/?a|not found|empty|no quote|[-–—\"'“”])*", re.IGNORECASE)
_TITLE = re.compile(r"[#*_ ]*summary[*_: ]*", re.IGNORECASE)
_ROUND_MARK = re.compile(r"\((unsupported|contradicted)\)", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*\*|__|`")
_MIN_RECALL = 0.6
"""Minimum share of a claim's words in the document, and in a sentence on the claim."""


def parse_claims(text: str, values: Mapping[str, Any]) -> list[str] | None:
    """Return the claims of a list, a table or JSON, each once; None without any.

    In a row with several texts the claim is the one named so, or else the longest.
    """
    claims = list[str]()
    for row in read_rows(text):
        named = [cell.text for cell in row.cells if cell.label.startswith("claim")]
        claim = named[0] if named else max((cell.text for cell in row.cells), key=len)
        claim = _CLAIM.sub("", claim, count=1)
        if row.listed and " " in claim and not is_refusal(claim):
            claims.append(claim)
    return unique(claims) or None


def check_claims(claims: list[str], values: Mapping[str, Any]) -> str | None:
    """Check that each claim is in the document."""
    if invented := [claim for claim in claims if word_recall(claim, values["document"]) < _MIN_RECALL]:
        return f"{_quoted(invented)} is not in the document: use its words, or leave it out."
    return None


def fallback_claims(claims: list[str] | None, values: Mapping[str, Any]) -> list[str] | None:
    """Drop the claims that are not in the document."""
    return [claim for claim in claims or [] if word_recall(claim, values["document"]) >= _MIN_RECALL] or None


def parse_verdict(text: str, values: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the verdict and the quote of a reply in any form that names them; None without a verdict of the three."""
    fields = read_fields(text)
    verdict = next((known for known in MARKS if normalize(fields.get("verdict", "").replace("_", " ")) == known), None)
    quote = next((fields[name] for name in ("quote", "quotation", "evidence") if name in fields), "")
    if verdict is None:
        return None
    return {"verdict": verdict, "quote": "" if _NO_QUOTE.fullmatch(quote.strip(" .")) else quote}


def check_verdict(verdict: dict[str, Any], values: Mapping[str, Any]) -> str | None:
    """Check that a verdict other than "not found" quotes the sources."""
    if verdict["verdict"] != "not found" and not _is_in(verdict["quote"], values["sources"]):
        return f"{_quoted([verdict['quote']])} is not in the sources: copy a sentence of theirs, or say not found."
    return None


def fallback_verdict(verdict: dict[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return "not found": a verdict needs a quotation that is in the sources."""
    return {"verdict": "not found", "quote": ""}


def marked(claims: list[str], verdicts: tuple[dict[str, Any], ...]) -> str:
    """Return the claims, one a line, each with its mark."""
    lines = [f"{claim}{MARKS[verdict['verdict']]}" for claim, verdict in zip(claims, verdicts, strict=True)]
    return "\n".join(lines) or "No claims."


def parse_summary(text: str, values: Mapping[str, Any]) -> str | None:
    """Return a summary without its heading and without emphasis; marks in round brackets become square ones."""
    lines = text.strip().split("\n")
    if len(lines) > 1 and (lines[0].rstrip("* ").endswith(":") or _TITLE.fullmatch(lines[0])):
        lines = lines[1:]
    summary = _ROUND_MARK.sub(r"[\1]", _EMPHASIS.sub("", "\n".join(lines))).strip()
    return summary or None


def check_summary(summary: str, values: Mapping[str, Any]) -> str | None:
    """Check that the summary has every claim, always with its own mark, and nothing else."""
    matches = (match[0].strip() for match in _SENTENCE.finditer(summary))
    # The numbers of list items are not sentences.
    sentences = [sentence for sentence in matches if _LETTER.search(sentence)]
    marked_claims = _bare(values["marked"])
    if added := [sentence for sentence in sentences if word_recall(_bare(sentence), marked_claims) < _MIN_RECALL]:
        return f"{_quoted(added)} is none of the claims: leave it out."
    lines = values["marked"].split("\n")
    for line in lines:
        marks, claim = set(_MARK.findall(line)), _bare(line)
        about = _about(claim, sentences, [_bare(other) for other in lines])
        if not about:
            return f"{_quoted([claim])} is missing."
        if any(set(_MARK.findall(sentence)) != marks for sentence in about):
            wanted = f"must end with {', '.join(marks)}" if marks else "must have no mark"
            return f"Each sentence on {_quoted([claim])} {wanted}."
    return None


def _about(claim: str, sentences: list[str], claims: list[str]) -> list[str]:
    """Return the sentences on a claim: those with most of its words, and those that no other claim fits better."""
    recalls = {sentence: word_recall(claim, sentence) for sentence in sentences}
    most = max(recalls.values(), default=0.0)
    return [
        sentence
        for sentence, recall in recalls.items()
        if recall >= _MIN_RECALL and (recall == most or all(word_recall(other, sentence) <= recall for other in claims))
    ]


def _bare(text: str) -> str:
    return _MARK.sub("", text).strip()


def fallback_summary(summary: str | None, values: Mapping[str, Any]) -> str:
    """Return the claims themselves, with their marks."""
    return str(values["marked"])


def _is_in(quote: str, source: str) -> bool:
    """Return whether a quotation of at least two words is in a source, ignoring punctuation and case."""
    words = normalize(quote)
    return " " in words and f" {words} " in f" {normalize(source)} "


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name:.200}"' for name in names[:3])
