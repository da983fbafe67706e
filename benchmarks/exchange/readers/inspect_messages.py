"""The turns of a log of inspect_ai, whose long texts are kept apart as attachments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reasoning.messages import Message

_MARK = "attachment://"
_ROLES = ("system", "user", "assistant", "tool")


class Attachments:
    """The long texts of a sample by their hash.

    Args:
        texts: the texts of the log.
    """

    def __init__(self, texts: Mapping[str, Any]) -> None:
        self._texts = texts

    def resolve(self, text: str) -> str:
        """Return a text, or the attachment that it names."""
        if text.startswith(_MARK):
            found = self._texts.get(text.removeprefix(_MARK))
            return found if isinstance(found, str) else text
        return text


def text_of(content: Any, attachments: Attachments) -> str:
    """Return the text of a turn; parts that are no text are named, and what was thought is left out."""
    if isinstance(content, str):
        return attachments.resolve(content)
    parts = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, Mapping) and part.get("type") == "text":
            parts.append(attachments.resolve(str(part.get("text", ""))))
        elif isinstance(part, Mapping) and part.get("type") != "reasoning":
            parts.append(f"[{part.get('type', 'unknown')}]")
    return "\n".join(parts)


def read_messages(turns: Any, attachments: Attachments) -> tuple[Message, ...]:
    """Return the turns of a chat."""
    return tuple(
        Message(turn["role"], text_of(turn.get("content"), attachments))
        for turn in turns
        if isinstance(turn, Mapping) and turn.get("role") in _ROLES
    )
