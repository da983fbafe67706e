"""Retries with exponential backoff; no other module retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from reasoning.engine.rate_limiter import OVERLOAD_STATUSES, RateLimiter
from reasoning.errors import CallFailed
from reasoning.logs import Log

T = TypeVar("T")

ATTEMPTS = 8
"""The maximum number of failed attempts that may be the request's fault."""
_SUSPECT_AFTER = 2
"""Failures while the endpoint worked after which further ones are the request's fault, if no other request fails."""
_BACKOFF = wait_random_exponential(multiplier=0.5, max=30)
_log = Log(__name__)


async def call_with_retries(
    call: Callable[[int], Awaitable[T]], limits: RateLimiter, seconds_left: Callable[[], float | None] = lambda: None
) -> T:
    """Call until it succeeds, with exponential backoff and full jitter between retryable failures.

    A failure is the request's fault only if its reply was billed, or if the endpoint has worked since
    the failure before: calls that began after it have succeeded. So an outage counts against no
    request, however its failures and the last successes of other requests were ordered. Nor do
    refusals of an overloaded provider. Such a request is retried for as long as the circuit breaker
    permits. The provider's Retry-After is obeyed.

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
        first = error
    circuit = limits.circuit
    # Failures while the endpoint worked, and failures before it ever responded.
    faults = early = int(first.status not in OVERLOAD_STATUSES)
    before = first_failure = circuit.now

    def is_hopeless(state: RetryCallState) -> bool:
        nonlocal faults, early, before
        if state.attempt_number == 1:
            return False
        error = state.outcome.exception() if state.outcome else None
        assert isinstance(error, CallFailed)
        now, is_fault = circuit.now, error.status not in OVERLOAD_STATUSES
        if not circuit.has_succeeded:
            # Nothing suggests that the endpoint was ever up, so this is no outage.
            early += is_fault
            return early >= ATTEMPTS
        # A malformed reply that is billed is no outage, and is not paid for until the circuit breaker gives up.
        is_suspect = error.usage is not None or (faults >= _SUSPECT_AFTER and not circuit.fails_others(first_failure))
        if circuit.is_open and not is_suspect:
            # The circuit breaker ends an outage.
            return False
        if now.time - first_failure.time > circuit.max_outage_seconds and state.attempt_number >= 2 * ATTEMPTS:
            # Several outages may have met a request whose attempts take long.
            return True
        if is_suspect or circuit.worked_since(before):
            before = now
            faults += is_fault
        return faults >= ATTEMPTS

    def wait(state: RetryCallState) -> float:
        left = seconds_left()
        seconds = _wait(state) if left is None else min(_wait(state), left)
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CallFailed):
            _log.info("attempt %d failed with %s; retry in %.1f s", state.attempt_number, error.brief, seconds)
            _log.debug("attempt %d failed with: %s", state.attempt_number, error)
        return seconds

    policy = AsyncRetrying(
        retry=retry_if_exception(_is_retryable), stop=is_hopeless, wait=wait, sleep=circuit.pause, reraise=True
    )
    async for attempt in policy:
        with attempt:
            failed = attempt.retry_state.attempt_number - 1
            if not failed:
                raise first
            return await call(failed)
    # Unreachable, since the policy raises the last error; type checkers do not know it.
    raise AssertionError


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, CallFailed) and error.retryable


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    requested = error.retry_after if isinstance(error, CallFailed) else None
    return max(_BACKOFF(state), requested or 0.0)
