"""The one place that retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from reasoning.errors import CallFailed

T = TypeVar("T")

_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)  # full jitter


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, CallFailed) else None
    return max(_BACKOFF(state), asked or 0.0)


async def retrying(call: Callable[[], Awaitable[T]], attempts: int = 6) -> T:
    """Call until it comes through; faults that can pass are tried again with exponential full jitter.

    A provider's Retry-After is obeyed.

    Raises:
        CallFailed: the last failure, after `attempts` attempts, or at once where a retry cannot help.
    """
    policy = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, CallFailed) and error.retryable),
        stop=stop_after_attempt(attempts),
        wait=_wait,
        reraise=True,
    )
    async for attempt in policy:
        with attempt:
            return await call()
    raise AssertionError("the policy raises the last error")  # for type checkers
