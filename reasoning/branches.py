"""Branches of a solve side by side: together, and those that begin alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from reasoning.llm.request import Completion, Request

if TYPE_CHECKING:
    from reasoning.lane import Lane
    from reasoning.llm.flight import Ended
    from reasoning.session import Session

T = TypeVar("T")


class Opening:
    """How branches begin that do the same: the first call of the first one asks for the first draws of all."""

    otherwise: ClassVar[set[Hashable]] = set()
    """Work whose branches did not begin with the same request."""

    def __init__(self, branches: Sequence[Session], work: Hashable, begin: Callable[[], None]) -> None:
        self.begin = begin
        self._lanes, self._work = [branch._lane for branch in branches], work
        self._request: Request | None = None
        self._drawn: dict[Lane, Completion | Ended] = {}

    async def first(self, branch: Session, request: Request, n: int) -> list[Completion] | None:
        """A branch's first draw; None where it asks for something else, or is not the first call of its lane."""
        from reasoning.llm.flight import completions

        lane = branch._lane
        if self._request is None and lane is self._lanes[0]:
            if n == 1:
                draws = [one.peek(request.key) for one in self._lanes]
                outcomes = await branch._llm.outcomes(request, draws, branch._account)
                self._drawn.update(zip(self._lanes, outcomes, strict=True))
            self._request = request
            self.begin()
            await asyncio.sleep(0)  # the others come as far as this one, so that what they ask next leaves together too
        if (outcome := self._drawn.pop(lane, None)) is None:
            return None
        if n != 1 or (request is not self._request and request != self._request):
            self.otherwise.add(self._work)
            branch.note("asks something else than the first of these branches: a draw was bought for nothing")
            return None
        lane.take(request.key, 1)
        return completions([outcome])


async def together(branches: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run branches side by side and give their results in order; the first error ends the others and is raised."""
    loop = asyncio.get_running_loop()
    return await _all([loop.create_task(branch) for branch in branches])


async def alike(
    branches: Sequence[Session], run: Callable[[int, Session], Coroutine[Any, Any, T]], work: Hashable
) -> list[T]:
    """Run one piece of work in several branches, as `together` does.

    Where the model takes `n`, the first call of the first branch asks for the first draws of all, and the others begin
    when these are there: so few wait at a time, and what they are made of is young when it is done with.

    Args:
        branches: fresh ones, of one split.
        run: the work, given a branch and its place.
        work: what it is: a name for all work that asks alike.
    """
    works = (run(place, branch) for place, branch in enumerate(branches))
    if len(branches) < 2 or branches[0]._llm.choices < 2 or work in Opening.otherwise:
        return await together(list(works))
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[T]] = []
    begun = loop.create_future()
    around = copy_context()  # not that of the first branch, which begins the others in the midst of its work

    def begin() -> None:
        if not begun.done():
            tasks.extend(loop.create_task(work, context=around.copy()) for work in works)
            begun.set_result(None)

    async def first(work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            begin()  # it may have ended without a call

    opening = Opening(branches, work, begin)
    for branch in branches:
        branch._opening = opening
    tasks.append(loop.create_task(first(next(works))))
    return await _all(tasks, begun)


async def _all(tasks: list[asyncio.Task[T]], begun: asyncio.Future[None] | None = None) -> list[T]:
    """What tasks give; the first error ends the others. Until `begun` is done there may be more of them."""
    try:
        if begun is not None:
            await begun
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
