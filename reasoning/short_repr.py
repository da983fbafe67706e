"""Short reprs of values that hold long texts: what matters first, the long texts last and cut."""

from __future__ import annotations

from collections.abc import Mapping

MAX_CHARS = 100
"""The most characters of one field in a repr."""


def shorten(value: object, limit: int = MAX_CHARS) -> str:
    """Return the repr of a value, cut to about a number of characters; "…" marks a cut.

    Examples:
        >>> shorten("abcdefgh", 3), shorten([1, 2, 3, 4], 5)
        ("'abc…'", '[1, 2…')
    """
    if isinstance(value, str):
        return repr(value if len(value) <= limit else f"{value[:limit]}…")
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def format_repr(name: str, fields: Mapping[str, str]) -> str:
    """Return a repr such as "Answered(value=16)" from reprs by the names of their fields; empty ones are left out."""
    return f"{name}({', '.join(f'{field}={shown}' for field, shown in fields.items() if shown)})"
