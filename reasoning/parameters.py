"""The parameters of a technique: what they must be, and how they are written."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from reasoning.errors import UnknownName, UsageError
from reasoning.prompts import Prompt

if TYPE_CHECKING:
    from reasoning.strategy import Strategy


def check_parameters(strategy: Strategy, at_least: Mapping[str, float]) -> None:
    """Check each parameter against its annotation, and the named ones against their least value; see `Strategy`."""
    hints = typing.get_type_hints(type(strategy))
    for name, value in strategy.parameters():
        where = f"{strategy.card.name}({name}={value!r})" if hasattr(type(strategy), "card") else name
        if not _fits(value, hints[name]):
            if typing.get_origin(hints[name]) is Literal and isinstance(value, str):
                raise UnknownName(name, value, [str(one) for one in typing.get_args(hints[name])])
            wanted = getattr(hints[name], "__name__", str(hints[name]))
            raise UsageError(f"{where}: {name} must be {wanted}, not {type(value).__name__}")
        if name in at_least and value is not None and value < at_least[name]:
            raise UsageError(f"{where}: {name} must be at least {at_least[name]:g}")


def called(name: str, made: Any) -> str:
    """A dataclass as a call that makes it, with what differs from its defaults; a prompt as its changed sections."""
    from reasoning.strategy import Strategy

    changed: list[str] = []
    for one in dataclasses.fields(made):
        value = getattr(made, one.name)
        if isinstance(value, Strategy):  # always shown: what is wrapped is the heart of a wrapper
            changed.append(f"{one.name}={value!r}" if changed else repr(value))
        elif value != one.default:
            sections = isinstance(value, Prompt) and isinstance(one.default, Prompt)
            changed.append(f"{one.name}={value.changes(one.default) if sections else value!r}")
    return name + (f"({', '.join(changed)})" if changed else "")


def _fits(value: object, hint: Any) -> bool:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return value in args
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in args)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    kind = origin or hint
    return isinstance(value, kind) if isinstance(kind, type) else True
