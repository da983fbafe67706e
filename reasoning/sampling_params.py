"""Sampling parameters: the known names, and the keys and headers that must not be among them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reasoning.errors import UnknownName, UsageError

PARAM_NAMES = frozenset(
    [
        *("temperature", "max_tokens", "top_p", "top_k", "min_p", "stop", "seed", "logprobs", "top_logprobs"),
        *("repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "verbosity", "thinking_tokens"),
    ]
)
"""The sampling parameters, under one name for all providers; the table of models renames and drops them."""
_STRUCTURES = frozenset(["extra_body", "tools", "response_format"])
"""The parameters that hold a part of the request's body."""

_RESERVED = {
    "n": "ask for several draws with session.sample(prompt, n), which counts, records and pays for each",
    "best_of": "completions that the server discards would be paid for and not counted",
    "model": "journal, price and limits belong to a model's name; connect to that model",
    "messages": "draws are recorded and found by the messages of the prompt",
    "stream": "replies are not streamed",
    "stream_options": "replies are not streamed",
}
"""The fields of a request that `extra_body` must not override, and why."""

_NUMBER = int | float
_RANGES: dict[str, tuple[Any, float, float, str]] = {
    "temperature": (_NUMBER, 0, math.inf, "a number of at least 0"),
    "top_p": (_NUMBER, 0, 1, "a number from 0 to 1"),
    "min_p": (_NUMBER, 0, 1, "a number from 0 to 1"),
    "top_k": (int, -1, math.inf, "a whole number of at least 1, or 0 or -1 for no limit"),
    "max_tokens": (int, 1, math.inf, "a whole number of at least 1"),
    "thinking_tokens": (int, 0, math.inf, "a number of tokens of at least 0"),
    "seed": (int, -math.inf, math.inf, "a whole number"),
    "top_logprobs": (int, 0, 20, "a whole number from 0 to 20"),
    "repetition_penalty": (_NUMBER, 1e-9, math.inf, "a number above 0, where 1 changes nothing"),
    "frequency_penalty": (_NUMBER, -2, 2, "a number from -2 to 2"),
    "presence_penalty": (_NUMBER, -2, 2, "a number from -2 to 2"),
}
"""The types of parameters, their least and greatest values, and these in words."""
_VERBOSITY = ("low", "medium", "high")
_FORMATS = ("text", "json_object", "json_schema")

_SECRET = re.compile(
    r"apikey|authori[sz]ation|bearer|secret|passw|credential|header|cookie|privatekey|accesskey|^auth$|^key$|"
    r"(^|access|api|auth|bearer|refresh|session|security|hf)token$"
)
"""The names of secrets, without hyphens; it does not match `max_tokens` and `eos_token`."""


def is_known(name: str) -> bool:
    """Return whether a call takes a parameter of this name."""
    return name in PARAM_NAMES or name in _STRUCTURES or name.startswith("reasoning_")


def find_wrong_value(name: str, value: Any) -> str:
    """Return what a sampling parameter must be, if its value is not that; empty for a right one or an unknown name."""
    if value is None:
        return ""
    if name in _RANGES:
        kind, least, most, wanted = _RANGES[name]
        is_right = isinstance(value, kind) and not isinstance(value, bool) and least <= value <= most
    elif name in _CHECKS:
        check, wanted = _CHECKS[name]
        is_right = check(value)
    else:
        return ""
    return "" if is_right else f"{name} must be {wanted}, got {value!r:.40}"


def _is_bias(value: Any) -> bool:
    """Return whether a value maps tokens to biases."""
    return isinstance(value, Mapping) and all(
        re.fullmatch(r"\d{1,9}", str(token)) and isinstance(bias, _NUMBER) and -100 <= bias <= 100
        for token, bias in value.items()
    )


def _is_stop(value: Any) -> bool:
    """Return whether a value is a text, or a list of texts, at which a reply ends."""
    texts = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(text, str) and text for text in texts)


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "stop": (_is_stop, 'a text or a list of texts, such as ["###"]'),
    "logprobs": (lambda value: isinstance(value, bool), "true or false"),
    "reasoning_effort": (lambda value: isinstance(value, str) and value != "", 'a text such as "low"'),
    "logit_bias": (_is_bias, "a mapping from the number of a token to a bias from -100 to 100"),
    "verbosity": (lambda value: value in _VERBOSITY, f"one of {', '.join(_VERBOSITY)}"),
    "response_format": (
        lambda value: isinstance(value, Mapping) and value.get("type") in _FORMATS,
        'a mapping with the field "type", such as {"type": "json_object"}',
    ),
}
"""The checks of parameters that are no numbers, and what they must be."""


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
