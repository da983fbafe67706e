"""The outcome of one line: its completions, or the error of the call."""

from __future__ import annotations

import json
from typing import Any

from reasoning.errors import CallFailed
from reasoning.messages import CompletionBatch, Request
from reasoning.providers.batch.api import BatchApi, LineResult
from reasoning.providers.batch.stored import StoredLine
from reasoning.providers.batch.waiting import Waiting

ATTEMPTS = 8
"""The lines for one request, each in a batch of its own, that may fail before the request fails for good."""


def parse_line(api: BatchApi, line: StoredLine, request: Request, reply: Any = None) -> CompletionBatch:
    """Return the completions of a line, from its reply or from the one that is stored.

    Raises:
        CallFailed: the reply cannot be read.
    """
    reply = json.loads(line.reply or "null") if reply is None else reply
    return api.parse(reply, request, range(line.draw, line.draw + line.n))


def line_error(
    api: BatchApi, line: StoredLine, result: LineResult | CallFailed, waiting: Waiting, attempts: int
) -> CallFailed:
    """Return the error of a failed line, which is not retryable after too many attempts."""
    if isinstance(result, CallFailed):
        error = result
    elif result.outcome == "errored":
        error = api.error(result, waiting.request, waiting.body)
    elif result.outcome == "cancelled":
        return CallFailed(f"the batch of {line.custom_id} was cancelled; the same command submits its lines again")
    else:
        reasons = {"expired": "expired before it was processed", "lost": "is in neither file of results"}
        error = CallFailed(f"the line {line.custom_id} {reasons[result.outcome]}", retryable=True)
    if error.retryable and attempts >= ATTEMPTS:
        message = f"{error}; it has failed in {attempts} batches, so it is not tried again now"
        return CallFailed(message, status=error.status, usage=error.usage)
    if error.retryable:
        # A wait that the provider asked for is long over, and an overload does not concern the next batch.
        return CallFailed(str(error), retryable=True, usage=error.usage)
    return error
