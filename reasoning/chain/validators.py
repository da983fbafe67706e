"""What a step's value must be beyond its kind: a function, a pydantic model, a JSON schema, or another kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from reasoning.errors import UsageError
from reasoning.kinds import Kind
from reasoning.kinds.json_schema import json_schema, schema_errors

Check = Callable[..., str | None]
"""Given a step's value, and the values that it came from by name: None, or a complaint that the model can act on.

It may also be a function of the value alone.
"""

Mend = Callable[[Any, Mapping[str, Any]], Any]
"""Given a refused value (None where nothing could be read) and the values that it came from: a value to go on with."""

Validator = Check | Kind | type[Any] | Mapping[str, Any]
"""A function, a kind that the shown value must have, a pydantic model (its class), or a JSON schema."""


def validators(given: Any) -> tuple[Validator, ...]:
    """Those that a step was given: none, one, or several.

    Raises:
        UsageError: something that is no validator.
    """
    several: tuple[Any, ...] = () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,)
    for one in several:
        if isinstance(one, Mapping) or (isinstance(one, type) and not isinstance(one, Kind)):
            json_schema(one)
        elif inspect.iscoroutinefunction(one):
            raise UsageError(f"{one.__name__} is async: a check is a plain function")
        elif not callable(one) and not isinstance(one, Kind):
            raise UsageError(f"{one!r:.80} is no validator: a function, a kind, a pydantic model or a JSON schema")
    return several


def complaint(value: Any, before: Mapping[str, Any], kind: Kind, checks: tuple[Validator, ...]) -> str | None:
    """What the first validator that refuses a value says; None where all accept it.

    Args:
        value: what the step gave.
        before: the values that it came from.
        kind: the step's own kind, which shows the value.
        checks: the validators.
    """
    said = (_one(value, before, kind, check) for check in checks)
    return next((one for one in said if one), None)


def _one(value: Any, before: Mapping[str, Any], kind: Kind, check: Any) -> str | None:
    if isinstance(check, Kind):
        wrong: str | None = check.error_message(kind.show(value))
        return wrong
    if isinstance(check, Mapping | type):
        found = list(islice(schema_errors(plain_json(value), check), 3))
        return f"It does not fit: {'; '.join(found)}." if found else None
    said = check(value) if _takes_one(check) else check(value, before)
    if said is not None and not isinstance(said, str):
        raise TypeError(f"{getattr(check, '__name__', check)} gave {said!r:.60}: a check gives None or a complaint")
    return said


def _takes_one(check: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(check).parameters.values()
    except (TypeError, ValueError):
        return False
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(places) == 1 and not any(one.kind is one.VAR_POSITIONAL for one in parameters)


def plain_json(value: Any) -> Any:
    """A value as JSON has it: no tuples."""
    if isinstance(value, list | tuple):
        return [plain_json(one) for one in value]
    return {key: plain_json(one) for key, one in value.items()} if isinstance(value, Mapping) else value
