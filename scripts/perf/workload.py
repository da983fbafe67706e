"""The workloads that every client runs. Standard library only: this runs in each client's environment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SYSTEM = "You are a careful tutor of arithmetic. Think step by step and finish with 'The answer is N.'"
MODEL = "mock"
TEMPERATURE = 0.7
MAX_TOKENS = 256


@dataclass(frozen=True)
class Workload:
    """Questions, and how their answers are requested.

    Attributes:
        questions: number of questions.
        in_flight: number of concurrent requests.
        latency_ms: the server's latency per request.
        draws: completions per question.
        n: completions per request.
        honour_n: whether the server honours `n`.
    """

    questions: int
    in_flight: int
    latency_ms: float
    draws: int = 1
    n: int = 1
    honour_n: bool = True

    @property
    def calls(self) -> int:
        """Number of requests, each for `n` completions."""
        return self.questions * self.draws // self.n

    @property
    def ideal(self) -> float:
        """Wall seconds of a client without overhead: every slot is always in use."""
        return self.calls / self.in_flight * self.latency_ms / 1000

    def at(self, in_flight: int) -> Workload:
        """Return a workload of the same ideal time with another number in flight: the questions scale with it."""
        return replace(self, in_flight=in_flight, questions=self.questions * in_flight // self.in_flight)


WORKLOADS = {
    "W1": Workload(500, 32, 200),  # one pass over a test set
    "W2": Workload(500, 64, 200, draws=10, honour_n=False),  # self-consistency, each draw a request
    "W2n": Workload(500, 64, 200, draws=10, n=10),  # self-consistency, ten draws a request
    "W3": Workload(3000, 64, 0),  # the client alone: the server answers at once
}
WARM = "warm"
"""W2 again, in a new process, with the client's cache of the first run."""


@dataclass(frozen=True)
class Setting:
    """Settings for a client.

    Attributes:
        url: the server, with `/v1`.
        workload: the workload.
        variant: the variant of the client.
        state: folder for caches, journals and logs.
        temperature: sampling temperature.
    """

    url: str
    workload: Workload
    variant: str
    state: Path
    temperature: float = TEMPERATURE

    def body(self, question: str, n: int) -> dict[str, Any]:
        """Return the request body, for clients that write it themselves."""
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        return {
            "model": MODEL,
            "messages": messages,
            "temperature": self.temperature,
            "max_tokens": MAX_TOKENS,
            "n": n,
        }

    async def each(self, call: Callable[[str, int], Awaitable[list[str]]], questions: Sequence[str]) -> list[str]:
        """Make all calls of a workload with gather and a semaphore; `call(question, n)` returns the texts."""
        slots = asyncio.Semaphore(self.workload.in_flight)

        async def call_once(question: str) -> list[str]:
            async with slots:
                return await call(question, self.workload.n)

        requests = self.workload.draws // self.workload.n
        batches = await asyncio.gather(*(call_once(question) for question in questions for _ in range(requests)))
        return [text for batch in batches for text in batch]


def questions(count: int) -> list[str]:
    """Return different word problems of about 60 words, the same ones in every process."""
    dice = random.Random(7)
    people = ("Anna", "Boris", "Chiara", "Deniz", "Elif", "Farid", "Greta", "Hugo")
    things = ("apples", "stamps", "marbles", "postcards", "pencils", "tickets", "lanterns", "walnuts")
    texts = []
    for number in range(count):
        (first, second), thing = dice.sample(people, 2), dice.choice(things)
        boxes, filled, added, before = (dice.randint(2, 99) for _ in range(4))
        texts.append(
            f"Problem {number}. In the cellar of an old house {first} has {boxes} boxes, and {filled} {thing} lie in "
            f"every one of them. On Monday {second} comes by with {added} {thing} more and puts them there too. On "
            f"Tuesday {first} gives half of everything in the cellar to a school, which had {before} {thing} before "
            f"that day. How many {thing} does the school have when Tuesday is over?"
        )
    return texts
