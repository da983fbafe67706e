"""Records as lines of JSON: by msgspec where it is installed, else by the standard library, 20 times slower."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Collection
from typing import Annotated, Any, TypeVar, get_type_hints

from reasoning.text_safety import dump_json, escape_control

msgspec: Any
try:
    msgspec = importlib.import_module("msgspec")
except ImportError:
    msgspec = None

T = TypeVar("T")
_encode = None if msgspec is None else msgspec.json.Encoder().encode


def dump_line(record: Any, plain: Callable[[], Any]) -> bytes:
    """Return a record as a line of JSON, with control characters escaped as `dump_json` does.

    Args:
        record: dataclasses, dicts and lists. Its numbers must be finite, since msgspec writes null for others.
        plain: returns the same as dicts and lists, for what msgspec does not take.
    """
    if _encode is not None:
        try:
            line: bytes = _encode(record)
            text = line.decode()
        except (TypeError, ValueError):
            # A mapping that is no dict, a lone surrogate, an integer of more than 64 bits.
            pass
        else:
            return (line if text.isprintable() else escape_control(text).encode()) + b"\n"
    return dump_json(plain(), compact=True).encode() + b"\n"


def line_parser(kind: type[T], required: Collection[str] = ()) -> Callable[[bytes], T | None]:
    """Return a function that parses a line as a record with the fields and properties of a dataclass.

    The record is a struct of msgspec, which is made faster than the dataclass; `to_dataclass` returns that. Instead
    of a record there is None if a field is missing or has another type, or if a number is below 0, so that a slower
    parser can say which, and always without msgspec.

    Args:
        kind: the dataclass. Its fields without a default must be there.
        required: further fields that must be there.
    """
    if msgspec is None:
        return lambda line: None
    decode = msgspec.json.Decoder(_to_struct(kind, required)).decode

    def parse(line: bytes) -> T | None:
        try:
            parsed: T = decode(line)
        except (ValueError, RecursionError):
            return None
        return parsed

    return parse


def to_dataclass(record: T, kind: type[T]) -> T:
    """Return a record of `line_parser` as the dataclass itself, which is returned unchanged."""
    if isinstance(record, kind):
        return record
    converted: T = msgspec.convert(record, kind, from_attributes=True)
    return converted


def _to_struct(kind: Any, required: Collection[str] = ()) -> Any:
    """Return a struct with the fields and properties of a dataclass, whose numbers are at least 0."""
    types = get_type_hints(kind)
    checked = {number: Annotated[number, msgspec.Meta(ge=0)] for number in (int, float)}
    fields: list[tuple[Any, ...]] = []
    for field in dataclasses.fields(kind):
        wanted = types[field.name]
        if dataclasses.is_dataclass(wanted):
            wanted = _to_struct(wanted)
        elif wanted == float | None:
            wanted = checked[float] | None
        wanted = checked.get(wanted, wanted)
        has_default = field.default is not dataclasses.MISSING and field.name not in required
        fields.append((field.name, wanted, field.default) if has_default else (field.name, wanted))
    properties = {name: value for name, value in vars(kind).items() if isinstance(value, property)}
    return msgspec.defstruct(kind.__name__, fields, namespace=properties, kw_only=True, gc=False)
