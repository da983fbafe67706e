"""What a user supplies beside the question, as it is or in a file: definitions of terms, guidelines, rules."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from reasoning.errors import InputError
from reasoning.kinds import Choice, Composite, Kind, Label
from reasoning.problem import Problem

Terms = Mapping[str, str] | str
"""Definitions by term, or a file that holds them: TOML, or JSON with one object."""

_FILE = re.compile(r"[\w./~\\:-]+\.(?:md|txt|rst|toml|json)", re.IGNORECASE)


def read_text(given: str) -> str:
    """A text, or that of the file that it names.

    Raises:
        InputError: it is the name of a file, such as guideline.md, that is missing or cannot be read.
    """
    if len(given) >= 500 or "\n" in given:
        return given
    try:
        path = Path(given).expanduser()
        if path.is_file():
            return path.read_text("utf-8").strip()
    except RuntimeError:  # a text that begins with "~"
        return given
    except (OSError, ValueError) as error:
        raise InputError(f"{given}: cannot be read: {error}") from None
    if _FILE.fullmatch(given):
        raise InputError(f"{given}: there is no such file")
    return given


def read_terms(given: Terms) -> Mapping[str, str]:
    """Definitions by term.

    Raises:
        InputError: the file is missing or holds something else.
    """
    found: object = given
    if isinstance(given, str):
        try:
            path = Path(given).expanduser()
            text = path.read_text("utf-8")
            found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        except (OSError, ValueError, RuntimeError) as error:  # both decoders raise a ValueError
            raise InputError(f"{given}: no definitions can be read: {error}") from None
    where = given if isinstance(given, str) else "terms"
    if not isinstance(found, Mapping) or not all(_says(term) and _says(told) for term, told in found.items()):
        raise InputError(f'{where}: definitions are texts by term: "DVT" = "a blood clot in a deep vein"')
    if not found:
        raise InputError(f"{where}: there are no terms")
    return found


def _says(one: object) -> bool:
    return isinstance(one, str) and bool(one.strip())


def terms_used(terms: Mapping[str, str], problem: Problem) -> dict[str, str]:
    """The terms that a problem or the labels of its answers use, as whole words in any case or in the plural."""
    text = "\n".join([problem.values()["problem"], *_labels(problem.kind)])
    return {
        term: definition
        for term, definition in terms.items()
        if re.search(rf"(?<!\w){re.escape(term)}(?:e?s)?(?!\w)", text, re.IGNORECASE)
    }


def _labels(kind: Kind) -> Sequence[str]:
    if isinstance(kind, Composite):
        return [label for one in kind.kinds if isinstance(one, Kind) for label in _labels(one)]
    return kind.options if isinstance(kind, Label) else kind.labels if isinstance(kind, Choice) else ()


def format_bullets(items: Sequence[str]) -> str:
    """A list as a prompt shows it."""
    return "\n".join(f"- {item}" for item in items)


def format_terms(terms: Mapping[str, str]) -> str:
    """Definitions as a prompt shows them."""
    return format_bullets([f"{term}: {definition}" for term, definition in terms.items()])
