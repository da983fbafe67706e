"""The settings of calls: which there are, and what must not be among them, since they are recorded and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reasoning.errors import UnknownName, UsageError

PARAM_NAMES = frozenset(["temperature", "max_tokens", "top_p", "top_k", "stop", "seed", "logprobs"])
"""The settings of a call that every provider is asked for by the same names."""

_COUNTED = {
    "n": "several draws are asked for with session.sample(prompt, n), which counts, records and pays for each",
    "best_of": "what the server makes and throws away would be paid for and not counted",
    "model": "a model has a journal, a price and limits by its own name: connect to that one",
    "messages": "what is sent is the prompt, by which draws are recorded and found",
    "stream": "replies are read as a whole",
    "stream_options": "replies are read as a whole",
}
"""What `extra_body` must not overrule, and why."""

_SECRET = re.compile(
    r"apikey|authori[sz]ation|bearer|secret|passw|credential|header|cookie|privatekey|accesskey|^auth$|^key$|"
    r"(^|access|api|auth|bearer|refresh|session|security|hf)token$"
)
"""Names of keys, without their hyphens; `max_tokens` and `eos_token` are none."""


def is_known(name: str) -> bool:
    """Whether a call has a setting of this name."""
    return name in PARAM_NAMES or name == "extra_body" or name.startswith("reasoning_")


def validate_params(settings: Mapping[str, Any], where: str, others: Iterable[str] = ()) -> None:
    """Refuse what is no setting of a call, and keys.

    Args:
        settings: names and values; `extra_body` holds what a server takes beyond the usual.
        where: where they were given, such as "of connect".
        others: what else the name may have been, to suggest the nearest.

    Raises:
        UnknownName: no such setting; names the nearest.
        UsageError: a setting named like a key or a header; an `extra_body` with what the engine itself sends.
    """
    for name in settings:
        if _telling(name):
            raise _misplaced(name, where)
        if not is_known(name):
            raise UnknownName("setting", name, [*PARAM_NAMES, *others], where)
    extra = settings.get("extra_body")
    if extra is not None and not isinstance(extra, Mapping):
        raise UsageError(f"extra_body {where} is a dict of what the server takes, not {type(extra).__name__}")
    for name in [name for name in _COUNTED if name in (extra or ())]:
        raise UsageError(f"extra_body[{name!r}] {where} would go around the engine: {_COUNTED[name]}")
    for name in [name for name in extra or () if _telling(name)] + list(_within(extra)):
        raise _misplaced(f"extra_body[{name!r}]", where)


def _within(value: Any) -> Iterator[str]:
    """The names of keys at any depth, where a text stands under them; a schema may describe a field of that name."""
    if isinstance(value, Mapping):
        yield from (str(name) for name, held in value.items() if isinstance(held, str) and _telling(name))
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for one in value:
            yield from _within(one)


def _telling(name: Any) -> bool:
    return bool(_SECRET.search(re.sub(r"[^a-z0-9]", "", str(name).lower())))


def _misplaced(name: str, where: str) -> UsageError:
    return UsageError(
        f"{name} {where}: settings are sent in the body, shown and recorded, so no key and no header goes there; "
        "give a key to connect as api_key, or in the provider's environment variable"
    )
