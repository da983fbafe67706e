"""A server's address: its form, corrections of it, its owner and its proxy; and the check of a model's name."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from reasoning.errors import UsageError
from reasoning.logs import Log
from reasoning.secret_scan import find_key, mask_path, path_secrets
from reasoning.text_safety import redact

OPENAI = "https://api.openai.com/v1"
_CALLED_PATH = re.compile(r"(/chat/completions|(?<=/v\d)/(completions|models|responses|embeddings|chat))/*$")
"""The path of a call at the end of an address, which belongs to the call and not to the server."""
_VERSION = re.compile(r"/v\d[^/]*(/|$)")
_log = Log(__name__)


def validate_base_url(base_url: str, name: str = "base_url") -> str:
    """Return the address of an API, after checking its form and correcting what can only be meant in one way.

    A warning says what was corrected: the path of a call at the end, as in `/v1/chat/completions`; a
    missing `http://` before this machine or one of its network; a missing `/v1` at OpenAI. A slash at
    the end is removed. The address may not contain a key, because it is shown and recorded.

    Args:
        base_url: the address.
        name: the origin of the address, for the error message.

    Raises:
        UsageError: the address is not a server's, or contains more than scheme, host and path.
    """
    given = base_url if "://" in base_url else _add_scheme(base_url, name)
    parts = _split(given)
    if parts is None:
        raise _invalid(base_url, name)
    if "@" in parts.netloc or parts.query or parts.fragment:
        extra = "a user or password" if "@" in parts.netloc else "a query or fragment"
        plain = mask_path(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        raise UsageError(
            f"{name} must not contain {extra}: give {plain}, and the key as api_key or in REASONING_API_KEY"
        )
    address = _CALLED_PATH.sub("", given).rstrip("/")
    if is_openai(address) and not parts.path.strip("/"):
        address += "/v1"
    if address != base_url.rstrip("/"):
        _log.notify(f"{name} {mask_path(base_url)} is taken as {mask_path(address)}")
    return address


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address, or None if it is not the address of a server."""
    try:
        parts = urlsplit(address)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # an impossible port or host
        return None
    return parts if is_valid and not re.search(r"\s", address) else None


def _invalid(address: str, name: str) -> UsageError:
    shown = redact(address, *path_secrets(address))
    return UsageError(f"{name} must be an address such as http://localhost:8000/v1, got {shown!r}")


def _add_scheme(address: str, name: str) -> str:
    """Return an address without scheme with `http://`, which only a server nearby can mean."""
    parts = _split(f"http://{address}")
    if parts is None or not (parts.port or "." in parts.netloc or is_local(parts.hostname)):
        raise _invalid(address, name)
    if not is_local(parts.hostname) and "@" not in parts.netloc:
        shown = redact(address, *path_secrets(address))
        raise UsageError(f"{name} must begin with https:// or http://, got {shown!r}: give https://{shown}")
    return f"http://{address}"


def is_local(host: str | None) -> bool:
    """Return whether a host is this machine or one of a private network."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_private
    except ValueError:
        return False


def has_version(address: str) -> bool:
    """Return whether the path of an address has the version of an API, such as `/v1`."""
    return bool(_VERSION.search(urlsplit(address).path))


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


def is_google(address: str) -> bool:
    """Return whether an address is that of Google's API for Gemini, in OpenAI's form."""
    return urlsplit(address).hostname == "generativelanguage.googleapis.com"


def uses_proxy(address: str) -> bool:
    """Return whether the environment sets a proxy for this address."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1"):
        return False
    return parts.scheme in getproxies() and not proxy_bypass(host)
