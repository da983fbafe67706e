"""Many clients at once, some of which leave, and a server that is killed and started again.

    PYTHONPATH=scripts .venv/bin/python -m serve_clients.stress --minutes 5 --clients 64

A client asks a new question or a recent one, in one piece or streamed, and leaves a quarter of its requests before the
answer. For three fifths of the time the server runs on and its memory is read; then it is killed (SIGKILL) every few
seconds and started again on the same journal. The model is a mock that counts what it gives out. At the end every
question that was answered is asked once more. What must hold:

- no wrong answer: the answer of a question is the same each time, streamed or not, before and after a kill;
- nothing lost: asking again buys nothing;
- nothing bought twice: a question's samples are bought once. The exceptions are replies that were on their way to the
  server when it was killed: no program can record what it did not live to read;
- nothing unrecorded: the journal has each completion that was sent, with the same exception;
- memory flat: the growth over the second half of the time without kills.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from serve_clients.serving import KEY, Serving
from serve_clients.table import put_into
from serve_clients.upstream import Upstream, listen

SAMPLES = 5
ON_ITS_WAY = 0.25
"""Seconds before the end of a killed process within which a reply may not have been recorded."""
LEAVING = 0.25
"""The share of requests whose client leaves before the answer."""


@dataclass
class Outcome:
    """The counts of a run.

    Attributes:
        replies: counts of replies by what was seen.
        wrong: answers that differ from the first one of the same question, and other faults, in words.
        kills: when the server was killed, in seconds of the clock of `Upstream.times`.
        memory: (seconds since the start of the server, MB), while it was not killed.
        completions: completions that the upstream sent.
        recorded: draws in the journal at the end.
        bought_again: completions that were bought while every answered question was asked again.
        twice: completions beyond the samples of their question.
        unexplained: those of them for which no reply to the same request was on its way at a kill.
        on_its_way: completions that were sent just before a kill.
    """

    replies: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    questions: int = 0
    answered: int = 0
    completions: int = 0
    recorded: int = 0
    bought_again: int = 0
    twice: int = 0
    unexplained: int = 0
    on_its_way: int = 0

    @property
    def growth_mb(self) -> float:
        """The growth of memory over the second half of the time without kills."""
        half = self.memory[len(self.memory) // 2 :]
        third = max(1, len(half) // 3)
        return median(mb for _, mb in half[-third:]) - median(mb for _, mb in half[:third])

    def was_on_its_way(self, sent: float) -> bool:
        """Return whether a reply was sent so shortly before a kill that it may not have been recorded."""
        return any(0 <= kill - sent < ON_ITS_WAY for kill in self.kills)

    def faults(self) -> list[str]:
        """Return what does not hold, in words; empty if all does."""
        found = self.wrong[:5]
        if self.bought_again:
            found.append(f"{self.bought_again} completions were bought again for questions that had been answered")
        if self.unexplained:
            found.append(f"{self.unexplained} completions were bought twice, and no kill explains it")
        if self.completions - self.recorded > self.on_its_way:
            found.append(f"{self.completions} completions were sent, but {self.recorded} are recorded")
        return found

    def lines(self) -> list[str]:
        """Return the figures as lines of text."""
        lowest, highest = (f(mb for _, mb in self.memory) if self.memory else 0 for f in (min, max))
        return [
            f"replies: {', '.join(f'{name} {count:,}' for name, count in self.replies.most_common())}",
            f"questions: {self.questions:,}, answered: {self.answered:,}, kills: {len(self.kills)}",
            f"completions sent by the upstream: {self.completions:,}, in the journal: {self.recorded:,}; "
            f"sent in the {ON_ITS_WAY:g} s before a kill: {self.on_its_way:,}",
            f"bought twice: {self.twice}, without a kill that explains it: {self.unexplained}",
            f"bought again when every answered question was asked once more: {self.bought_again}",
            f"wrong answers and other faults: {len(self.wrong)}",
            f"memory: {lowest:.0f} to {highest:.0f} MB; second half without kills: {self.growth_mb:+.1f} MB",
        ]


class Crowd:
    """The clients.

    Args:
        server: the server; it may not be running.
        until: when they stop, in seconds of the event loop's clock.
        pause: the mean seconds between a client's requests.
    """

    def __init__(self, server: Serving, outcome: Outcome, until: float, pause: float) -> None:
        self._server, self._outcome, self._until, self._pause = server, outcome, until, pause
        self.asked: list[str] = []
        self.answers: dict[str, str] = {}

    async def client(self, number: int, session: aiohttp.ClientSession) -> None:
        """Ask until the end."""
        dice, loop = random.Random(number), asyncio.get_running_loop()
        while loop.time() < self._until:
            if self.asked and dice.random() < 0.5:
                question = dice.choice(self.asked[-200:])
            else:
                question = f"Client {number} has {len(self.asked)} apples and buys {dice.randint(2, 99)}. How many?"
                self.asked.append(question)
            leaves = dice.uniform(0.0, 0.3) if dice.random() < LEAVING else None
            await self.ask(session, question, stream=dice.random() < 0.4, leaves=leaves)
            await asyncio.sleep(dice.expovariate(1 / self._pause))

    async def ask(self, session: aiohttp.ClientSession, question: str, *, stream: bool, leaves: float | None) -> None:
        """Ask a question until the server answers; `leaves` is the seconds after which the client gives up."""
        while True:
            try:
                async with asyncio.timeout(leaves):
                    answer = await self._request(session, question, stream)
            except TimeoutError:
                self._outcome.replies["left"] += 1
                return
            except (aiohttp.ClientError, ConnectionError, EOFError):
                self._outcome.replies["no server"] += 1
                await asyncio.sleep(0.2)
                continue
            if answer is None:
                await asyncio.sleep(0.2)
                continue
            self._outcome.replies["streamed" if stream else "in one piece"] += 1
            if self.answers.setdefault(question, answer) != answer:
                self._outcome.wrong.append(f"{question}: first {self.answers[question]!r}, then {answer!r}")
            return

    async def _request(self, session: aiohttp.ClientSession, question: str, stream: bool) -> str | None:
        body = {"model": "vote", "messages": [{"role": "user", "content": question}], "stream": stream}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with session.post(f"{self._server.url}/chat/completions", json=body, headers=headers) as reply:
            if reply.status != 200:
                text = await reply.text()
                self._outcome.replies[f"status {reply.status}"] += 1
                if reply.status < 500:
                    self._outcome.wrong.append(f"status {reply.status}: {text[:200]}")
                return None
            if not stream:
                return str((await reply.json())["choices"][0]["message"]["content"])
            text, ended = "", False
            async for line in reply.content:
                if line.startswith(b"data: [DONE]"):
                    ended = True
                elif line.startswith(b"data:"):
                    chunk: Any = json.loads(line[5:])
                    if "error" in chunk:
                        self._outcome.replies["error in a stream"] += 1
                        return None
                    text += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
            if not ended:
                raise EOFError("the stream has no end")
            return text


async def stress(folder: Path, *, seconds: float, clients: int, killing: float = 0.4, pause: float = 0.5) -> Outcome:
    """Run the test, and return what happened.

    Args:
        folder: where the server's journal and output are.
        seconds: how long the clients ask.
        clients: how many there are.
        killing: the last share of the time, in which the server is killed again and again.
        pause: the mean seconds between a client's requests.
    """
    outcome, upstream, loop = Outcome(), Upstream(latency=0.15), asyncio.get_running_loop()
    runner, address = await listen(upstream)
    options = [
        "--model",
        "openai/mock",
        "--base-url",
        f"{address}/v1",
        "--kind",
        "number",
        "--concurrency",
        str(clients),
    ]
    server = Serving(folder, options, [f"vote=self_consistency(cot, samples={SAMPLES})"])
    await asyncio.to_thread(server.start)
    began = loop.time()
    crowd = Crowd(server, outcome, began + seconds, pause)
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
            asking = [asyncio.create_task(crowd.client(number, session)) for number in range(clients)]
            while loop.time() < began + seconds * (1 - killing):
                outcome.memory.append((loop.time() - began, server.memory_mb()))
                await asyncio.sleep(min(1.0, seconds / 40))
            dice = random.Random(0)
            while loop.time() < began + seconds - 1.5:
                await asyncio.sleep(dice.uniform(0.5, min(8.0, 0.15 * seconds)))
                await asyncio.to_thread(server.kill)
                outcome.kills.append(loop.time())
                await asyncio.to_thread(server.start)
            await asyncio.gather(*asking)
            outcome.completions = upstream.completions
            for first in range(0, len(crowd.answers), clients):
                again = list(crowd.answers)[first : first + clients]
                await asyncio.gather(*(crowd.ask(session, question, stream=False, leaves=None) for question in again))
        outcome.bought_again = upstream.completions - outcome.completions
        await asyncio.to_thread(server.kill, 15)
    finally:
        await asyncio.to_thread(server.kill)
        await runner.cleanup()
    outcome.questions, outcome.answered, outcome.completions = (
        len(crowd.asked),
        len(crowd.answers),
        upstream.completions,
    )
    outcome.recorded = count_draws(server.journal)
    for asked, given in upstream.given.items():
        more, lost = max(0, given - SAMPLES), sum(map(outcome.was_on_its_way, upstream.times[asked]))
        outcome.twice += more
        outcome.unexplained += max(0, more - lost)
        outcome.on_its_way += lost
    if "Traceback" in server.output():
        before, _, after = server.output().partition("Traceback")
        outcome.wrong.append(f"the server wrote a traceback: {before[-500:]}Traceback{after[:2500]}")
    return outcome


def count_draws(journal: Path) -> int:
    """Return how many draws a journal has."""
    with closing(sqlite3.connect(journal)) as database:
        count: int = database.execute("SELECT count(*) FROM draws").fetchone()[0]
    return count


def main() -> None:
    """Run the command; the exit code is 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m serve_clients.stress", description="Many clients, and kills.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--pause", type=float, default=0.5, help="mean seconds between the requests of a client")
    parser.add_argument("--page", type=Path, help="write the figures into this page, between its marks")
    given = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="stress-", ignore_cleanup_errors=True) as folder:
        found = asyncio.run(stress(Path(folder), seconds=60 * given.minutes, clients=given.clients, pause=given.pause))
    head = f"{given.clients} clients, {given.minutes:g} minutes ({time.perf_counter() - began:.0f} s in all)"
    print("\n".join([head, *found.lines()]))
    if given.page:
        text = "\n".join([f"{date.today().isoformat()}, {head}:", "", *(f"- {line}" for line in found.lines())])
        put_into(given.page, text + "\n", "stress")
    for fault in found.faults():
        print(f"FAULT: {fault}", file=sys.stderr)
    raise SystemExit(1 if found.faults() else 0)


if __name__ == "__main__":
    main()
