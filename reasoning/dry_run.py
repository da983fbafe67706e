"""Dry runs: the requests that a strategy makes before any reply, recorded instead of sent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reasoning.engine.single_flight import CallContext, DrawError
from reasoning.journal import Journal
from reasoning.messages import Completion, Request
from reasoning.session import Session, Solver
from reasoning.trace import Trace

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.problem import Problem
    from reasoning.providers.client import Client


async def record_requests(strategy: Solver, problem: Problem, llm: LLM) -> list[tuple[Request, Sequence[int]]]:
    """Return the requests that a strategy makes before any reply, without sending them.

    The solve runs up to its first call, or to the first calls of its concurrent branches.

    Args:
        strategy: the strategy to ask.
        problem: the problem that it would solve.
        llm: the model that would be called; it supplies the sampling parameters.

    Returns:
        The requests, each with the indices of the draws that would be made. The list is empty if the
        strategy makes no call.

    Examples:
        >>> import asyncio
        >>> from reasoning import Problem, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> vote = strategies.get("self_consistency(cot, samples=3)")
        >>> [(request, draws)] = asyncio.run(record_requests(vote, Problem("What is 2 + 2?"), ScriptedLLM([])))
        >>> request.messages[-1].content
        "What is 2 + 2?\\n\\nLet's think step by step."
        >>> draws
        [0, 1, 2]
    """
    recorded: list[tuple[Request, Sequence[int]]] = []
    session = _RecordingSession(
        *(llm, Trace(""), recorded),
        context=CallContext(llm.budget, Journal()),
        images=problem.images,
        before=problem.before,
    )
    with suppress(_FirstRequestsKnown):
        await strategy.solve(problem, session)
    return recorded


class _FirstRequestsKnown(Exception):
    """Raised when the solve of a recording session has made its first calls."""


class _RecordingSession(Session):
    """A session that records the first requests of a solve instead of sending them."""

    def __init__(self, llm: LLM, trace: Trace, recorded: list[tuple[Request, Sequence[int]]], **more: Any) -> None:
        super().__init__(llm, trace, **more)
        self._recorded = recorded

    async def _draw(self, request: Request, draws: Sequence[int]) -> list[Completion | DrawError]:
        self._recorded.append((request, draws))
        raise _FirstRequestsKnown

    async def call_client(self, client: Client, payload: str, *, paid: bool = False) -> Completion:
        # Later requests depend on the reply of the service, which is not called.
        raise _FirstRequestsKnown
