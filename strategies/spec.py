"""The spec language: a strategy as a Python call expression, such as `self_consistency(pot, samples=10)`.

It is parsed and never evaluated. A pool of demonstrations is written as it shows itself:
`cot(shots=4, demonstrations=Pool('mine.toml', select='similar'))`.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from reasoning.errors import SpecError, UnknownName, UsageError
from reasoning.strategy import Strategy
from strategies.demonstrations.pool import Pool

Lookup = Callable[[str, str], "type[Strategy] | Strategy"]
"""From a name and where it stands to a strategy or its class; raises UnknownName."""


def build(spec: str, lookup: Lookup) -> Strategy:
    """The strategy that a spec describes.

    Raises:
        SpecError: the spec is no call expression; shows where.
        UnknownName: a name or a parameter that does not exist; gives the nearest one and the column.
        UsageError: a value that a parameter does not take.
    """
    return _strategy(_parsed(spec), spec, lookup)


def split(specs: str) -> list[str]:
    """The specs in a text that lists them with commas between; commas within brackets do not count."""
    if not specs.strip(" ,\n\t"):
        raise UsageError("no strategy is named; see `reasoning strategies`")
    listed = _parsed(f"({specs.strip().rstrip(',')},)", shown=specs)
    assert isinstance(listed, ast.Tuple)
    return [ast.unparse(one) for one in listed.elts]


def _parsed(text: str, shown: str = "") -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        offset = (error.offset or 1) - (2 if shown else 1)
        raise SpecError(f"this is no strategy: {error.msg}", shown or text, max(offset, 0)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SpecError(f"this is no strategy: {error}", (shown or text)[:80], 0) from None


def _strategy(node: ast.expr, spec: str, lookup: Lookup) -> Strategy:
    match node:
        case ast.Name(id=name):
            found = lookup(name, _where(node, spec))
            return found if isinstance(found, Strategy) else _made(found, {}, node, spec)
        case ast.Call(func=ast.Name(id=name)):
            found = lookup(name, _where(node, spec))
            if isinstance(found, Strategy):
                raise SpecError(f"{name} takes no parameters", spec, node.col_offset)
            return _made(found, _parameters(found, node, spec, lookup), node, spec)
    raise SpecError("a strategy is a name or a call such as cot(shots=4)", spec, node.col_offset)


def _parameters(cls: type[Strategy], node: ast.Call, spec: str, lookup: Lookup) -> dict[str, Any]:
    fields = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]  # techniques are dataclasses
    name = cls.card.name
    if len(node.args) > len(fields):
        raise SpecError(f"{name} takes at most {len(fields)} parameters", spec, node.args[len(fields)].col_offset)
    given: dict[str, Any] = {}
    pairs: Iterable[tuple[str | None, ast.expr]] = [
        *zip(fields, node.args, strict=False),
        *((one.arg, one.value) for one in node.keywords),
    ]
    for parameter, value in pairs:
        if parameter is None:
            raise SpecError("write parameters as name=value", spec, value.col_offset)
        if parameter not in fields:
            raise UnknownName("parameter", parameter, fields, f"of {name} {_where(value, spec)}")
        if parameter in given:
            raise SpecError(f"{name} gets {parameter} twice", spec, value.col_offset)
        given[parameter] = _value(value, spec, lookup)
    return given


def _value(node: ast.expr, spec: str, lookup: Lookup) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Pool.__name__:
            return _pool(node, spec)
        if isinstance(node, ast.Tuple):
            return tuple(_value(one, spec, lookup) for one in node.elts)
        return _strategy(node, spec, lookup)


def _pool(node: ast.Call, spec: str) -> Pool:
    try:
        named = {one.arg or "": ast.literal_eval(one.value) for one in node.keywords}
        return Pool(*map(ast.literal_eval, node.args), **named)
    except UnknownName as error:
        raise UnknownName(error.what, error.name, error.known, _where(node, spec)) from None
    except (ValueError, TypeError, UsageError) as error:
        raise SpecError(f"this is no pool of demonstrations: {error}", spec, node.col_offset) from None


def _made(cls: type[Strategy], parameters: dict[str, Any], node: ast.expr, spec: str) -> Strategy:
    try:
        return cls(**parameters)
    except UnknownName:
        raise
    except UsageError as error:
        raise SpecError(str(error), spec, node.col_offset) from None
    except TypeError as error:  # a parameter without a default is missing
        raise SpecError(str(error).replace("__init__()", cls.card.name), spec, node.col_offset) from None


def _where(node: ast.expr, spec: str) -> str:
    return f"at column {node.col_offset + 1} of {spec.strip()!r}"
