"""Journal overhead: recording draws as they arrive, and reading from a file of a million draws.

    PYTHONPATH=scripts .venv/bin/python -m perf.journal [--draws 1000000] [--folder DIR]
    PYTHONPATH=scripts .venv/bin/python -m perf.journal --sizes JOURNAL    # what fills it, and compressed replies

A million draws need about 1.8 GB in the folder. CPU time is that of all threads, user and system.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sqlite3
import sys
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from reasoning.journal import Journal, maintenance
from reasoning.messages import Completion, Message, Request, Usage

_PROSE = "The train leaves at nine and needs four hours and a half, so we add them to the time of departure. " * 30
_TASKS = 64
_RATE = 2_500
_SAMPLES = 4
"""Draws of one request in the large file."""
_WARM = 5_000


def request(number: int) -> Request:
    """Return a prompt of typical length, different for each number."""
    question = f"{number}. {_PROSE[: 400 + number * 7919 % 1600]}"
    return Request("some/model", (Message("user", question),), {"temperature": 0.7, "max_tokens": 512})


def completion(number: int, draw: int = 0) -> Completion:
    """Return a reply of typical length."""
    text = f"{number} {_PROSE[: 200 + number * 6007 % 1200]}"
    usage = Usage(1, 320, 140, 0, 0.0001, 1.5)
    return Completion(text, usage=usage, request_id=f"chatcmpl-{number:032x}", prices="2026-01", draw=draw)


async def arrivals(do: Callable[[int], Awaitable[None]], draws: int) -> tuple[float, float]:
    """Return CPU and wall seconds of `draws` calls of `do`, one at a time per task, at about the given rate."""
    numbers = iter(range(draws))

    async def task(mine: random.Random) -> None:
        await asyncio.sleep(mine.random() * _TASKS / _RATE)
        for number in numbers:
            await asyncio.sleep(_TASKS / _RATE * mine.uniform(0.5, 1.5))
            await do(number)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(task(random.Random(place)) for place in range(_TASKS)))
    return time.process_time() - cpu, time.perf_counter() - wall


def recording(folder: Path, draws: int = 10_000) -> None:
    """Print the overhead of recording draws that arrive one by one; request keys are precomputed, as in the engine."""
    requests = [request(number) for number in range(draws)]
    completions = [[completion(number)] for number in range(draws)]
    for item in requests:
        _ = item.key

    async def nothing(number: int) -> None: ...

    base, _ = asyncio.run(arrivals(nothing, draws))
    for name, journal in (
        ("in memory", Journal()),
        ("in a file", Journal(folder / "one.sqlite")),
        ("in a file over a file", Journal(folder / "over.sqlite", parent=Journal(folder / "under.sqlite"))),
    ):
        waits: list[float] = []

        async def record(number: int, journal: Journal = journal, waits: list[float] = waits) -> None:
            begun = time.perf_counter()
            await journal.record(requests[number], completions[number])
            waits.append(time.perf_counter() - begun)

        cpu, wall = asyncio.run(arrivals(record, draws))
        waits.sort()
        _say(
            f"recording {name}, {draws / wall:,.0f} a second: {(cpu - base) / draws * 1e6:.0f} µs CPU a draw "
            f"(the loop without it {base / draws * 1e6:.0f}), waiting {waits[draws // 2] * 1e3:.2f} ms, "
            f"1 in 100 over {waits[draws * 99 // 100] * 1e3:.1f} ms"
        )
        journal.close()
        if journal.parent is not None:
            journal.parent.close()


def large(path: Path, draws: int) -> None:
    """Fill a file, and read from it."""
    journal = Journal(path)
    cpu, wall = time.process_time(), time.perf_counter()

    async def fill() -> None:
        for first in range(0, draws, 1_000):
            numbers = range(first // _SAMPLES, (first + 1_000) // _SAMPLES)
            await asyncio.gather(
                *(journal.record(request(n), [completion(n, draw) for draw in range(_SAMPLES)]) for n in numbers)
            )

    asyncio.run(fill())
    _say(
        f"{draws:,} draws: {(time.process_time() - cpu) / draws * 1e6:.0f} µs CPU and "
        f"{(time.perf_counter() - wall) / draws * 1e6:.0f} µs a draw to make and record them"
    )
    journal.close()
    _say(f"the file: {path.stat().st_size / 1e6:,.0f} MB")
    chosen = random.Random(7)
    known = [request(chosen.randrange(draws // _SAMPLES)).key for _ in range(_WARM)]
    unknown = [request(draws + number).key for number in range(_WARM)]
    before = _peak()
    _timed("opening and the first draw", lambda: journal.read(known[0], [0]))
    for again in ("", ", again"):
        _timed(f"a warm run of {_WARM:,} draws{again}", lambda: [journal.read(key, [1]) for key in known], _WARM)
    _timed("the same with all samples at once", lambda: [journal.read(key, range(_SAMPLES)) for key in known], _WARM)
    _timed(f"{_WARM:,} misses", lambda: [journal.read(key, [0]) for key in unknown], _WARM)
    _timed("len", lambda: len(journal))
    _timed("unused_epoch", journal.unused_epoch)
    _say(f"memory: {_peak() - before:.0f} MB more than before")
    journal.close()
    _timed("verify", lambda: list(maintenance.verify(path)), draws)
    _timed("info", lambda: maintenance.info(path))
    _timed("prune of everything before 2000, which is nothing", lambda: maintenance.prune(path, before="2000"))
    _timed("prune of all", lambda: maintenance.prune(path, model="some/model"), draws)
    _say(f"memory: {_peak() - before:.0f} MB more than before")


def sizes(path: Path) -> None:
    """Print the parts of a journal, and what compressing each reply would save and cost."""
    total = path.stat().st_size
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        [(requests, texts)] = connection.execute("SELECT count(*), sum(length(CAST(request AS BLOB))) FROM requests")
        replies = [text.encode() for (text,) in connection.execute("SELECT text FROM draws")]
    size = sum(map(len, replies))
    began = time.process_time()
    packed = [zlib.compress(reply) for reply in replies]
    took = (time.process_time() - began) / len(replies)
    smaller = sum(min(len(reply), len(short)) for reply, short in zip(replies, packed, strict=True))
    began = time.process_time()
    for short in packed:
        zlib.decompress(short)
    back = (time.process_time() - began) / len(replies)
    _say(
        f"{len(replies):,} draws of {requests:,} requests in {total / 1e6:,.1f} MB, {total / len(replies):,.0f} bytes "
        f"a draw: requests {texts / total:.0%}, replies {size / total:.0%} ({size / len(replies):,.0f} bytes each)"
    )
    _say(
        f"replies that zlib compresses one by one: {smaller / size:.0%} of their size, so the file is "
        f"{(size - smaller) / total:.0%} smaller, for {took * 1e6:.1f} µs a draw to write and {back * 1e6:.1f} to read"
    )


def _timed(label: str, do: Callable[[], object], times: int = 0) -> None:
    begun = time.perf_counter()
    do()
    took = time.perf_counter() - begun
    _say(f"{label}: {took * 1e3:.1f} ms" + (f", {took / times * 1e6:.1f} µs each" if times else ""))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1_000_000, help="number of draws in the large file")
    parser.add_argument("--folder", type=Path, help="folder for the files; a temporary one by default")
    parser.add_argument("--sizes", type=Path, metavar="JOURNAL", help="only say what fills this journal")
    arguments = parser.parse_args()
    if arguments.sizes:
        sizes(arguments.sizes)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        recording(Path(folder))
        if arguments.draws:
            large(Path(folder) / "large.sqlite", arguments.draws)


if __name__ == "__main__":
    main()
