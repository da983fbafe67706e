"""Functions that the chains of these tests name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


class Verdict(BaseModel):
    """What a model may be asked to give."""

    claim: str
    sure: float


def not_bad(value: Any, before: Mapping[str, Any]) -> str | None:
    """Refuse the word bad."""
    return "Leave out the word bad." if "bad" in str(value) else None


def short(value: Any) -> str | None:
    """Refuse what is long."""
    return None if len(str(value)) < 40 else "Be shorter."


def fine(value: Any, before: Mapping[str, Any]) -> Any:
    """Mend anything."""
    return "fine"


def last_line(text: str, before: Mapping[str, Any]) -> str | None:
    """Read the last line."""
    return text.rpartition("\n")[2] if "\n" in text else None


def merged(issues: tuple[str, ...], notes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys((*issues, *notes)))
