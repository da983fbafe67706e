"""The shortcut for statements that are only a whole number gives the same result as the full parser."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reasoning.kinds import Number, number


@given(
    some.integers(0, 10**15 - 1), some.integers(0, 3), some.sampled_from(["", "."]), some.booleans(), some.booleans()
)
def test_the_shortcut_and_the_full_parser_agree(
    whole: int, zeros: int, end: str, continues: bool, percent: bool
) -> None:
    text = f"{'0' * zeros}{whole}"[:15] + end
    kind = Number(percent=percent)
    short = kind.parse_statement(text, continues=continues)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number, "_BARE", re.compile(r"(?!)"))
        long = kind.parse_statement(text, continues=continues)
    assert (short, type(short)) == (long, type(long)) == (int(text.rstrip(".")), int)
