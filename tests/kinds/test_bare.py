"""A statement that is a bare whole number is read on a short way, which comes to what the long one comes to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reasoning.kinds import Number, number


@given(
    some.integers(0, 10**15 - 1), some.integers(0, 3), some.sampled_from(["", "."]), some.booleans(), some.booleans()
)
def test_both_ways_come_to_the_same(whole: int, zeros: int, end: str, heads: bool, percent: bool) -> None:
    text = f"{'0' * zeros}{whole}"[:15] + end
    kind = Number(percent=percent)
    short = kind.parse_statement(text, continues=heads)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number, "_BARE", re.compile(r"(?!)"))
        long = kind.parse_statement(text, continues=heads)
    assert (short, type(short)) == (long, type(long)) == (int(text.rstrip(".")), int)
