"""Validators of a step's value, and the coercion of computed values to a step's kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from reasoning.chain.list_kind import ListOf
from reasoning.errors import UsageError
from reasoning.kinds import Cells, Items, Json, Kind, Text
from reasoning.kinds.json_schema import json_schema, schema_errors

Check = Callable[..., str | None]
"""A function of a step's value and, optionally, of the values that the step read, by name. It returns None, or an error
message that the model can act on."""

Fallback = Callable[[Any, Mapping[str, Any]], Any]
"""A function of a rejected value (None if nothing could be parsed) and of the values that the step read, by name. It
returns the value to continue with, or None to keep the rejection."""

Parse = Callable[[str, Mapping[str, Any]], Any]
"""A function of a reply's text and of the values that the step read, by name. It returns a value of the step's kind, or
None to leave the reply to the kind."""

Validator = Check | Kind | type[Any] | Mapping[str, Any]
"""A function, a kind that must parse the value's text, a pydantic model (its class), or a JSON schema."""


def as_validators(check: Any) -> tuple[Validator, ...]:
    """Return the validators of a step as a tuple.

    Args:
        check: None, one validator, or a list or tuple of them.

    Raises:
        UsageError: a value is not a validator.
    """
    validators: tuple[Any, ...] = () if check is None else tuple(check) if isinstance(check, list | tuple) else (check,)
    for validator in validators:
        if isinstance(validator, Mapping) or (isinstance(validator, type) and not isinstance(validator, Kind)):
            json_schema(validator)
        elif inspect.iscoroutinefunction(validator):
            raise UsageError(f"a check must be a plain function, got the async {validator.__name__}")
        elif not callable(validator) and not isinstance(validator, Kind):
            raise UsageError(
                f"a validator must be a function, a kind, a pydantic model or a JSON schema, got {validator!r:.80}"
            )
    return validators


def first_error(value: Any, before: Mapping[str, Any], kind: Kind, checks: tuple[Validator, ...]) -> str | None:
    """Return the message of the first validator that rejects a value; None if all accept it.

    Args:
        value: the step's value.
        before: the values that the step read, by name.
        kind: the step's kind, which turns the value into text.
        checks: the validators.
    """
    messages = (_error(value, before, kind, check) for check in checks)
    return next((message for message in messages if message), None)


def _error(value: Any, before: Mapping[str, Any], kind: Kind, check: Any) -> str | None:
    if isinstance(check, Kind):
        return check.error_message(kind.show(value))
    if isinstance(check, Mapping | type):
        errors = list(islice(schema_errors(plain_json(value), check), 3))
        return f"It does not fit: {'; '.join(errors)}." if errors else None
    message = check(value) if _takes_one_argument(check) else check(value, before)
    if message is not None and not isinstance(message, str):
        name = getattr(check, "__name__", check)
        raise UsageError(f"{name} returned {message!r:.60}: a check returns None or an error message")
    return message


def _takes_one_argument(check: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(check).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) == 1 and not any(p.kind is p.VAR_POSITIONAL for p in parameters)


def coerce(kind: Kind, value: Any) -> Any:
    """Coerce a computed value to its step's kind.

    Args:
        kind: the kind.
        value: the value of a function, a fallback or `if_empty`. A text is parsed like a target in a
            data file if the kind is not text. An empty list stays empty.

    Raises:
        UsageError: the value is not of this kind; says why.
    """
    match kind:
        case Text() if isinstance(value, str):
            return value
        case Items() | Cells() | ListOf() if isinstance(value, list | tuple) and not value:
            return ()
        case ListOf() if isinstance(value, list | tuple):
            return tuple(coerce(kind.of, item) for item in value)
        case Json():
            return _coerce_json(kind, value)
    try:
        return kind.target(value)
    except UsageError as error:
        raise UsageError(str(error).removeprefix("the target ")) from None
    except (TypeError, ValueError, AttributeError):
        raise UsageError(f"{value!r:.80} is no value of the kind {kind.name}") from None


def _coerce_json(kind: Json, value: Any) -> Any:
    """Return a JSON value, which must survive being shown and parsed again."""
    value = kind.parse(value) if isinstance(value, str) and kind.parse(value) is not None else plain_json(value)
    try:
        shown = kind.show(value)
        parsed = kind.parse(shown)
        if parsed is not None and kind.key(parsed) == kind.key(value):
            return value
    except (TypeError, ValueError) as error:
        raise UsageError(f"{value!r:.80} is no JSON: {error}") from None
    shape = {"object": dict, "array": list}.get(kind.shape, (dict, list))
    fits = isinstance(value, shape)
    raise UsageError(
        (fits and kind.error_message(shown)) or f"{value!r:.80} is no JSON {kind.shape.replace('any', 'value')}"
    )


def plain_json(value: Any) -> Any:
    """Convert a value to JSON's types: tuples become lists, mappings dicts."""
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    return {key: plain_json(item) for key, item in value.items()} if isinstance(value, Mapping) else value
