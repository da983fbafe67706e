"""Keys and passwords in texts that are stored or shown: found by their form or value, and masked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

_KEYS = {
    "a provider's key": re.compile(r"\b(?:sk|gsk|xai|pplx|hf|rk|pk)[-_](?=[\w-]{0,64}\d)[\w-]{16,}"),
    "a Google key": re.compile(r"\bAIza[\w-]{30,}"),
    "a GitHub token": re.compile(r"\b(?:gh[oprsu]|github_pat)_\w{20,}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,400}\.eyJ[\w-]{10,400}\.[\w-]{5,}"),
    "a bearer token": re.compile(r"(?i)\bbearer\s{1,8}(?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{16,}"),
}
"""The forms of keys, which no name or number has."""
_SECRETS = {
    **_KEYS,
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    "a password in an address": re.compile(r"://[^/\s:@]{1,64}:[^/\s@{}]{3,64}@"),
    "a password": re.compile(
        r"(?i)\b(?:password|passwd|api[_-]?key|secret|token)\b[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?=\S{0,64}\d)[\w.+/~!#$%^&*-]{8,}"
    ),
}
_MASKED = [
    # The user and password in an address.
    (re.compile(r"(?<=://)[^/\s@]{1,256}@"), "…@"),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,8}[\w.~+/=-]{8,}"), r"\1 …"),
    # Error messages show keys that are cut, so these are shorter than those of `_KEYS`.
    (re.compile(r"\b(?:sk|gsk|xai|pplx)[-_][\w-]{12,}"), "…"),
    *((pattern, "…") for pattern in _KEYS.values()),
]
_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_ADDRESS_NAMES = ("_BASE", "_URL", "_ENDPOINT")
_RANDOM = re.compile(r"(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
"""A part of a path with letters and digits that is too long for a word, or a UUID."""


def find_secrets(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line of each secret in a text and its type, such as "an AWS key", but not the secret itself."""
    for secret, pattern in _SECRETS.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, secret
    for name, value in os.environ.items():
        if name.upper().endswith(_SECRET_NAMES) and len(value) > 7 and (at := text.find(value)) >= 0:
            yield text.count("\n", 0, at) + 1, f"the value of ${name}"


def find_key(text: str, *keys: str | None) -> str:
    """Return the type of the first key in a name or a spec, such as "a Google key", or "" without a key.

    Args:
        text: the name or spec.
        keys: known keys, besides those of the environment.
    """
    for kind, pattern in _KEYS.items():
        if pattern.search(text):
            return kind
    # A shorter key or value may be a word.
    if any(key and len(key) >= 16 and key in text for key in keys):
        return "the key that is given as api_key"
    return next(
        (
            f"the value of ${name}"
            for name, value in os.environ.items()
            if name.upper().endswith(_SECRET_NAMES) and len(value) >= 16 and value in text
        ),
        "",
    )


def mask_secrets(text: str, *secrets: str | None) -> str:
    """Return a text in which `…` stands for each secret.

    Secrets are the given ones, the values of environment variables that are named like keys, tokens,
    secrets and passwords, the key-like parts of addresses in the environment, and texts in the form of keys.
    """
    known = {secret for secret in secrets if secret}
    for name, value in os.environ.items():
        if name.upper().endswith(_SECRET_NAMES) and len(value) > 7:
            known.add(value)
        elif name.upper().endswith(_ADDRESS_NAMES):
            known.update(path_secrets(value))
    for secret in sorted(known, key=lambda one: (-len(one), one)):
        text = text.replace(secret, "…")
    for pattern, replacement in _MASKED:
        text = pattern.sub(replacement, text)
    return text


def path_secrets(address: str) -> list[str]:
    """Return the parts of an address's path that look like keys."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return []
    found = [match[0] for pattern in _KEYS.values() for match in pattern.finditer(path)]
    return found + [part for part in re.split(r"[/.:@~]", path) if _RANDOM.search(part) and part not in found]


def mask_path(address: str) -> str:
    """Return an address to show and record: each key-like part of its path is replaced by a digest of it.

    Equal addresses stay equal, and different ones different.
    """
    if not (secrets := path_secrets(address)):
        return address
    # It loads OpenSSL in 3 ms, and every command imports this module.
    import hashlib

    for secret in secrets:
        address = address.replace(secret, f"masked-{hashlib.sha256(secret.encode()).hexdigest()[:8]}")
    return address
