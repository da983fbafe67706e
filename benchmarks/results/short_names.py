"""Short names for strategies, since long specs make tables, charts and sentences unreadable."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

MAX_LENGTH = 36
"""The longest spec, in characters, that is its own name."""
_VALUE = 20
"""The longest value of an argument, in characters, that is shown completely."""
_BEGINNING = 12
"""The characters shown of a longer value; more if they are needed to make it distinct."""


@dataclass(frozen=True)
class ShortNames:
    """The names of the strategies of one table, wherever they are displayed.

    A short spec is its own name. The name of a long spec keeps the arguments that distinguish it
    from the other specs of the table, and further ones while there is room; "…" stands for the rest.

    Attributes:
        by_spec: the name of each spec.
    """

    by_spec: Mapping[str, str]

    @classmethod
    def of(cls, specs: Iterable[str]) -> ShortNames:
        """Return distinct names for these specs."""
        calls = {spec: _Call.of(spec) for spec in specs}
        names: dict[str, str] = {}
        taken = {spec for spec in calls if len(spec) <= MAX_LENGTH}
        for spec, call in calls.items():
            name = first = call.named([one for one in calls.values() if one is not call], MAX_LENGTH)
            number = 1
            while name in taken and name != spec:
                name = f"{first} #{(number := number + 1)}"
            names[spec] = name
            taken.add(name)
        return cls(names)

    def __call__(self, text: str) -> str:
        """Return the text with every spec replaced by its name."""
        return self._long.sub(lambda match: self.by_spec[match[0]], text) if self._long.pattern else text

    @cached_property
    def legend(self) -> list[str]:
        """The lines `name = spec` for all names that are not the spec itself."""
        return [f"{name} = {spec}" for spec, name in self.by_spec.items() if name != spec]

    @cached_property
    def _long(self) -> re.Pattern[str]:
        long = sorted((spec for spec, name in self.by_spec.items() if name != spec), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, long)))


@dataclass(frozen=True)
class _Call:
    """A spec in parts: the called name, and the arguments as written, by keyword or position."""

    spec: str
    called: str
    arguments: Mapping[str, str]

    @classmethod
    def of(cls, spec: str) -> _Call:
        """Parse a spec; a text that is not a call has no arguments."""
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            call = ast.parse(spec, mode="eval").body
            if isinstance(call, ast.Call):
                positional = {str(index): ast.unparse(value) for index, value in enumerate(call.args)}
                keywords = {f"{keyword.arg}=": ast.unparse(keyword.value) for keyword in call.keywords}
                return cls(spec, ast.unparse(call.func), positional | keywords)
        return cls(spec, spec, {})

    def named(self, others: Collection[_Call], most: int) -> str:
        """Return its name among others, with at most `most` characters if they make it distinct."""
        if len(self.spec) <= most:
            return self.spec
        alike = [one.arguments for one in others if one.called == self.called]
        if not self.arguments:
            return _beginning(self.spec, [one.spec for one in others])
        values = {
            key: _short(value, [one[key] for one in alike if key in one]) for key, value in self.arguments.items()
        }
        kept: set[str] = set()
        while alike:
            differing = {key: sum(one.get(key) != value for one in alike) for key, value in self.arguments.items()}
            best = max(differing, key=lambda key: differing[key])
            if not differing[best]:
                # The others have arguments that this one lacks, and their names show them.
                break
            kept.add(best)
            alike = [one for one in alike if one.get(best) == self.arguments[best]]
        for key in self.arguments:
            if len(self._written({*kept, key}, values)) <= most:
                kept.add(key)
        return self._written(kept, values)

    def _written(self, kept: Collection[str], values: Mapping[str, str]) -> str:
        shown = [f"{key}{value}" if key.endswith("=") else value for key, value in values.items() if key in kept]
        return f"{self.called}({', '.join(shown + ['…'] * (len(shown) < len(values)))})"


def _short(value: str, others: Collection[str]) -> str:
    """Return a value shortened so that it differs from the values of the other strategies."""
    if len(value) <= _VALUE:
        return value
    call = _Call.of(value)
    return call.named([_Call.of(one) for one in others if one != value], _VALUE)


def _beginning(text: str, others: Collection[str]) -> str:
    """Return the shortest distinct beginning of a text, and its last character, which closes it."""
    length = _BEGINNING
    while length < len(text) - 2 and any(one[:length] == text[:length] for one in others if one != text):
        length += 1
    word = next((end for end in range(length, length + 8) if not text[end : end + 1].isalnum()), length)
    length = word if text[:length][-1:].isalnum() else length
    return f"{text[:length]}…{text[-1]}" if length < len(text) - 2 else text
