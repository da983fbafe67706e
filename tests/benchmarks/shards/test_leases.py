"""Leases of a budget, and the copies of a worker's files: what survives a kill, and what never exceeds a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reasoning.benchmarks.shards.coordinator import Coordinator
from reasoning.benchmarks.shards.division import Shard
from reasoning.benchmarks.shards.leases import Amounts, LeaseBook
from reasoning.benchmarks.shards.lender import ShardLender
from reasoning.benchmarks.shards.shipping import Receiver, Sender, Shipment
from reasoning.engine.budget import Budget
from reasoning.errors import BudgetExhausted, InputError
from reasoning.messages import Message, Request, Usage

BookOf = Callable[[Budget], LeaseBook]
A, B = "0/2", "1/2"
REQUEST = Request("m", (Message("user", "?"),), {"max_tokens": 10})


@pytest.fixture
def book_of(tmp_path: Path) -> Iterator[Callable[[Budget], LeaseBook]]:
    """Opens the book of leases."""
    books = list[LeaseBook]()

    def make(budget: Budget) -> LeaseBook:
        books.append(LeaseBook(tmp_path / "leases.jsonl", budget))
        return books[-1]

    yield make
    for book in books:
        book.close()


def test_the_sum_of_all_leases_never_exceeds_the_budget(book_of: BookOf) -> None:
    book = book_of(Budget(calls=100))
    book.begin(A)
    book.begin(B)
    lent = {A: 0, B: 0}
    is_short = False
    while not is_short:
        for shard in (A, B):
            amounts, is_short = book.lend(shard, Amounts(calls=1))
            assert amounts.calls - lent[shard] <= 8
            lent[shard] = amounts.calls
    assert sum(lent.values()) == 100
    assert book.is_used_up
    assert book.lend(A, Amounts(calls=1)) == (Amounts(calls=lent[A]), True)


def test_what_was_not_spent_is_taken_back_after_a_kill(book_of: BookOf) -> None:
    book = book_of(Budget(calls=100, usd=1.0))
    assert book.begin(A) == (1, 0)
    book.lend(A, Amounts(usd=0.1, calls=10))
    book.lend(A, Amounts(usd=0.1, calls=10))
    # The process was killed before it could write anything else.
    book = book_of(Budget(calls=100, usd=1.0))
    assert book.begin(A) == (2, 1)
    assert book.lent(A) == Amounts(usd=1.0, calls=100)
    assert book.lend(A, Amounts(calls=1))[1]
    assert book.settle(A, Amounts(usd=0.25, calls=30)) == Amounts(usd=0.25, calls=30)
    assert (book.left("calls"), book.left("usd")) == (70, 0.75)


def test_a_damaged_book_is_named(tmp_path: Path) -> None:
    (tmp_path / "leases.jsonl").write_text('{"shard":"0/2","attempt":1}\n')
    with pytest.raises(InputError, match=r"leases.jsonl:1: damaged entry"):
        LeaseBook(tmp_path / "leases.jsonl", Budget(calls=1))


def test_a_borrower_spends_all_that_there_is_and_no_more(book_of: BookOf) -> None:
    book = book_of(Budget(calls=25))
    asked = list[Amounts]()

    async def spend(shard: str) -> int:
        async def borrow(needed: Amounts) -> tuple[Amounts, bool]:
            asked.append(needed)
            await asyncio.sleep(0)
            return book.lend(shard, needed)

        whole = Budget()
        whole.lender = ShardLender(("calls",), Amounts(), borrow)
        budget, sent = whole.resumed(Usage(), whole.learned_bounds), 0

        async def call() -> None:
            nonlocal sent
            while True:
                reservation = await budget.reserve(REQUEST, 2, lambda usage: 0.0)
                reservation.begin()
                await asyncio.sleep(0)
                sent += reservation.draws
                reservation.settle(Usage(reservation.draws, 1, 1))

        ends = await asyncio.gather(*(call() for _ in range(4)), return_exceptions=True)
        assert all(isinstance(end, BudgetExhausted) for end in ends)
        return sent

    async def both() -> list[int]:
        book.begin(A)
        book.begin(B)
        return await asyncio.gather(spend(A), spend(B))

    assert sum(asyncio.run(both())) == 25
    assert len(asked) < 12


def test_files_are_copied_as_they_grow_and_never_a_torn_line(tmp_path: Path) -> None:
    (tmp_path / "worker").mkdir()
    results, run = tmp_path / "worker" / "results.jsonl", tmp_path / "worker" / "run.json"
    sender, receiver = Sender(tmp_path / "worker", {}), Receiver(tmp_path / "home")
    assert not sender.read()
    run.write_text("{}")
    results.write_text('{"a":1}\n{"b":')
    receiver.write(sender.read())
    assert (tmp_path / "home" / "results.jsonl").read_text() == '{"a":1}\n'
    assert (tmp_path / "home" / "run.json").read_text() == "{}"
    assert not sender.read()
    # The worker was killed, and begins again with what was copied.
    results.write_text('{"a":1}\n{"c":2}\n')
    again = Sender(tmp_path / "worker", receiver.sizes())
    shipment = again.read()
    receiver.write(shipment)
    receiver.write(shipment)
    assert (tmp_path / "home" / "results.jsonl").read_text() == '{"a":1}\n{"c":2}\n'
    with pytest.raises(InputError, match="the next ones are those from 99 on"):
        receiver.write(Shipment({"results.jsonl": (99, b"{}\n")}))
    receiver.write(Shipment({"../outside.jsonl": (0, b"x\n")}, {"../run.json": b"x"}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "worker"]
    with pytest.raises(InputError, match="not a file of a shard"):
        receiver.read("../worker/run.json", 0)
    receiver.close()


def test_a_worker_that_was_only_thought_to_be_dead_changes_nothing_more(tmp_path: Path) -> None:
    coordinator, shard = Coordinator(tmp_path, (None, None, 10)), Shard(2, 0)
    first = coordinator.begin(shard, 0)
    second = coordinator.begin(shard, 0)
    assert (first.number, second.number, second.continues) == (1, 2, False)
    assert coordinator.begin(shard, 2).continues
    for late in (first, second):
        with pytest.raises(InputError, match="begun again by another worker"):
            coordinator.ship(shard, late.number, Shipment({"results.jsonl": (0, b"{}\n")}), 1)
    assert not (tmp_path / "shards" / "0-of-2" / "results.jsonl").exists()
    assert coordinator.state() == (0, False)
    coordinator.close()
