"""Recovery: whether a provider has a batch whose submission was not answered."""

from __future__ import annotations

import asyncio
import time

from reasoning.errors import CallFailed, ReplyPending
from reasoning.providers.batch.api import BatchApi
from reasoning.providers.batch.pace import BatchPace
from reasoning.providers.batch.store import BatchStore
from reasoning.providers.batch.stored import StoredBatch, forget_command
from reasoning.providers.batch.waiting import BatchState


class Recovery:
    """Finds submissions whose answers were lost, in the provider's own list.

    Args:
        api: the batch API of the provider.
        store: the batches of the journal.
        pace: the times.
        state: the state that the parts of the client share.
    """

    def __init__(self, api: BatchApi, store: BatchStore, pace: BatchPace, state: BatchState) -> None:
        self._api, self._store, self._pace, self._state = api, store, pace, state
        self._of_killed: asyncio.Task[None] | None = None

    def reset(self) -> None:
        """Leave what is under way to the parent process."""
        self._of_killed = None

    def is_of_model(self, batch: StoredBatch) -> bool:
        """Return whether a batch of the store was submitted for this model at this endpoint."""
        client = self._api.client
        return (batch.api, batch.model, batch.endpoint) == (self._api.name, client.model, client.endpoint or "")

    async def wait(self) -> None:
        """Wait until it is known what became of the submissions of processes that were killed."""
        if self._of_killed is None or (self._of_killed.done() and not _has_succeeded(self._of_killed)):
            self._of_killed = self._state.start(self._recover_killed())
        await asyncio.shield(self._of_killed)

    async def _recover_killed(self) -> None:
        self._store.forget_old()
        if self._store.batches("intended"):
            async with self._store.submitting():
                await self.recover()

    async def recover(self) -> None:
        """Find out what became of each intended submission; call it only while no other process submits."""
        for batch in self._store.batches("intended"):
            if not self.is_of_model(batch):
                continue
            found = await self.look_for(batch)
            if found is None:
                self._store.withdraw(batch.id)
            else:
                self._store.sent(batch.id, found, is_found=not self._api.finds_by_label)

    async def look_for(self, batch: StoredBatch) -> str | None:
        """Return the provider's id of a batch whose submission was not answered; None if it has none.

        It does not give up while the provider's list cannot be read: without it a line could be paid twice.

        Raises:
            ReplyPending: the list is refused.
        """
        known = {*batch.not_ours, *(other.remote for other in self._store.batches())}
        pause = self._pace.first_poll
        is_second = False
        while True:
            try:
                found = [
                    one for one in await self._api.find(batch.label, batch.lines, batch.created) if one not in known
                ]
            except CallFailed as error:
                if not error.retryable:
                    raise ReplyPending(
                        f"it is not known whether a batch was submitted: {error}; the same command looks again, and "
                        f"{forget_command(batch)} gives the batch up",
                        status=error.status,
                    ) from None
                self._state.trouble = f"it is not known whether a batch was submitted ({error.brief})"
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._pace.longest_retry)
                continue
            self._state.trouble = ""
            if found:
                return found[0]
            if is_second or time.time() - batch.created > 10 * self._pace.grace:
                return None
            # A list may lag behind, and a request may still be on its way.
            await asyncio.sleep(self._pace.grace)
            is_second = True


def _has_succeeded(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is None
