"""Reading: a batch is polled until it has ended, and its results are recorded and delivered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from reasoning.errors import CallFailed, ReplyPending
from reasoning.messages import CompletionBatch, Request
from reasoning.providers.batch.api import BatchApi, BatchStatus, LineResult, Outcome
from reasoning.providers.batch.outcomes import line_error, parse_line
from reasoning.providers.batch.pace import BatchPace
from reasoning.providers.batch.store import BatchStore
from reasoning.providers.batch.stored import StoredBatch, StoredLine, forget_command
from reasoning.providers.batch.waiting import BatchState, Waiting, fail, resolve

_SAVED_AT_ONCE = 500
"""Results that are written to the store in one transaction."""
_Read: TypeAlias = tuple[StoredLine, CompletionBatch | None, LineResult | CallFailed]
"""A line with its completions, or with the reason why it has none."""


class Reader:
    """Follows batches, and wakes the requests that wait for their lines.

    Args:
        api: the batch API of the provider.
        store: the batches of the journal.
        pace: the times.
        state: the state that the parts of the client share.

    Attributes:
        on_refused: handles a batch that the provider has refused as a whole.
        on_not_ours: handles a batch that was found in the provider's list, and turns out to be of another program.
    """

    on_refused: Callable[[StoredBatch, BatchStatus], Awaitable[None]]
    on_not_ours: Callable[[StoredBatch], Awaitable[None]]

    def __init__(self, api: BatchApi, store: BatchStore, pace: BatchPace, state: BatchState) -> None:
        self._api, self._store, self._pace, self._state = api, store, pace, state
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def attach(self, line: StoredLine, waiting: Waiting) -> None:
        """Let a request wait for a line that is submitted."""
        self._state.add(line.custom_id, waiting)
        self.follow(line.batch)

    def follow(self, number: int) -> None:
        """Poll a batch from now on."""
        if (task := self.tasks.get(number)) is None or task.done():
            self._state.followed[number] = batch = self._store.batch(number)
            task = self.tasks[number] = asyncio.get_running_loop().create_task(self._follow(batch))
            task.add_done_callback(lambda _: self.stop_following(number, task))

    def stop_following(self, number: int, task: asyncio.Task[None] | None = None) -> None:
        """Forget a batch that needs no further look."""
        if task is None or self.tasks.get(number) is task:
            self.tasks.pop(number, None)
            self._state.forget_batch(number)

    @property
    def is_following(self) -> bool:
        """True while a batch is polled."""
        return bool(self.tasks)

    async def wait_for_one(self) -> None:
        """Wait until one of the batches that are polled has ended."""
        await asyncio.wait(self.tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)

    async def _follow(self, batch: StoredBatch) -> None:
        """Poll a batch until it has ended, and deliver its results."""
        started = time.monotonic()
        pause = self._pace.first_poll
        try:
            while True:
                # Soon at first, then at a tenth of the batch's age.
                await asyncio.sleep(pause)
                pause = min(self._pace.longest_poll, max(self._pace.first_poll, (time.monotonic() - started) / 10))
                try:
                    status = self._state.seen[batch.id] = await self._api.status(batch.remote)
                    self._state.trouble = ""
                    if status.ended and await self.finish(batch, status):
                        return
                except CallFailed as error:
                    if not error.retryable:
                        raise
                    self._state.trouble = f"batch {batch.remote} cannot be read ({error.brief}), trying again"
                    pause = self._pace.longest_poll
                if not any(one.is_wanted for one in self._awaiting(batch)):
                    return
        except Exception as error:
            if not isinstance(error, CallFailed):
                fail(self._awaiting(batch), error)
                return
            message = f"the batch {batch.remote} cannot be read: {error}; the same command fetches its replies"
            if error.status == 404:
                message += f", unless the provider has lost it: {forget_command(batch)} gives it up"
            fail(self._awaiting(batch), ReplyPending(message, status=error.status))

    def _awaiting(self, batch: StoredBatch) -> list[Waiting]:
        """Return the requests that wait for a batch."""
        ids = [line.custom_id for line in self._store.lines(batch.id)]
        return [waiting for custom_id in ids for waiting in self._state.by_line.get(custom_id, ())]

    async def finish(self, batch: StoredBatch, status: BatchStatus) -> bool:
        """Record and deliver the results of an ended batch; return whether that is done.

        Raises:
            CallFailed: the results cannot be read.
        """
        if status.refusal:
            await self.on_refused(batch, status)
            return True
        lines = {line.custom_id: line for line in self._store.lines(batch.id)}
        results = list[_Read]()
        seen = set[str]()
        async for result in self._api.results(batch.remote, status):
            # Servers have sent a line twice, and lines of others.
            if (line := lines.get(result.custom_id)) is None or result.custom_id in seen:
                continue
            seen.add(result.custom_id)
            if line.state == "failed" and line.custom_id not in self._state.by_line:
                # An earlier reading of the results broke off after this line.
                continue
            results.append(self._read(line, result))
            if len(results) >= _SAVED_AT_ONCE:
                self._deliver(results)
                results = []
        if batch.is_found and not seen and lines:
            # It was taken for ours by its size and its time.
            self._store.reject(batch.id, batch.remote)
            await self.on_not_ours(batch)
            return True
        self._deliver(results)
        missing = [line for line in lines.values() if line.custom_id not in seen and line.state != "failed"]
        outcome: Outcome = "cancelled" if status.cancelled else "lost"
        self._store.end(batch.id, "cancelled" if status.cancelled else "ended")
        lost = [line for line in missing if line.state == "sent"]
        self._deliver([(line, None, LineResult(line.custom_id, outcome)) for line in lost], is_saved=True)
        for line in missing:
            if line.state == "done":
                for one in self._state.pop(line.custom_id):
                    resolve([one], parse_line(self._api, line, one.request))
        return True

    def _read(self, line: StoredLine, result: LineResult) -> _Read:
        """Return a line with its completions, or with the reason why it has none."""
        if result.outcome != "succeeded":
            return line, None, result
        try:
            waiting = self._state.by_line.get(line.custom_id)
            # Whether a reply can be read does not depend on the texts of its request.
            tools: dict[str, Any] = {"tools": []} if line.tools else {}
            client = self._api.client
            request = waiting[0].request if waiting else Request(client.model, (), tools, client.endpoint)
            return line, parse_line(self._api, line, request, result.reply), result
        except CallFailed as error:
            return line, None, error

    def _deliver(self, results: Sequence[_Read], *, is_saved: bool = False) -> None:
        """Record results, then wake the requests that wait for them.

        A failed line leaves the store first, since its request is made again at once.
        """
        if results and not is_saved:
            self._store.save(
                (line.custom_id, len(completions or ()) or line.n, _dump(result) if completions else None)
                for line, completions, result in results
            )
        for line, completions, result in results:
            waiting = self._state.pop(line.custom_id)
            if completions:
                resolve(waiting, completions)
                continue
            self._state.failures[line.key, line.draw] += 1
            attempts = self._state.failures[line.key, line.draw]
            for one in waiting:
                fail([one], line_error(self._api, line, result, one, attempts))


def _dump(result: LineResult | CallFailed) -> str:
    assert isinstance(result, LineResult)
    return json.dumps(result.reply, separators=(",", ":"))
