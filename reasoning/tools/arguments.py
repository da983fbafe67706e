"""Arguments of a tool: their schema, the text forms in which models write them, and their validation."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reasoning.errors import ToolError
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.json_schema import schema_errors
from reasoning.sandbox.syntax import parse_source
from reasoning.session_tools import Tool

_OBJECT = re.compile(r"\{")
_MAX_CALL_CHARS = 20_000
"""Characters of a call with keywords that are parsed; longer ones are one text."""
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_TYPES |= {"array": "list", "object": "object"}


def text_schema(**descriptions: str) -> dict[str, Any]:
    """Return the JSON schema of arguments that are texts, all required, from their descriptions by name."""
    properties = {name: {"type": "string", "description": text} for name, text in descriptions.items()}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def describe_usage(tool: Tool) -> str:
    """Return how a tool is used in a text action: `Search[query]` or `weather[{"city": text, "days": number}]`."""
    properties = _properties(tool)
    if len(properties) < 2:
        return f"{tool.name}[{next(iter(properties), '')}]"
    required = tool.parameters.get("required", ())
    parts = [
        f'"{name}": {describe_type(schema)}{"" if name in required else " (optional)"}'
        for name, schema in properties.items()
    ]
    return f"{tool.name}[{{{', '.join(parts)}}}]"


def describe_type(schema: Mapping[str, Any]) -> str:
    """Return the type of a JSON schema in words."""
    if "enum" in schema:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(describe_type, schema["anyOf"])))
    return _TYPES.get(str(schema.get("type")), str(schema.get("type", "value")))


def read_arguments(tool: Tool, written: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a model wrote for a tool, by name.

    A text is the only argument of a tool that takes one. For several it is a JSON object, or names
    with values as in a Python call. Numbers and lists may be in quotes.

    Args:
        tool: the tool.
        written: the text in the brackets of an action, or the arguments of a native call.

    Raises:
        ToolError: they do not fit the tool's schema; says where, and how the tool is used.
    """
    properties = _properties(tool)
    arguments = written if isinstance(written, Mapping) else _from_text(written.strip(), properties)
    if arguments is None:
        raise ToolError(f"{tool.name} takes {len(properties)} arguments by name; write {describe_usage(tool)}")
    values = {
        str(name): _read_value(value, properties.get(name, {})) if isinstance(value, str) else value
        for name, value in arguments.items()
    }
    if problem := next(schema_errors(values, tool.parameters), None):
        raise ToolError(f"the arguments of {tool.name} do not fit: {problem}; write {describe_usage(tool)}")
    return values


def _properties(tool: Tool) -> Mapping[str, Mapping[str, Any]]:
    properties: Mapping[str, Mapping[str, Any]] = tool.parameters.get("properties", {})
    return properties


def _from_text(text: str, properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return arguments by name, or None for a text that has no names where names are needed."""
    names = [*properties]
    found = next(find_json(text, _OBJECT), None) if text.startswith("{") else None
    if found and isinstance(found.value, dict) and (len(names) != 1 or found.value.keys() <= {*names}):
        return found.value
    if (called := _from_call(text, names)) is not None:
        return called
    if len(names) == 1:
        return {names[0]: text}
    return {} if not text else None


def _from_call(text: str, names: list[str]) -> dict[str, Any] | None:
    """Return the arguments of a text such as `city="Oslo", days=2`, or `"Oslo", 2` for several parameters."""
    if not text or len(text) > _MAX_CALL_CHARS or (len(names) == 1 and not text.startswith(names[0])):
        return None
    try:
        call = parse_source(f"f({text})", "eval").body
        if not isinstance(call, ast.Call) or (len(names) == 1 and call.args) or len(call.args) > len(names):
            return None
        values = dict(zip(names, map(ast.literal_eval, call.args), strict=False))
        values |= {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return values if values and values.keys() <= {*names} else None


def _read_value(text: str, schema: Mapping[str, Any]) -> Any:
    """Return a text as a value of a schema: a text without quotes around it, or the JSON value that it shows."""
    if "string" in _types(schema):
        return unquote(text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _types(schema: Mapping[str, Any]) -> Iterable[str]:
    if "enum" in schema:
        return ("string",) if all(isinstance(value, str) for value in schema["enum"]) else ()
    return (
        [kind for one in schema["anyOf"] for kind in _types(one)] if "anyOf" in schema else (str(schema.get("type")),)
    )


def unquote(text: str) -> str:
    """Return a text without one pair of quotes around it."""
    text = text.strip()
    inner = text[1:-1]
    is_quoted = len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("'", "'"), ("“", "”"), ("`", "`")}
    return inner.strip() if is_quoted and text[0] not in inner and text[-1] not in inner else text
