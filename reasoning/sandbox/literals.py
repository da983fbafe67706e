"""Functions that turn plain data into text with `repr`, and parse it back.

A program's result leaves the sandbox as text and becomes data here. So only data can come out, and
its size is bounded by the length of the text. (Passing objects copies every shared reference: two
lines of code can ask for 10⁹ copies.)
"""

from __future__ import annotations

import ast
import datetime
import math
import re
import sys
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import cast

from reasoning.errors import UsageError
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResourceLimits
from reasoning.sandbox.syntax import parse_source

_CONTAINERS = frozenset(
    {"set", "frozenset", "deque", "Counter", "OrderedDict", "dict_keys", "dict_values", "dict_items"}
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DATETIME_TYPES: dict[str, Callable[..., object]] = {
    name: getattr(datetime, name) for name in ("date", "datetime", "time", "timedelta")
}


def parse(text: str) -> PlainData:
    """Parse plain data. Tuples and sets become lists, decimals floats, dates ISO 8601 strings; sets are sorted.

    Half a character (a lone surrogate) becomes U+FFFD.

    Raises:
        ValueError: the text is not plain data, a number in it is not finite, or an integer has so
            many digits that Python does not write it out.

    Examples:
        >>> parse("{'total': Decimal('1.5'), 'days': {datetime.date(2026, 1, 31)}}")
        {'total': 1.5, 'days': ['2026-01-31']}
    """
    try:
        tree = parse_source(text, "eval")
        assert isinstance(tree, ast.Expression)
        return _parse_node(tree.body)
    except (SyntaxError, RecursionError, MemoryError, TypeError, ArithmeticError):
        raise ValueError(f"not plain data: {text[:80]}") from None


def serialize(value: object, what: str) -> str:
    """Return the text of plain data, for another process to read.

    Args:
        value: the data.
        what: a name of the data for the error message.

    Raises:
        UsageError: the value is not plain data.
    """
    try:
        _check(value, what)
        return repr(value)
    except (ValueError, RecursionError):  # an integer of too many digits, or data within itself
        raise UsageError(f"{what} must be plain data, got one that cannot be written out") from None


def parse_result(text: str, limits: ResourceLimits) -> ExecutionResult:
    """Return the result that a program wrote as text, or the error if it cannot be a result."""
    if len(text) >= limits.output_chars:
        return ExecutionResult(error=f"the result is longer than {limits.output_chars} characters")
    try:
        return ExecutionResult(parse(text))
    except ValueError as error:
        return ExecutionResult(error=f"the result is {error}")


def parse_printed(line: str) -> PlainData:
    """Return the number if the line is only a number, else the line. (The answer kind parses "1,200".)"""
    try:
        value = parse(line)
    except ValueError:
        return line
    return value if isinstance(value, bool | int | float) else line


def _check(value: object, what: str) -> None:
    match value:
        case dict():
            for key, item in value.items():
                _check(key, what)
                _check(item, what)
        case list() | tuple() | set() | frozenset() if type(value).__module__ == "builtins":
            for item in value:
                _check(item, what)
        case _ if value is None or type(value) in (bool, int, str):
            pass
        case float() if type(value) is float and math.isfinite(value):
            pass
        case _:
            raise UsageError(f"{what} must be plain data, got {value!r:.80}")


def _parse_node(node: ast.expr) -> PlainData:
    match node:
        case ast.Constant(value=str() as text):
            return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
        case ast.Constant(value=None | bool() | int() as value):
            return _check_digits(value) if type(value) is int else value
        case ast.Constant(value=float() as value):
            return _check_finite(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return _check_finite(-value) if isinstance(value, float) else -_check_digits(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf")) | ast.Name(id="nan" | "inf"):
            raise ValueError(f"not a finite number: {ast.unparse(node)}")
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_parse_node(item) for item in items]
        case ast.Set(elts=items):
            return _sorted([_parse_node(item) for item in items])
        case ast.Dict(keys=keys, values=values):
            return {_parse_key(key): _parse_node(value) for key, value in zip(keys, values, strict=True)}
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if name in _CONTAINERS:
            return []
        case ast.Call(func=ast.Name(id=name), args=[item], keywords=[]) if name in _CONTAINERS:
            inner = _parse_node(item)
            return _sorted(inner) if name in ("set", "frozenset") and isinstance(inner, list) else inner
        case ast.Call(func=ast.Name(id="Decimal"), args=[ast.Constant(value=str() as digits)], keywords=[]):
            return _check_finite(float(Decimal(digits)))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime"), attr=name)) if name in _DATETIME_TYPES:
            return _parse_datetime(name, node)
    raise ValueError(f"not plain data: {_unparse(node)[:80]}")


def _sorted(items: list[PlainData]) -> list[PlainData]:
    """Sort the items of a set, whose order differs from run to run: numbers first."""
    return sorted(
        items,
        key=lambda item: (not isinstance(item, int | float), item if isinstance(item, int | float) else 0, str(item)),
    )


def _parse_datetime(name: str, call: ast.Call) -> str:
    kwargs = {keyword.arg or "": _parse_node(keyword.value) for keyword in call.keywords}
    try:
        parsed = _DATETIME_TYPES[name](*map(_parse_node, call.args), **kwargs)
    except ValueError:  # such as a thirteenth month
        raise ValueError(f"not plain data: {_unparse(call)[:80]}") from None
    return str(parsed) if isinstance(parsed, datetime.timedelta) else cast(datetime.date, parsed).isoformat()


def _check_finite(number: float) -> float:
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"not a finite number: {number}")
    return number


def _check_digits(number: int) -> int:
    if number.bit_length() > 2000:  # 600 digits; the limit can be set to 640 or more
        try:
            repr(number)
        except ValueError:
            raise ValueError(f"an integer of more than {sys.get_int_max_str_digits()} digits") from None
    return number


def _parse_key(node: ast.expr | None) -> str | int | float | bool | None:
    if node is None:  # unpacking with `**`
        raise ValueError("not plain data")
    key = _parse_node(node)
    return key if isinstance(key, Hashable) and not isinstance(key, list | dict) else _unparse(node)


def _unparse(node: ast.expr) -> str:
    try:
        return ast.unparse(node)
    except ValueError:  # it has an integer that Python does not write out
        return "a number of too many digits"
