"""A subset of JSONPath (RFC 9535): `$`, `.name`, `["name"]`, `[0]` and `[*]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reasoning.errors import UsageError

_PART = re.compile(r"\.([^\W\d]\w*)|\[\"([^\"]*)\"\]|\['([^']*)'\]|\[(-?\d+)\]|\[(\*)\]|(\.\*)")


def parse_path(text: str) -> list[str | int | None]:
    """Return the parts of a path: a key, an index, or None for all children.

    Raises:
        UsageError: the text is not a path of this subset; the message has the rest that is not one.

    Examples:
        >>> parse_path("$.network[0]")
        ['network', 0]
    """
    parts: list[str | int | None] = []
    position = 1
    while text.startswith("$") and position < len(text):
        match = _PART.match(text, position)
        if match is None:
            break
        name = next((group for group in match.group(1, 2, 3) if group is not None), None)
        parts.append(name if name is not None else int(match[4]) if match[4] else None)
        position = match.end()
    if not text.startswith("$") or position < len(text):
        rest = text[position:] if text.startswith("$") else text
        raise UsageError(f'{text!r} is not a path such as $.network[0] or $["customer service"]: it ends at {rest!r}')
    return parts


def select(value: Any, parts: list[str | int | None]) -> list[Any]:
    """Return the values at a path; an empty list if the path does not exist.

    Args:
        value: plain JSON.
        parts: the path, from `parse_path`.

    Examples:
        >>> select({"network": ["slow", "down"]}, parse_path("$.network[*]"))
        ['slow', 'down']
    """
    values = [value]
    for part in parts:
        values = [child for parent in values for child in _children(parent, part)]
    return values


def _children(value: Any, part: str | int | None) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values()) if part is None else [value[part]] if part in value else []
    if isinstance(value, list | tuple):
        if part is None:
            return list(value)
        return [value[part]] if isinstance(part, int) and -len(value) <= part < len(value) else []
    return []
