"""Delta states in replies: the variables that a simulated line changes, and the value of a simulated header."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from reasoning.sandbox import literals
from reasoning.sandbox.execution import PlainData

_MAX_DICTS = 20
"""The ends of a dict that are tried."""
_TRUTH = {"true": True, "yes": True, "false": False, "no": False, "1": True, "0": False}
_BARE = re.compile(r"(?:\A|.*delta state\W{0,6})[\W_]*(true|false|yes|no)[\W_]*\Z", re.IGNORECASE | re.DOTALL)


def parse_delta_state(reply: str) -> dict[str, PlainData] | None:
    """Parse the variables that a reply sets: the dict after the last "delta state:", else the last dict."""
    start = reply.find("{", max(reply.lower().rfind("delta state"), 0))
    ends = [match.start() + 1 for match in re.finditer("}", reply[start:])] if start >= 0 else []
    # The whole of the rest first; then text with a brace follows the dict.
    for end in [*ends[-1:], *ends[:_MAX_DICTS]]:
        for reader in (literals.parse, json.loads):
            try:
                parsed = reader(reply[start : start + end])
            except (ValueError, RecursionError):
                continue
            if isinstance(parsed, dict):
                return {str(name): value for name, value in parsed.items()}
    return None


def parse_condition(reply: str, expression: str) -> bool | None:
    """Parse whether the condition of a header holds, or None if the reply does not say it.

    It is the value of the only entry of the delta state, whatever its name, or of the entry that
    has the condition as its name; else a single word, yes, no, true or false.

    Args:
        reply: the reply.
        expression: the condition.
    """
    if (delta := parse_delta_state(reply)) is None:
        bare = _BARE.match(reply[-500:])
        return _TRUTH[bare[1].lower()] if bare else None
    value = _entry(delta, expression)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return None if isinstance(value, list | dict) or value is None else _TRUTH.get(str(value).strip(" .").lower())


def parse_iterable(reply: str, expression: str) -> list[PlainData] | None:
    """Parse the values that the header of a loop goes through, as `parse_condition` does; None without a list."""
    value = _entry(parse_delta_state(reply) or {}, expression)
    return list(value) if isinstance(value, list | dict) else None


def _entry(delta: Mapping[str, PlainData], expression: str) -> PlainData:
    if len(delta) == 1:
        return next(iter(delta.values()))
    return next((value for name, value in delta.items() if _plain(name) == _plain(expression)), None)


def _plain(source: str) -> str:
    return re.sub(r"\s", "", source).replace('"', "'")
