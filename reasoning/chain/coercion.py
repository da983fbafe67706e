"""A value that no reply gave, held to the kind that its step says."""

from __future__ import annotations

from typing import Any

from reasoning.chain.list_kind import Each
from reasoning.chain.validators import plain_json
from reasoning.errors import UsageError
from reasoning.kinds import Cells, Items, Json, Kind, Text


def held(kind: Kind, value: Any) -> Any:
    """The value as the kind has it: what a function gave or mended, or what stands in the chain for an empty input.

    A text may be read, as a data file's is; an empty text is a text, and an empty list a list.

    Raises:
        UsageError: it is no value of this kind; says why.
    """
    match kind:
        case Text() if isinstance(value, str):
            return value
        case Items() | Cells() | Each() if isinstance(value, list | tuple) and not value:
            return ()
        case Each() if isinstance(value, list | tuple):
            return tuple(held(kind.of, one) for one in value)
        case Json():
            return _json(kind, value)
    try:
        return kind.target(value)
    except UsageError as error:
        raise UsageError(str(error).removeprefix("the target ")) from None
    except (TypeError, ValueError, AttributeError):
        raise UsageError(f"{value!r:.80} is no value of the kind {kind.name}") from None


def _json(kind: Json, value: Any) -> Any:
    """What is read from the value's own text must be the value."""
    value = kind.parse(value) if isinstance(value, str) and kind.parse(value) is not None else plain_json(value)
    try:
        shown = kind.show(value)
        read = kind.parse(shown)
        if read is not None and kind.key(read) == kind.key(value):
            return value
    except (TypeError, ValueError) as error:
        raise UsageError(f"{value!r:.80} is no JSON: {error}") from None
    shape = {"object": dict, "array": list}.get(kind.shape, (dict, list))
    fits = isinstance(value, shape)
    raise UsageError(
        (fits and kind.error_message(shown)) or f"{value!r:.80} is no JSON {kind.shape.replace('any', 'value')}"
    )
