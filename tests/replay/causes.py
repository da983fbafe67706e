"""The causes of differences between the authors' parser and ours.

Each cause is a predicate over a sample. The first line of its docstring is its name in the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.replay.lines import Sample, first_number

Cause = Callable[[Sample], bool]


def name(cause: Cause) -> str:
    """Return the name of a cause: the first line of its docstring."""
    return (cause.__doc__ or "").partition("\n")[0].rstrip(".")


def nothing_is_stated(sample: Sample) -> bool:
    """no stated answer: the authors parse nothing, ours is the last candidate."""
    return sample.recorded is None and sample.stated.value is None and sample.ours.rule == "last candidate"


def lost_sign(sample: Sample) -> bool:
    """the authors drop the sign."""
    ours, theirs = sample.ours.value, sample.theirs
    return ours is not None and ours < 0 and theirs is not None and abs(theirs) == -ours


def truncated(sample: Sample) -> bool:
    """the authors drop the decimals before they compare."""
    value = sample.ours.value
    return sample.same and isinstance(value, float) and int(value) == sample.reference and bool(sample.counted)


def first_operand(sample: Sample) -> bool:
    """the authors take the first operand of an equation."""
    return "=" in sample.statement and sample.ours.value is not None and sample.theirs == first_number(sample.statement)


def open_expression(sample: Sample) -> bool:
    """an expression without a result: rejected by us; the authors take its first number."""
    return sample.ours.rule == "an expression" and sample.theirs == first_number(sample.statement)


def numerator(sample: Sample) -> bool:
    """the authors take the numerator of a fraction."""
    return re.match(r"\W*\d+/\d+", sample.statement) is not None and sample.theirs == first_number(sample.statement)


def whole_part(sample: Sample) -> bool:
    """the authors take the whole part of a mixed number."""
    return re.match(r"\W*\d+ \d+/\d+", sample.statement) is not None and sample.theirs == first_number(sample.statement)


def spaced(sample: Sample) -> bool:
    """the authors stop at the space between thousands."""
    return re.match(r"\W*\d{1,3} \d{3}\b", sample.statement) is not None and sample.theirs == first_number(
        sample.statement
    )


def several_numbers(sample: Sample) -> bool:
    """several numbers in a row: rejected by us; the authors take the first."""
    return sample.ours.rule == "several numbers" and sample.theirs == first_number(sample.statement)


def a_time(sample: Sample) -> bool:
    """a time: rejected by us; the authors take the hour."""
    return sample.ours.rule == "a time" and sample.theirs == first_number(sample.statement)


def empty(sample: Sample) -> bool:
    """nothing follows the last "the answer is": ours is the last candidate."""
    return sample.recorded == "" and sample.ours.rule == "last candidate"


def reasoning_in_the_answer(sample: Sample) -> bool:
    """the answer is a whole chain of reasoning: the authors take its first number, ours is its last."""
    return sample.ours.rule == "last candidate" and len(sample.recorded or "") > 100


def alternatives(sample: Sample) -> bool:
    """two labels joined by "or": rejected by us; the authors compare the text."""
    return sample.ours.rule == "several labels" and " or " in (sample.recorded or "")


def refusal(sample: Sample) -> bool:
    """the last sentence is a refusal: rejected by us; the authors take a date before it."""
    return sample.ours.rule == "a refusal" and sample.recorded is not None


def other_form(sample: Sample) -> bool:
    """the date is not written as MM/DD/YYYY, the only form that the authors parse."""
    line = sample.kind.parse_reply(sample.last_line).value
    return line is not None and line == sample.ours.value and sample.kind.show(line) not in sample.last_line


def other_order(sample: Sample) -> bool:
    """the same day with its parts in another order: the authors compare the text."""
    return sample.same and sample.right and not sample.counted


def last_date(sample: Sample) -> bool:
    """two dates in the last line: the authors take the first, ours is the last."""
    found = re.findall(r"\d\d/\d\d/\d{4}", sample.last_line)
    value = sample.ours.value
    return len(found) > 1 and sample.recorded == found[0] and value is not None and sample.kind.show(value) == found[-1]


def several_dates(sample: Sample) -> bool:
    """two dates as alternatives: rejected by us; the authors take the first."""
    return sample.ours.rule == "several dates" and sample.recorded is not None


def no_such_date(sample: Sample) -> bool:
    """the day does not exist: rejected by us; the authors take the digits."""
    return sample.ours.rule == "no such date"


def dateless(sample: Sample) -> bool:
    """the last line has no date: the authors parse nothing, ours is the last date before it."""
    return (
        sample.recorded is None
        and sample.kind.parse_reply(sample.last_line).value is None
        and sample.ours.value is not None
    )
