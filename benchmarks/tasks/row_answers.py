"""The answers of rows: their shape, their kind, and how they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reasoning.errors import UsageError
from reasoning.kinds import (
    Calculation,
    Cells,
    Choice,
    Code,
    Date,
    Expression,
    Items,
    Kind,
    Label,
    Number,
    Text,
    YesNo,
)

_YES_NO = re.compile(r"yes|no|true|false", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[$€£]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d+)?%?|-?\d+/\d+", re.IGNORECASE)
_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y")
_SINGLE = (Calculation, Choice, Code, Date, Expression, Label, Number, Text, YesNo)
"""The kinds of one value; a choice may have several."""
_WHOLE = re.compile(r"(-?[\d,]+)\.0+")


def is_empty(value: Any) -> bool:
    """Return whether a cell is empty; a data frame may write an empty one as NaN."""
    return value is None or value == [] or value != value or (isinstance(value, str) and not value.strip())


def holds_several(answer: Sequence[Any], kind: Kind) -> bool:
    """Return whether a list holds several accepted answers of a kind, and is not one answer itself."""
    if isinstance(kind, Items | Cells):
        return len(answer) > 0 and all(isinstance(one, list | tuple) for one in answer)
    return _is_single(kind)


def _is_single(kind: Kind) -> bool:
    """Return whether an answer of the kind is one value."""
    return isinstance(kind, _SINGLE) and not (isinstance(kind, Choice) and kind.several)


def check_shape(answer: Any, kind: Kind) -> None:
    """Check that a list is the answer of a kind that has several values, and an object that of JSON.

    Raises:
        UsageError: the answer has another shape.
    """
    is_list, structured = isinstance(answer, list | tuple), isinstance(answer, list | tuple | dict | bytes)
    if (is_empty(answer) and not is_list) or (structured and _is_single(kind)):
        raise UsageError(
            f"an answer must be a text or a number, or a list of accepted ones, got {abbreviate(answer)}; "
            'a list of items needs "kind": "items", and JSON needs "kind": "json"'
        )
    if isinstance(kind, Items | Cells) and (
        isinstance(answer, dict) or (is_list and not all(isinstance(one, str | int | float) for one in answer))
    ):
        raise UsageError(f"the answer must be a list of texts and numbers, got {abbreviate(answer)}")


def check_target(answer: Any, kind: Kind) -> None:
    """Check that an answer is of its kind.

    Raises:
        UsageError: it is not; for an option, says how it could be meant.
    """
    try:
        kind.target(answer)
    except UsageError as error:
        hint = ""
        if isinstance(kind, Choice) and str(answer).isdecimal():
            hint = "; if it counts the options from 0, give index=yes in --fields"
        elif isinstance(kind, Choice) and list(kind.options).count(answer) > 1:
            hint = "; two options are equal, so give the label"
        raise UsageError(f"{error}{hint}") from None


def abbreviate(value: Any) -> str:
    """Return the start of a value as JSON, for a message."""
    return json.dumps(value, default=str)[:80]


def normalize_answer(answer: Any) -> Any:
    """Return an answer without a worked solution before it, and a whole number as such."""
    if not isinstance(answer, str):
        return int(answer) if isinstance(answer, float) and answer.is_integer() else answer
    answer = answer.rpartition("####")[2].strip()
    # Data frames write the whole number 9 as "9.0".
    whole = _WHOLE.fullmatch(answer)
    return whole[1] if whole else answer


def infer_kind(answers: Sequence[Any]) -> Kind:
    """Return the kind inferred from the answers of a task."""
    texts = [str(answer).strip() for answer in answers]
    if all(map(_YES_NO.fullmatch, texts)):
        return YesNo()
    if all(text and _NUMBER.fullmatch(text) for text in texts):
        return Number()
    formats = [form for form in _DATES if all(_is_date(text, form) for text in texts)]
    # 01/02/2003 alone may be in January or February.
    return Date(formats[0]) if len(formats) == 1 else Text()


def _is_date(text: str, form: str) -> bool:
    try:
        return bool(datetime.strptime(text, form))
    except ValueError:
        return False
