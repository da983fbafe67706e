"""Placeholders of prompts: their names, and the values that fill them, which can close neither a section nor a turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from reasoning.errors import UsageError

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{([a-z_]\w*)\}")
"""A placeholder, whose name is the second group, or a word in literal braces, which is the first."""
KIND_PLACEHOLDERS = frozenset({"instruction", "trigger", "direct_instruction"})
"""The placeholders that the kind of answer fills: they have the same values for every problem of a kind."""


def placeholder_names(texts: Iterable[str]) -> frozenset[str]:
    """Return the names of the placeholders in texts."""
    return frozenset(match[2] for text in texts for match in PLACEHOLDER.finditer(text) if match[2])


def fill_placeholders(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled, in one pass: a value is never filled itself."""
    return "".join([values[name] if name else literal for literal, name in _parts(text)])


class SafeValues(dict[str, str]):
    """Values by placeholder, made safe when a text first needs them, since a prompt uses few of them.

    Args:
        values: the values as they are.
        make_safe: returns a text that can close neither a section nor a turn.
    """

    def __init__(self, values: Mapping[str, object], make_safe: Callable[[str], str]) -> None:
        self._values, self._make_safe = values, make_safe

    def __missing__(self, name: str) -> str:
        if name not in self._values:
            known = ", ".join(sorted(self._values))
            raise UsageError(f"nothing provides {{{name}}} of the prompt; provided: {known}")
        return self.setdefault(name, self._make_safe(str(self._values[name])))


@lru_cache(1024)
def _parts(text: str) -> list[tuple[str, str]]:
    """Return a section in parts: literal text, or the name of a placeholder."""
    parts, end = [], 0
    for match in PLACEHOLDER.finditer(text):
        parts += [(text[end : match.start()], ""), (f"{{{match[1]}}}", "") if match[1] else ("", match[2])]
        end = match.end()
    return [*parts, (text[end:], "")]
