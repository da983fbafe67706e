"""The one process of a divided run that lends its budget and keeps its results, next to the folder of the run.

Workers send it what their shards have made several times a second, and ask it for more of the budget now and then. No
call to a model passes through it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from reasoning.benchmarks.results.folder import SHARDS
from reasoning.benchmarks.shards.division import Shard
from reasoning.benchmarks.shards.leases import Amounts, LeaseBook
from reasoning.benchmarks.shards.shipping import Receiver, Shipment
from reasoning.engine.budget import Budget
from reasoning.errors import InputError

LEASES = "leases.jsonl"
"""The name of the file with the leases of a run, in the folder of its shards."""


class Attempt(NamedTuple):
    """An attempt to run a shard.

    Attributes:
        number: its number.
        continues: whether the worker's own files are those of the attempt before this one.
        is_settled: whether the attempt before this one has ended in order, or there was none.
        sizes: the sizes of the files that were kept of the shard.
    """

    number: int
    continues: bool
    is_settled: bool
    sizes: dict[str, int]


class Coordinator:
    """Lends the budget of a run, and keeps what its shards make.

    Args:
        out: the folder of the run.
        limits: the limits of the run's budget on dollars, tokens and calls, without what was spent before the shards.
    """

    def __init__(self, out: Path, limits: tuple[float | None, int | None, int | None]) -> None:
        (out / SHARDS).mkdir(parents=True, exist_ok=True)
        self._out = out
        self._book = LeaseBook(out / SHARDS / LEASES, Budget(*limits))
        self._receivers: dict[Shard, Receiver] = {}
        self._in_flight: dict[Shard, int] = {}

    def begin(self, shard: Shard, local: int) -> Attempt:
        """Begin an attempt of a shard.

        Args:
            shard: the shard.
            local: the number of the attempt whose files the worker has; 0 for none.
        """
        number, before = self._book.begin(str(shard))
        is_settled = self._book.has_ended(str(shard), before)
        return Attempt(number, bool(before) and local == before, is_settled, self._receiver(shard).sizes())

    def fetch(self, shard: Shard, name: str, start: int) -> bytes:
        """Return a part of a file that was kept of a shard, from an offset on; empty at its end."""
        return self._receiver(shard).read(name, start)

    def settle(self, shard: Shard, attempt: int, spent: Amounts, *, is_known: bool) -> Amounts:
        """Take back what a shard was lent and has not spent; see `LeaseBook.settle`."""
        self._check(shard, attempt)
        return self._book.settle(str(shard), spent, is_known=is_known)

    def borrow(self, shard: Shard, attempt: int, needed: Amounts) -> tuple[Amounts, bool]:
        """Lend more to a shard; see `LeaseBook.lend`."""
        self._check(shard, attempt)
        return self._book.lend(str(shard), needed)

    def ship(self, shard: Shard, attempt: int, shipment: Shipment, in_flight: int) -> None:
        """Keep what a shard has made.

        Args:
            shard: the shard.
            attempt: the attempt that sends it.
            shipment: what it has made.
            in_flight: the number of requests that its worker has in flight.
        """
        self._check(shard, attempt)
        self._receiver(shard).write(shipment)
        self._in_flight[shard] = in_flight

    def end(self, shard: Shard, attempt: int, spent: Amounts) -> None:
        """Note that an attempt has ended, and that all that it made was shipped."""
        self._check(shard, attempt)
        self._book.settle(str(shard), spent)
        self._close(shard, in_order=True)

    def lost(self, shard: Shard) -> None:
        """Note that no worker runs a shard any more."""
        self._close(shard, in_order=False)

    def state(self) -> tuple[int, bool]:
        """Return the number of requests in flight, and whether nothing is left of the budget."""
        return sum(self._in_flight.values()), self._book.is_used_up

    def close(self) -> None:
        """Close all files."""
        self._book.close()
        for receiver in self._receivers.values():
            receiver.close()

    def _close(self, shard: Shard, *, in_order: bool) -> None:
        self._book.end(str(shard), in_order=in_order)
        self._in_flight.pop(shard, None)
        self._receiver(shard).close()

    def _receiver(self, shard: Shard) -> Receiver:
        return self._receivers.setdefault(shard, Receiver(shard.folder(self._out)))

    def _check(self, shard: Shard, attempt: int) -> None:
        """Raise InputError for an attempt that another one has replaced: its worker was only thought to be dead."""
        if not self._book.is_current(str(shard), attempt):
            raise InputError(f"the shard {shard} was begun again by another worker")
