"""Lines of batches for models that are called through litellm: their settings, and the errors of lines."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from reasoning.errors import AuthenticationFailed, CallFailed, SettingRefused
from reasoning.messages import Request
from reasoning.providers.base_url import validate_base_url
from reasoning.providers.batch.api import LineResult
from reasoning.providers.http_errors import error_class, error_message, is_retryable
from reasoning.providers.litellm_client import LiteLLMClient, load_litellm
from reasoning.providers.refusals import drop_hint, find_refusal
from reasoning.text_safety import redact


def read_key(given: str | None, variables: Sequence[str]) -> str:
    """Return the key that was given, or that of the first environment variable with one; empty without any."""
    found = given or next((value for name in variables if (value := os.environ.get(name))), "")
    return found.strip()


def require_key(model: str, key: str, variables: Sequence[str]) -> str:
    """Return a key; raise AuthenticationFailed if it is empty."""
    if not key:
        raise AuthenticationFailed(f"{model} needs a key: set {' or '.join(variables)}")
    return key


def read_address(default: str, variables: Sequence[str]) -> str:
    """Return the address in the first environment variable that is set, else a default, without its version.

    Raises:
        UsageError: the address is not valid.
    """
    variable = next((name for name in variables if os.environ.get(name)), None)
    address = default if variable is None else validate_base_url(os.environ[variable], variable)
    return address.removesuffix("/v1")


def known_settings(
    client: LiteLLMClient, request: Request, draws: Sequence[int], besides: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the settings of a request without `extra_body`, with the seed of its first draw.

    Args:
        client: the client of single requests.
        request: the request.
        draws: the indices of its draws.
        besides: settings that the API takes although litellm does not list them.

    Raises:
        SettingRefused: the API has no such setting.
    """
    known = load_litellm().get_supported_openai_params(client.model) or ()
    settings = {name: value for name, value in request.sampling.items() if name != "extra_body"}
    for name in settings:
        if name not in known and name not in besides:
            raise SettingRefused(name, f"{client.model} does not take the setting {name}")
    if isinstance(seed := settings.get("seed"), int):
        settings["seed"] = seed + draws[0]
    return settings


def line_error(client: LiteLLMClient, result: LineResult, request: Request, key: str) -> CallFailed:
    """Return the error of a line that errored."""
    message, kind = error_message(result.text)
    shown = f"{client.model}: {redact(message, key)}"
    error_type = error_class(result.status, message, kind)
    if error_type is not CallFailed:
        return error_type(shown, status=result.status)
    if (refusal := find_refusal(result.status, message, result.text, request.sampling)) is not None:
        return SettingRefused(refusal.setting, shown, result.status)
    shown += drop_hint(client.model, result.status, message, request.sampling)
    return CallFailed(shown, retryable=is_retryable(result.status), status=result.status)


def cannot_send(client: LiteLLMClient, error: Exception) -> CallFailed:
    """Return the error of a request that litellm cannot translate."""
    return CallFailed(f"{client.model}: the request cannot be sent: {redact(str(error))}")


def cannot_read(error: object) -> CallFailed:
    """Return the error of a reply that cannot be read, which is asked for again."""
    return CallFailed(f"the reply of a line cannot be read: {redact(str(error))}", retryable=True, status=200)


def count(data: Mapping[str, Any], name: str) -> int:
    """Return a number of a provider's description, which may be written as a text; 0 without one."""
    value = data.get(name)
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 else 0
