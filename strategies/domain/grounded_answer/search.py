"""A search for the passages of a folder's texts by BM25.

Source:
    Robertson & Zaragoza (2009), "The Probabilistic Relevance Framework"; Lù (2024), arXiv 2407.03618: the library bm25s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reasoning.errors import InputError, MissingExtra

SUFFIXES = (".md", ".rst", ".txt")
MAX_PASSAGES = 4
"""Maximum number of passages that a search returns."""
PASSAGE_CHARS = 1_200
"""Maximum characters of a passage: paragraphs are joined up to it, and longer ones are cut."""
MIN_LETTERS = 4
"""Minimum letters of a search word from the question: shorter words are in every text."""
MAX_BYTES = 5_000_000
"""Maximum bytes of a file."""

_WORD = re.compile(r"\w+")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def search(folder: str, question: str, terms: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the best passages, the best first.

    Args:
        folder: the folder with .md, .rst and .txt files, searched recursively. Links that lead out
            of it are not followed.
        question: its words of four letters and more are searched for.
        terms: their words are searched for; words that the question also contains count twice.

    Returns:
        Each passage with its number from 1 up, its file and its text. Empty if no word is found.

    Raises:
        InputError: there is no such folder, or a text in it cannot be read.
        MissingExtra: bm25s is not installed.
    """
    try:
        import bm25s
    except ImportError:
        raise MissingExtra("searching a folder", "retrieval", "bm25s") from None
    passages = [(name, text) for name, whole in _texts(Path(folder).expanduser()) for text in _passages(whole)]
    words = [word for word in _words(question) if len(word) >= MIN_LETTERS] + [
        word for text in terms for word in _words(text)
    ]
    if not passages or not words:
        return []
    index = bm25s.BM25()
    index.index([_words(text) for _, text in passages], show_progress=False)
    scores = index.get_scores(words)
    best = sorted(range(len(passages)), key=lambda position: -scores[position])[:MAX_PASSAGES]
    best = [position for position in best if scores[position] > 0]
    return [
        {"passage": number, "file": passages[position][0], "text": passages[position][1]}
        for number, position in enumerate(best, 1)
    ]


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.resolve().is_relative_to(root):
            if path.stat().st_size > MAX_BYTES:
                raise InputError(f"{path}: more than {MAX_BYTES:,} bytes; split it")
            try:
                yield str(path.relative_to(folder)), path.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}: not UTF-8: byte {error.object[error.start]:#04x} at {error.start:,}"
                ) from None


def _passages(text: str) -> Iterator[str]:
    """Yield passages: neighbouring paragraphs, joined up to `PASSAGE_CHARS`."""
    passage = ""
    for paragraph in _PARAGRAPH.split(text):
        while len(passage) + len(paragraph) > PASSAGE_CHARS:
            if passage:
                yield passage
                passage = ""
                continue
            cut = paragraph.rfind(" ", 0, PASSAGE_CHARS) + 1 or PASSAGE_CHARS
            yield paragraph[:cut].strip()
            paragraph = paragraph[cut:]
        passage = f"{passage}\n\n{paragraph}".strip()
    if passage:
        yield passage


def _words(text: str) -> list[str]:
    """Return the words of a text for comparison: in lower case, longer ones without the s of a plural."""
    return [word[:-1] if len(word) > 4 and word.endswith("s") else word for word in _WORD.findall(text.casefold())]
