"""What a user supplies beside the question, as it is or in a file: definitions of terms, guidelines, rules."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from reasoning.errors import InputError
from reasoning.kinds import Choice, Kind, Label, Many
from reasoning.problem import Problem

Terms = Mapping[str, str] | str
"""Definitions by term, or a file that holds them: TOML, or JSON with one object."""


def text_of(given: str) -> str:
    """A text, or that of the file that it names."""
    path = Path(given).expanduser()
    try:
        return path.read_text("utf-8").strip() if len(given) < 500 and "\n" not in given and path.is_file() else given
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def terms_of(given: Terms) -> Mapping[str, str]:
    """Definitions by term.

    Raises:
        InputError: the file is missing or holds something else.
    """
    if not isinstance(given, str):
        return given
    path = Path(given).expanduser()
    try:
        text = path.read_text("utf-8")
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:  # both decoders raise a ValueError
        raise InputError(f"{path}: no definitions can be read: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise InputError(f'{path}: definitions are texts by term: "DVT" = "a blood clot in a deep vein"')
    return found


def occurring(terms: Mapping[str, str], problem: Problem) -> dict[str, str]:
    """The terms that a problem or the labels of its answers use, as whole words in any case or in the plural."""
    text = "\n".join([problem.values()["problem"], *_labels(problem.kind)])
    return {
        term: definition
        for term, definition in terms.items()
        if re.search(rf"(?<!\w){re.escape(term)}(?:e?s)?(?!\w)", text, re.IGNORECASE)
    }


def _labels(kind: Kind) -> Sequence[str]:
    if isinstance(kind, Many):
        return [label for one in kind.kinds if isinstance(one, Kind) for label in _labels(one)]
    return kind.options if isinstance(kind, Label) else kind.labels if isinstance(kind, Choice) else ()


def lines(items: Sequence[str]) -> str:
    """A list as a prompt shows it."""
    return "\n".join(f"- {item}" for item in items)


def glossary(terms: Mapping[str, str]) -> str:
    """Definitions as a prompt shows them."""
    return lines([f"{term}: {definition}" for term, definition in terms.items()])
