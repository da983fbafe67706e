"""The client of models through batches: a call waits until its line of a batch has come back."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from reasoning import forks
from reasoning.errors import CallFailed, ReplyPending
from reasoning.images import Image
from reasoning.logs import Log
from reasoning.messages import CompletionBatch, Request, Usage
from reasoning.providers.batch.api import BatchApi, BatchStatus, LineResult, Outcome
from reasoning.providers.batch.store import BatchStore, StoredBatch, StoredLine
from reasoning.providers.batch.waves import Waiting, Wave, divide
from reasoning.providers.client import Client
from reasoning.providers.http_errors import error_class

ATTEMPTS = 8
"""The lines for one request, each in a batch of its own, that may fail before the request fails for good."""
_SAVED_AT_ONCE = 500
"""Results that are written to the store in one transaction."""
_FORGET_SECONDS = 0.5
"""Seconds after which the replies that the journal has committed are deleted, all at once."""
_log = Log(__name__)
_Read: TypeAlias = tuple[StoredLine, CompletionBatch | None, LineResult | CallFailed]
"""A line with its completions, or with the reason why it has none."""


@dataclass(frozen=True)
class BatchPace:
    """The times of a batch client, in seconds.

    Attributes:
        quiet: the time without a new request after which a wave leaves.
        first_poll, longest_poll: the time between two looks at a batch, at first and at most.
        grace: the time after a lost answer before the provider's list is believed that a batch did not arrive.
        longest_retry: the longest wait before a refused submission is tried again.
    """

    quiet: float = 10.0
    first_poll: float = 1.0
    longest_poll: float = 30.0
    grace: float = 20.0
    longest_retry: float = 60.0


class BatchClient(Client):
    """A client whose requests travel in batches.

    Args:
        api: the batch API of the model's provider.
        store: the batches of the journal.
        pace: the times.
    """

    timed = False

    def __init__(self, api: BatchApi, store: BatchStore, pace: BatchPace | None = None) -> None:
        self.api, self.store, self.pace = api, store, pace or BatchPace()
        self.model, self.endpoint = api.client.model, api.client.endpoint
        self.max_n, self.free = api.max_n, api.client.free
        self.ignores_settings = api.client.ignores_settings
        self._waiting: dict[str, list[Waiting]] = {}
        """The requests that await lines, by the ids of the lines."""
        self._watchers: dict[int, asyncio.Task[None]] = {}
        self._others = set[asyncio.Task[Any]]()
        self._failures: Counter[tuple[str, int]] = Counter()
        self._followed: dict[int, StoredBatch] = {}
        self._states: dict[int, BatchStatus] = {}
        self._token_limit: int | None = None
        self._collected = list[tuple[str, int]]()
        self._recovery: asyncio.Task[None] | None = None
        self._trouble = ""
        self._wave: Wave | None = None
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the waiting requests to the parent process; see `reasoning.forks`."""
        self._waiting, self._watchers, self._others = {}, {}, set()
        self._collected, self._recovery, self._wave = [], None, None

    async def complete(self, request: Request, draws: Sequence[int]) -> CompletionBatch:
        """Return completions when the batch with their line has ended.

        A line that has some of the draws, because an earlier process submitted it, is awaited instead of a new one.

        Raises:
            ReplyPending: the batch was submitted, and its results cannot be read now.
            CallFailed: the line failed.
        """
        await self._ready()
        line = self.store.find(request.key, draws[0])
        if line is not None and line.state == "done":
            return self._take(self._parse(line, request), draws)
        body = json.dumps(self.api.body(request, draws), separators=(",", ":")).encode()
        waiting = Waiting(request, tuple(draws), body, asyncio.get_running_loop().create_future())
        if line is not None:
            self._attach(line, waiting)
        else:
            self._gather(waiting)
        return self._take(await waiting.reply, draws)

    async def _ready(self) -> None:
        """Wait until it is known what became of the submissions of processes that were killed."""
        if self._recovery is None or (self._recovery.done() and not _has_succeeded(self._recovery)):
            self._recovery = self._start(self._recover_killed())
        await asyncio.shield(self._recovery)

    def call_name(self, request: Request, draws: Sequence[int]) -> str:
        """Return the name of a line, which is the same after a restart."""
        # With the number of draws: if fewer are asked for later, all that was paid for stays counted.
        return f"{self.store.id}/{request.key}/{draws[0]}x{len(draws)}"

    def on_recorded(self, request: Request, draws: Sequence[int]) -> None:
        """Forget the replies that the journal has; those that arrive together in one transaction."""
        if not self._collected:
            asyncio.get_running_loop().call_later(_FORGET_SECONDS, self._forget_collected)
        self._collected += [(request.key, draw) for draw in draws]

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars, at the price of batches if it is known."""
        return self.api.client.price(usage)

    @property
    def prices(self) -> str:
        """The version of the price table."""
        return self.api.client.prices

    def key_variables(self) -> list[tuple[str, bool]]:
        """Return the environment variables of the keys."""
        return self.api.client.key_variables()

    def find_image_problem(self, image: Image) -> str:
        """Return why the model cannot be shown an image; empty if it can."""
        return self.api.client.find_image_problem(image)

    def sibling(self, model: str) -> BatchClient | None:
        """Return the client of another model of the same server, in batches too; None if the API has none."""
        api = self.api.sibling(model)
        return None if api is None else BatchClient(api, BatchStore(self.store.path), self.pace)

    def describe_waiting(self) -> str:
        """Return the batches that are awaited, with the lines that are done and the time since the submission."""
        parts = [self._trouble] if self._trouble else []
        for batch in list(self._followed.values()):
            status = self._states.get(batch.id)
            done = f"{status.done:,} of {batch.lines:,} lines" if status else f"{batch.lines:,} lines"
            parts.append(f"batch {batch.remote}: {done}, {_age(batch.created)}")
        if self._wave is not None and (gathered := len(self._wave)):
            parts.append(f"gathering a batch: {gathered:,} lines")
        return "; ".join(parts)

    async def collect(self) -> list[tuple[StoredBatch, BatchStatus]]:
        """Look at each batch of this model that has not ended, and record the results of those that have.

        Raises:
            CallFailed: the provider cannot be asked.
        """
        await self._ready()
        looked = []
        for batch in self.store.batches("sent"):
            if (batch.api, batch.model, batch.endpoint) == (self.api.name, self.model, self.endpoint or ""):
                status = await self.api.status(batch.remote)
                if status.ended:
                    await self._finish(batch, status)
                looked.append((batch, status))
        return looked

    async def close(self) -> None:
        """Stop waiting, and close the connections. Batches that are submitted stay at the provider."""
        tasks = [*self._watchers.values(), *self._others]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._wave is not None:
            await self._wave.close()
        self._forget_collected()
        await self.api.close()
        self.store.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)
        return task

    def _gather(self, waiting: Waiting) -> None:
        """Let a request leave with the next wave."""
        if self._wave is None:
            self._wave = Wave(self.pace.quiet, self.api.limits, self._submit_wave)
        self._wave.add(waiting)

    def _attach(self, line: StoredLine, waiting: Waiting) -> None:
        """Let a request wait for a line that is submitted."""
        self._waiting.setdefault(line.custom_id, []).append(waiting)
        self._watch(line.batch)

    def _parse(self, line: StoredLine, request: Request, reply: Any = None) -> CompletionBatch:
        """Return the completions of a line."""
        reply = json.loads(line.reply or "null") if reply is None else reply
        return self.api.parse(reply, request, range(line.draw, line.draw + line.n))

    @staticmethod
    def _take(completions: CompletionBatch, draws: Sequence[int]) -> CompletionBatch:
        """Return the completions of the first draws, as many as one line has."""
        by_draw = {completion.draw: completion for completion in completions}
        taken = list[Any]()
        for draw in draws:
            if draw not in by_draw:
                break
            taken.append(by_draw[draw])
        return CompletionBatch(taken, completions.choices)

    async def _submit_wave(self, requests: list[Waiting]) -> None:
        """Submit requests in as few batches as the limits permit."""
        try:
            for part in divide(requests, self.api.limits, self._token_limit):
                await self._wait_for_room(sum(waiting.tokens for waiting in part))
                await self._submit([waiting for waiting in part if waiting.is_wanted])
        except Exception as error:
            _fail(requests, error)

    async def _wait_for_room(self, tokens: int) -> None:
        """Wait until the provider has room for a number of enqueued tokens, as far as its limit is known."""
        while self._token_limit is not None and self._watchers:
            if self._enqueued + tokens <= self._token_limit:
                return
            await asyncio.wait(self._watchers.values(), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)

    @property
    def _enqueued(self) -> int:
        """The estimated prompt tokens of the batches that are awaited."""
        return sum(batch.tokens for batch in self._followed.values())

    async def _submit(self, requests: list[Waiting]) -> None:
        """Submit one batch, again and again while the provider is down or overloaded."""
        pause = self.pace.first_poll
        while requests:
            async with self.store.submitting():
                await self._recover()
                refused = await self._submit_once(requests)
            if refused is None:
                self._trouble = ""
                return
            if not refused.retryable:
                _fail(requests, refused)
                return
            wait = max(pause, refused.retry_after or 0.0)
            self._trouble = f"no batch can be submitted ({refused.brief}), trying again in {wait:.0f} s"
            _log.info("%s: %s", self._trouble, refused)
            await asyncio.sleep(wait)
            pause = min(2 * pause, self.pace.longest_retry)
            requests = [waiting for waiting in requests if waiting.is_wanted]

    async def _submit_once(self, requests: Sequence[Waiting]) -> CallFailed | None:
        """Submit the requests whose draws no batch has. Return the error if the provider has refused the batch."""
        new: list[tuple[StoredLine, Waiting]] = []
        for waiting in requests:
            key, draws = waiting.request.key, waiting.draws
            if (known := self.store.find(key, draws[0])) is None:
                tools = "tools" in waiting.request.sampling
                new.append((self.store.next_line(key, draws[0], len(draws), tools=tools), waiting))
            elif known.state == "done":
                _resolve([waiting], self._parse(known, waiting.request))
            else:
                self._attach(known, waiting)
        if not new:
            return None
        tokens = sum(waiting.tokens for _, waiting in new)
        batch = self.store.intend(self.api.name, self.model, self.endpoint or "", tokens, [line for line, _ in new])
        lines = (self.api.line(line.custom_id, waiting.body) for line, waiting in new)
        try:
            remote, is_found = await self.api.submit(batch.label, lines), False
        except CallFailed as error:
            # The provider has certainly not made the batch if it says so.
            may_exist = error.retryable and (error.status is None or error.status >= 500)
            found = await self._look_for(batch) if may_exist else None
            if found is None:
                self.store.withdraw(batch.id)
                return error
            remote, is_found = found, not self.api.finds_by_label
        self.store.sent(batch.id, remote, is_found=is_found)
        _log.info("batch %s has %d lines", remote, len(new))
        for line, waiting in new:
            self._waiting.setdefault(line.custom_id, []).append(waiting)
        self._watch(batch.id)
        return None

    async def _look_for(self, batch: StoredBatch) -> str | None:
        """Return the provider's id of a batch whose submission was not answered; None if it has none.

        It does not give up while the provider's list cannot be read: without it a line could be paid twice.
        """
        known = {*batch.not_ours, *(other.remote for other in self.store.batches())}
        pause = self.pace.first_poll
        is_second = False
        while True:
            try:
                found = [
                    one for one in await self.api.find(batch.label, batch.lines, batch.created) if one not in known
                ]
            except CallFailed as error:
                if not error.retryable:
                    raise ReplyPending(
                        f"it is not known whether a batch was submitted: {error}; the same command looks again",
                        status=error.status,
                    ) from None
                self._trouble = f"it is not known whether a batch was submitted ({error.brief})"
                await asyncio.sleep(pause)
                pause = min(2 * pause, self.pace.longest_retry)
                continue
            self._trouble = ""
            if found:
                return found[0]
            if is_second or time.time() - batch.created > 10 * self.pace.grace:
                return None
            # A list may lag behind, and a request may still be on its way.
            await asyncio.sleep(self.pace.grace)
            is_second = True

    async def _recover_killed(self) -> None:
        """Find out what became of the submissions of processes that were killed."""
        self.store.forget_old()
        if self.store.batches("intended"):
            async with self.store.submitting():
                await self._recover()

    async def _recover(self) -> None:
        """Find out what became of each intended submission; call it only while no other process submits."""
        for batch in self.store.batches("intended"):
            if (batch.api, batch.model, batch.endpoint) != (self.api.name, self.model, self.endpoint or ""):
                continue
            found = await self._look_for(batch)
            if found is None:
                self.store.withdraw(batch.id)
            else:
                self.store.sent(batch.id, found, is_found=not self.api.finds_by_label)

    def _watch(self, number: int) -> None:
        if (task := self._watchers.get(number)) is None or task.done():
            self._followed[number] = batch = self.store.batch(number)
            task = self._watchers[number] = asyncio.get_running_loop().create_task(self._follow(batch))
            task.add_done_callback(lambda _: self._unwatch(number, task))

    def _unwatch(self, number: int, task: asyncio.Task[None] | None = None) -> None:
        if task is None or self._watchers.get(number) is task:
            for table in (self._watchers, self._followed, self._states):
                table.pop(number, None)

    async def _follow(self, batch: StoredBatch) -> None:
        """Poll a batch until it has ended, and deliver its results."""
        started = time.monotonic()
        pause = self.pace.first_poll
        try:
            while True:
                # Soon at first, then at a tenth of the batch's age.
                await asyncio.sleep(pause)
                pause = min(self.pace.longest_poll, max(self.pace.first_poll, (time.monotonic() - started) / 10))
                try:
                    status = self._states[batch.id] = await self.api.status(batch.remote)
                    self._trouble = ""
                    if status.ended and await self._finish(batch, status):
                        return
                except CallFailed as error:
                    if not error.retryable:
                        raise
                    self._trouble = f"batch {batch.remote} cannot be read ({error.brief}), trying again"
                    pause = self.pace.longest_poll
                if not any(one.is_wanted for one in self._awaiting(batch)):
                    return
        except Exception as error:
            if not isinstance(error, CallFailed):
                _fail(self._awaiting(batch), error)
                return
            message = f"the batch {batch.remote} cannot be read: {error}; the same command fetches its replies"
            _fail(self._awaiting(batch), ReplyPending(message, status=error.status))

    def _awaiting(self, batch: StoredBatch) -> list[Waiting]:
        """Return the requests that wait for a batch."""
        ids = [line.custom_id for line in self.store.lines(batch.id)]
        return [waiting for custom_id in ids for waiting in self._waiting.get(custom_id, ())]

    async def _finish(self, batch: StoredBatch, status: BatchStatus) -> bool:
        """Record and deliver the results of an ended batch; return whether that is done."""
        if status.refusal:
            await self._handle_refusal(batch, status)
            return True
        lines = {line.custom_id: line for line in self.store.lines(batch.id)}
        results = list[_Read]()
        seen = set[str]()
        async for result in self.api.results(batch.remote, status):
            # Servers have sent a line twice, and lines of others.
            if (line := lines.get(result.custom_id)) is None or result.custom_id in seen:
                continue
            seen.add(result.custom_id)
            if line.state == "failed" and line.custom_id not in self._waiting:
                # An earlier reading of the results broke off after this line.
                continue
            results.append(self._read(line, result))
            if len(results) >= _SAVED_AT_ONCE:
                self._deliver(results)
                results = []
        if batch.is_found and not seen and lines:
            # It was taken for ours by its size and its time.
            self.store.reject(batch.id, batch.remote)
            await self._recover_and_follow(batch)
            return True
        self._deliver(results)
        missing = [line for line in lines.values() if line.custom_id not in seen and line.state != "failed"]
        outcome: Outcome = "cancelled" if status.cancelled else "lost"
        self.store.end(batch.id, "cancelled" if status.cancelled else "ended")
        lost = [line for line in missing if line.state == "sent"]
        self._deliver([(line, None, LineResult(line.custom_id, outcome)) for line in lost], is_saved=True)
        for line in missing:
            if line.state == "done":
                for one in self._waiting.pop(line.custom_id, []):
                    _resolve([one], self._parse(line, one.request))
        return True

    def _read(self, line: StoredLine, result: LineResult) -> _Read:
        """Return a line with its completions, or with the reason why it has none."""
        if result.outcome != "succeeded":
            return line, None, result
        try:
            waiting = self._waiting.get(line.custom_id)
            # Whether a reply can be read does not depend on the texts of its request.
            tools: dict[str, Any] = {"tools": []} if line.tools else {}
            request = waiting[0].request if waiting else Request(self.model, (), tools, self.endpoint)
            return line, self._parse(line, request, result.reply), result
        except CallFailed as error:
            return line, None, error

    def _deliver(self, results: Sequence[_Read], *, is_saved: bool = False) -> None:
        """Record results, then wake the requests that wait for them.

        A failed line leaves the store first, since its request is made again at once.
        """
        if results and not is_saved:
            self.store.save(
                (line.custom_id, len(completions or ()) or line.n, _dump(result) if completions else None)
                for line, completions, result in results
            )
        for line, completions, result in results:
            waiting = self._waiting.pop(line.custom_id, [])
            if completions:
                _resolve(waiting, completions)
                continue
            self._failures[line.key, line.draw] += 1
            for one in waiting:
                _fail([one], self._error(line, result, one))

    def _error(self, line: StoredLine, result: LineResult | CallFailed, waiting: Waiting) -> CallFailed:
        """Return the error of a failed line, which is not retryable after too many attempts."""
        if isinstance(result, CallFailed):
            error = result
        elif result.outcome == "errored":
            error = self.api.error(result, waiting.request, waiting.body)
        elif result.outcome == "cancelled":
            return CallFailed(f"the batch of {line.custom_id} was cancelled; the same command submits its lines again")
        else:
            reasons = {"expired": "expired before it was processed", "lost": "is in neither file of results"}
            error = CallFailed(f"the line {line.custom_id} {reasons[result.outcome]}", retryable=True)
        attempts = self._failures[line.key, line.draw]
        if error.retryable and attempts >= ATTEMPTS:
            message = f"{error}; it has failed in {attempts} batches, so it is not tried again now"
            return CallFailed(message, status=error.status, usage=error.usage)
        if error.retryable:
            # A wait that the provider asked for is long over, and an overload does not concern the next batch.
            return CallFailed(str(error), retryable=True, usage=error.usage)
        return error

    async def _handle_refusal(self, batch: StoredBatch, status: BatchStatus) -> None:
        """Submit the lines of a refused batch again, without those that are wrong."""
        lines = self.store.lines(batch.id)
        awaited = [(line, self._waiting.pop(line.custom_id, [])) for line in lines]
        # The provider has processed none of them.
        self.store.withdraw(batch.id)
        self._unwatch(batch.id)
        message = f"the provider refused a batch: {status.refusal}"
        again = list[Waiting]()
        for place, (_, waiting) in enumerate(awaited, 1):
            if place in status.line_errors and not status.over_limit:
                _fail(waiting, CallFailed(f"the provider refused a line: {status.line_errors[place]}", status=400))
            else:
                again += [one for one in waiting if one.is_wanted]
        if status.over_limit:
            self._lower_token_limit(batch, status)
            if len(again) == 1 and not self._watchers:
                _fail(again, CallFailed(f"{message}; this single request is longer than the limit"))
                return
        elif not status.line_errors:
            # Such as an account without credit, or an unknown model.
            _fail(again, error_class(400, status.refusal)(message, status=400))
            return
        if again:
            self._start(self._submit_wave(again))

    def _lower_token_limit(self, batch: StoredBatch, status: BatchStatus) -> None:
        """Learn the limit of enqueued tokens from a refusal, in the unit of our estimate."""
        refused = self._enqueued + batch.tokens
        # The provider counts in another way, so a second refusal lowers the limit further.
        stated = status.token_limit if self._token_limit is None else None
        limit = refused // 2 if stated is None or stated >= refused else stated
        self._token_limit = max(1, limit if self._token_limit is None else min(limit, self._token_limit * 3 // 4))
        self._trouble = f"the provider permits fewer enqueued tokens: batches have at most about {self._token_limit:,}"
        _log.info("%s (%s)", self._trouble, status.refusal)

    async def _recover_and_follow(self, batch: StoredBatch) -> None:
        """Look for a batch again that was found and is not ours, and submit its lines again if it does not exist."""
        awaited = self._awaiting(batch)
        for line in self.store.lines(batch.id):
            self._waiting.pop(line.custom_id, None)
        again = [one for one in awaited if one.is_wanted]
        async with self.store.submitting():
            await self._recover()
        if again:
            self._start(self._submit_wave(again))

    def _forget_collected(self) -> None:
        collected, self._collected = self._collected, []
        if collected and not self.store.is_closed:
            self.store.collected(collected)


def _has_succeeded(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is None


def _resolve(waiting: Sequence[Waiting], completions: CompletionBatch) -> None:
    for one in waiting:
        if one.is_wanted:
            one.reply.set_result(completions)


def _fail(waiting: Sequence[Waiting], error: Exception) -> None:
    for one in waiting:
        if one.is_wanted:
            one.reply.set_exception(error)


def _dump(result: LineResult | CallFailed) -> str:
    assert isinstance(result, LineResult)
    return json.dumps(result.reply, separators=(",", ":"))


def _age(created: float) -> str:
    """Return the time of a submission and the time since."""
    seconds = max(0.0, time.time() - created)
    since = time.strftime("%H:%M", time.localtime(created))
    ago = f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
    if seconds < 120:
        ago = f"{seconds:.0f} s"
    return f"since {since} ({ago})"
