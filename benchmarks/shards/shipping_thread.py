"""The thread of a worker that sends what a shard makes to the coordinator."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from reasoning.benchmarks.shards.coordinator import Attempt
from reasoning.benchmarks.shards.division import Shard
from reasoning.benchmarks.shards.shipping import Sender
from reasoning.engine.llm import LLM

_SHIP_SECONDS = 0.5
"""Seconds between two shipments of a shard: what a machine that fails has made since then is lost."""


class ShippingThread:
    """A thread that sends what a shard makes to the coordinator, as a context manager.

    If the coordinator is gone, or another worker has the shard, this process ends, since its results would be lost.
    """

    def __init__(
        self, call: Callable[..., Future[Any]], shard: Shard, attempt: Attempt, sender: Sender, llm: LLM
    ) -> None:
        self._call, self._shard, self._attempt, self._sender, self._llm = call, shard, attempt.number, sender, llm
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ship_all, name="reasoning-shipping", daemon=True)

    def __enter__(self) -> ShippingThread:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ship_all(self) -> None:
        try:
            is_last = False
            while not is_last:
                is_last = self._ended.wait(_SHIP_SECONDS)
                while self._ship():
                    continue
        except BaseException:
            os._exit(1)

    def _ship(self) -> bool:
        """Send a shipment, and return whether there may be more."""
        shipment = self._sender.read()
        self._call("ship", self._shard, self._attempt, shipment, self._llm.in_flight).result()
        return bool(shipment) and self._ended.is_set()
