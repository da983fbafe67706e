"""Equations with an unknown: x in "2x + 5 = 9"."""

from __future__ import annotations

import re

# A single letter that is no unit ("5 m"), no sign of a product ("5 x 4"), no function ("f(2)") and no word ("a cake").
_UNKNOWN = re.compile(r"(?<![^\W\d_])(?<![\\'’])(?<!\d\s)([^\W\d_])(?![\w'’(]|\s?[\d$(])")
_TERM = re.compile(r"[-+*/^×÷]|\d[^\W\d_]\b")
_WORD = re.compile(r"(?<!\\)\b[^\W\d_]{2,}")


def find_unknown(equation: str) -> str | None:
    """Return the only unknown of an equation that is not solved for it: x in "2x + 5 = 9".

    None if it has several unknowns, as "x - y = 2", or is solved, as "x = 2".
    """
    left, equals, _ = equation.partition("=")
    unknowns = set(_UNKNOWN.findall(left)) if equals and _TERM.search(left) and not _WORD.search(left) else set()
    return unknowns.pop() if len(unknowns) == 1 else None
