"""The check of a client's JSON schema: replies must be validated in bounded time, on the server."""

from __future__ import annotations

import json
import re
from typing import Any

from reasoning.serving.protocol.errors import RequestFailed

_MAX_CHARS = 65_536
_MAX_PARTS = 10_000
"""The parts of a schema with what it references: definitions that refer to each other twice double at each step."""
_REFUSED = frozenset(
    [
        *("pattern", "patternProperties", "$id", "$anchor"),
        *("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"),
    ]
)
"""Regular expressions may take exponential time, and the others make references that are not followed here."""
_NAMED = ("properties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose objects are schemas by name."""
_REFERENCE = re.compile(r"#(?:/[^/~%]+)*")


def check_schema(data: Any) -> None:
    """Check a kind with a schema of a request.

    Raises:
        RequestFailed: the schema is large or recursive, or has a keyword whose cost has no bound.
    """
    if len(json.dumps(data)) > _MAX_CHARS:
        raise _refuse(f"must have at most {_MAX_CHARS:,} characters")
    root = data.get("schema", data) if isinstance(data, dict) else data
    sizes: dict[str, int | None] = {}

    def measure(node: Any, *, named: bool = False) -> int:
        if isinstance(node, list):
            return 1 + sum(map(measure, node))
        if not isinstance(node, dict):
            return 1
        if not named and (refused := _REFUSED & node.keys()):
            raise _refuse(f"must have no {min(refused)}")
        total = 1 + sum(measure(value, named=name in _NAMED and not named) for name, value in node.items())
        if not named and isinstance(place := node.get("$ref"), str):
            total += follow(place)
        if total > _MAX_PARTS:
            raise _refuse(f"must have at most {_MAX_PARTS:,} parts, with all that it refers to")
        return total

    def follow(place: str) -> int:
        if place not in sizes:
            sizes[place] = None
            sizes[place] = measure(_find(root, place))
        if (size := sizes[place]) is None:
            raise _refuse(f"must not be recursive, as {place} is")
        return size

    measure(data)


def _find(root: Any, place: str) -> Any:
    if not _REFERENCE.fullmatch(place):
        raise _refuse(f"must refer to its own parts by plain names, got {place!r:.60}")
    for part in place.split("/")[1:]:
        if not isinstance(root, dict) or part not in root:
            raise _refuse(f"must have what it refers to, {place!r:.60}")
        root = root[part]
    return root


def _refuse(what: str) -> RequestFailed:
    return RequestFailed(400, f"the schema of a request {what}", "invalid_schema")
