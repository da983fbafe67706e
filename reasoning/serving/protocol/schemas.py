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
    parts, count = [(data, False)], 0
    while parts:
        (node, named), count = parts.pop(), count + 1
        if count > _MAX_PARTS:
            # A recursive schema has no end.
            raise _refuse(
                f"must have at most {_MAX_PARTS:,} parts with all that it refers to, and must not be recursive"
            )
        if isinstance(node, list):
            parts += [(part, False) for part in node]
        elif isinstance(node, dict):
            parts += [(part, name in _NAMED and not named) for name, part in node.items()]
            if not named and (refused := _REFUSED & node.keys()):
                raise _refuse(f"must have no {min(refused)}")
            if not named and isinstance(place := node.get("$ref"), str):
                parts.append((_find(root, place), False))


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
