"""Submission: requests leave in batches, within the provider's limits, and no draw leaves twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from reasoning.errors import CallFailed
from reasoning.logs import Log
from reasoning.providers.batch.api import BatchApi, BatchStatus
from reasoning.providers.batch.outcomes import parse_line
from reasoning.providers.batch.pace import BatchPace
from reasoning.providers.batch.reading import Reader
from reasoning.providers.batch.recovery import Recovery
from reasoning.providers.batch.store import BatchStore
from reasoning.providers.batch.stored import StoredBatch, StoredLine
from reasoning.providers.batch.waiting import BatchState, Waiting, fail, resolve
from reasoning.providers.batch.waves import divide
from reasoning.providers.http_errors import error_class

_log = Log(__name__)


class Submitter:
    """Submits requests, and submits them again if the provider refuses a batch as a whole.

    Args:
        api: the batch API of the provider.
        store: the batches of the journal.
        pace: the times.
        state: the state that the parts of the client share.
        recovery: finds submissions whose answers were lost.
        reader: follows what was submitted.
    """

    def __init__(
        self,
        api: BatchApi,
        store: BatchStore,
        pace: BatchPace,
        state: BatchState,
        recovery: Recovery,
        reader: Reader,
    ) -> None:
        self._api, self._store, self._pace, self._state = api, store, pace, state
        self._recovery, self._reader = recovery, reader
        self._token_limit: int | None = None
        reader.on_refused, reader.on_not_ours = self._handle_refusal, self._submit_after_mistake

    async def submit_wave(self, requests: list[Waiting]) -> None:
        """Submit requests in as few batches as the limits permit."""
        try:
            for part in divide(requests, self._api.limits, self._token_limit):
                await self._wait_for_room(sum(waiting.tokens for waiting in part))
                await self._submit([waiting for waiting in part if waiting.is_wanted])
        except Exception as error:
            fail(requests, error)

    async def _wait_for_room(self, tokens: int) -> None:
        """Wait until the provider has room for a number of enqueued tokens, as far as its limit is known."""
        while self._token_limit is not None and self._reader.is_following:
            if self._state.enqueued + tokens <= self._token_limit:
                return
            await self._reader.wait_for_one()

    async def _submit(self, requests: list[Waiting]) -> None:
        """Submit one batch, again and again while the provider is down or overloaded."""
        pause = self._pace.first_poll
        while requests:
            async with self._store.submitting():
                await self._recovery.recover()
                refused = await self._submit_once(requests)
            if refused is None:
                self._state.trouble = ""
                return
            if not refused.retryable:
                fail(requests, refused)
                return
            wait = max(pause, refused.retry_after or 0.0)
            self._state.trouble = f"no batch can be submitted ({refused.brief}), trying again in {wait:.0f} s"
            _log.info("%s: %s", self._state.trouble, refused)
            await asyncio.sleep(wait)
            pause = min(2 * pause, self._pace.longest_retry)
            requests = [waiting for waiting in requests if waiting.is_wanted]

    async def _submit_once(self, requests: Sequence[Waiting]) -> CallFailed | None:
        """Submit the requests whose draws no batch has. Return the error if the provider has refused the batch."""
        new = self._find_new(requests)
        if not new:
            return None
        client = self._api.client
        tokens = sum(waiting.tokens for _, waiting in new)
        batch = self._store.intend(
            self._api.name, client.model, client.endpoint or "", tokens, [line for line, _ in new]
        )
        lines = (self._api.line(line.custom_id, waiting.body, waiting.request) for line, waiting in new)
        try:
            remote, is_found = await self._api.submit(batch.label, lines), False
        except CallFailed as error:
            # The provider has certainly not made the batch if it says so.
            may_exist = error.retryable and (error.status is None or error.status >= 500)
            found = await self._recovery.look_for(batch) if may_exist else None
            if found is None:
                self._store.withdraw(batch.id)
                return error
            remote, is_found = found, not self._api.finds_by_label
        self._store.sent(batch.id, remote, is_found=is_found)
        _log.info("batch %s has %d lines", remote, len(new))
        for line, waiting in new:
            self._state.add(line.custom_id, waiting)
        self._reader.follow(batch.id)
        return None

    def _find_new(self, requests: Sequence[Waiting]) -> list[tuple[StoredLine, Waiting]]:
        """Return new lines for the requests whose draws no batch has; the others wait for theirs, or have it."""
        new: list[tuple[StoredLine, Waiting]] = []
        for waiting in requests:
            key, draws = waiting.request.key, waiting.draws
            if (known := self._store.find(key, draws[0])) is None:
                tools = "tools" in waiting.request.sampling
                new.append((self._store.next_line(key, draws[0], len(draws), tools=tools), waiting))
            elif known.state == "done":
                resolve([waiting], parse_line(self._api, known, waiting.request))
            else:
                self._reader.attach(known, waiting)
        return new

    async def _handle_refusal(self, batch: StoredBatch, status: BatchStatus) -> None:
        """Submit the lines of a refused batch again, without those that are wrong."""
        lines = self._store.lines(batch.id)
        awaited = [(line, self._state.pop(line.custom_id)) for line in lines]
        # The provider has processed none of them.
        self._store.withdraw(batch.id)
        self._reader.stop_following(batch.id)
        message = f"the provider refused a batch: {status.refusal}"
        again = list[Waiting]()
        for place, (_, waiting) in enumerate(awaited, 1):
            if place in status.line_errors and not status.over_limit:
                fail(waiting, CallFailed(f"the provider refused a line: {status.line_errors[place]}", status=400))
            else:
                again += [one for one in waiting if one.is_wanted]
        if status.over_limit:
            self._lower_token_limit(batch, status)
            if len(again) == 1 and not self._reader.is_following:
                fail(again, CallFailed(f"{message}; this single request is longer than the limit"))
                return
        elif not status.line_errors:
            # Such as an account without credit, or an unknown model.
            fail(again, error_class(400, status.refusal)(message, status=400))
            return
        if again:
            self._state.start(self.submit_wave(again))

    def _lower_token_limit(self, batch: StoredBatch, status: BatchStatus) -> None:
        """Learn the limit of enqueued tokens from a refusal, in the unit of our estimate."""
        refused = self._state.enqueued + batch.tokens
        # The provider counts in another way, so a second refusal lowers the limit further.
        stated = status.token_limit if self._token_limit is None else None
        limit = refused // 2 if stated is None or stated >= refused else stated
        self._token_limit = max(1, limit if self._token_limit is None else min(limit, self._token_limit * 3 // 4))
        self._state.trouble = (
            f"the provider permits fewer enqueued tokens: batches have at most about {self._token_limit:,}"
        )
        _log.info("%s (%s)", self._state.trouble, status.refusal)

    async def _submit_after_mistake(self, batch: StoredBatch) -> None:
        """Look again for a batch that was taken for ours and is not, and submit its lines if it does not exist."""
        lines = self._store.lines(batch.id)
        again = [one for line in lines for one in self._state.pop(line.custom_id) if one.is_wanted]
        async with self._store.submitting():
            await self._recovery.recover()
        if again:
            self._state.start(self.submit_wave(again))
