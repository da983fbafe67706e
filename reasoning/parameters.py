"""Validation of a technique's parameters, and their form in a spec."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

from reasoning.errors import UnknownName, UsageError, nearest
from reasoning.prompts import Prompt


class HasParameters(Protocol):
    """Anything with parameters; every `Strategy` has them."""

    def parameters(self) -> Iterator[tuple[str, Any]]:
        """Yield the parameters with their names, in order."""


def check_parameters(strategy: HasParameters, bounds: Mapping[str, float | tuple[float, float]]) -> None:
    """Check each parameter against its annotation, and the named ones against their bounds.

    Args:
        strategy: the technique.
        bounds: the least value of a parameter, or the least and the greatest, by name.

    Raises:
        UsageError: names the parameter, its value and what it must be.
    """
    hints, card = typing.get_type_hints(type(strategy)), getattr(type(strategy), "card", None)
    for name, value in strategy.parameters():
        where = name if card is None else f"{card.name}({name}={value!r})"
        if not _fits(value, hints[name]):
            if typing.get_origin(hints[name]) is Literal and isinstance(value, str):
                raise UnknownName(name, value, [str(value) for value in typing.get_args(hints[name])])
            wanted = _describe_type(hints[name])
            hint = f"; write {value} without quotes" if wanted == _STRATEGY and isinstance(value, str) else ""
            if wanted == _PROMPT and isinstance(value, int | float):
                # `steps` may be meant as `max_steps`.
                similar = nearest(name, [other for other, hinted in hints.items() if hinted in (int, float)])
                hint = f"; did you mean {similar}={value!r}?" if similar else ""
            raise UsageError(f"{where}: {name} must be {wanted}, got {_describe_value(value)}{hint}")
        if name not in bounds or value is None:
            continue
        bound = bounds[name]
        least, most = bound if isinstance(bound, tuple) else (bound, None)
        if value < least or (most is not None and value > most):
            wanted = f"at least {least:g}" if most is None else f"from {least:g} to {most:g}"
            raise UsageError(f"{where}: {name} must be {wanted}, got {value!r}")


def to_spec(name: str, instance: Any) -> str:
    """Return a dataclass as a call expression with the parameters that differ from their defaults.

    A prompt is written as its changed sections. A strategy is always written, since a wrapper's
    spec says little without it.
    """
    changed: list[str] = []
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if hasattr(type(value), "solve"):
            changed.append(f"{field.name}={value!r}" if changed else repr(value))
        elif value != field.default:
            sections = isinstance(value, Prompt) and isinstance(field.default, Prompt)
            changed.append(f"{field.name}={value.diff_plain(field.default) if sections else value!r}")
    return name + (f"({', '.join(changed)})" if changed else "")


_STRATEGY = "a strategy such as cot"
_PROMPT = "a prompt: its changed sections, such as {'objective': '…'}"
_NAMES: dict[Any, str] = {Prompt: _PROMPT, Mapping: "a mapping such as {'name': 'value'}", type(None): "None"}
"""Types whose own name does not say what to write."""


def _describe_type(hint: Any) -> str:
    if hasattr(hint, "solve"):
        return _STRATEGY
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and args[1:] == (...,):
        return f"a tuple of {_describe_type(args[0])}"
    if origin is Literal:
        return " or ".join(map(repr, args))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_describe_type, args))
    return _NAMES.get(origin or hint) or str(getattr(origin or hint, "__name__", hint))


def _describe_value(value: object) -> str:
    return repr(value)[:80] if isinstance(value, tuple) else type(value).__name__


def _fits(value: object, hint: Any) -> bool:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return value in args
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, arg) for arg in args)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is tuple and args[1:] == (...,):
        return isinstance(value, tuple) and all(_fits(item, args[0]) for item in value)
    kind = origin or hint
    return isinstance(value, kind) if isinstance(kind, type) else True
