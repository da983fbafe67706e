"""The kinds by name, for data files and stored results: `"number"`, `{"kind": "choice", "options": ["red", "blue"]}`"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from reasoning.errors import UnknownName, UsageError
from reasoning.kinds.choice import Choice
from reasoning.kinds.items import Items
from reasoning.kinds.kind import Kind
from reasoning.kinds.number import Number
from reasoning.kinds.structured import Json
from reasoning.kinds.text import Text
from reasoning.kinds.yesno import YesNo

KINDS: dict[str, type[Any]] = {kind.name: kind for kind in (Number, Choice, YesNo, Text, Items, Json)}
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
    return get(data["kind"], **{str(key): value for key, value in data.items() if key != "kind"})


def to_json(kind: Kind) -> dict[str, Any]:
    """The object from which `from_json` makes the kind again; parameters with their default value are left out."""
    if not dataclasses.is_dataclass(kind):
        raise UsageError(f"{kind!r} cannot be stored: a kind is a frozen dataclass")
    data: dict[str, Any] = {"kind": kind.name}
    for field in dataclasses.fields(kind):
        value = getattr(kind, field.name)
        if value != field.default:
            data[field.name] = list(value) if isinstance(value, tuple) else value
    return data
