"""The docstrings of techniques: paragraphs, and the meaning of each parameter."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass

from reasoning.prompts import Prompt
from reasoning.strategy import Strategy

_SHARED = {
    "base": "the wrapped strategy",
    "samples": "number of samples",
    "temperature": "sampling temperature",
    "max_tokens": "maximum tokens of a reply",
    "shots": "number of demonstrations",
    "demonstrations": "source of the demonstrations: the name of a set, a file, a list or a `Pool`; None is the "
    "shipped set for the kind of answer",
}
"""Meanings of common parameters; an entry in a technique's docstring takes precedence."""


@dataclass(frozen=True)
class Docstring:
    """A parsed docstring.

    Attributes:
        paragraphs: the text before the first section, one line per paragraph or item of a list.
        parameters: the meaning of each parameter with an entry under "Args".
    """

    paragraphs: tuple[str, ...]
    parameters: dict[str, str]

    @classmethod
    def of(cls, strategy: Strategy) -> Docstring:
        """Parse the docstring of a strategy's class."""
        text, *sections = re.split(r"^(\w+):$\n", inspect.getdoc(type(strategy)) or "", flags=re.MULTILINE)
        section = dict(zip(sections[::2], sections[1::2], strict=True)).get("Args", "")
        parameters: dict[str, str] = {}
        names: list[str] = []
        for line in section.splitlines():
            if line[:4].isspace() and line[4:5].strip():  # the first line of an entry
                head, _, line = line.partition(": ")
                names = [name.strip() for name in head.split(",")]
            for name in names:
                parameters[name] = f"{parameters.get(name, '')} {line.strip()}".strip()
        paragraphs = tuple(map(_unwrapped, text.strip().split("\n\n")))
        return cls(paragraphs, {name: meaning.rstrip(".") for name, meaning in parameters.items()})


def _unwrapped(paragraph: str) -> str:
    """Return a paragraph as one line; a list as one line per item."""
    items = re.split(r"^(?=- )", paragraph.strip(), flags=re.MULTILINE)
    return "\n".join(" ".join(item.split()) for item in items if item.strip())


def meanings(strategy: Strategy) -> dict[str, str]:
    """Return the meaning of each parameter, in order; empty if it is not documented."""
    known = {**_SHARED, **Docstring.of(strategy).parameters}
    return {
        field.name: known.get(field.name, "a prompt" if isinstance(field.default, Prompt) else "")
        for field in dataclasses.fields(strategy)  # type: ignore[arg-type]  # techniques are dataclasses
        if field.init
    }
