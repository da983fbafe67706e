"""The project's sentences keep to the style of CONTRIBUTING.md: plain words, verbs first."""

from __future__ import annotations

from pathlib import Path

import pytest

import reasoning
from tests.prose import BANNED, SUMMARY, find

ROOT = Path(reasoning.__file__).parent.parent


def test_no_sentence_has_a_phrase_that_the_style_forbids() -> None:
    assert [str(one) for one in find(ROOT)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Whoever waits for it wakes once.",
        "max_tokens=0 makes no sense",
        "At most so many tokens.",
        "It is none.",
        "the table beside it",
    ],
)
def test_the_dialect_is_found(sentence: str) -> None:
    assert BANNED.search(sentence)


def test_a_headless_summary_is_found(tmp_path: Path) -> None:
    (tmp_path / "reasoning").mkdir()
    (tmp_path / "reasoning" / "module.py").write_text(
        '"""What is asked."""\n\n# nobody knows\nNAME = 1\n"""Which it is."""\n'
    )
    assert [(one.line, one.phrase) for one in find(tmp_path)] == [
        (1, "a docstring begins with 'What'"),
        (5, "a docstring begins with 'Which'"),
        (3, "nobody"),
    ]
    assert SUMMARY.match("Whether it is open.")
    assert not SUMMARY.match("Return whether it is open.")
