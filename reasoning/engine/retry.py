"""Retries with exponential backoff; no other module retries."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from reasoning.engine.rate_limiter import OVERLOAD_STATUSES, RateLimiter
from reasoning.errors import CallFailed

T = TypeVar("T")

ATTEMPTS = 8
"""The maximum number of failed attempts that may be the request's fault."""
_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)


async def call_with_retries(
    call: Callable[[int], Awaitable[T]], limits: RateLimiter, seconds_left: Callable[[], float | None] = lambda: None
) -> T:
    """Call until it succeeds, with exponential backoff and full jitter between retryable failures.

    Refusals of an overloaded provider do not count as the request's fault, nor does an outage, when
    no call succeeds: such a request is retried for as long as the circuit breaker permits.
    The provider's Retry-After is obeyed.

    Args:
        call: one attempt; it receives the number of attempts that failed before.
        limits: the limits of the endpoint, whose circuit breaker knows whether other calls succeed.
        seconds_left: returns the seconds in which another attempt may begin, or None for no limit;
            raises if none are left. No wait is longer.

    Raises:
        CallFailed: the last failure, or the first that is not retryable.
    """
    # The first attempt is made without tenacity, which costs more than all our other layers.
    try:
        return await call(0)
    except CallFailed as error:
        if not _is_retryable(error):
            raise
        first: CallFailed | None = error
    started, faults = time.monotonic(), 0

    def is_hopeless(state: RetryCallState) -> bool:
        nonlocal faults
        error = state.outcome.exception() if state.outcome else None
        requested = (error.retry_after or 0.0) if isinstance(error, CallFailed) else 0.0
        if requested > limits.circuit.max_outage_seconds:
            return True
        if limits.circuit.is_outage(started):
            # The circuit breaker ends an outage.
            return False
        if time.monotonic() - started > limits.circuit.max_outage_seconds:
            return True
        faults += not (isinstance(error, CallFailed) and error.status in OVERLOAD_STATUSES)
        return faults >= ATTEMPTS

    def wait(state: RetryCallState) -> float:
        left = seconds_left()
        return _wait(state) if left is None else min(_wait(state), left)

    policy = AsyncRetrying(
        retry=retry_if_exception(_is_retryable), stop=is_hopeless, wait=wait, sleep=limits.circuit.pause, reraise=True
    )
    async for attempt in policy:
        with attempt:
            if first is not None:
                again, first = first, None
                raise again
            return await call(attempt.retry_state.attempt_number - 1)
    # Unreachable, since the policy raises the last error; type checkers do not know it.
    raise AssertionError


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, CallFailed) and error.retryable


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    requested = error.retry_after if isinstance(error, CallFailed) else None
    return max(_BACKOFF(state), requested or 0.0)
