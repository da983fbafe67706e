"""Kinds by name, for data files and stored results: `"number"`, `{"kind": "choice", "options": ["red", "blue"]}`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from reasoning import plugins
from reasoning.errors import UnknownName, UsageError, nearest
from reasoning.kinds.calculation import Calculation
from reasoning.kinds.cells import Cells
from reasoning.kinds.choice import Choice
from reasoning.kinds.code import Code
from reasoning.kinds.composite import Composite
from reasoning.kinds.date import Date
from reasoning.kinds.expression import Expression
from reasoning.kinds.items import Items
from reasoning.kinds.json_kind import Json
from reasoning.kinds.json_schema import json_schema
from reasoning.kinds.kind import Kind
from reasoning.kinds.label import Label
from reasoning.kinds.number import Number
from reasoning.kinds.spans import Spans
from reasoning.kinds.text import Text
from reasoning.kinds.yesno import YesNo
from reasoning.short_repr import shorten

_ALL = (Number, Choice, Label, YesNo, Text, Date, Expression, Calculation, Items, Cells, Json, Code, Composite, Spans)

KINDS: dict[str, type[Any]] = {kind.name: kind for kind in _ALL}
"""The kinds that a data file can name, by name."""
GROUP = "reasoning.kinds"
"""The entry points by which other distributions add kinds. They cannot replace the names in `KINDS`."""


def get(name: str, **parameters: Any) -> Kind:
    """Make the kind with this name.

    Args:
        name: the word for the kind in data files.
        parameters: the parameters of its class.

    Raises:
        UnknownName: no kind has this name, or it has no such parameter.
        UsageError: the value of a parameter is not valid.

    Examples:
        >>> get("choice", options=["red", "blue"])
        Choice(options=('red', 'blue'), labels=('A', 'B'))
    """
    cls = KINDS.get(name) or _plugin(str(name))
    known = [field.name for field in dataclasses.fields(cls)]
    for parameter in parameters:
        if parameter not in known:
            raise UnknownName("parameter", parameter, known, f"of the kind {name!r}")
    kind: Kind = cls(**parameters)
    return kind


def from_json(data: Any) -> Kind:
    """Make a kind from its data: a word, or an object with `kind` and its parameters; see `get` for errors."""
    if isinstance(data, str):
        return get(data)
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise UsageError(f'a kind must be a word or an object such as {{"kind": "number"}}, got {data!r:.80}')
    return get(data["kind"], **{str(key): _parameter(key, value) for key, value in data.items() if key != "kind"})


def check_is_kind(value: object, what: str) -> None:
    """Raise UsageError unless a value is a kind. The message names the kind whose name is nearest to a wrong value.

    Args:
        value: the value.
        what: what must be a kind, such as "a problem's kind".
    """
    if isinstance(value, Kind) and not isinstance(value, type):
        return
    word = value.__name__ if isinstance(value, type) else str(value)
    classes = {word: cls for name, cls in KINDS.items() for word in (name, cls.__name__)}
    near = nearest(word, classes)
    advice = f"; did you mean kinds.{classes[near].__name__}(…)?" if near else ""
    raise UsageError(f"{what} must be a kind such as kinds.Number(), got {shorten(value)}{advice}")


def to_json(kind: Kind) -> dict[str, Any]:
    """Return the data that `from_json` accepts, without the parameters that have their default values."""
    if not dataclasses.is_dataclass(kind):
        raise UsageError(f"a kind must be a frozen dataclass to be stored, got {kind!r}")
    data: dict[str, Any] = {"kind": kind.name}
    for field in dataclasses.fields(kind):
        value = getattr(kind, field.name)
        if value != field.default:
            data[field.name] = _plain(value)
    return data


def _plugin(name: str) -> type[Any]:
    points = plugins.entry_points(GROUP)
    if name not in points:
        raise UnknownName("kind", name, [*KINDS, *points])
    cls = plugins.load(GROUP, name)
    if not isinstance(cls, type) or not dataclasses.is_dataclass(cls) or getattr(cls, "name", "") != name:
        raise plugins.wrong(GROUP, name, f"must be a frozen dataclass with name = {name!r}, got {cls!r}")
    return cls


def _parameter(name: str, value: Any) -> Any:
    """Return a parameter as the kind expects it; `kinds` contains kinds."""
    if name != "kinds" or isinstance(value, str):
        return value
    return (
        {key: from_json(item) for key, item in value.items()}
        if isinstance(value, Mapping)
        else [*map(from_json, value)]
    )


def _plain(value: Any) -> Any:
    """Return a parameter as plain JSON data."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Kind):
        return to_json(value)
    return json_schema(value) if isinstance(value, type) else value
