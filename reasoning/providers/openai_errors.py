"""The errors of calls to an OpenAI-compatible server: of connections, of responses and of broken replies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reasoning.errors import AuthenticationFailed, CallFailed, ModelNotFound, QuotaExhausted, SettingRefused
from reasoning.providers.http_errors import (
    NO_CREDIT_HINT,
    NothingListens,
    WrongAddress,
    error_class,
    error_message,
    is_retryable,
    is_web_page,
    lacks_route,
    retry_after,
)
from reasoning.providers.refusals import SYSTEM_TURN_HINT, drop_hint, find_refusal, refuses_system_turn
from reasoning.text_safety import redact


@dataclass(frozen=True)
class ServerErrors:
    """Makes the errors to raise for failed calls to one server. They show no secret.

    Attributes:
        address: the server's address, without keys.
        model: the model's name, as results show it.
        sent_model: its name in requests.
        is_listed: whether it is a model of OpenAI.
        has_key: whether calls send a key.
        key_variable: the environment variable of the key; None if the key was given as an argument.
        secrets: the texts to remove from what the server says.
        has_answered: whether the server has answered before, so that a failure may be an outage.
    """

    address: str
    model: str
    sent_model: str
    is_listed: bool
    has_key: bool
    key_variable: str | None
    secrets: tuple[str, ...]
    has_answered: bool

    def from_missing_key(self) -> AuthenticationFailed:
        """Return the error of a call that needs a key and has none."""
        variable = self.key_variable or "api_key"
        return AuthenticationFailed(f"{self.model} needs a key: set {variable}, or use --model local, which needs none")

    def from_timeout(self, timeout: float | None) -> CallFailed:
        """Return the error of a call that took longer than the timeout, in seconds."""
        limit = f" within {timeout:g} s" if timeout else ""
        return CallFailed(f"{self.address} gave no answer{limit}", retryable=True)

    def from_connection(self, error: Exception) -> CallFailed:
        """Return the error to raise for an error of the HTTP client."""
        import aiohttp

        reason = redact(str(error) or type(error).__name__, *self.secrets)
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            hint = ""
            if re.search(r"wrong.version|record.layer|unknown.protocol", reason, re.I):
                hint = "; if the server speaks plain HTTP, give a base_url that begins with http://"
            return CallFailed(f"no secure connection to {self.address}: {reason}{hint}", retryable=self.has_answered)
        if isinstance(error, aiohttp.ClientConnectorError):
            # A server that answered before may come back. One that never did is a wrong address.
            hint = "is there a network?" if self.is_listed else "is the server running?"
            return NothingListens(f"nothing answers at {self.address}: {hint}", retryable=self.has_answered)
        if isinstance(error, ValueError):
            return CallFailed(f"{self.address} cannot be called: {reason}")
        return CallFailed(f"the connection to {self.address} broke: {reason}", retryable=True)

    def from_broken_json(self, text: str) -> CallFailed:
        """Return the error of a successful response whose text is not JSON.

        It is `WrongAddress` if it is a web page and the server has not answered before.
        """
        if is_web_page(text) and not self.has_answered:
            return WrongAddress(
                f"{self.address} answered with a web page instead of JSON; check the base_url", status=200
            )
        shown = redact(text, *self.secrets) or "nothing"
        return CallFailed(f"{self.address} answered with broken JSON: {shown}", retryable=True, status=200)

    def from_response(self, status: int, text: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> CallFailed:
        """Return the error of a response that reports one.

        Args:
            status: the HTTP status.
            text: the text of the response.
            headers: its headers.
            body: the body of the request.
        """
        message, kind = error_message(text)
        answer = f"{self.address} answered {status}: {redact(message, *self.secrets)}"
        if status < 400:
            location = headers.get("Location", "").removesuffix("/chat/completions")
            target = redact(location or "nowhere", *self.secrets)
            # A server that answered before may redirect to a page about its maintenance.
            return CallFailed(
                f"{answer}; it redirects to {target}: give the right base_url",
                retryable=self.has_answered,
                status=status,
            )
        error_type = error_class(status, message, kind)
        if error_type is AuthenticationFailed:
            key = f"the key in {self.key_variable}" if self.key_variable else "the key given as api_key"
            if not self.has_key:
                key = f"a call without a key; set {self.key_variable or 'api_key'}"
            said = f": {redact(message, *self.secrets)}" if status == 403 else ""
            return AuthenticationFailed(f"{self.address} refuses {key} (status {status}){said}", status=status)
        if "HTTPS" in message and status == 400 and self.address.startswith("http:"):
            # Servers close the connection, or say that they were sent plain HTTP.
            return WrongAddress(f"{answer}; give a base_url that begins with https://", status=status)
        if lacks_route(status, message, kind):
            return WrongAddress(f"{answer}; check the model's name ({self.sent_model}) and the base_url", status=status)
        if error_type is ModelNotFound:
            answer += f"; check the model's name ({self.sent_model}) and the base_url"
        if error_type is QuotaExhausted:
            answer += NO_CREDIT_HINT
        if error_type is not CallFailed:
            return error_type(answer, status=status)
        if (refusal := find_refusal(status, message, text, body)) is not None:
            return SettingRefused(refusal.setting, answer, status)
        if refuses_system_turn(status, message, [turn["role"] for turn in body.get("messages", ())]):
            return CallFailed(answer + SYSTEM_TURN_HINT, status=status)
        answer += drop_hint(self.model, status, message, body)
        return CallFailed(answer, retryable=is_retryable(status), retry_after=retry_after(headers), status=status)
