"""Passages, their places, and the words that are compared."""

from __future__ import annotations

import random

import pytest

from reasoning.retrieval.document import Document
from reasoning.retrieval.passages import PASSAGE_CHARS, cut_passages
from reasoning.retrieval.ranking import fuse
from reasoning.retrieval.words import query_words, words


def test_paragraphs_are_joined_up_to_the_length_and_long_ones_cut_at_spaces() -> None:
    text = "a" * 700 + "\n\n" + "b" * 500 + "\n \n" + "c" * 500 + "\n\n" + "dd " * 500
    found = list(cut_passages(Document(text, "T", "s")))
    assert [(one.text[0], len(one.text)) for one in found] == [("a", 1202), ("c", 500), ("d", 1199), ("d", 299)]
    assert [one.position for one in found] == [0, 1205, 1707, 2907]
    assert {(one.title, one.source) for one in found} == {("T", "s")}


def test_no_word_is_lost_and_positions_are_those_in_the_document() -> None:
    generator = random.Random(1)
    parts = ["word ", "\n", "\n\n", " \n\t\n", "x" * 700, "y z " * 300, "é"]
    for _ in range(300):
        text = "".join(generator.choices(parts, k=generator.randint(0, 20)))
        found = list(cut_passages(Document(text)))
        assert "".join("".join(one.text.split()) for one in found) == "".join(text.split())
        for one in found:
            assert 0 < len(one.text) <= PASSAGE_CHARS + 2
            assert text[one.position :].startswith(one.text.split("\n")[0])


def test_a_line_of_ten_megabytes_takes_linear_time() -> None:
    assert sum(len(one.text) for one in cut_passages(Document("x" * 10_000_000))) == 10_000_000
    assert len(words("x" * 10_000_000)) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Herons' nests", ["the", "heron", "nest"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("gas bus", ["gas", "bus"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("Цапля ест лягушек", ["цапля", "ест", "лягушек"]),
        ("青鷺は蛙を食べる", ["青鷺", "鷺は", "は蛙", "蛙を", "を食", "食べ", "べる"]),
        ("BM25東京v2", ["bm25", "東京", "v2"]),
        ("\x00\x1b[31m ], </section>", ["31m", "section"]),
        ("", []),
    ],
)
def test_words_of_any_language(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_stop_words_are_those_of_the_query_s_language() -> None:
    assert query_words("What did the men die of?") == ["men", "die"]
    assert query_words("Die Reiher und die Frösche") == ["reiher", "frösche"]
    assert query_words("Est-ce que le héron est dans la forêt ?") == ["héron", "forêt"]
    assert query_words("the") == ["the"]


def test_reciprocal_rank_fusion() -> None:
    fused = fuse([[1, 2, 3], [3, 4]])
    assert [one.number for one in fused] == [3, 1, 2, 4]
    assert fused[0].score == pytest.approx(1 / 63 + 1 / 61)
    assert [one.number for one in fuse([[5, 6], [6, 5]])] == [5, 6]
    assert fuse([[], []]) == []
