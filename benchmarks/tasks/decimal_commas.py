"""Answers with a decimal comma, such as 3,5, in tables whose cells are separated by semicolons."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

_DECIMAL = re.compile(r"[-+]?\d+(?:,\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


def read_decimal_commas(
    lines: Sequence[tuple[int, dict[str, Any]]], names: Sequence[str], path: object
) -> list[tuple[int, dict[str, Any]]]:
    """Return rows whose answers have a decimal point, if all are whole numbers or have a decimal comma.

    A warning says that the comma was read so. If each comma may also separate thousands, as in 1,500, the rows stay,
    and the warning says that.

    Args:
        lines: the line and the cells of each row.
        names: the names of the columns that may hold the answer; the first one with a content counts.
        path: the file, for the warning.
    """
    answers = [
        (number, name, str(line[name]).strip())
        for number, line in lines
        if (name := next((name for name in names if line.get(name)), "")) and not line.get("options")
        if line.get("kind") in (None, "", "number")
    ]
    commas = [(number, text) for number, _, text in answers if "," in text]
    if not commas or len(answers) < len(lines) or not all(_DECIMAL.fullmatch(text) for _, _, text in answers):
        return list(lines)
    number, text = next(((place, text) for place, text in commas if not _THOUSANDS.fullmatch(text)), commas[0])
    if _THOUSANDS.fullmatch(text):
        warnings.warn(
            f"{path}:{number}: the answer {text} is read as {text.replace(',', '')}; if the comma is a decimal sign, "
            f"write {text.replace(',', '.')}, else {text.replace(',', '')}",
            stacklevel=2,
        )
        return list(lines)
    warnings.warn(
        f"{path}:{number}: the answer {text} is read as the number {text.replace(',', '.')}; "
        "if it is no number, add a column 'kind' with 'text'",
        stacklevel=2,
    )
    return [
        (number, {**line, name: text.replace(",", ".")})
        for (number, line), (_, name, text) in zip(lines, answers, strict=True)
    ]
