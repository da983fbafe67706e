"""A search for the passages of a folder's texts by their words (BM25)."""

from __future__ import annotations

from typing import Any

from reasoning.errors import InputError
from reasoning.retrieval.opened_sources import open_source
from reasoning.retrieval.passages import PASSAGE_CHARS as PASSAGE_CHARS
from reasoning.retrieval.reading import NoTexts, Source
from reasoning.retrieval.words import words

MAX_PASSAGES = 4
"""Maximum number of passages that a search returns."""
MIN_LETTERS = 4
"""Minimum letters of a search word from the question: shorter words are in every text."""


def search(folder: str, question: str, terms: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the best passages, the best first.

    Args:
        folder: the folder of texts, as in `reasoning.retrieval.index.Index`.
        question: its words of four letters and more are searched for.
        terms: their words are searched for; words that the question also contains count twice.

    Returns:
        Each passage with its number from 1 up, its file and its text. Empty if no word is found.

    Raises:
        InputError: there is no such folder, or a text in it cannot be read.
        MissingExtra: bm25s is not installed.
    """
    if not Source(folder).path.is_dir():
        raise InputError(f"{folder}: no such folder")
    wanted = [word for word in words(question) if len(word) >= MIN_LETTERS]
    wanted += [word for term in terms for word in words(term)]
    try:
        passages = open_source(folder).passages
    except NoTexts:
        return []
    best = (passages.passage(found.number) for found in passages.words.best(wanted, MAX_PASSAGES))
    return [{"passage": number, "file": passage.source, "text": passage.text} for number, passage in enumerate(best, 1)]
