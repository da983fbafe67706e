"""What a technique's docstring says: its paragraphs, and the meaning of each parameter."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass

from reasoning.prompts import Prompt
from reasoning.strategy import Strategy

_SHARED = {
    "base": "the strategy that it wraps",
    "samples": "draws",
    "temperature": "of the draws",
    "max_tokens": "tokens of a reply, at most",
    "shots": "worked examples that are shown",
    "demonstrations": "where these are from: a set's name, a file, a list or a `Pool`; None: those that are shipped "
    "for the kind of answer",
}
"""Parameters that mean the same everywhere; a docstring that says more of one wins."""


@dataclass(frozen=True)
class Docstring:
    """A docstring, taken apart.

    Attributes:
        paragraphs: the words before the first section, each paragraph in one line.
        parameters: the meaning of those that have an entry under "Args".
    """

    paragraphs: tuple[str, ...]
    parameters: dict[str, str]

    @classmethod
    def of(cls, strategy: Strategy) -> Docstring:
        """That of a strategy's class."""
        text, *sections = re.split(r"^(\w+):$\n", inspect.getdoc(type(strategy)) or "", flags=re.MULTILINE)
        section = dict(zip(sections[::2], sections[1::2], strict=True)).get("Args", "")
        parameters: dict[str, str] = {}
        names: list[str] = []
        for line in section.splitlines():
            if line[:4].isspace() and line[4:5].strip():  # an entry's first line; the others stand further in
                head, _, line = line.partition(": ")
                names = [name.strip() for name in head.split(",")]
            for name in names:
                parameters[name] = f"{parameters.get(name, '')} {line.strip()}".strip()
        paragraphs = tuple(" ".join(part.split()) for part in text.strip().split("\n\n"))
        return cls(paragraphs, {name: meaning.rstrip(".") for name, meaning in parameters.items()})


def meanings(strategy: Strategy) -> dict[str, str]:
    """What each parameter means, in their order; empty where nothing says so."""
    said = {**_SHARED, **Docstring.of(strategy).parameters}
    return {
        one.name: said.get(one.name, "a prompt" if isinstance(one.default, Prompt) else "")
        for one in dataclasses.fields(strategy)  # type: ignore[arg-type]  # techniques are dataclasses
        if one.init
    }
