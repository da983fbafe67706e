"""Models for tests, without a network: `ScriptedLLM` follows a script, `ReplayLLM` replays a recording.

`MockBatchServer` is a provider of batches on loopback.

The test cases of chains run under pytest; see `reasoning.benchmarks.chains.pytest_plugin`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from reasoning.engine.budget import Budget
from reasoning.engine.connect import connect
from reasoning.engine.llm import LLM
from reasoning.errors import CallFailed
from reasoning.journal import Journal
from reasoning.messages import Completion, Message, Request, Usage
from reasoning.mock_batches.faults import BatchFaults
from reasoning.mock_batches.server import MockBatchServer
from reasoning.providers.client import Client
from reasoning.providers.replay import ReplayClient
from reasoning.sandbox import Sandbox

Reply = str | Completion | Exception
Script = Callable[[tuple[Message, ...]], Reply] | Callable[[Request], Reply] | Iterable[Reply]

__all__ = ["BatchFaults", "MockBatchServer", "ReplayLLM", "ScriptedLLM"]


class ScriptedLLM(LLM):
    """A model that gives the replies of a script, for every model name that a step asks for.

    Args:
        script: the replies in the order of the calls, or a function from the messages to a reply. A
            reply is a text, a `Completion`, or an exception to raise.
        latency: the duration of each request, in seconds.
        max_n: the maximum number of draws of one request.
        reads_requests: whether the function gets the `Request`, with its sampling parameters, instead of
            its messages.
        journal: where draws are recorded; by default in memory.
        budget: as in `connect`.
        sandbox: as in `connect`.
        **sampling: default sampling parameters, as in `connect`.

    Attributes:
        requests: every request, in order.
        calls: the number of completions.
        peak_concurrency: the maximum number of requests in flight so far.
        rounds: the number of sequential rounds of requests: a request that starts after another
            has ended belongs to a later round.
        prompts: every request as one text, with roles.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> llm = ScriptedLLM(["Two and two make four. The answer is 4."])
        >>> strategies.get("cot").run(Problem("What is 2 + 2?", kinds.Number()), llm).value
        4
        >>> llm.prompts
        ["user: What is 2 + 2?\\n\\nLet's think step by step."]
        >>> vote = strategies.get("self_consistency(cot, samples=3)")
        >>> llm = ScriptedLLM(lambda messages: "The answer is 4.")
        >>> vote.run(Problem("What is 2 + 2?", kinds.Number()), llm).confidence
        1.0
        >>> llm.calls, len(llm.requests)
        (3, 1)
    """

    def __init__(
        self,
        script: Script,
        *,
        latency: float = 0.0,
        max_n: int = 64,
        reads_requests: bool = False,
        journal: Journal | None = None,
        budget: Budget | None = None,
        sandbox: Sandbox | str | None = None,
        **sampling: Any,
    ) -> None:
        self._script = _ScriptedClient(script, latency, max_n, reads_requests)
        super().__init__(
            self._script,
            journal=journal,
            budget=budget,
            sampling=sampling,
            connect=connect,
            sandbox=None if sandbox is None else Sandbox.of(sandbox),
        )

    @property
    def requests(self) -> list[Request]:
        return self._script.requests

    @property
    def calls(self) -> int:
        return self._script.calls

    @property
    def peak_concurrency(self) -> int:
        return self._script.peak

    @property
    def rounds(self) -> int:
        return self._script.rounds

    @property
    def prompts(self) -> list[str]:
        """Every request as one text, with roles."""
        return ["\n".join(f"{role}: {content}" for role, content in request.messages) for request in self.requests]


class ReplayLLM(LLM):
    """A model that replays a recording, for every model name that a step asks for.

    See `reasoning.providers.replay` for the format of the file.
    """

    def __init__(self, path: str | Path, *, journal: Journal | None = None, budget: Budget | None = None) -> None:
        super().__init__(ReplayClient(path), journal=journal, budget=budget, connect=connect)


class _ScriptedClient(Client):
    free = True
    model = "scripted"

    def __init__(self, script: Script, latency: float, max_n: int, reads_requests: bool) -> None:
        self._reply: Callable[[Any], Reply] = script if callable(script) else _in_order(script)
        self._reads_requests = reads_requests
        self._latency, self.max_n = latency, max_n
        self.requests: list[Request] = []
        self.calls = self.peak = self.rounds = self._under_way = 0

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        self.requests.append(request)
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)
        this_round = self.rounds + 1
        try:
            replies = [self._reply(request if self._reads_requests else request.messages) for _ in draws]
            await asyncio.sleep(self._latency)
        finally:
            self._under_way -= 1
            self.rounds = max(self.rounds, this_round)
        completions = []
        for index, reply in enumerate(replies):
            if isinstance(reply, Exception):
                raise reply
            prompt = 0 if index else sum(len(turn.content.split()) for turn in request.messages)
            usage = Usage(1, prompt, len(str(reply).split()), seconds=self._latency)
            completions.append(reply if isinstance(reply, Completion) else Completion(reply, usage=usage))
        self.calls += len(completions)
        return completions

    def sibling(self, model: str) -> _NamedClient | None:
        return None if model.startswith("replay:") else _NamedClient(self, model)


class _NamedClient(Client):
    """A scripted client under another model's name."""

    free = True

    def __init__(self, script: _ScriptedClient, model: str) -> None:
        self.model, self.max_n, self._script = model, script.max_n, script

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        return await self._script.complete(request, draws)

    def sibling(self, model: str) -> _NamedClient | None:
        return self._script.sibling(model)


def _in_order(replies: Iterable[Reply]) -> Callable[[tuple[Message, ...]], Reply]:
    rest = iter(replies)

    def reply(messages: tuple[Message, ...]) -> Reply:
        for scripted in rest:
            return scripted
        raise CallFailed(f"the script has no reply left for: {messages[-1].content[:80]!r}")

    return reply
