"""The spec language: a strategy as a Python call expression, such as `self_consistency(pot, samples=10)`.

It is parsed and never evaluated. A pool of demonstrations is written as it shows itself:
`cot(shots=4, demonstrations=Pool('mine.toml', select='similar'))`. A prompt is written as the sections that differ from
the usual ones, `cot(two_stages={'form': 'xml'})`, and a task of a tree search as `tree_of_thoughts(Steps(rate={…}))`.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, cast

from reasoning.errors import SpecError, UnknownName, UsageError
from reasoning.prompts import Prompt
from reasoning.strategies.demonstrations.pool import DemonstrationPool
from reasoning.strategy import Strategy

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
            return (
                found if isinstance(found, Strategy) else cast(Strategy, _made(found, found.card.name, {}, node, spec))
            )
        case ast.Call(func=ast.Name(id=name)):
            found = lookup(name, _where(node, spec))
            if isinstance(found, Strategy):
                raise SpecError(f"{name} takes no parameters", spec, node.col_offset)
            return cast(Strategy, _called(found, found.card.name, node, spec, lookup))
    raise SpecError("a strategy is a name or a call such as cot(shots=4)", spec, node.col_offset)


def _called(cls: type[Any], name: str, node: ast.Call, spec: str, lookup: Lookup) -> Any:
    return _made(cls, name, _parameters(cls, name, node, spec, lookup), node, spec)


def _parameters(cls: type[Any], name: str, node: ast.Call, spec: str, lookup: Lookup) -> dict[str, Any]:
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}  # techniques are dataclasses
    fields = list(defaults)
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
        if isinstance(prompt := defaults[parameter], Prompt) and isinstance(given[parameter], dict):
            given[parameter] = _prompt(prompt, given[parameter], value, spec)
    return given


def _prompt(before: Prompt, changes: dict[str, Any], node: ast.expr, spec: str) -> Prompt:
    try:
        return before.with_plain(changes)
    except UnknownName as error:
        raise UnknownName(error.what, error.name, error.known, _where(node, spec)) from None
    except (UsageError, TypeError) as error:
        raise SpecError(str(error), spec, node.col_offset) from None


def _value(node: ast.expr, spec: str, lookup: Lookup) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Pool":
            return _pool(node, spec)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (task := _task(node.func.id)):
            return _called(task, node.func.id, node, spec, lookup)
        if isinstance(node, ast.Tuple):
            return tuple(_value(one, spec, lookup) for one in node.elts)
        return _strategy(node, spec, lookup)


def _task(name: str) -> type[Any] | None:
    """The class of a task for `tree_of_thoughts`."""
    if not name[:1].isupper():  # strategies have small letters: nothing is imported for them
        return None
    from reasoning.strategies.search.tree_of_thoughts import TASKS

    return next((type(task) for task in TASKS.values() if type(task).__name__ == name), None)


def _pool(node: ast.Call, spec: str) -> DemonstrationPool:
    try:
        named = {one.arg or "": ast.literal_eval(one.value) for one in node.keywords}
        return DemonstrationPool(*map(ast.literal_eval, node.args), **named)
    except UnknownName as error:
        raise UnknownName(error.what, error.name, error.known, _where(node, spec)) from None
    except (ValueError, TypeError, UsageError) as error:
        raise SpecError(f"this is no pool of demonstrations: {error}", spec, node.col_offset) from None


def _made(cls: type[Any], name: str, parameters: dict[str, Any], node: ast.expr, spec: str) -> Any:
    try:
        return cls(**parameters)
    except UnknownName:
        raise
    except UsageError as error:
        raise SpecError(str(error), spec, node.col_offset) from None
    except TypeError as error:  # a parameter without a default is missing
        raise SpecError(str(error).replace("__init__()", name), spec, node.col_offset) from None


def _where(node: ast.expr, spec: str) -> str:
    return f"at column {node.col_offset + 1} of {spec.strip()!r}"
