"""The passages of a folder that speak of some terms, by BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance
Framework"; the library bm25s, Lù 2024, arXiv 2407.03618)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reasoning.errors import InputError, MissingExtra

TEXTS = (".md", ".rst", ".txt")
BEST = 4
"""Passages that are given, at most."""
LONGEST = 1_200
"""Characters of a passage: paragraphs are put together up to here, and a longer one is cut."""
ASKED = 4
"""Letters of a word of the question that is sought besides the terms: shorter ones are in every text."""
LARGEST = 5_000_000
"""Bytes of a file, at most."""

_WORD = re.compile(r"\w+")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def search(folder: str, question: str, terms: tuple[str, ...]) -> list[dict[str, Any]]:
    """The best passages, best first, each with a number, its file and its text; none where no word is there.

    Args:
        folder: where the texts are: files that end with .md, .rst or .txt, those in folders within it too. Links that
            lead out of it are not followed.
        question, terms: whose words are sought; those of the terms count twice where the question has them as well.

    Raises:
        InputError: there is no such folder, or a text in it cannot be read.
        MissingExtra: bm25s is not installed.
    """
    try:
        import bm25s
    except ImportError:
        raise MissingExtra("searching a folder", "retrieval", "bm25s") from None
    found = [(name, text) for name, whole in _texts(Path(folder).expanduser()) for text in _passages(whole)]
    words = [word for word in _words(question) if len(word) >= ASKED] + [
        word for text in terms for word in _words(text)
    ]
    if not found or not words:
        return []
    index = bm25s.BM25()
    index.index([_words(text) for _, text in found], show_progress=False)
    scores = index.get_scores(words)
    best = sorted(range(len(found)), key=lambda place: -scores[place])[:BEST]
    best = [place for place in best if scores[place] > 0]
    return [{"passage": n, "file": found[place][0], "text": found[place][1]} for n, place in enumerate(best, 1)]


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in TEXTS and path.is_file() and path.resolve().is_relative_to(root):
            if path.stat().st_size > LARGEST:
                raise InputError(f"{path}: more than {LARGEST:,} bytes; split it")
            try:
                yield str(path.relative_to(folder)), path.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}: not UTF-8: byte {error.object[error.start]:#04x} at {error.start:,}"
                ) from None


def _passages(text: str) -> Iterator[str]:
    """Neighbouring paragraphs, as many as fit."""
    room = ""
    for paragraph in _PARAGRAPH.split(text):
        while len(room) + len(paragraph) > LONGEST:
            if room:
                yield room
                room = ""
                continue
            cut = paragraph.rfind(" ", 0, LONGEST) + 1 or LONGEST
            yield paragraph[:cut].strip()
            paragraph = paragraph[cut:]
        room = f"{room}\n\n{paragraph}".strip()
    if room:
        yield room


def _words(text: str) -> list[str]:
    """The words as they are compared: small letters, and the plural's s of longer ones left out."""
    return [word[:-1] if len(word) > 4 and word.endswith("s") else word for word in _WORD.findall(text.casefold())]
