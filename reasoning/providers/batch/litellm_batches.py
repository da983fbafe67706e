"""The parts that batch APIs share whose requests and replies litellm translates."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from reasoning.errors import AuthenticationFailed, CallFailed, SettingRefused
from reasoning.messages import Request
from reasoning.providers.base_url import validate_base_url
from reasoning.providers.batch.api import LineResult
from reasoning.providers.batch.http import BatchHttp
from reasoning.providers.http_errors import error_class, error_message, is_retryable
from reasoning.providers.litellm_client import LiteLLMClient, load_litellm
from reasoning.providers.refusals import drop_hint, find_refusal
from reasoning.text_safety import redact


def read_address(default: str, variables: Sequence[str]) -> str:
    """Return the address in the first environment variable that is set, else a default, without its version.

    Raises:
        UsageError: the address is not valid.
    """
    variable = next((name for name in variables if os.environ.get(name)), None)
    address = default if variable is None else validate_base_url(os.environ[variable], variable)
    return address.removesuffix("/v1")


def cannot_read(error: object) -> CallFailed:
    """Return the error of a reply that cannot be read, which is asked for again."""
    return CallFailed(f"the reply of a line cannot be read: {redact(str(error))}", retryable=True, status=200)


def count(data: Mapping[str, Any], name: str) -> int:
    """Return a number of a provider's description, which may be written as a text; 0 without one."""
    value = data.get(name)
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 else 0


class LiteLLMBatches(ABC):
    """The parts of a `BatchApi` that are the same wherever litellm translates the requests.

    Args:
        client: the client of single requests.
        api_key: the key; None reads the first of `key_variables` that is set.
        timeout: seconds for one request.

    Attributes:
        name: the provider, as litellm names it.
        key_variables: the environment variables of the key, the first one before the others.
    """

    name: str
    key_variables: tuple[str, ...]
    max_n = 1

    def __init__(self, client: LiteLLMClient, api_key: str | None = None, timeout: float = 60) -> None:
        self.client = client
        self._name = client.model.removeprefix(f"{self.name}/")
        given = api_key or next((value for name in self.key_variables if (value := os.environ.get(name))), "")
        self._key = given.strip()
        self._http = BatchHttp(self._connection, timeout)

    @abstractmethod
    def _connection(self) -> tuple[str, Mapping[str, str], tuple[str, ...]]:
        """Return the address, the headers, and what must not be shown.

        Raises:
            AuthenticationFailed: there is no key.
        """

    def _require_key(self) -> str:
        if not self._key:
            raise AuthenticationFailed(f"{self.client.model} needs a key: set {' or '.join(self.key_variables)}")
        return self._key

    def _settings(self, request: Request, draws: Sequence[int], besides: Sequence[str] = ()) -> dict[str, Any]:
        """Return the settings of a request without `extra_body`, with the seed of its first draw.

        Args:
            request: the request.
            draws: the indices of its draws.
            besides: settings that the API takes although litellm does not list them.

        Raises:
            SettingRefused: the API has no such setting.
        """
        known = load_litellm().get_supported_openai_params(self.client.model) or ()
        settings = {name: value for name, value in request.sampling.items() if name != "extra_body"}
        for name in settings:
            if name not in known and name not in besides:
                raise SettingRefused(name, f"{self.client.model} does not take the setting {name}")
        if isinstance(seed := settings.get("seed"), int):
            settings["seed"] = seed + draws[0]
        return settings

    def _cannot_send(self, error: Exception) -> CallFailed:
        """Return the error of a request that litellm cannot translate."""
        return CallFailed(f"{self.client.model}: the request cannot be sent: {redact(str(error))}")

    def sibling(self, model: str) -> None:  # noqa: B027 - a full implementation
        """Return None: other models are connected to by their names."""

    def error(self, result: LineResult, request: Request, body: bytes) -> CallFailed:
        """Return the error of a line that errored."""
        message, kind = error_message(result.text)
        shown = f"{self.client.model}: {redact(message, self._key)}"
        error_type = error_class(result.status, message, kind)
        if error_type is not CallFailed:
            return error_type(shown, status=result.status)
        if (refusal := find_refusal(result.status, message, result.text, request.sampling)) is not None:
            return SettingRefused(refusal.setting, shown, result.status)
        shown += drop_hint(self.client.model, result.status, message, request.sampling)
        return CallFailed(shown, retryable=is_retryable(result.status), status=result.status)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
        await self.client.close()
