"""Other people's words, fit to be shown: one line, short, without a key in them."""

from __future__ import annotations

import os
import re

_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_TELLING = [
    (re.compile(r"(?<=://)[^/\s@]*@"), "…@"),  # user and password in an address
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 …"),
    (re.compile(r"\b(?:sk|gsk|xai|pplx|hf|AIza)[-_][\w-]{12,}"), "…"),  # how providers' keys begin
]
# Tokens by which chat templates open and close turns: a local server would read them in data as the real thing.
_TURN_MARK = re.compile(r"<(?=\||/?s>|/?(?:start|end)_of_turn)|\[(?=/?(?:INST|SYSTEM_PROMPT)\])")


def strip_control(text: str) -> str:
    """Return text without characters that a terminal would obey: escapes, and marks that reverse lines."""
    return "".join(character if character.isprintable() or character in "\n\t" else "�" for character in text)


def redact(text: str, *secrets: str | None, max_length: int = 300) -> str:
    """What may be printed, logged and recorded of an error's words.

    Args:
        text: from a server, a library or an address.
        secrets: what must not be in it; what the environment holds as keys, tokens and passwords goes without saying.
        max_length: characters.
    """
    kept = [value for name, value in os.environ.items() if name.upper().endswith(_SECRET_NAMES)]
    for secret in sorted({*secrets, *kept} - {None, ""}, key=lambda one: -len(str(one))):
        if secret and (len(secret) > 7 or secret in secrets):
            text = text.replace(secret, "…")
    for pattern, instead in _TELLING:
        text = pattern.sub(instead, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * max_length]).split())
    return text if len(text) <= max_length else text[:max_length] + "…"


def escape_turn_marks(text: str) -> str:
    """Return the text, unable to open or close a chat turn."""
    return _TURN_MARK.sub(r"\g<0> ", text) if "<" in text or "[" in text else text
