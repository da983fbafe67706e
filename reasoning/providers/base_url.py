"""Checks of a model's name and of a server's address: no keys, its form, its owner, and its proxy."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reasoning.errors import UsageError
from reasoning.secret_scan import find_key, mask_path, path_secrets
from reasoning.text_safety import redact

OPENAI = "https://api.openai.com/v1"


def validate_base_url(base_url: str, name: str = "base_url") -> str:
    """Return an address without a slash at its end, after checking its form.

    It may not contain a key, because it is shown and recorded.

    Args:
        base_url: the address.
        name: the origin of the address, for the error message.

    Raises:
        UsageError: the address is not a server's, or contains more than scheme, host and path.
    """
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # an impossible port or host
        valid = False
    if not valid or re.search(r"\s", base_url):
        raise UsageError(
            f"{name} must be an address such as http://localhost:8000/v1, "
            f"got {redact(base_url, *path_secrets(base_url))!r}"
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        extra = "a user or password" if "@" in parts.netloc else "a query or fragment"
        plain = mask_path(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        raise UsageError(
            f"{name} must not contain {extra}: give {plain}, and the key as api_key or in REASONING_API_KEY"
        )
    return base_url.rstrip("/")


def validate_model(model: str, *keys: str | None) -> None:
    """Check that the name of a model is not a key, because it is shown and recorded.

    Args:
        model: the name.
        keys: the known keys.

    Raises:
        UsageError: the name contains a key.
    """
    if kind := find_key(model, *keys):
        raise UsageError(
            f"model must be the name of a model, got {kind}; "
            "pass a key as api_key, or in the provider's environment variable"
        )


def is_openai(address: str) -> bool:
    """Return whether an address is OpenAI's own."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "api.openai.com" or host.endswith(".api.openai.com"))


def uses_proxy(address: str) -> bool:
    """Return whether the environment sets a proxy for this address."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1"):
        return False
    return parts.scheme in getproxies() and not proxy_bypass(host)
