"""The pool of slots and the store of prefixes, on their own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from reasoning.providers.llama_cpp.prefix_cache import PrefixCache
from reasoning.providers.llama_cpp.slot_pool import SlotPool


def test_first_come_first_served() -> None:
    async def go() -> list[int]:
        slots, order = SlotPool(2), list[int]()

        async def use(number: int) -> None:
            async with slots.acquire():
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(use(number) for number in range(20)))
        return order

    assert asyncio.run(go()) == list(range(20))


def test_never_more_than_there_are() -> None:
    async def go() -> int:
        slots, busy, most = SlotPool(3), set[int](), 0

        async def use() -> None:
            nonlocal most
            async with slots.acquire() as slot:
                assert slot.index not in busy
                busy.add(slot.index)
                most = max(most, len(busy))
                await asyncio.sleep(0.001)
                busy.remove(slot.index)

        await asyncio.gather(*(use() for _ in range(30)))
        return most

    assert asyncio.run(go()) == 3


def test_a_slot_that_holds_the_prefix_is_preferred() -> None:
    async def go() -> None:
        slots = SlotPool(4)
        async with slots.acquire() as first, slots.acquire() as second, slots.acquire() as third:
            first.prefixes, second.prefixes, third.prefixes = ("a",), ("whole", "b"), ("b",)
        async with slots.acquire("whole", "b") as slot:
            assert slot is second
            async with slots.acquire("whole", "b") as next_best:
                assert next_best is third
        async with slots.acquire("new") as unused:
            assert unused.index == 3

    asyncio.run(go())


def test_the_whole_server_waits_for_all_and_can_be_made_smaller() -> None:
    async def go() -> None:
        slots, order = SlotPool(4), list[str]()

        async def small(name: str) -> None:
            async with slots.acquire() as slot:
                order.append(name)
                assert slot.index < slots.count
                await asyncio.sleep(0.01)

        async def large() -> None:
            async with slots.acquire_all():
                order.append("all")
                slots.reset(2)

        await asyncio.gather(small("a"), small("b"), large(), *(small("late") for _ in range(4)))
        assert order == ["a", "b", "all", "late", "late", "late", "late"]
        async with slots.acquire(), slots.acquire():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), slots.acquire():
                    pass

    asyncio.run(go())


def test_who_gives_up_blocks_nobody() -> None:
    async def go() -> None:
        slots = SlotPool(2)
        async with slots.acquire():
            whole = asyncio.ensure_future(slots.acquire_all().__aenter__())
            await asyncio.sleep(0)
            behind = asyncio.ensure_future(slots.acquire().__aenter__())
            await asyncio.sleep(0)
            assert not behind.done()
            whole.cancel()
            await asyncio.wait_for(behind, 1)
        # a waiter cancelled in the moment in which it is served gives its slot back
        async with slots.acquire() as slot:
            late = asyncio.ensure_future(slots.acquire().__aenter__())
            await asyncio.sleep(0)
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        async with asyncio.timeout(1), slots.acquire() as again:
            assert again is slot

    asyncio.run(go())


def test_slots_are_shared_between_event_loops() -> None:
    slots = SlotPool(1)

    async def use(times: int) -> int:
        for _ in range(times):
            async with slots.acquire():
                await asyncio.sleep(0)
        return times

    async def both() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(asyncio.run, use(50)) for _ in range(3)))

    assert asyncio.run(both()) == [50, 50, 50]


class Saving:
    """Saves by writing a file; counts how often."""

    def __init__(self, folder: Path, size: int = 10, fails: int = 0) -> None:
        self.folder, self.size, self.fails, self.saved = folder, size, fails, 0

    async def __call__(self, key: str) -> tuple[int, int]:
        await asyncio.sleep(0.01)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("failed")
        self.saved += 1
        (self.folder / key).write_bytes(bytes(self.size))
        return 7, self.size


def test_a_prefix_is_computed_once(tmp_path: Path) -> None:
    async def go() -> list[int]:
        prefixes, save = PrefixCache(tmp_path), Saving(tmp_path)

        async def use() -> int:
            async with prefixes.hold("a", save, keep=True) as computed:
                assert (tmp_path / "a").exists()
                return computed

        first = await asyncio.gather(*(use() for _ in range(5)))
        assert save.saved == 1
        return [*first, await use()]

    assert asyncio.run(go()) == [7, 0, 0, 0, 0, 0]
    assert (tmp_path / "a").exists()


def test_what_is_not_kept_goes_with_its_last_user(tmp_path: Path) -> None:
    async def go() -> None:
        prefixes, save = PrefixCache(tmp_path), Saving(tmp_path)
        async with prefixes.hold("a", save, keep=False):
            async with prefixes.hold("a", save, keep=False):
                pass
            assert (tmp_path / "a").exists()
        assert not (tmp_path / "a").exists()
        async with prefixes.hold("a", save, keep=False) as computed:
            assert computed == 7

    asyncio.run(go())


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    async def go() -> None:
        prefixes, save = PrefixCache(tmp_path, max_bytes=30), Saving(tmp_path)
        for key in "abcad":
            async with prefixes.hold(key, save, keep=True):
                pass

    asyncio.run(go())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c", "d"]


def test_when_the_first_fails_or_is_stopped_the_next_goes_on(tmp_path: Path) -> None:
    async def go() -> None:
        prefixes, save = PrefixCache(tmp_path), Saving(tmp_path, fails=1)

        async def use() -> int:
            async with prefixes.hold("a", save, keep=True) as computed:
                return computed

        came = await asyncio.gather(*(use() for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in came] == [RuntimeError, int, int]
        assert sorted(one for one in came if isinstance(one, int)) == [0, 7]

        stopped, waiting = asyncio.ensure_future(prefixes.hold("b", save, keep=True).__aenter__()), None
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(prefixes.hold("b", save, keep=True).__aenter__())
        await asyncio.sleep(0)
        stopped.cancel()
        assert await waiting == 7

    asyncio.run(go())
