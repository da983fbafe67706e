"""Passages of documents: neighbouring paragraphs, joined up to a length."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reasoning.retrieval.document import Document, Passage

PASSAGE_CHARS = 1_200
"""Maximum characters of a passage: paragraphs are joined up to it, and longer ones are cut."""

_BREAK = re.compile(r"\n[ \t]*\n")


def cut_passages(document: Document) -> Iterator[Passage]:
    """Yield the passages of a document, in order, each with the place of its first character.

    Paragraphs, which empty lines separate, are joined up to `PASSAGE_CHARS`. A longer paragraph is
    cut at spaces. Takes time linear in the length.

    Examples:
        >>> [(found.position, found.text) for found in cut_passages(Document("Herons fly.\\n \\nThey eat."))]
        [(0, 'Herons fly.\\n\\nThey eat.')]
        >>> [(found.position, len(found.text)) for found in cut_passages(Document("word " * 400))]
        [(0, 1199), (1200, 799)]
    """
    text, passage, position = document.text, "", 0
    for start, end in _paragraphs(text):
        while len(passage) + end - start > PASSAGE_CHARS:
            if passage:
                yield Passage(passage, document.title, document.source, position)
                passage = ""
                continue
            cut = text.rfind(" ", start, start + PASSAGE_CHARS) + 1 or start + PASSAGE_CHARS
            if part := text[start:cut].strip():
                yield Passage(part, document.title, document.source, _first(text, start, cut))
            start = cut
        if not passage:
            position = _first(text, start, end)
        passage = f"{passage}\n\n{text[start:end]}".strip()
    if passage:
        yield Passage(passage, document.title, document.source, position)


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the beginning and end of each paragraph."""
    start = 0
    for match in _BREAK.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _first(text: str, start: int, end: int) -> int:
    """Return the place of the first character that is no white space."""
    return end - len(text[start:end].lstrip())
