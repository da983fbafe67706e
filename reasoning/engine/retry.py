"""The one place that retries."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from reasoning.engine.rate_limiter import OVERLOAD_STATUSES, RateLimiter
from reasoning.errors import CallFailed

T = TypeVar("T")

ATTEMPTS = 8
"""How often a request may fail by a fault that may be its own, while others come through."""
_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)  # full jitter


async def call_with_retries(
    call: Callable[[int], Awaitable[T]], limits: RateLimiter, left: Callable[[], float | None] = lambda: None
) -> T:
    """Call until it comes through. The first failures that can pass are tried again with exponential full jitter.

    What an overloaded provider turns away does not count as the request's fault, nor does an outage (nobody gets
    through): then it is tried for as long as the circuit has patience. A provider's Retry-After is obeyed.

    Args:
        call: one attempt; it gets the number of attempts that failed before.
        limits: those of the endpoint, whose circuit knows whether others come through.
        left: seconds in which another attempt may begin, or None; raises where there are none. No wait is longer.

    Raises:
        CallFailed: the last failure, or at once where a retry cannot help.
    """
    try:
        return await call(0)  # nearly always enough, and tenacity costs more than all our other layers
    except CallFailed as error:
        if not _passing(error):
            raise
        first: CallFailed | None = error
    started, faults = time.monotonic(), 0

    def hopeless(state: RetryCallState) -> bool:
        nonlocal faults
        error = state.outcome.exception() if state.outcome else None
        asked = (error.retry_after or 0.0) if isinstance(error, CallFailed) else 0.0
        if asked > limits.circuit.max_outage_seconds:
            return True
        if limits.circuit.is_outage(started):
            return False  # the circuit ends it
        if time.monotonic() - started > limits.circuit.max_outage_seconds:
            return True
        faults += not (isinstance(error, CallFailed) and error.status in OVERLOAD_STATUSES)
        return faults >= ATTEMPTS

    def wait(state: RetryCallState) -> float:
        until = left()
        return _wait(state) if until is None else min(_wait(state), until)

    policy = AsyncRetrying(
        retry=retry_if_exception(_passing), stop=hopeless, wait=wait, sleep=limits.circuit.pause, reraise=True
    )
    async for attempt in policy:
        with attempt:
            if first is not None:
                again, first = first, None
                raise again
            return await call(attempt.retry_state.attempt_number - 1)
    raise AssertionError("the policy raises the last error")  # for type checkers


def _passing(error: BaseException) -> bool:
    return isinstance(error, CallFailed) and error.retryable


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, CallFailed) else None
    return max(_BACKOFF(state), asked or 0.0)
