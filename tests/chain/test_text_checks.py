"""Measures for checks across steps."""

from __future__ import annotations

import pytest

from reasoning.chain.text_checks import missing_from, normalize, word_recall

FEEDBACK = "My internet drops every evening, and I was BILLED twice! The 5G is fine. Die Störung dauerte drei Tage."


@pytest.mark.parametrize(
    ("claim", "share"),
    [
        ("internet drops every evening", 1.0),
        ("billing twice", 1.0),
        ("5G fine", 1.0),
        ("4G", 0.0),
        ("störung drei tage", 1.0),
        ("parking was impossible", 0.0),
        ("internet parking", 0.5),
        ("", 1.0),
        ("…!", 1.0),
    ],
)
def test_the_share_of_a_claim_that_is_in_the_source(claim: str, share: float) -> None:
    assert word_recall(claim, FEEDBACK) == share


def test_what_is_lost_and_what_is_invented() -> None:
    before, after = ["Slow data!", "High bill"], {"slow  data": 1, "parking": 2}
    assert missing_from(before, after) == ["High bill"]
    assert missing_from(after, before) == ["parking"]
    assert normalize("  Slow-Data! ") == "slow data"


def test_a_long_text_takes_little_time() -> None:
    import time

    started = time.monotonic()
    word_recall("word " * 50_000, "other words " * 50_000)
    assert time.monotonic() - started < 20
