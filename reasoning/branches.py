"""Branches of a solve side by side: together, and those that begin with the same call."""

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
    """The first call of a strategy, where it is known before anything was asked; see `Strategy.opening`.

    Attributes:
        turns: what is asked.
        settle: the answer, where this one reply settles it; None where the strategy asks on.
        settings: those that the call gives.
    """

    messages: Conversation
    resolve: Callable[[Completion], Answer | None]
    params: Mapping[str, Any] = MappingProxyType({})


async def gather(branches: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run branches side by side and give their results in order; the first error ends the others and is raised."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(branch) for branch in branches]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
