"""Concurrent branches of a solve, and the first call that branches share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from reasoning.messages import Completion

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.messages import Conversation

T = TypeVar("T")


class FirstCall(NamedTuple):
    """The first call of a strategy for one problem; see `FirstCallStrategy`.

    Attributes:
        messages: the conversation to send.
        resolve: returns the answer if the reply settles it, else None: the strategy then makes
            further calls.
        params: sampling parameters of the call, such as `max_tokens`.
        stage: the name of the call's stage in the trace; empty for none.
    """

    messages: Conversation
    resolve: Callable[[Completion], Answer | None]
    params: Mapping[str, Any] = MappingProxyType({})
    stage: str = ""


async def gather(branches: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run branches concurrently and return their results in order.

    Unlike `asyncio.gather`, the first error cancels the other branches, waits until they have
    ended, and is raised.
    """
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(branch) for branch in branches]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
