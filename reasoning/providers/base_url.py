"""The address of a server: whether it can be one, whose it is, and whether the way there leads through a proxy."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reasoning.errors import UsageError
from reasoning.text_safety import redact

OPENAI = "https://api.openai.com/v1"


def validate_base_url(base_url: str, name: str = "base_url") -> str:
    """An address without a slash at its end, if it can be one. Keys do not belong in it: it is shown and recorded.

    Raises:
        UsageError: it cannot; `name` says where it comes from.
    """
    named = redact(base_url)
    try:
        parts = urlsplit(base_url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # an impossible port or host
        right = False
    if not right or re.search(r"\s", base_url):
        raise UsageError(f"{name}={named!r} is no address of a server; it looks like http://localhost:8000/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        what = "a user or password" if "@" in parts.netloc else "more than scheme, host and path"
        start = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise UsageError(f"{name} has {what} in it: give {start} alone, and a key as api_key or in REASONING_API_KEY")
    return base_url.rstrip("/")


def is_openai(address: str) -> bool:
    """Whether an address is OpenAI's own."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "api.openai.com" or host.endswith(".api.openai.com"))


def uses_proxy(address: str) -> bool:
    """Whether the environment names a proxy for this address."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1"):
        return False
    return parts.scheme in getproxies() and not proxy_bypass(host)
