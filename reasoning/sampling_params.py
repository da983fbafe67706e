"""Sampling parameters: the known names, and the keys and headers that must not be among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reasoning.errors import UnknownName, UsageError

PARAM_NAMES = frozenset(["temperature", "max_tokens", "top_p", "top_k", "stop", "seed", "logprobs", "top_logprobs"])
"""The parameters that have the same name at every provider."""

_RESERVED = {
    "n": "ask for several draws with session.sample(prompt, n), which counts, records and pays for each",
    "best_of": "completions that the server discards would be paid for and not counted",
    "model": "journal, price and limits belong to a model's name; connect to that model",
    "messages": "draws are recorded and found by the messages of the prompt",
    "stream": "replies are not streamed",
    "stream_options": "replies are not streamed",
}
"""The fields of a request that `extra_body` must not override, and why."""

_RANGES: dict[str, tuple[Any, float, str]] = {
    "temperature": (int | float, 0, "a number of at least 0"),
    "top_p": (int | float, 0, "a number from 0 to 1"),
    "max_tokens": (int | float, 1, "at least 1"),
}
"""The types of parameters, their least values, and both in words."""

_SECRET = re.compile(
    r"apikey|authori[sz]ation|bearer|secret|passw|credential|header|cookie|privatekey|accesskey|^auth$|^key$|"
    r"(^|access|api|auth|bearer|refresh|session|security|hf)token$"
)
"""The names of secrets, without hyphens; it does not match `max_tokens` and `eos_token`."""


def is_known(name: str) -> bool:
    """Return whether a call takes a parameter of this name."""
    return name in PARAM_NAMES or name in ("extra_body", "tools", "response_format") or name.startswith("reasoning_")


def find_wrong_value(name: str, value: Any) -> str:
    """Return what a sampling parameter must be, if its value is not that; empty for a right one or an unknown name."""
    if value is None or name not in _RANGES:
        return ""
    kind, least, wanted = _RANGES[name]
    is_right = isinstance(value, kind) and not isinstance(value, bool) and value >= least
    return "" if is_right else f"{name} must be {wanted}, got {value!r:.40}"


def validate_params(settings: Mapping[str, Any], where: str, others: Iterable[str] = ()) -> None:
    """Check the names of sampling parameters.

    Args:
        settings: names and values; `extra_body` holds further fields of the request, for one
            server.
        where: the place of the parameters for messages, such as "of connect".
        others: further names that are valid there, for suggestions.

    Raises:
        UnknownName: there is no such parameter; suggests the nearest.
        UsageError: a parameter is out of range or named like a key or a header, or `extra_body` holds
            a field that the engine sends itself.
    """
    for name in settings:
        if _is_secret(name):
            raise _misplaced(name, where)
        if not is_known(name):
            raise UnknownName("setting", name, [*PARAM_NAMES, *others], where)
        if wrong := find_wrong_value(name, settings[name]):
            raise UsageError(wrong)
    extra = settings.get("extra_body")
    if extra is not None and not isinstance(extra, Mapping):
        raise UsageError(f"extra_body {where} must be a dict of request fields, got {type(extra).__name__}")
    for name in [name for name in _RESERVED if name in (extra or ())]:
        raise UsageError(f"extra_body[{name!r}] {where} would bypass the engine: {_RESERVED[name]}")
    for name in [name for name in extra or () if _is_secret(name)] + list(_nested_secrets(extra)):
        raise _misplaced(f"extra_body[{name!r}]", where)


def _nested_secrets(value: Any) -> Iterator[str]:
    """Yield the names of secrets at any depth whose value is a text."""
    # Other values are not secrets: a schema may describe a field of that name.
    if isinstance(value, Mapping):
        yield from (str(name) for name, item in value.items() if isinstance(item, str) and _is_secret(name))
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from _nested_secrets(item)


def _is_secret(name: Any) -> bool:
    return bool(_SECRET.search(re.sub(r"[^a-z0-9]", "", str(name).lower())))


def _misplaced(name: str, where: str) -> UsageError:
    return UsageError(
        f"{name} {where} looks like a key or a header, and settings are sent in the body, shown and recorded; "
        "pass a key to connect as api_key, or in the provider's environment variable"
    )
