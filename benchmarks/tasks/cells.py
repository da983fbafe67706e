"""Lists in one cell of a table or in lettered columns: the options of a choice, and accepted answers."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from reasoning.errors import UsageError

_LETTER = re.compile(r"[A-Z]|(?:option|choice)[ _-]?([A-Z])", re.IGNORECASE)
# Python joins texts without a comma between them, and so would read two options as one.
_JOINED = re.compile(r"""['"]\s+['"]""")


def parse_list(text: str) -> list[Any] | dict[str, Any] | None:
    """Return the list or object that a cell holds as JSON or as Python prints it; None if it holds none."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = None if _JOINED.search(text) else ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return None
    return value if isinstance(value, list | dict) else None


def parse_options(text: str) -> list[Any] | dict[str, Any]:
    """Return the options in one text: "red|blue", a JSON list, or a JSON object.

    Raises:
        UsageError: the text has another form.
    """
    found = parse_list(text)
    if found is None and "|" in text and not text.lstrip().startswith(("[", "{")):
        found = [option for part in text.split("|") if (option := part.strip())]
    if found is None:
        raise UsageError(
            '\'options\' must be a list, an object or a text such as "red|blue" or \'["red", "blue"]\', '
            f"got {json.dumps(text, ensure_ascii=False)[:80]}"
        )
    return found


def label_options(lists: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `{"label": ["A", "B"], "text": ["red", "blue"]}`, by label.

    Raises:
        UsageError: the two are not lists of one length.
    """
    labels, texts = lists["label"], lists["text"]
    if not (isinstance(labels, list) and isinstance(texts, list) and len(labels) == len(texts)):
        raise UsageError("'label' and 'text' of the options must be lists of one length")
    return dict(zip(map(str, labels), texts, strict=True))


def lettered_options(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the options of a row with columns such as A, B, C or option_a, option_b; None without such columns."""
    letters: dict[str, Any] = {}
    for name, value in row.items():
        match = _LETTER.fullmatch(name)
        # A bare letter counts in upper case only: a and b are often numbers of the question.
        if match and (match[1] or name.isupper()) and value not in (None, ""):
            letters[(match[1] or name).upper()] = value
    return dict(sorted(letters.items())) if "A" in letters and len(letters) > 1 else None
