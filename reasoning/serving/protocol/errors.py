"""Errors in the form of the OpenAI protocol, with the header that tells clients whether to try again."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from reasoning import errors

_TYPES = {401: "authentication_error", 403: "permission_error"}
_REPLIES: tuple[tuple[type[Exception], int, str, int | None], ...] = (
    (errors.PriceUnknown, 500, "server_error", None),
    (errors.UsageError, 400, "invalid_value", None),
    (errors.PromptRefused, 400, "prompt_refused", None),
    (errors.BudgetExhausted, 429, "insufficient_quota", None),
    (errors.AuthenticationFailed, 502, "upstream_refused", None),
    (errors.ModelNotFound, 502, "upstream_refused", None),
    (errors.QuotaExhausted, 502, "upstream_refused", None),
    (errors.EndpointDown, 503, "upstream_down", 30),
    (errors.CallFailed, 502, "upstream_failed", 1),
    (errors.ReasoningError, 500, "server_error", None),
)
"""The errors of solves, each before those that it is one of: their status, code, and seconds to wait."""


class RequestFailed(errors.ReasoningError):
    """A request that gets an error as its reply.

    Args:
        status: the HTTP status.
        message: what is wrong, and what would be right.
        code: the protocol's word for the error.
        param: the field of the request that is wrong.
        retry_after: seconds after which the same request may succeed; None if it will not.
    """

    def __init__(
        self, status: int, message: str, code: str | None = None, *, param: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.retry_after = status, code, param or None, retry_after

    def to_json(self) -> dict[str, Any]:
        """Return the body of the reply."""
        kind = "server_error" if self.status >= 500 else _TYPES.get(self.status, "invalid_request_error")
        if self.status == 429:
            kind = self.code or "rate_limit_error"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> web.Response:
        """Return the reply."""
        headers = {"x-should-retry": "false" if self.retry_after is None else "true"}
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
    if isinstance(error, RequestFailed):
        return error
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return RequestFailed(413, "the body is too large", "request_too_large")
    if isinstance(error, web.HTTPException):
        return RequestFailed(error.status, f"{error.reason}: see /v1/models and /v1/chat/completions", "not_found")
    for kind, status, code, retry_after in _REPLIES:
        if isinstance(error, kind):
            # The kinds of failed calls say by themselves whether time helps; a plain one says it for each call.
            if type(error) is errors.CallFailed and not error.retryable:
                retry_after = None
            said = f"the model cannot be called: {error}" if code == "upstream_refused" else str(error)
            return RequestFailed(status, said, code, retry_after=retry_after)
    # The message of an unknown error may hold anything.
    return RequestFailed(500, f"an internal error: {type(error).__name__}", "server_error")
