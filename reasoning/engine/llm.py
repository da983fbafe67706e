"""The stack that every draw goes through: journal, single-flight, budget, limits, retry, client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeAlias

from reasoning import event_loop, telemetry
from reasoning.engine.budget import Budget
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.engine.retry import call_with_retries
from reasoning.engine.single_flight import CallContext, DrawError, PendingDraw, Waiter, pending_draws, unwrap
from reasoning.errors import CallFailed, UsageError
from reasoning.journal import Journal
from reasoning.messages import Completion, CompletionBatch, Conversation, Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.model_traits import traits
from reasoning.sampling_params import validate_params
from reasoning.sandbox import Sandbox

DEFAULT_PARAMS: Mapping[str, Any] = {"temperature": 0.0, "max_tokens": 1024}
"""The settings of a call that says nothing else."""
_FRACTIONS = frozenset(["temperature", "top_p", "min_p"])
"""Settings of which 1 and 1.0 are the same request."""
_BYTES_A_TOKEN = 3
"""Rather too few: for what a minute's share of tokens is counted by."""


Connect: TypeAlias = Callable[..., "LLM"]
"""Makes an LLM from a model's name: `reasoning.connect`."""


class LLM:
    """A language model, with everything that makes its draws durable, shared, affordable and polite.

    Make one with `reasoning.connect`. Its draws are numbered: draw `k` of a request is bought once, ever.

    Attributes:
        client: what sends requests.
        journal: where draws are recorded and found.
        budget: what may be spent, if there is a limit.
        limits: how fast requests go out.
        sampling: the settings of calls that do not give their own.
        sandbox: where sessions of this model run programs; None is the default `Sandbox`.
        warm: whether a prompt that fans out over several requests sends the first alone, so that the provider's
            prefix cache serves the others.
        spent: what was paid for since this object was made. What the journal returned is not in it.
        retried: attempts that failed and were made again since this object was made.
        in_flight: draws asked for and not here yet.
    """

    def __init__(
        self,
        client: Client,
        *,
        journal: Journal | None = None,
        budget: Budget | None = None,
        limits: RateLimiter | None = None,
        sampling: Mapping[str, Any] | None = None,
        warm_prefix_cache: bool | None = None,
        connect: Connect | None = None,
        sandbox: Sandbox | None = None,
    ) -> None:
        self.client = client
        self.sandbox = sandbox
        self.journal = Journal() if journal is None else journal
        self.budget = Budget() if budget is None else budget
        self.limits = RateLimiter() if limits is None else limits
        self.sampling = {**DEFAULT_PARAMS, **(sampling or {})}
        self.traits = traits(client.model)
        self.warm_prefix_cache = self.traits.prefix_cache if warm_prefix_cache is None else warm_prefix_cache
        self.usage = Usage()
        self.pending = pending_draws(self.journal)
        self._connect = connect
        self._siblings: dict[str, LLM] = {}
        self.retries = 0
        self._honours_n = self.traits.n
        self._price = _nothing if client.free else client.price
        self._asked: tuple[object, ...] = ()
        self._settings: tuple[dict[str, Any], str, dict[str, Any]] = ({}, "", {})
        self._checked: set[frozenset[str]] = set()
        self._request: Request
        self._leaving: dict[tuple[str, CallContext], list[int]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        client.on_headers = self.limits.on_headers
        event_loop.close_when_collected(self, client)

    @property
    def name(self) -> str:
        """The model's name, as results show it."""
        return self.client.model

    def sibling(self, model: str) -> LLM:
        """Return the model of another name, with this one's journal, budget and sampling parameters.

        Where the client has a model of this name (on the same server, or in the same recording), the
        sibling also has its endpoint and key, and shares the rate limits of that name. Any other
        name is connected to as by `reasoning.connect`. The same name always gives the same object.

        Raises:
            UsageError: an unknown model.
        """
        if model not in self._siblings:
            client = self.client.sibling(model)
            self._siblings[model] = self._connected(model) if client is None else self._on(client)
            self._siblings[model].sandbox = self.sandbox
        return self._siblings[model]

    def _connected(self, model: str) -> LLM:
        if self._connect is None:
            raise UsageError(f"the client of {self.name} knows no model {model!r}; make the LLM with reasoning.connect")
        return self._connect(model, journal=self.journal, budget=self.budget)

    def _on(self, client: Client) -> LLM:
        limits = self.limits.for_model(client.endpoint, client.model)
        other = LLM(
            client,
            journal=self.journal,
            budget=self.budget,
            limits=limits,
            sampling=self.sampling,
            warm_prefix_cache=self.warm_prefix_cache,
            connect=self._connect,
        )
        if limits is not self.limits and (settings := self.limits.settings_of(self)):
            limits.apply(other, settings)
        return other

    @property
    def total_usage(self) -> Usage:
        """What was paid for on this model and on its siblings, since they were made."""
        return Usage.total((self.usage, *(one.total_usage for one in self._siblings.values())))

    @property
    def max_n(self) -> int:
        """How many draws go out as one request."""
        return self.client.max_n if self._honours_n else 1

    @property
    def in_flight(self) -> int:
        return len(self.pending)

    def __repr__(self) -> str:
        return f"<LLM {self.name}>"

    def request(self, conversation: Conversation, sampling: Mapping[str, Any]) -> Request:
        """The request that a conversation becomes on this model: with what the model does not take left out.

        Raises:
            UsageError: what is no setting of a call, and a key among them.
        """
        settings = self._applied({**self.sampling, **sampling})
        # Branches ask the same at once: the first one's request, whose key is computed, serves them all.
        asked = (conversation, id(settings), self.client.model, self.client.endpoint)  # by value 1 and 1.0 are equal
        if self._asked != asked:
            self._asked = asked
            self._request = Request(
                self.client.model,
                conversation.messages,
                settings,
                self.client.endpoint,
                static_prefix=conversation.static_prefix,
            )
        return self._request

    def _applied(self, given: dict[str, Any]) -> dict[str, Any]:
        """The settings that go out; those of call after call are the same, and so is what comes of them."""
        before, said, applied = self._settings
        if given == before and str(given) == said:
            return applied
        settings = {
            name: float(value) if name in _FRACTIONS else value for name, value in given.items() if value is not None
        }
        most = settings.setdefault(
            "max_tokens", DEFAULT_PARAMS["max_tokens"]
        )  # without it no budget knows the worst case
        if not isinstance(most, int | float) or most < 1:
            raise UsageError(f"max_tokens={most!r} makes no sense: give a number from 1 up")
        names = frozenset(settings)
        if names not in self._checked or "extra_body" in names:
            validate_params(settings, "of a call")
            self._checked.add(names)
        applied = self.traits.apply(settings)
        self._settings = given, str(given), applied
        return applied

    async def draw(
        self, request: Request, draws: Sequence[int], account: CallContext | None = None
    ) -> list[Completion]:
        """The draws with these indexes: from the journal, from a flight under way, or bought now.

        Equal requests that are asked for in one turn of the event loop leave together, as one request with `n`.

        Raises:
            CallFailed: a draw did not come through for good.
            BudgetExhausted: a draw could not be afforded. Draws in flight go on and are recorded.
        """
        return unwrap(await self.outcomes(request, draws, account))

    async def outcomes(
        self, request: Request, draws: Sequence[int], account: CallContext | None = None
    ) -> list[Completion | DrawError]:
        """The same, where each draw may end in its own way."""
        account = account or CallContext(self.budget, self.journal)
        found: dict[int, Completion | DrawError] = {}
        left: Sequence[int] = draws
        while left:
            party = Waiter(len(left))
            flights = self._join(request, left, account, party)
            try:
                await party.done
            except asyncio.CancelledError:  # it takes nobody else's draw along, and what is paid for is recorded
                for flight in flights:
                    flight.leave(party)
                raise
            bought_elsewhere = False
            for draw, flight in zip(left, flights, strict=True):
                if flight.owner is party:
                    found[draw] = flight.outcome
                    continue
                bought_elsewhere = True
                if isinstance(flight.outcome, Completion):
                    found[draw] = replace(flight.outcome, is_new=False)
                elif not flight.failed_for_owner:  # else on this account now
                    found[draw] = flight.outcome
            if bought_elsewhere and account.journal.parent is not None:
                account.journal.read(request.key, left)  # this journal takes its copy
            left = [draw for draw in left if draw not in found]
        return [found[draw] for draw in draws]

    def _join(self, request: Request, draws: Sequence[int], account: CallContext, party: Waiter) -> list[PendingDraw]:
        """The flights of these draws; new ones are paid for on this account."""
        key, flights, known, leaving = request.key, [], self.pending, []
        for draw in draws:
            if (flight := known.get((key, draw))) is not None:
                flight.join(party)
            else:
                flight = known[key, draw] = PendingDraw(party)
                leaving.append(draw)
            flights.append(flight)
        if leaving:
            if (others := self._leaving.get((key, account))) is None:
                others = self._leaving[key, account] = []
                asyncio.get_running_loop().call_soon(self._dispatch, request, account)
            others += leaving
        return flights

    def _dispatch(self, request: Request, account: CallContext) -> None:
        """Land what the journal has, and send the rest."""
        draws = sorted(self._leaving.pop((request.key, account)))
        try:
            found = account.journal.read(request.key, draws)
        except Exception as error:
            for draw in draws:
                self._resolve(request, draw, error)
            return
        if found:
            for draw, completion in found.items():
                self._resolve(request, draw, completion)
            draws = [draw for draw in draws if draw not in found]
        if self.warm_prefix_cache and len(draws) > self.max_n:
            self._start(request, draws, self._send_after_warmup(request, draws, account))
        else:
            self._send_all(request, draws, account)

    async def _send_after_warmup(self, request: Request, draws: list[int], account: CallContext) -> None:
        """Send the first request alone: the provider then has the prompt in its cache for the others."""
        first = self.max_n
        await self._send(request, draws[:first], account)
        self._send_all(request, draws[first:], account)

    def _send_all(self, request: Request, draws: list[int], account: CallContext) -> None:
        for first in range(0, len(draws), self.max_n):
            some = draws[first : first + self.max_n]
            self._start(request, some, self._send(request, some, account))

    def _start(self, request: Request, draws: list[int], work: Coroutine[Any, Any, None]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._sending.discard(task)
            if task.cancelled():  # perhaps before it had begun, so that no code of its own could do this
                for draw in draws:
                    self._resolve(request, draw, asyncio.CancelledError())

        task = asyncio.get_running_loop().create_task(work)
        self._sending.add(task)
        task.add_done_callback(ended)

    async def _send(self, request: Request, draws: list[int], account: CallContext) -> None:
        """Buy draws and land their flights; what a provider leaves out of an `n` is asked for again, and no more."""
        try:
            bought = await self._purchase(request, draws, account)
        except Exception as error:
            for draw in draws:
                self._resolve(request, draw, error)
            return
        if bought < len(draws):
            self._send_all(request, draws[bought:], account)

    async def _purchase(self, request: Request, draws: list[int], account: CallContext) -> int:
        """Buy the first of these draws, and land them; how many came."""
        reservation = await account.budget.reserve(request, len(draws), self._price)
        used = Usage()
        try:
            got, seconds, failed = await call_with_retries(
                lambda failed: self._attempt(request, draws, account, failed), self.limits, account.budget.seconds_left
            )
            used = Usage.total(one.usage for one in got)  # also the tokens of what came beyond what was asked for
            if used.calls > len(draws):
                used = replace(used, calls=len(draws))
        finally:
            reservation.settle(used)
        self.usage = self.usage + used.with_seconds(seconds)
        if len(got) < len(draws):  # one choice where several were asked for: `n` means nothing here
            self._honours_n = (got.choices if isinstance(got, CompletionBatch) else len(got)) > 1
        # Draws of one request share its time, as they share its prompt.
        each = seconds / len(got)
        numbered = [
            # A client may have said where a draw belongs, and how long it took.
            one
            if one.key == request.key and one.draw == draw and not failed
            else one.recorded(request.key, draw, each, failed)
            for one, draw in zip(got, draws, strict=False)
        ]
        await account.journal.record(request, numbered)
        for one in numbered:
            self._resolve(request, one.draw, one)
        return len(numbered)

    async def _attempt(
        self, request: Request, draws: list[int], account: CallContext, failed: int
    ) -> tuple[list[Completion], float, int]:
        """Send once: what came back, the seconds that it took, and how many attempts failed before."""
        account.budget.seconds_left()
        self.retries += failed > 0
        tokens = max_prompt_tokens(request) // _BYTES_A_TOKEN + request.max_tokens * len(draws)
        flights = [self.pending[request.key, draw] for draw in draws]
        entering = self.limits.acquire(tokens, account.fairness_group, lambda: any(one.awaited for one in flights))
        entered = await account.budget.wait(entering)
        started = time.monotonic()
        try:
            account.budget.seconds_left()  # it may have ended in the queue
            with telemetry.call(request, len(draws), failed) as span:
                got = await self.client.complete(request, draws)
                if not got:
                    raise CallFailed(f"{self.name} answered with no completion at all", retryable=True)
                span.set_response(got)
        except CallFailed as error:
            self.limits.on_failure(error, entered)
            raise (self.limits.circuit.fatal_error if error.retryable else None) or error from None
        else:
            self.limits.on_success()
        finally:
            self.limits.release()
        return got, time.monotonic() - started, failed

    def _resolve(self, request: Request, draw: int, result: Completion | BaseException) -> None:
        if flight := self.pending.pop((request.key, draw), None):
            flight.resolve(result)

    async def aclose(self) -> None:
        """Close from any event loop."""
        await event_loop.run_async(self.close())

    async def close(self) -> None:
        """Stop what is in flight, close the client and the journal."""
        while self._sending or self._leaving:
            await asyncio.sleep(0)  # what is about to leave
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)
        await self.client.close()
        event_loop.forget(self.client)
        self.limits.remove(self)
        self.journal.close()

    def __enter__(self) -> LLM:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None or not issubclass(kind, KeyboardInterrupt):  # Ctrl-C does not wait for what is in flight
            event_loop.run_sync(self.close())


def _nothing(usage: Usage) -> float:
    """The price of what costs no money, to a budget; a usage says that it has none."""
    return 0.0
