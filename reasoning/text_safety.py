"""Untrusted text made safe: output without control characters, errors without keys, prompts without turn markers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from reasoning.secret_scan import mask_secrets

# Control characters besides line feed and tab, direction marks, line separators, other invisible format
# characters, and lone surrogates. The joiners U+200C and U+200D stay: scripts and emojis need them.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f\ud800-\udfff]"
)
_LONGEST_KEY = 1024
# Tokens that open and close turns in chat templates. A local server would interpret them even within data.
_TURN_MARK = re.compile(r"<(?=\||/?s>|/?(?:start|end)_of_turn)|\[(?=/?(?:INST|SYSTEM_PROMPT)\])")


def strip_control(text: str) -> str:
    """Return text with a � for each character that controls a terminal or hides: escapes, direction marks.

    Line feeds and tabs stay, and a carriage return before a line feed is removed.
    """
    return text if text.isprintable() else _CONTROL.sub("�", text.replace("\r\n", "\n"))


def to_line(text: str) -> str:
    """Return text as one line without control characters, so that it cannot imitate further lines of output."""
    return " ".join(strip_control(text).split())


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which broken servers send, with question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def dump_json(
    value: Any, *, indent: int | None = None, compact: bool = False, default: Callable[[Any], Any] | None = None
) -> str:
    """Return a value as JSON in which control characters and lone surrogates are escaped.

    It is safe to print, can be encoded as UTF-8, and is read back without loss.

    Args:
        value: the value.
        indent: spaces of indentation; None writes one line.
        compact: write no spaces after separators.
        default: converts values that JSON does not know.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, default=default)
    return text if text.isprintable() else escape_control(text)


def escape_control(text: str) -> str:
    """Return JSON with its control characters and lone surrogates escaped."""
    return _CONTROL.sub(_escape_json, text)


def _escape_json(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def redact(text: str, *secrets: str | None, max_length: int = 300) -> str:
    """Return an error message as one short line without secrets, safe to print, log and record.

    Args:
        text: the message of a server or a library, or an address.
        secrets: texts to remove, besides those that `mask_secrets` knows.
        max_length: characters to keep.
    """
    if len(text) > 64 * max_length:
        # A server's error may have megabytes, and only its beginning is shown. The end is dropped
        # after masking, since the cut may have left a part of a key there.
        text = mask_secrets(text[: 64 * max_length], *secrets)[:-_LONGEST_KEY]
    else:
        text = mask_secrets(text, *secrets)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * max_length]).split())
    return text if len(text) <= max_length else text[:max_length] + "…"


def escape_turn_marks(text: str) -> str:
    """Return the text with a space inside every turn marker, so that none opens or closes a turn."""
    return _TURN_MARK.sub(r"\g<0> ", text) if "<" in text or "[" in text else text
