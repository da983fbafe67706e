"""The client of models through batches: a call waits until its line of a batch has come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from reasoning import forks
from reasoning.errors import CallFailed
from reasoning.images import Image
from reasoning.messages import CompletionBatch, Request, Usage
from reasoning.providers.batch.api import BatchApi, BatchStatus
from reasoning.providers.batch.outcomes import parse_line
from reasoning.providers.batch.pace import BatchPace as BatchPace
from reasoning.providers.batch.reading import Reader
from reasoning.providers.batch.recovery import Recovery
from reasoning.providers.batch.store import BatchStore
from reasoning.providers.batch.stored import StoredBatch
from reasoning.providers.batch.submission import Submitter
from reasoning.providers.batch.waiting import BatchState, Waiting
from reasoning.providers.batch.waves import Wave
from reasoning.providers.client import Client

_FORGET_SECONDS = 0.5
"""Seconds after which the replies that the journal has committed are deleted, all at once."""


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
        self.ignores_settings, self.caches_prompts = api.client.ignores_settings, api.client.caches_prompts
        self._connect_parts()
        forks.reset_in_child(self)

    def _connect_parts(self) -> None:
        shared = self._state = BatchState()
        parts = self.api, self.store, self.pace, shared
        self._recovery, self._reader = Recovery(*parts), Reader(*parts)
        self._submitter = Submitter(*parts, self._recovery, self._reader)
        self._wave: Wave | None = None
        self._collected = list[tuple[str, int]]()

    def reset_after_fork(self) -> None:
        """Leave the waiting requests to the parent process; see `reasoning.forks`."""
        self._connect_parts()

    async def complete(self, request: Request, draws: Sequence[int]) -> CompletionBatch:
        """Return completions when the batch with their line has ended.

        A line that has some of the draws, because an earlier process submitted it, is awaited instead of a new one.

        Raises:
            ReplyPending: the batch was submitted, and its results cannot be read now.
            CallFailed: the line failed.
        """
        await self._recovery.wait()
        line = self.store.find(request.key, draws[0])
        if line is not None and line.state == "done":
            return _take(parse_line(self.api, line, request), draws)
        body = json.dumps(self.api.body(request, draws), separators=(",", ":")).encode()
        waiting = Waiting(request, tuple(draws), body, asyncio.get_running_loop().create_future())
        if line is not None:
            self._reader.attach(line, waiting)
        else:
            if self._wave is None:
                self._wave = Wave(self.pace.quiet, self.api.limits, self._submitter.submit_wave)
            self._wave.add(waiting)
        return _take(await waiting.reply, draws)

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

    def worst_price(self, usage: Usage) -> float | None:
        """Return the most that a usage may cost, at the price of batches."""
        return self.api.client.worst_price(usage)

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
        parts = self._state.describe()
        if self._wave is not None and (gathered := len(self._wave)):
            parts.append(f"gathering a batch: {gathered:,} lines")
        return "; ".join(parts)

    async def collect(self) -> list[tuple[StoredBatch, BatchStatus | CallFailed]]:
        """Look at each batch of this model that has not ended, and record the results of those that have.

        Returns:
            Each batch with its state, or with the error if the provider does not have it or its results.

        Raises:
            CallFailed: the provider cannot be asked.
        """
        await self._recovery.wait()
        looked = list[tuple[StoredBatch, BatchStatus | CallFailed]]()
        for batch in self.store.batches("sent"):
            if self._recovery.is_of_model(batch):
                try:
                    status = await self.api.status(batch.remote)
                    if status.ended:
                        await self._reader.finish(batch, status)
                    looked.append((batch, status))
                except CallFailed as error:
                    if error.status != 404:
                        raise
                    looked.append((batch, error))
        return looked

    async def close(self) -> None:
        """Stop waiting, and close the connections. Batches that are submitted stay at the provider."""
        tasks = [*self._reader.tasks.values(), *self._state.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._wave is not None:
            await self._wave.close()
        self._forget_collected()
        await self.api.close()
        self.store.close()

    def _forget_collected(self) -> None:
        collected, self._collected = self._collected, []
        if collected and not self.store.is_closed:
            self.store.collected(collected)


def _take(completions: CompletionBatch, draws: Sequence[int]) -> CompletionBatch:
    """Return the completions of the first draws, as many as one line has."""
    by_draw = {completion.draw: completion for completion in completions}
    taken = list[Any]()
    for draw in draws:
        if draw not in by_draw:
            break
        taken.append(by_draw[draw])
    return CompletionBatch(taken, completions.choices)
