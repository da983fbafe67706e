"""The number of calls in words is what `calls_range` says, for every technique."""

from __future__ import annotations

import re

import pytest

from reasoning.call_counts import describe_calls, describe_defaults
from reasoning.registry import catalogue, get


@pytest.mark.parametrize("name", list(catalogue()))
def test_the_range_and_its_example_are_numbers_that_hold(name: str) -> None:
    strategy = get(name)
    found = re.fullmatch(
        r"([\d,]+)(?: to ([\d,]+))?(?:; ([\d,]+)(?: to ([\d,]+))? with (\w+)=5)?", describe_calls(strategy)
    )
    assert found
    least, most, less, more, parameter = found.groups()
    number = [None if one is None else int(one.replace(",", "")) for one in (least, most or least, less, more or less)]
    assert tuple(number[:2]) == strategy.calls_range()
    if parameter:
        assert tuple(number[2:]) == strategy.replace(**{parameter: 5}).calls_range()
        assert number[3] < strategy.calls_range()[1]  # type: ignore[operator]


def test_a_default_of_many_samples_is_told() -> None:
    told = "self_consistency: 40 samples a problem; samples=5 costs an eighth"
    assert describe_defaults(get("self_consistency")) == told
    assert describe_defaults(get("rendered(sc(pot), form='xml')")) == told
    assert describe_defaults(get("complex_cot")) == "complex_cot: 50 samples a problem; samples=5 costs a tenth"
    for spec in (
        "cot",
        "self_consistency(samples=20)",
        "self_consistency(cot, samples=5)",
        "universal_self_consistency",
    ):
        assert describe_defaults(get(spec)) is None
