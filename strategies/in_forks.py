"""Concurrent work on several items, each in a fork of the session."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from reasoning.branches import gather
from reasoning.errors import CallFailed
from reasoning.session import Session

T = TypeVar("T")
R = TypeVar("R")


async def for_each(
    items: Sequence[T],
    work: Callable[[T, Session], Coroutine[Any, Any, R]],
    session: Session,
    name: str,
    *,
    required: bool = False,
) -> list[R | None]:
    """Do some work for each item concurrently, and return the results in the order of the items.

    Args:
        items: the items.
        work: the work for one item, in the session of its fork.
        session: the session of the technique.
        name: the name of a fork in the trace; its number follows.
        required: whether a failed call ends all the work. By default the result of its item is None.

    Raises:
        CallFailed: a call failed for good and is required, or every further call would fail.
    """

    async def do(item: T, fork: Session) -> R | None:
        try:
            return await work(item, fork)
        except CallFailed as error:
            if required or error.ends_run:
                raise
            fork.note(f"no result, since a call failed: {error}")
            return None

    # Items that send the same request get the same draws.
    forks = session.fork(name, range(len(items)))
    return await gather([do(item, fork) for item, fork in zip(items, forks, strict=True)])
