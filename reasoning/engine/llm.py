"""The layers of every draw: journal, single flight, budget, rate limits, retries, client."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeAlias

from reasoning import event_loop, forks, telemetry
from reasoning.engine.budget import Budget, Reservation
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.engine.retry import call_with_retries
from reasoning.engine.single_flight import CallContext, DrawError, PendingDraw, Waiter, pending_draws, unwrap
from reasoning.errors import CallFailed, JournalError, UsageError
from reasoning.journal import Journal
from reasoning.journal.claims import Claims
from reasoning.messages import Completion, CompletionBatch, Conversation, Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.model_traits import traits
from reasoning.sampling_params import validate_params
from reasoning.sandbox import Sandbox
from reasoning.text_safety import redact

DEFAULT_PARAMS: Mapping[str, Any] = {"temperature": 0.0, "max_tokens": 1024}
"""The sampling parameters of a call that sets none."""
_FRACTIONS = frozenset(["temperature", "top_p", "min_p"])
"""The parameters for which 1 and 1.0 mean the same request."""
_BYTES_PER_TOKEN = 3
"""A low estimate, to count tokens against the limit per minute."""
_FIRST_PAUSE, _MAX_PAUSE, _PATIENCE = 0.02, 0.5, 60.0
"""Seconds between two looks for a draw that another process buys, and until a warning says so."""
_POLL_SECONDS = 0.02
"""Seconds between two looks at the calls in flight, before a run ends."""


Connect: TypeAlias = Callable[..., "LLM"]
"""A function that makes an LLM from a model's name, such as `reasoning.connect`."""


class LLM:
    """A language model with a journal, a budget, rate limits and retries.

    `reasoning.connect` makes one. Draws are numbered: draw `k` of a request is bought once, ever.

    Args:
        client: the client that sends requests.
        journal: the journal of draws; None for one in memory.
        budget: limits on what may be spent; None for none.
        limits: the rate limits; None for at most 32 requests in flight.
        sampling: the parameters of calls that do not set their own.
        warm_prefix_cache: whether a prompt that needs several requests sends the first alone, so
            that the provider's prefix cache serves the others; None for yes if the provider is
            known to have such a cache.
        connect: connects to the models that the client does not know.
        sandbox: where sessions of this model run programs; None for the default `Sandbox`.

    Attributes:
        usage: the usage that was paid for since this object was made, without draws that the
            journal returned.
        price: computes the US dollars of a usage; None if the price is not known.
        retries: the number of retries since this object was made.
        pending: the draws that were requested and have not arrived, by request key and index;
            shared by models that share a journal.
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
        self._closed = False
        self.retries = 0
        self._honours_n = self.traits.n
        self.price = _no_cost if client.free else client.price
        self._last_identity: tuple[object, ...] = ()
        self._last_params: tuple[dict[str, Any], str, dict[str, Any]] = ({}, "", {})
        self._validated: set[frozenset[str]] = set()
        self._request: Request
        self._queued: dict[tuple[str, CallContext], list[int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        client.on_headers = self.limits.on_headers
        event_loop.close_when_collected(self, client)
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the calls in flight to the parent process; see `reasoning.forks`."""
        self._queued.clear()
        self._tasks.clear()

    @property
    def name(self) -> str:
        """The model's name, as results show it."""
        return self.client.model

    def sibling(self, model: str) -> LLM:
        """Return the model of another name, with this one's journal and budget.

        If the client has a model of this name (on the same server, or in the same recording), the
        sibling also has its endpoint, key and sampling parameters, and shares the rate limits of
        that name. For any other name it connects as `reasoning.connect` does. The same name always
        gives the same object.

        Raises:
            UsageError: an unknown model.
        """
        self._check_open()
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
        other.check_price(self.budget)
        if limits is not self.limits and (settings := self.limits.settings_of(self)):
            limits.apply(other, settings)
        return other

    @property
    def total_usage(self) -> Usage:
        """The usage of this model and its siblings since they were made."""
        return Usage.total((self.usage, *(sibling.total_usage for sibling in self._siblings.values())))

    @property
    def max_n(self) -> int:
        """The maximum number of draws of one request."""
        return self.client.max_n if self._honours_n else 1

    @property
    def in_flight(self) -> int:
        """The number of draws that were requested and have not arrived."""
        return len(self.pending)

    def __repr__(self) -> str:
        endpoint = f" at {redact(self.client.endpoint)}" if self.client.endpoint else ""
        return f"<LLM {self.name}{endpoint}, {self.usage}>"

    def check_price(self, budget: Budget | None) -> None:
        """Raise `PriceUnknown` if a budget limits dollars, and the price of this model is not known."""
        if budget is not None:
            budget.check_price(self.price, self.client.endpoint, self.name)

    def request(self, conversation: Conversation, sampling: Mapping[str, Any]) -> Request:
        """Return the request of a conversation, without parameters that the model does not take.

        Args:
            conversation: the chat turns.
            sampling: parameters that override those of the model.

        Raises:
            UsageError: a parameter is unknown or invalid, or named like a key.
        """
        settings = self._resolve_params({**self.sampling, **sampling})
        # Concurrent branches often send the same request, so the latest is kept with its computed key.
        # Settings are compared by identity, since 1 and 1.0 are equal by value.
        identity = (conversation, id(settings), self.client.model, self.client.endpoint)
        if self._last_identity != identity:
            self._last_identity = identity
            self._request = Request(
                self.client.model,
                conversation.messages,
                settings,
                self.client.endpoint,
                static_prefix=conversation.static_prefix,
            )
        return self._request

    def _resolve_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters to send. The latest are cached, since most calls have the same."""
        last, last_text, resolved = self._last_params
        if params == last and str(params) == last_text:
            return resolved
        settings = {
            name: float(value) if name in _FRACTIONS else value for name, value in params.items() if value is not None
        }
        # Without max_tokens a budget has no worst case.
        max_tokens = settings.setdefault("max_tokens", DEFAULT_PARAMS["max_tokens"])
        if not isinstance(max_tokens, int | float) or max_tokens < 1:
            raise UsageError(f"max_tokens must be at least 1, got {max_tokens!r}")
        names = frozenset(settings)
        if names not in self._validated or "extra_body" in names:
            validate_params(settings, "of a call")
            self._validated.add(names)
        resolved = self.traits.apply(settings)
        self._last_params = params, str(params), resolved
        return resolved

    async def draw(
        self, request: Request, draws: Sequence[int], context: CallContext | None = None
    ) -> list[Completion]:
        """Return the draws of these indices: from the journal, from a pending call, or bought now.

        Equal requests of one turn of the event loop are sent together, as one request with `n`.

        Args:
            request: the request, made by `request`.
            draws: the indices.
            context: the budget that pays and the journal that records; None for the model's own.

        Raises:
            CallFailed: a call failed for good.
            UsageError: this object is closed.
            BudgetExhausted: a draw could exceed the budget. Calls in flight complete and are
                recorded.
        """
        return unwrap(await self.outcomes(request, draws, context))

    async def outcomes(
        self, request: Request, draws: Sequence[int], context: CallContext | None = None
    ) -> list[Completion | DrawError]:
        """Return the outcome of each draw, a completion or an error; see `draw`."""
        context = context or CallContext(self.budget, self.journal)
        outcomes: dict[int, Completion | DrawError] = {}
        left: Sequence[int] = draws
        while left:
            self._check_open()
            waiter = Waiter(len(left))
            pending = self._join(request, left, context, waiter)
            try:
                await waiter.done
            except asyncio.CancelledError:
                # Pending draws continue for other waiters, and what is paid for is recorded.
                for pending_draw in pending:
                    pending_draw.leave(waiter)
                raise
            bought_elsewhere = False
            for draw, pending_draw in zip(left, pending, strict=True):
                outcome = pending_draw.outcome
                if pending_draw.owner is waiter:
                    outcomes[draw] = outcome
                    continue
                bought_elsewhere = True
                if isinstance(outcome, Completion):
                    outcomes[draw] = replace(outcome, is_new=False)
                elif not pending_draw.failed_for_owner:
                    outcomes[draw] = outcome
                # Otherwise the next round buys the draw in this context.
            if bought_elsewhere and context.journal.parent is not None:
                # Reading makes this journal copy the draws from its parent.
                try:
                    context.journal.read(request.key, left)
                except JournalError:
                    await self.finish_calls()
                    raise
            left = [draw for draw in left if draw not in outcomes]
        return [outcomes[draw] for draw in draws]

    def _join(self, request: Request, draws: Sequence[int], context: CallContext, waiter: Waiter) -> list[PendingDraw]:
        """Join the pending draws, and queue the others to be bought in this context."""
        key, joined, pending, new = request.key, [], self.pending, []
        for draw in draws:
            if (pending_draw := pending.get((key, draw))) is not None:
                pending_draw.join(waiter)
            else:
                pending_draw = pending[key, draw] = PendingDraw(waiter)
                new.append(draw)
            joined.append(pending_draw)
        if new:
            if (queued := self._queued.get((key, context))) is None:
                queued = self._queued[key, context] = []
                asyncio.get_running_loop().call_soon(self._dispatch, request, context)
            queued += new
        return joined

    def _dispatch(self, request: Request, context: CallContext) -> None:
        """Resolve the draws that the journal has, and send requests for the others."""
        draws = sorted(self._queued.pop((request.key, context)))
        try:
            draws = self._resolve_recorded(request, draws, context)
        except Exception as error:
            self._start(request, draws, self._fail(request, draws, context, error))
            return
        if self.warm_prefix_cache and len(draws) > self.max_n:
            self._start(request, draws, self._send_after_warmup(request, draws, context))
        else:
            self._send_all(request, draws, context)

    def _resolve_recorded(self, request: Request, draws: list[int], context: CallContext) -> list[int]:
        """Resolve the draws that the journal has, and return the others."""
        recorded = context.journal.read(request.key, draws)
        if not recorded:
            return draws
        for draw, completion in recorded.items():
            self._resolve(request, draw, completion)
        return [draw for draw in draws if draw not in recorded]

    async def _send_after_warmup(self, request: Request, draws: list[int], context: CallContext) -> None:
        """Send the first request alone, so that the provider caches the prompt for the others."""
        first = self.max_n
        await self._send(request, draws[:first], context)
        self._send_all(request, draws[first:], context)

    def _send_all(self, request: Request, draws: list[int], context: CallContext) -> None:
        for first in range(0, len(draws), self.max_n):
            batch = draws[first : first + self.max_n]
            self._start(request, batch, self._send(request, batch, context))

    def _start(self, request: Request, draws: list[int], work: Coroutine[Any, Any, None]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            # A task that was cancelled before it began cannot resolve its draws itself.
            if task.cancelled():
                for draw in draws:
                    self._resolve(request, draw, asyncio.CancelledError())

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _send(self, request: Request, draws: list[int], context: CallContext) -> None:
        """Buy draws and resolve them; request again those that the provider left out of an `n`."""
        claims, claimed = None, list[int]()
        try:
            if self.pending.failure is not None or not context.journal.is_ready:
                await self._prepare(context.journal)
                # The journal may just have taken draws that it did not take before.
                if not (draws := self._resolve_recorded(request, draws, context)):
                    return
            if (claims := context.journal.claims) is not None:
                claimed = claims.take(request.key, draws)
                if len(claimed) < len(draws):
                    others = [draw for draw in draws if draw not in claimed]
                    self._start(request, others, self._await_others(claims, request, others, context))
                draws = claimed
                if draws and not claims.is_alone:
                    # Another process may have recorded them since the last look.
                    draws = self._resolve_recorded(request, draws, context)
                if not draws:
                    return
            bought = await self._purchase(request, draws, context)
        except Exception as error:
            await self._fail(request, draws, context, error)
            return
        finally:
            if claims is not None and claimed:
                claims.release(request.key, claimed)
        if bought < len(draws):
            self._send_all(request, draws[bought:], context)

    async def _await_others(self, claims: Claims, request: Request, draws: list[int], context: CallContext) -> None:
        """Wait for draws that another process buys, and send requests for those that it does not record."""
        pending = [self.pending[request.key, draw] for draw in draws]
        pause, started = _FIRST_PAUSE, time.monotonic()
        try:
            while draws:
                await context.budget.wait(asyncio.sleep(pause))
                pause = min(1.5 * pause, _MAX_PAUSE)
                if not any(draw.awaited for draw in pending):
                    raise asyncio.CancelledError
                if free := claims.take(request.key, draws):
                    # What is sent claims its draws itself.
                    claims.release(request.key, free)
                    self._send_all(request, free, context)
                    draws = [draw for draw in draws if draw not in free]
                elif time.monotonic() - started > _PATIENCE:
                    warnings.warn(
                        f"another process that uses {context.journal} has begun to buy draws that this one waits for, "
                        f"and has not recorded them for {_PATIENCE:.0f} s; if it is ended, this one buys them",
                        stacklevel=1,
                    )
        except Exception as error:
            await self._fail(request, draws, context, error)

    async def _fail(self, request: Request, draws: list[int], context: CallContext, error: Exception) -> None:
        """Resolve draws with an error. That of a journal ends the run, so the calls in flight are kept first."""
        if isinstance(error, JournalError):
            # What fails after the first failure is a consequence of it.
            error = self.pending.failure = self.pending.failure or error
            if self.pending.ending is None:
                self.pending.ending = asyncio.get_running_loop().create_task(self._end_calls(context.journal))
            await asyncio.shield(self.pending.ending)
            if (kept := context.journal.describe_unwritten()) and kept not in str(error):
                error = JournalError(f"{error}; {kept}")
        for draw in draws:
            self._resolve(request, draw, error)

    async def _end_calls(self, journal: Journal) -> None:
        """Send nothing until the calls in flight have been answered, and their draws recorded or kept elsewhere."""
        try:
            await self.finish_calls()
            await journal.flush()
        finally:
            self.pending.failure = self.pending.ending = None

    async def _prepare(self, journal: Journal) -> None:
        """Try a journal before something is paid for that it would have to record."""
        if self.pending.failure is not None:
            raise JournalError(str(self.pending.failure))
        await journal.prepare()

    async def finish_calls(self) -> None:
        """Wait until the calls in flight have been answered, by all models that share the journal."""
        # An event would cost time in every call, for the rare run that ends so.
        while self.pending.calls:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)

    async def _purchase(self, request: Request, draws: list[int], context: CallContext) -> int:
        """Buy as many draws as the budget covers in one request, resolve those returned, and return their number."""
        reservation = await context.budget.reserve(request, len(draws), self.price)
        used, is_empty = Usage(), False
        try:
            completions, seconds, failed = await call_with_retries(
                lambda failed: self._attempt(request, draws, context, reservation, failed),
                self.limits,
                context.budget.seconds_left,
            )
            # The tokens of surplus completions are paid for too.
            used = Usage.total(completion.usage for completion in completions)
            if used.calls > reservation.draws:
                used = replace(used, calls=reservation.draws)
            is_empty = not used.completion_tokens and not any(draw.text or draw.reasoning for draw in completions)
        finally:
            reservation.settle(used, is_empty=is_empty)
        self.usage = self.usage + used.with_seconds(seconds)
        # One choice in response to several means that the provider ignores `n`.
        if len(completions) < reservation.draws:
            choices = completions.choices if isinstance(completions, CompletionBatch) else len(completions)
            self._honours_n = choices > 1
        # Draws of one request share its duration, as they share its prompt.
        each = seconds / len(completions)
        numbered = [
            # A client may have set the key and the duration of a draw itself.
            completion
            if completion.key == request.key and completion.draw == draw and not failed
            else completion.recorded(request.key, draw, each, failed)
            for completion, draw in zip(completions, draws[: reservation.draws], strict=False)
        ]
        await context.journal.record(request, numbered)
        for completion in numbered:
            self._resolve(request, completion.draw, completion)
        return len(numbered)

    async def _attempt(
        self, request: Request, draws: list[int], context: CallContext, reservation: Reservation, failed: int
    ) -> tuple[list[Completion], float, int]:
        """Send a request once; return the completions, the seconds, and the number of failed attempts before."""
        context.budget.seconds_left()
        self.retries += failed > 0
        pending = [self.pending[request.key, draw] for draw in draws]
        if failed and not any(draw.awaited for draw in pending):
            # All callers have gone while the retry waited.
            raise asyncio.CancelledError
        prompt = max_prompt_tokens(request) if reservation.call is None else reservation.call.prompt
        while True:
            tokens = prompt // _BYTES_PER_TOKEN + request.max_tokens * reservation.draws
            admission = self.limits.acquire(
                tokens, context.fairness_group, lambda: any(draw.awaited for draw in pending)
            )
            admitted_at = await context.budget.wait(admission)
            if reservation.is_current:
                break
            # A reply that arrived meanwhile has shown that the call may use more than was reserved.
            self.limits.release()
            await reservation.renew()
        draws = draws[: reservation.draws]
        started = time.monotonic()
        try:
            # The time may have ended in the queue, or the journal may have failed.
            context.budget.seconds_left()
            if self.pending.failure is not None or not context.journal.is_ready:
                await self._prepare(context.journal)
            self.pending.calls += 1
            try:
                with telemetry.call(request, len(draws), failed) as span:
                    reservation.begin()
                    completions = await self.client.complete(request, draws)
                    if not completions:
                        raise CallFailed(f"{self.name} returned no completion", retryable=True)
                    span.set_response(completions)
            finally:
                self.pending.calls -= 1
        except CallFailed as error:
            final = self.limits.on_failure(error, admitted_at, is_retry=failed > 0)
            if error.usage is not None:
                self.usage = self.usage + error.usage
            reservation.fail(error.usage)
            raise final from None
        else:
            self.limits.on_success(admitted_at)
        finally:
            self.limits.release()
        return completions, time.monotonic() - started, failed

    def _resolve(self, request: Request, draw: int, result: Completion | BaseException) -> None:
        if pending := self.pending.pop((request.key, draw), None):
            pending.resolve(result)

    async def aclose(self) -> None:
        """Close the client and the journal, from any event loop; see `close`."""
        await event_loop.run_async(self.close())

    async def close(self) -> None:
        """Cancel the calls in flight, and close the client and the journal, from the library's event loop.

        The models that `sibling` has returned are closed, too. A closed model cannot be used again.
        """
        self._closed = True
        for sibling in self._siblings.values():
            await sibling.close()
        while self._tasks or self._queued:
            # Let queued draws be dispatched.
            await asyncio.sleep(0)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()
        event_loop.forget(self.client)
        self.limits.remove(self)
        self.journal.close()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError(
                f"the model {self.name} is closed, so it cannot be called: call it within its with block, or before "
                "close(), or connect again with reasoning.connect"
            )

    def __enter__(self) -> LLM:
        self._check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        # Ctrl-C does not wait for calls in flight.
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            event_loop.run_sync(self.close(), is_short=True)


def _no_cost(usage: Usage) -> float:
    """Return the price of a free call for a budget, whose reported usage has no price."""
    return 0.0
