"""Validation of JSON values, with errors that a model can act on: the place, what was expected, what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reasoning.errors import UsageError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
}
_TYPES |= {"boolean": "true or false", "null": "null"}


def json_schema(schema: Any) -> dict[str, Any]:
    """Return the JSON schema of a pydantic model, or a JSON schema itself after a check.

    Raises:
        UsageError: the argument is neither, or the schema is not valid.
    """
    if _is_model(schema):
        generated: dict[str, Any] = schema.model_json_schema()
        return generated
    if not isinstance(schema, Mapping):
        raise UsageError(
            f"Json(schema={schema!r:.80}): the schema must be a JSON schema (a dict) or a pydantic model (its class)"
        )
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for  # type: ignore[import-untyped]

    if not isinstance(dialect := schema.get("$schema", ""), str):
        raise UsageError(f"Json(schema=…): not a valid JSON schema: $schema must be a text, got {dialect!r:.40}")
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        raise UsageError(f"Json(schema=…): not a valid JSON schema: {error.json_path}: {error.message:.200}") from None
    _check_references(schema)
    return dict(schema)


def schema_errors(value: Any, schema: Any) -> Iterator[str]:
    """Yield the errors of a value, one after the other.

    The author of a schema chooses its cost: `uniqueItems`, or a pattern that backtracks, runs on
    text from a model. Nothing is fetched for a `$ref`.
    """
    if _is_model(schema):
        yield from _model_errors(value, schema)
        return
    from jsonschema.exceptions import best_match
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    for error in validator_for(schema, default=Draft202012Validator)(schema, registry=Registry()).iter_errors(value):
        yield _describe(best_match([error]) or error)


def _check_references(schema: Mapping[str, Any]) -> None:
    """Raise UsageError if a `$ref` points outside the schema or to a missing part."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    inside = Registry().with_resource("", DRAFT202012.create_resource(dict(schema))).resolver()
    parts: list[Any] = [schema]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            if isinstance(part.get("$ref"), str):
                try:
                    inside.lookup(part["$ref"])
                except Unresolvable:
                    raise UsageError(f"Json(schema=…): {part['$ref']!r:.80} is not in the schema") from None
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)


def _is_model(schema: Any) -> bool:
    return isinstance(schema, type) and callable(getattr(schema, "model_validate_json", None))


def _model_errors(value: Any, model: Any) -> Iterator[str]:
    from pydantic import ValidationError

    try:
        # Validate as JSON, so that a list may become a tuple and a text a date.
        model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in detail["loc"])
            found = "" if detail["type"] == "missing" else f", found {_short(detail['input'])}"
            yield f"at {path}: {detail['msg'][:200]}{found}"


def _describe(error: ValidationError) -> str:
    """Return one error as text: `at $.price: expected a number, found "12"`."""
    constraint = error.validator_value
    match error.validator:
        case "type":
            names = [constraint] if isinstance(constraint, str) else list(constraint)
            expected = "expected " + " or ".join(_TYPES.get(name, name) for name in names)
        case "enum":
            expected = f"expected one of {', '.join(map(_short, constraint[:12]))}"
        case "const":
            expected = f"expected {_short(constraint)}"
        case "required":
            missing = [key for key in constraint if key not in error.instance]
            return f"at {error.json_path}: the keys {', '.join(map(_short, missing))} are missing"
        case "additionalProperties" if isinstance(error.schema, Mapping):
            known = error.schema.get("properties", {})
            unknown = [key for key in error.instance if key not in known]
            return f"at {error.json_path}: unknown keys {', '.join(map(_short, unknown[:12]))}"
        case _:
            expected = f"expected {error.validator} {_short(constraint)}"
    return f"at {error.json_path}: {expected}, found {_short(error.instance)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:76]} …"
