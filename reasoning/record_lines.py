"""Records as lines of JSON: by msgspec where it is installed, else by the standard library, 20 times slower."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

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


def line_parser(kind: type[T]) -> Callable[[bytes], T | None]:
    """Return a function that parses a line as a dataclass.

    It returns None if a field is missing or has another type, so that a slower parser can say which, and always
    without msgspec. Numbers may be out of range.
    """
    if msgspec is None:
        return lambda line: None
    decode = msgspec.json.Decoder(kind).decode

    def parse(line: bytes) -> T | None:
        try:
            parsed: T = decode(line)
        except (ValueError, RecursionError):
            return None
        return parsed

    return parse
