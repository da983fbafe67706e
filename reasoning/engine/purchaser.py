"""The purchase of draws: reserve their worst case, send the request with retries, settle, record."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from reasoning import telemetry
from reasoning.engine.cost_bounds import Price, max_prompt_tokens
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.engine.reservation import Reservation
from reasoning.engine.retry import call_with_retries
from reasoning.engine.single_flight import CallContext, PendingDraws
from reasoning.errors import CallFailed, ReplyPending, UsageError, WeightsError
from reasoning.messages import Completion, CompletionBatch, Request, Usage
from reasoning.providers.client import Client

_BYTES_PER_TOKEN = 3
"""A low estimate, to count tokens against the limit per minute."""


class Purchaser:
    """Buys draws from one client, within a budget and the rate limits, and records them.

    Args:
        client: the client that sends requests.
        limits: the rate limits.
        price: computes the US dollars of a usage.
        worst_price: computes the most that a usage may cost before it is known; None for `price`.
        honours_n: whether the provider returns several choices for one request; a reply that shows
            otherwise is remembered.
        pending: the draws that callers wait for.

    Attributes:
        usage: the usage that was paid for.
        retries: the number of retries.
    """

    def __init__(
        self,
        client: Client,
        limits: RateLimiter,
        price: Price,
        honours_n: bool,
        pending: PendingDraws,
        worst_price: Price | None = None,
    ) -> None:
        self.client = client
        self.limits = limits
        self.price, self._worst_price = price, worst_price or price
        self.honours_n = honours_n
        self.pending = pending
        self.usage = Usage()
        self.retries = 0

    @property
    def max_n(self) -> int:
        """The maximum number of draws of one request."""
        return self.client.max_n if self.honours_n else 1

    async def buy(self, request: Request, draws: list[int], context: CallContext) -> int:
        """Buy draws in one request, record and resolve them.

        Args:
            request: the request.
            draws: the indices of the draws, at most `max_n`.
            context: the budget that pays and the journal that records.

        Returns:
            The number of draws that were bought, from the first one on. It is lower than asked for if the
            budget covers only some, or the provider returns fewer.

        Raises:
            CallFailed: the request failed for good.
            BudgetExhausted: the budget does not cover a single draw.
            JournalError: the journal cannot record the draws.
        """
        name = self.client.call_name(request, draws)
        reservation = await context.budget.reserve(request, len(draws), self._worst_price, name)
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
            self.honours_n = choices > 1
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
        self.client.on_recorded(request, [completion.draw for completion in numbered])
        for completion in numbered:
            self.pending.resolve(request.key, completion.draw, completion)
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
        try:
            if self.pending.failure is not None or not context.journal.is_ready:
                await self.pending.prepare(context.journal)
            async with self.client.sending(request):
                started = time.monotonic()
                # The time may have ended in the queue, or all callers may have gone.
                context.budget.seconds_left()
                if not any(draw.awaited for draw in pending):
                    raise asyncio.CancelledError
                self.pending.calls += 1
                try:
                    with telemetry.call(request, draws, failed, self.client.operation) as span:
                        reservation.begin()
                        completions = await self.client.complete(request, draws)
                        if not completions:
                            raise CallFailed(f"{self.client.model} returned no completion", retryable=True)
                        span.set_response(completions)
                finally:
                    self.pending.calls -= 1
        except CallFailed as error:
            final = self.limits.on_failure(error, admitted_at, is_retry=failed > 0)
            if error.usage is not None:
                self.usage = self.usage + error.usage
            if not isinstance(error, ReplyPending):
                reservation.fail(error.usage)
            raise final from None
        except (UsageError, WeightsError):
            # The model is unknown or could not be loaded, so nothing was sent.
            reservation.fail(None)
            raise
        else:
            self.limits.on_success(admitted_at)
        finally:
            self.limits.release()
        return completions, time.monotonic() - started if self.client.timed else 0.0, failed
