"""The kinds by name, for data files and stored results: `"number"`, `{"kind": "choice", "options": ["red", "blue"]}`"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from reasoning.errors import UnknownName, UsageError
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
from reasoning.kinds.text import Text
from reasoning.kinds.yesno import YesNo

_ALL = (Number, Choice, Label, YesNo, Text, Date, Expression, Calculation, Items, Cells, Json, Code, Composite)

KINDS: dict[str, type[Any]] = {kind.name: kind for kind in _ALL}
"""The kinds that data files can name."""


def get(name: str, **parameters: Any) -> Kind:
    """The kind of that name: `get("choice", options=["red", "blue"])`.

    Raises:
        UnknownName: there is no such kind, or it has no such parameter.
        UsageError: a parameter makes no sense.
    """
    if name not in KINDS:
        raise UnknownName("kind", str(name), KINDS)
    known = [field.name for field in dataclasses.fields(KINDS[name])]
    for parameter in parameters:
        if parameter not in known:
            raise UnknownName("parameter", parameter, known, f"of the kind {name!r}")
    kind: Kind = KINDS[name](**parameters)
    return kind


def from_json(data: Any) -> Kind:
    """The kind that a data file names, by a word or an object with `kind` and its parameters; see `get` for errors."""
    if isinstance(data, str):
        return get(data)
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise UsageError(f'a kind is a word or an object such as {{"kind": "number"}}, not {data!r:.80}')
    return get(data["kind"], **{str(key): _parameter(key, value) for key, value in data.items() if key != "kind"})


def to_json(kind: Kind) -> dict[str, Any]:
    """The object from which `from_json` makes the kind again; parameters with their default value are left out."""
    if not dataclasses.is_dataclass(kind):
        raise UsageError(f"{kind!r} cannot be stored: a kind is a frozen dataclass")
    data: dict[str, Any] = {"kind": kind.name}
    for field in dataclasses.fields(kind):
        value = getattr(kind, field.name)
        if value != field.default:
            data[field.name] = _plain(value)
    return data


def _parameter(name: str, value: Any) -> Any:
    """A parameter as a kind wants it; that of the name `kinds` holds kinds."""
    if name != "kinds" or isinstance(value, str):
        return value
    return (
        {key: from_json(one) for key, one in value.items()} if isinstance(value, Mapping) else [*map(from_json, value)]
    )


def _plain(value: Any) -> Any:
    """A parameter as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Kind):
        return to_json(value)
    return json_schema(value) if isinstance(value, type) else value
