"""The stack that every draw goes through: journal, single-flight, budget, limits, retry, client."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from reasoning import loop
from reasoning.budget import Budget
from reasoning.errors import CallFailed
from reasoning.journal import Journal
from reasoning.limits import Limits
from reasoning.llm.request import Client, Completion, Request, Usage
from reasoning.prompts import Conversation
from reasoning.retry import retrying

SAMPLING: Mapping[str, Any] = {"temperature": 0.0, "max_tokens": 1024}
"""The settings of a call that says nothing else."""


class LLM:
    """A language model, with everything that makes its draws durable, shared, affordable and polite.

    Make one with `reasoning.connect`. Its draws are numbered: draw `k` of a request is bought once, ever.

    Attributes:
        client: what sends requests.
        journal: where draws are recorded and found.
        budget: what may be spent, if there is a limit.
        limits: how fast requests go out.
        sampling: the settings of calls that do not give their own.
        spent: what was paid for since this object was made. What the journal returned is not in it.
        in_flight: draws asked for and not here yet.
    """

    def __init__(
        self,
        client: Client,
        *,
        journal: Journal | None = None,
        budget: Budget | None = None,
        limits: Limits | None = None,
        sampling: Mapping[str, Any] | None = None,
    ) -> None:
        self.client = client
        self.journal = Journal() if journal is None else journal
        self.budget = Budget() if budget is None else budget
        self.limits = Limits() if limits is None else limits
        self.sampling = {**SAMPLING, **(sampling or {})}
        self.spent = Usage()
        self._choices = client.max_choices
        self._flights: dict[tuple[str, int], asyncio.Future[Completion]] = {}
        self._leaving: dict[str, list[int]] = defaultdict(list)
        self._sending: set[asyncio.Task[None]] = set()
        loop.close_with(self, client)

    @property
    def name(self) -> str:
        """The model's name, as results show it."""
        return self.client.model

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    def __repr__(self) -> str:
        return f"<LLM {self.name}>"

    def request(self, conversation: Conversation, sampling: Mapping[str, Any]) -> Request:
        """The request that a conversation becomes on this model."""
        settings = {name: value for name, value in {**self.sampling, **sampling}.items() if value is not None}
        return Request(
            self.client.model, conversation.messages, settings, self.client.endpoint, shared=conversation.shared
        )

    async def draw(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """The draws with these indexes: from the journal, from a flight under way, or bought now.

        Equal requests that are asked for in one turn of the event loop leave together, as one request with `n`.

        Raises:
            CallFailed: a draw did not come through for good.
            BudgetExhausted: a draw could not be afforded. Draws in flight go on and are recorded.
        """
        found = self.journal.read(request.key, draws)
        waiting = {draw: self._board(request, draw) for draw in draws if draw not in found}
        # Shielded: a waiter that is cancelled takes nobody else's draw along, and what is paid for is recorded.
        for draw, flight in waiting.items():
            found[draw] = await asyncio.shield(flight)
        return [found[draw] for draw in draws]

    def _board(self, request: Request, draw: int) -> asyncio.Future[Completion]:
        """The flight of one draw: the one under way, or one that leaves at the end of this turn of the loop."""
        flight = self._flights.get((request.key, draw))
        if flight is None:
            here = asyncio.get_running_loop()
            flight = self._flights[request.key, draw] = here.create_future()
            flight.add_done_callback(lambda done: done.cancelled() or done.exception())  # a failure nobody awaits
            if not self._leaving[request.key]:
                here.call_soon(self._depart, request)
            self._leaving[request.key].append(draw)
        return flight

    def _depart(self, request: Request) -> None:
        draws = sorted(self._leaving.pop(request.key))
        for first in range(0, len(draws), self._choices):
            task = asyncio.get_running_loop().create_task(self._send(request, draws[first : first + self._choices]))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, request: Request, draws: list[int]) -> None:
        """Buy draws and land their flights; what a provider leaves out of an `n` is asked for again, and no more."""
        try:
            while draws:
                bought = await self._buy(request, draws[: self._choices])
                if len(bought) < len(draws[: self._choices]):
                    self._choices = 1  # this provider does not honour n
                draws = draws[len(bought) :]
        except BaseException as error:
            for draw in draws:
                self._land(request, draw, error)
            if not isinstance(error, Exception):
                raise

    async def _buy(self, request: Request, draws: list[int]) -> list[Completion]:
        price = getattr(self.client, "price", lambda usage: None)
        async with self.budget.reserve(request, len(draws), price) as settle:
            async with self.limits.place(request.max_tokens * len(draws)):
                got = (await retrying(lambda: self._once(request, draws)))[: len(draws)]
            numbered = [replace(one, key=request.key, draw=draw) for one, draw in zip(got, draws, strict=False)]
            for one in numbered:
                settle(one.usage)
                self.spent = self.spent + one.usage
        self.journal.write(request, numbered)
        for one in numbered:
            self._land(request, one.draw, one)
        return numbered

    async def _once(self, request: Request, draws: list[int]) -> list[Completion]:
        """One attempt. Draws of one request share its time, as they share its prompt."""
        started = time.monotonic()
        got = await self.client.complete(request, draws)
        if not got:
            raise CallFailed(f"{self.name} answered with no completion at all", retryable=True)
        seconds = (time.monotonic() - started) / len(got)
        return [replace(one, usage=replace(one.usage, seconds=seconds)) for one in got]

    def _land(self, request: Request, draw: int, result: Completion | BaseException) -> None:
        flight = self._flights.pop((request.key, draw), None)
        if flight is None or flight.done():
            return
        if isinstance(result, Completion):
            flight.set_result(result)
        elif isinstance(result, asyncio.CancelledError):
            flight.cancel()
        else:
            flight.set_exception(result)

    async def aclose(self) -> None:
        """Close from any event loop."""
        await loop.wait(self.close())

    async def close(self) -> None:
        """Stop what is in flight, close the client and the journal."""
        for task in list(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self.client.close()
        loop.closed(self.client)
        self.journal.close()

    def __enter__(self) -> LLM:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None or not issubclass(kind, KeyboardInterrupt):  # Ctrl-C does not wait for what is in flight
            loop.run(self.close())
