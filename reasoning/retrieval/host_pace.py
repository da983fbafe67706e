"""The pace of requests to each host, for all clients of the process."""

from __future__ import annotations

import asyncio
import time

from reasoning.errors import CallFailed

MAX_WAIT = 30.0
"""Seconds that a request waits for its host; a longer wait is an error, after which the engine waits."""
_next_request: dict[str, float] = {}
"""The time of the monotonic clock before which no further request to a host begins."""


async def wait_for_host(host: str, interval: float) -> None:
    """Wait until the next request to a host may begin.

    Args:
        host: the host.
        interval: seconds from this request to the next one.

    Raises:
        CallFailed: the host has asked for a longer wait than `MAX_WAIT`.
    """
    now = time.monotonic()
    begin = max(now, _next_request.get(host, 0.0))
    wait = begin - now
    if wait > MAX_WAIT:
        raise CallFailed(f"{host} asked to wait, {wait:.0f} s more", retryable=True, retry_after=wait, status=429)
    _next_request[host] = begin + interval
    if wait:
        await asyncio.sleep(wait)


def delay_host(host: str, seconds: float) -> None:
    """Begin no further request to a host for some seconds, because it asks so."""
    _next_request[host] = max(_next_request.get(host, 0.0), time.monotonic() + seconds)
