"""Untrusted text made safe: error messages without keys, prompts without chat-template markers."""

from __future__ import annotations

import os
import re

_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_SECRET_PATTERNS = [
    # The user and password in an address.
    (re.compile(r"(?<=://)[^/\s@]*@"), "…@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 …"),
    # The prefixes of providers' keys.
    (re.compile(r"\b(?:sk|gsk|xai|pplx|hf|AIza)[-_][\w-]{12,}"), "…"),
]
# Tokens that open and close turns in chat templates. A local server would interpret them even within data.
_TURN_MARK = re.compile(r"<(?=\||/?s>|/?(?:start|end)_of_turn)|\[(?=/?(?:INST|SYSTEM_PROMPT)\])")


def strip_control(text: str) -> str:
    """Return text without the characters that control a terminal: escapes and direction marks."""
    return "".join(character if character.isprintable() or character in "\n\t" else "�" for character in text)


def redact(text: str, *secrets: str | None, max_length: int = 300) -> str:
    """Return an error message as one short line without secrets, safe to print, log and record.

    Args:
        text: the message of a server or a library, or an address.
        secrets: texts to remove, besides the values of environment variables that are named like
            keys, tokens, secrets and passwords.
        max_length: characters to keep.
    """
    from_environment = [value for name, value in os.environ.items() if name.upper().endswith(_SECRET_NAMES)]
    for secret in sorted({*secrets, *from_environment} - {None, ""}, key=lambda one: -len(str(one))):
        if secret and (len(secret) > 7 or secret in secrets):
            text = text.replace(secret, "…")
    for pattern, replacement in _SECRET_PATTERNS:
        text = pattern.sub(replacement, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * max_length]).split())
    return text if len(text) <= max_length else text[:max_length] + "…"


def escape_turn_marks(text: str) -> str:
    """Return the text with a space inside every turn marker, so that none opens or closes a turn."""
    return _TURN_MARK.sub(r"\g<0> ", text) if "<" in text or "[" in text else text
