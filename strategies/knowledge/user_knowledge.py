"""Knowledge that the user supplies, as text or in a file: definitions of terms, guidelines, rules."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from reasoning.errors import InputError
from reasoning.kinds import Choice, Composite, Kind, Label, Spans
from reasoning.problem import Problem

Terms = Mapping[str, str] | str
"""Definitions by term, or the name of a file with them: TOML, or JSON with one object."""

_FILE = re.compile(r"[\w./~\\:-]+\.(?:md|txt|rst|toml|json)", re.IGNORECASE)


def read_text(text_or_file: str) -> str:
    """Return a text, or the content of the file that it names.

    Raises:
        InputError: the text is a file name, such as guideline.md, and the file is missing or
            unreadable.
    """
    if len(text_or_file) >= 500 or "\n" in text_or_file:
        return text_or_file
    try:
        path = Path(text_or_file).expanduser()
        if path.is_file():
            return path.read_text("utf-8").strip()
    except RuntimeError:
        # The text begins with "~" and there is no home folder.
        return text_or_file
    except (OSError, ValueError) as error:
        raise InputError(f"{text_or_file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if _FILE.fullmatch(text_or_file):
        raise InputError(f"{text_or_file}: file not found")
    return text_or_file


def read_terms(terms_or_file: Terms) -> Mapping[str, str]:
    """Return definitions by term.

    Raises:
        InputError: the file is missing or has another content.
    """
    definitions: object = terms_or_file
    if isinstance(terms_or_file, str):
        try:
            path = Path(terms_or_file).expanduser()
            text = path.read_text("utf-8")
            definitions = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        except (OSError, ValueError, RuntimeError) as error:  # both decoders raise a ValueError
            raise InputError(
                f"{terms_or_file}: definitions cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from None
    where = terms_or_file if isinstance(terms_or_file, str) else "terms"
    if not isinstance(definitions, Mapping) or not all(
        _is_text(term) and _is_text(definition) for term, definition in definitions.items()
    ):
        raise InputError(f'{where}: definitions must be texts by term: "DVT" = "a blood clot in a deep vein"')
    if not definitions:
        raise InputError(f"{where}: terms must not be empty")
    return definitions


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def terms_used(terms: Mapping[str, str], problem: Problem) -> dict[str, str]:
    """Return the terms that a problem or its answer labels contain, as whole words, in any case or plural."""
    text = "\n".join([problem.values()["problem"], *_labels(problem.kind)])
    return {
        term: definition
        for term, definition in terms.items()
        if re.search(rf"(?<!\w){re.escape(term)}(?:e?s)?(?!\w)", text, re.IGNORECASE)
    }


def _labels(kind: Kind) -> Sequence[str]:
    if isinstance(kind, Composite):
        return [label for part in kind.kinds if isinstance(part, Kind) for label in _labels(part)]
    return kind.options if isinstance(kind, Label) else kind.labels if isinstance(kind, Choice | Spans) else ()


def format_bullets(items: Sequence[str]) -> str:
    """Format items as a bulleted list for a prompt."""
    return "\n".join(f"- {item}" for item in items)


def format_terms(terms: Mapping[str, str]) -> str:
    """Format definitions as a bulleted list for a prompt."""
    return format_bullets([f"{term}: {definition}" for term, definition in terms.items()])
