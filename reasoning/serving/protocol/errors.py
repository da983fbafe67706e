"""Errors in the form of the OpenAI protocol, with the header that tells clients whether to try again."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from reasoning.errors import (
    AuthenticationFailed,
    BudgetExhausted,
    CallFailed,
    EndpointDown,
    ModelNotFound,
    PriceUnknown,
    PromptRefused,
    QuotaExhausted,
    ReasoningError,
    UsageError,
)


class RequestFailed(ReasoningError):
    """A request that gets an error as its reply.

    Args:
        status: the HTTP status.
        message: what is wrong, and what would be right.
        code: the protocol's word for the error.
        param: the field of the request that is wrong.
        retry: whether the same request may succeed later.
        retry_after: seconds to wait before that.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        *,
        param: str | None = None,
        retry: bool = False,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.retry, self.retry_after = status, code, param, retry, retry_after

    def to_json(self) -> dict[str, Any]:
        """Return the body of the reply."""
        kind = {401: "authentication_error", 403: "permission_error", 429: self.code or "rate_limit_error"}.get(
            self.status, "invalid_request_error" if self.status < 500 else "server_error"
        )
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> web.Response:
        """Return the reply."""
        headers = {"x-should-retry": "true" if self.retry else "false"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        response = web.json_response(self.to_json(), status=self.status, headers=headers)
        if self.status == 408:
            # The rest of the body is not waited for.
            response.force_close()
        return response


def to_request_failed(error: Exception) -> RequestFailed:
    """Return the reply to a request whose solve raised an error.

    The calls of a solve have been tried again already, so that a client shall try again only where time helps.
    """
    match error:
        case RequestFailed():
            return error
        case web.HTTPRequestEntityTooLarge():
            return RequestFailed(413, "the body is too large", "request_too_large")
        case web.HTTPException():
            return RequestFailed(error.status, f"{error.reason}: see /v1/models and /v1/chat/completions", "not_found")
        case BudgetExhausted():
            return RequestFailed(429, str(error), "insufficient_quota")
        case PriceUnknown():
            return RequestFailed(500, str(error), "server_error")
        case UsageError():
            return RequestFailed(400, str(error), "invalid_value")
        case PromptRefused():
            return RequestFailed(400, str(error), "prompt_refused")
        case AuthenticationFailed() | ModelNotFound() | QuotaExhausted():
            return RequestFailed(502, f"the model cannot be called: {error}", "upstream_refused")
        case EndpointDown():
            return RequestFailed(503, str(error), "upstream_down", retry=True, retry_after=30)
        case CallFailed():
            return RequestFailed(502, str(error), "upstream_failed", retry=True, retry_after=1)
        case ReasoningError():
            return RequestFailed(500, str(error), "server_error")
    # The message of an unknown error may hold anything.
    return RequestFailed(500, f"an internal error: {type(error).__name__}", "server_error")
