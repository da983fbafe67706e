"""A part of a value by its JSON path: `$`, `.name`, `["name"]`, `[0]`, `[*]` of RFC 9535, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.errors import UsageError

_PART = re.compile(r"\.([^\W\d]\w*)|\[\"([^\"]*)\"\]|\['([^']*)'\]|\[(-?\d+)\]|\[(\*)\]|(\.\*)")


def parse_path(text: str) -> list[str | int | None]:
    """The parts of a path: a key, a place in a list, or None for all of them.

    Raises:
        UsageError: it is no such path; marks the place.
    """
    parts: list[str | int | None] = []
    at = 1
    while text.startswith("$") and at < len(text):
        match = _PART.match(text, at)
        if match is None:
            break
        name = next((one for one in match.group(1, 2, 3) if one is not None), None)
        parts.append(name if name is not None else int(match[4]) if match[4] else None)
        at = match.end()
    if not text.startswith("$") or at < len(text):
        rest = text[at:] if text.startswith("$") else text
        raise UsageError(f'{text!r} is no path such as $.network[0] or $["customer service"]: it ends at {rest!r}')
    return parts


def select(value: Any, parts: list[str | int | None]) -> list[Any]:
    """What stands at a path; nothing where there is no such place."""
    found = [value]
    for part in parts:
        found = [one for value in found for one in _within(value, part)]
    return found


def _within(value: Any, part: str | int | None) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values()) if part is None else [value[part]] if part in value else []
    if isinstance(value, list | tuple):
        if part is None:
            return list(value)
        return [value[part]] if isinstance(part, int) and -len(value) <= part < len(value) else []
    return []
