"""The queue of draws: each comes from the journal, a pending call or a new one; equal requests are batched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from reasoning.engine.purchaser import Purchaser
from reasoning.engine.single_flight import CallContext, DrawError, PendingDraw, Waiter
from reasoning.errors import JournalError, UsageError
from reasoning.journal import Journal
from reasoning.journal.claims import Claims
from reasoning.logs import Log
from reasoning.messages import Completion, Request

_log = Log(__name__)
_FIRST_PAUSE, _MAX_PAUSE, _PATIENCE = 0.02, 0.5, 60.0
"""Seconds between two checks for a draw that another process buys, and until a warning says so."""


class DrawQueue:
    """The draws that callers of one model wait for.

    A caller joins the draws that are pending, and queues the others. In the next turn of the event
    loop, the queued draws of one request are read from the journal, and those that it lacks are
    bought in requests of at most `max_n` draws.

    Args:
        purchaser: buys the draws that no journal has.
        warm_prefix_cache: whether a prompt that needs several requests sends the first alone.

    Attributes:
        pending: the draws that have not arrived; shared by models that share a journal.
    """

    def __init__(self, purchaser: Purchaser, warm_prefix_cache: bool) -> None:
        self.pending = purchaser.pending
        self._purchaser = purchaser
        self._warm_prefix_cache = warm_prefix_cache
        self._queued: dict[tuple[str, CallContext], list[int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def reset_after_fork(self) -> None:
        """Leave the calls in flight to the parent process; see `reasoning.forks`."""
        self._queued.clear()
        self._tasks.clear()

    async def outcomes(
        self, request: Request, draws: Sequence[int], context: CallContext
    ) -> list[Completion | DrawError]:
        """Return the outcome of each draw, a completion or an error; see `LLM.draw`.

        If a draw of another caller failed for a reason that concerns only that caller, it is drawn
        again in this context.
        """
        outcomes: dict[int, Completion | DrawError] = {}
        left: Sequence[int] = draws
        while left:
            self.check_open()
            waiter = Waiter(len(left))
            pending = self._join(request, left, context, waiter)
            try:
                await waiter.done
            except asyncio.CancelledError:
                # Pending draws continue for other waiters, and what is paid for is recorded.
                for pending_draw in pending:
                    pending_draw.leave(waiter)
                raise
            has_joined = False
            for draw, pending_draw in zip(left, pending, strict=True):
                outcome = pending_draw.outcome
                if pending_draw.owner is waiter:
                    outcomes[draw] = outcome
                    continue
                has_joined = True
                if isinstance(outcome, Completion):
                    outcomes[draw] = replace(outcome, is_new=False)
                elif not pending_draw.failed_for_owner:
                    outcomes[draw] = outcome
                # Otherwise the next round buys the draw in this context.
            if has_joined and context.journal.parent is not None:
                # Reading makes this journal copy the draws from its parent.
                try:
                    context.journal.read(request.key, left)
                except JournalError:
                    await self.pending.finish_calls()
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
        if self._warm_prefix_cache and len(draws) > self._purchaser.max_n:
            self._start(request, draws, self._send_after_warmup(request, draws, context))
        else:
            self._send_all(request, draws, context)

    def _resolve_recorded(self, request: Request, draws: list[int], context: CallContext) -> list[int]:
        """Resolve the draws that the journal has, and return the others."""
        recorded = context.journal.read(request.key, draws)
        if not recorded:
            return draws
        for draw, completion in recorded.items():
            self.pending.resolve(request.key, draw, completion)
        return [draw for draw in draws if draw not in recorded]

    async def _send_after_warmup(self, request: Request, draws: list[int], context: CallContext) -> None:
        """Send the first request alone, so that the provider caches the prompt for the others."""
        first = self._purchaser.max_n
        await self._send(request, draws[:first], context)
        self._send_all(request, draws[first:], context)

    def _send_all(self, request: Request, draws: list[int], context: CallContext) -> None:
        for first in range(0, len(draws), self._purchaser.max_n):
            batch = draws[first : first + self._purchaser.max_n]
            self._start(request, batch, self._send(request, batch, context))

    def _start(self, request: Request, draws: list[int], work: Coroutine[Any, Any, None]) -> None:
        """Run the work that resolves some draws in a task, which `close` cancels."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            # A task that was cancelled before it began cannot resolve its draws itself.
            if task.cancelled():
                for draw in draws:
                    self.pending.resolve(request.key, draw, asyncio.CancelledError())

        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _send(self, request: Request, draws: list[int], context: CallContext) -> None:
        """Buy draws and resolve them.

        Draws that another process has claimed are awaited instead. Draws that the budget did not
        cover, or that the provider left out of an `n`, are requested again.
        """
        claims, claimed = None, list[int]()
        try:
            if self.pending.failure is not None or not context.journal.is_ready:
                await self.pending.prepare(context.journal)
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
            bought = await self._purchaser.buy(request, draws, context)
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
                    # `_send` takes the claims itself.
                    claims.release(request.key, free)
                    self._send_all(request, free, context)
                    draws = [draw for draw in draws if draw not in free]
                elif time.monotonic() - started > _PATIENCE:
                    _log.notify(
                        f"another process that uses {context.journal} has begun to buy draws that this one waits for, "
                        f"and has not recorded them for {_PATIENCE:.0f} s; if it is ended, this one buys them"
                    )
        except Exception as error:
            await self._fail(request, draws, context, error)

    async def _fail(self, request: Request, draws: list[int], context: CallContext, error: Exception) -> None:
        """Resolve draws with an error.

        An error of the journal ends the run, so the replies to the calls in flight are recorded, or
        kept elsewhere, first.
        """
        if isinstance(error, JournalError):
            # What fails after the first failure is a consequence of it.
            error = self.pending.failure = self.pending.failure or error
            if self.pending.draining is None:
                self.pending.draining = asyncio.get_running_loop().create_task(self._drain(context.journal))
            await asyncio.shield(self.pending.draining)
            if (kept := context.journal.describe_unwritten()) and kept not in str(error):
                error = JournalError(f"{error}; {kept}")
        for draw in draws:
            self.pending.resolve(request.key, draw, error)

    async def _drain(self, journal: Journal) -> None:
        """Wait until the calls in flight are answered, and recorded or kept elsewhere; then let calls be sent again."""
        try:
            await self.pending.finish_calls()
            await journal.flush()
        finally:
            self.pending.failure = self.pending.draining = None

    async def close(self) -> None:
        """Cancel the calls in flight, and accept no further draws."""
        self._closed = True
        while self._tasks or self._queued:
            # Let queued draws be dispatched.
            await asyncio.sleep(0)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def check_open(self) -> None:
        """Raise a UsageError if the model is closed."""
        if self._closed:
            raise UsageError(
                f"the model {self._purchaser.client.model} is closed, so it cannot be called: call it within its with "
                "block, or before close(), or connect again with reasoning.connect"
            )
