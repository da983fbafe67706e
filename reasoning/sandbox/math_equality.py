"""Equality of mathematical expressions, decided by sympy in the sandbox.

    is_equal(r"\\frac{1}{2}", "0.5", interpreter)       # True; so are x(x + 1) and x^2 + x, {1, 2} and {2, 1}

No expression is evaluated in this process.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from reasoning.kinds.math_notation import normalize
from reasoning.sandbox.execution import ExecutionResult, ResourceLimits
from reasoning.sandbox.interpreter import Interpreter
from reasoning.sandbox.latex_to_sympy import latex_to_sympy

LIMITS = ResourceLimits(seconds=2.0, memory_mb=256)
"""The limits of one comparison. Expressions whose comparison exceeds them are not equal."""
_BATCH = 50

_COMPARE = """
from sympy import *

def same(a, b):
    if isinstance(a, list) and isinstance(b, list):
        rest = list(b)
        for one in a:
            place = next((at for at, other in enumerate(rest) if same(one, other)), None)
            if place is None:
                return False
            rest.pop(place)
        return not rest
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if any(isinstance(one, (list, tuple, str)) for one in (a, b)):
        return type(a) == type(b) and a == b
    return not a.has(zoo, nan) and (bool(a == b) or identical(a, b))

def identical(a, b):
    unknown = sorted(a.free_symbols | b.free_symbols, key=str)
    agreed = 0
    for number in range(8 if unknown else 1):
        sign = -1 if number % 2 else 1
        point = {one: sign * Rational(7 + 3 * number + 11 * at, 5 + number) for at, one in enumerate(unknown)}
        x, y = (N(one.subs(point), 40) for one in (a, b))
        if x.has(oo, -oo, zoo, nan) or y.has(oo, -oo, zoo, nan):
            continue
        if abs(x - y) > Float(10) ** -30 * max(1, abs(x), abs(y)):
            return False
        agreed += 1
    return agreed >= (4 if unknown else 1)

def holds(pair):
    try:
        return same(*pair())
    except Exception:
        return False

equal = [holds(pair) for pair in PAIRS]
"""


def is_equal(a: str, b: str, interpreter: Interpreter) -> bool:
    """Return whether two expressions, in LaTeX or plain text, have the same value; see `are_equal`.

    Args:
        a: one expression.
        b: the other one.
        interpreter: an interpreter whose programs may import sympy.
    """
    return are_equal([(a, b)], interpreter)[0]


def are_equal(
    pairs: Sequence[tuple[str, str]], interpreter: Interpreter, limits: ResourceLimits = LIMITS
) -> list[bool]:
    """Compare many pairs of expressions; blocks, and starts one child process for fifty pairs.

    Intervals and points are compared part by part, sets and lists in any order, relations side by
    side. Formulas with unknowns are equal if their values agree to 30 digits at eight points, and
    at least four of the points have a value. Texts that are not mathematics are equal only if
    their notation is. Without sympy, only the notation is compared, and a warning is issued.

    Args:
        pairs: the expressions, in LaTeX or plain text.
        interpreter: an interpreter whose programs may import sympy.
        limits: the limits of one batch, and of a pair that is compared alone because its batch
            failed.
    """
    equal = [normalize(a) == normalize(b) for a, b in pairs]
    codes = {index: code for index, pair in enumerate(pairs) if not equal[index] and (code := _code(*pair))}
    untranslated = list(codes)
    for start in range(0, len(untranslated), _BATCH):
        batch = untranslated[start : start + _BATCH]
        execution = _run([codes[index] for index in batch], interpreter, limits)
        separate = (
            [execution]
            if len(batch) == 1
            else [_run([codes[index]], interpreter, limits) for index in batch if execution.error]
        )
        values = (
            execution.value if isinstance(execution.value, list) else [single.value == [True] for single in separate]
        )
        for index, value in zip(batch, values, strict=False):
            equal[index] = value is True
    return equal


def _run(codes: list[str], interpreter: Interpreter, limits: ResourceLimits) -> ExecutionResult:
    pairs = ", ".join(f"lambda: {code}" for code in codes)
    execution = interpreter.run(_COMPARE.replace("PAIRS", f"[{pairs}]"), result="equal", limits=limits)
    if execution.error and ("import" in execution.error or execution.error.startswith("Monty cannot run this")):
        warnings.warn(f"expressions are compared by their notation only: {execution.error}", stacklevel=4)
    return execution


def _code(a: str, b: str) -> str | None:
    """Return both expressions as Python code; None if one of them cannot be translated."""
    codes = latex_to_sympy(a), latex_to_sympy(b)
    return f"({codes[0]}, {codes[1]})" if all(codes) else None
