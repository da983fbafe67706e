"""The state of a server, and the solve of one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from reasoning.answer import Failed
from reasoning.branches import gather
from reasoning.engine.budget import Budget
from reasoning.engine.llm import LLM
from reasoning.errors import ReasoningError
from reasoning.serving.access import Access, Key
from reasoning.serving.aliases import Alias
from reasoning.serving.metrics import Metrics
from reasoning.serving.protocol.chat import ChatRequest, new_series
from reasoning.serving.protocol.errors import RequestFailed, to_request_failed
from reasoning.serving.protocol.outputs import Solved, describe
from reasoning.trace import Trace
from reasoning.usage import Usage
from reasoning.watching import SolveEvent

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""The names of this machine that no other machine reaches."""
_MAX_UNDELIVERED = 1000

Watch = Callable[[int, SolveEvent], None]
"""A listener of the events of the choices of a request, by index."""


@dataclass
class Server:
    """The state of a server: its aliases, keys and limits.

    Attributes:
        llm: the model.
        aliases: what is served, by name.
        access: the keys and budgets; by default everybody may use the server.
        problem_budget: what one request may spend; None for no limit.
        fresh: whether a request without a series or a seed gets new draws instead of the recorded ones.
        max_concurrent: the most requests that are answered at the same time; more are refused.
        log: receives a line for each request, without secrets; it holds no text of a chat.
        log_prompts: whether the lines have the question and the answer nevertheless.
        local_only: whether only requests to this machine's own name are answered, so that a web page
            cannot reach the server by another one.
        heartbeat: seconds without an event after which a stream sends a comment.
        request_seconds: seconds within which the headers of a request must arrive, after the connection began or
            the last reply ended; and those within which its body must follow.
        stopping: whether no further request is answered.
    """

    llm: LLM
    aliases: Mapping[str, Alias]
    access: Access = field(default=None)  # type: ignore[assignment]  # made below
    problem_budget: Budget | None = None
    fresh: bool = False
    max_concurrent: int = 256
    log: Callable[[str], None] = lambda line: None
    log_prompts: bool = False
    local_only: bool = False
    heartbeat: float = 10.0
    request_seconds: float = 75.0
    metrics: Metrics = field(default_factory=Metrics)
    stopping: bool = False
    started: int = field(default_factory=lambda: int(time.time()))

    _undelivered: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.access = self.access or Access(self.llm, [])
        self.llm.check_price(self.problem_budget)

    async def solve(self, chat: ChatRequest, key: Key | None, watch: Watch | None = None) -> Solved:
        """Answer a request.

        Raises:
            RequestFailed: a call failed for good, or a limit of this server is reached.
            ReasoningError: no call can succeed, or a budget is used up.
        """
        if self.stopping:
            raise RequestFailed(503, "the server is stopping", "overloaded", retry_after=1)
        if self.metrics.in_flight >= self.max_concurrent:
            reason = f"{self.max_concurrent} requests are being answered"
            raise RequestFailed(429, reason, "overloaded", retry_after=1)
        self.access.admit(key)
        started, budget = time.monotonic(), self._budget(key)
        traces = [Trace(chat.alias.spec) for _ in range(chat.choices)]
        self.metrics.in_flight += 1
        try:
            with self._series(chat, key) as series:
                solve = partial(chat.alias.strategy.arun, chat.problem, self.llm, sampling=chat.sampling)
                solve = partial(solve, budget=budget, series=series)
                runs = [
                    solve(epoch=index, watch=_of_choice(watch, index), trace=trace)
                    for index, trace in enumerate(traces)
                ]
                answers = await gather(runs) if len(runs) > 1 else [await runs[0]]
                self.metrics.count_answers(chat.alias.name, [answer.state for answer in answers])
                for answer in answers:
                    # The other draws are recorded, so that a second attempt pays for what is missing.
                    if isinstance(answer, Failed):
                        raise to_request_failed(answer.to_error())
        finally:
            self.metrics.in_flight -= 1
            # Also what a request bought that failed then.
            used, spent = (Usage.total(getattr(trace, part) for trace in traces) for part in ("usage", "spent"))
            self.metrics.count_calls(chat.alias.name, used, spent)
        return Solved(answers, used, describe(answers, chat, series, time.monotonic() - started, used, spent))

    @contextmanager
    def _series(self, chat: ChatRequest, key: Key | None) -> Iterator[str | None]:
        """Yield the series of a request. A new one whose answer was not delivered goes to the next equal request.

        So a client that tries again after an error, as SDKs do by themselves, pays for what is missing only.
        """
        if chat.series is not None or not (chat.is_fresh or self.fresh):
            yield chat.series
            return
        # If two requests have the same hash, they share the name of a series, and no draw.
        place = hash((key and key.name, chat.alias.name, chat.problem.question, chat.problem.before))
        series = self._undelivered.pop(place, None) or new_series()
        try:
            yield series
        except BaseException:
            self._undelivered[place] = series
            if len(self._undelivered) > _MAX_UNDELIVERED:
                del self._undelivered[next(iter(self._undelivered))]
            raise

    def _budget(self, key: Key | None) -> Budget | None:
        try:
            around = self.access.budget_of(key)
        except (OSError, ReasoningError) as error:
            raise RequestFailed(500, f"what is spent cannot be kept: {error}", "server_error") from None
        if self.problem_budget is not None:
            return self.problem_budget.nested_in(around)
        # A budget of its own, since that of a key is no limit of one request.
        return None if around is self.llm.budget else Budget(within=around)


def _of_choice(watch: Watch | None, index: int) -> Callable[[SolveEvent], None] | None:
    return None if watch is None else lambda event: watch(index, event)


SERVER: web.AppKey[Server] = web.AppKey("server", Server)
"""The key of the server in its application."""
