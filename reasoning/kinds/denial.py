"""Search for denials of a part of a sentence: "not (A)", "(A) is wrong"."""

from __future__ import annotations

import re

_ANY = re.compile(
    r"\b(?:not|cannot|never|neither|nor|none|wrong|incorrect|false|eliminat\w{1,3}|unlikely)\b|n['’]t\b", re.IGNORECASE
)
# What is denied before a label: "not (A)", "I don't think it is (A)", but not "the pair that does not fit is (A)".
_BEFORE = re.compile(
    r"(?:\b(?:not|cannot|never|neither|nor|none|eliminat\w{1,3}|rul\w{1,4} out|exclud\w{1,3})\b|n['’]t\b)"
    r"(?:\s(?:(?:true|clear|certain|sure|the case|possible|likely)\s(?:that|if|whether|to)"
    r"|think|believe|say|mean|claim|conclude|assume)\b[^.,;]{0,60}"
    r"|(?:(?!\b(?:is|are|was|were|(?:must|should|would|will|can) be|so|but)\b)[^.,;:=]){0,60})$",
    re.IGNORECASE,
)
# What is denied behind a label, in the same clause: "(A) is clearly wrong". Another clause ("(A), which …"), a noun
# phrase ("(A) is the one that does not fit") and an agent ("(A) by eliminating (B)") deny something else.
_BEHIND = re.compile(
    r"(?:(?!\b(?:that|which|who|whose|where|because|since|as"
    r"|when|while|if|unless|although|so|but|(?:is|are|was|were) (?:the|a|an|our|my|one|only))\b)"
    r"[^.,;:!?]){0,60}?(?<!\bby\s)(?<!\bfor\s)(?<!\bof\s)(?<!\bin\s)(?:\b(?:not|cannot|never|wrong|incorrect|false|eliminat\w{1,3}|unlikely)\b|n['’]t\b)",
    re.IGNORECASE,
)
_MAX_CHARS = 200
"""The characters before a part that are examined."""


def has_denial(text: str) -> bool:
    """Return whether a text denies anything."""
    return _ANY.search(text) is not None


def is_denied_before(text: str, start: int) -> bool:
    """Return whether the text before `start` denies what begins there: "not (A)", "I don't think it is (A)"."""
    return _BEFORE.search(text[max(0, start - _MAX_CHARS) : start]) is not None


def is_denied_behind(text: str, end: int) -> bool:
    """Return whether the text from `end` on denies what ends there: "(A) is wrong", not "(A) is the one that isn't"."""
    return _BEHIND.match(text, end) is not None
