"""Sentences: abbreviations, initials and numbers do not end one, and no text takes quadratic time."""

from __future__ import annotations

import pytest

from reasoning.retrieval.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Osk is a town. It has a mill.", ["Osk is a town.", "It has a mill."]),
        ("Dr. A. B. Sol met Mrs. Vael.", ["Dr. A. B. Sol met Mrs. Vael."]),
        ("Sol (b. Osk 1931) left on 3 Jan. 1950. Why?", ["Sol (b. Osk 1931) left on 3 Jan. 1950.", "Why?"]),
        ("It costs $3.50. 1,200 were sold.", ["It costs $3.50.", "1,200 were sold."]),
        (
            "It lies in the U.S. Army base. In the U.S. It rained.",
            ["It lies in the U.S. Army base.", "In the U.S.", "It rained."],
        ),
        ("No. 5 is here. She said no. Nobody heard.", ["No. 5 is here.", "She said no.", "Nobody heard."]),
        ("It needs vitamin C. The rest is known.", ["It needs vitamin C.", "The rest is known."]),
        ("Sol Inc. of Osk, Sol Inc. The mill burnt.", ["Sol Inc. of Osk, Sol Inc.", "The mill burnt."]),
        ('"Is it?" he asked. "Yes."', ['"Is it?" he asked.', '"Yes."']),
        ("He waited … and left... Then rain.", ["He waited … and left...", "Then rain."]),
        ("A title\nThe text", ["A title", "The text"]),
        ("川は長い。町は古い。", ["川は長い。", "町は古い。"]),
        ("", []),
        (" . ", ["."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize("part", [".", ". ", "a.", '."', " ", ".\n", "x", "A. ", '!"', "。", "\u2028.", "a b.c "])
def test_nothing_is_lost_of_a_long_text(part: str) -> None:
    text = part * (100_000 // len(part))
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
