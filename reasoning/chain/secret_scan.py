"""A scan of texts that are stored, shown and sent, for keys and passwords."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

_PATTERNS = {
    "a provider's key": re.compile(r"\b(?:sk|gsk|xai|pplx|hf|rk|pk)[-_](?=[\w-]{0,64}\d)[\w-]{16,}"),
    "a Google key": re.compile(r"\bAIza[\w-]{30,}"),
    "a GitHub token": re.compile(r"\b(?:gh[oprsu]|github_pat)_\w{20,}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,400}\.eyJ[\w-]{10,400}\.[\w-]{5}"),
    "a password in an address": re.compile(r"://[^/\s:@]{1,64}:[^/\s@{}]{3,64}@"),
    "a bearer token": re.compile(r"(?i)\bbearer\s{1,8}(?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{16,}"),
    "a password": re.compile(
        r"(?i)\b(?:password|passwd|api[_-]?key|secret|token)\b[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?=\S{0,64}\d)[\w.+/~!#$%^&*-]{8,}"
    ),
}
_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


def find_secrets(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line of each secret in a text and its type, such as "an AWS key", but not the secret itself."""
    for secret, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, secret
    for name, value in os.environ.items():
        if name.upper().endswith(_SECRET_NAMES) and len(value) > 7 and (at := text.find(value)) >= 0:
            yield text.count("\n", 0, at) + 1, f"the value of ${name}"
