"""What every client is asked to do. Standard library only: this runs in each client's own environment."""

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
    """Some questions, and how their answers are bought.

    Attributes:
        questions: how many.
        in_flight: requests under way at once.
        latency_ms: how long the server takes for each.
        draws: completions for each question.
        n: completions that one request asks for.
        honour_n: whether the server gives them.
    """

    questions: int
    in_flight: int
    latency_ms: float
    draws: int = 1
    n: int = 1
    honour_n: bool = True

    @property
    def calls(self) -> int:
        """Requests, where each asks for `n`."""
        return self.questions * self.draws // self.n

    @property
    def ideal(self) -> float:
        """Seconds of a client that costs nothing: every place always taken."""
        return self.calls / self.in_flight * self.latency_ms / 1000

    def at(self, in_flight: int) -> Workload:
        """As long a time with other numbers in flight: the questions grow with it, the ideal time stays."""
        return replace(self, in_flight=in_flight, questions=self.questions * in_flight // self.in_flight)


WORKLOADS = {
    "W1": Workload(500, 32, 200),  # one pass over a test set
    "W2": Workload(500, 64, 200, draws=10, honour_n=False),  # self-consistency, each draw a request
    "W2n": Workload(500, 64, 200, draws=10, n=10),  # self-consistency, ten draws a request
    "W3": Workload(3000, 64, 0),  # the client alone: the server answers at once
}
WARM = "warm"
"""W2 once more, in a new process, with what the client kept of the first time."""


@dataclass(frozen=True)
class Setting:
    """What a client is told.

    Attributes:
        url: the server, with `/v1`.
        workload: what to do.
        variant: how, where a client has several ways.
        state: a folder for caches, journals and logs.
        temperature: of the draws.
    """

    url: str
    workload: Workload
    variant: str
    state: Path
    temperature: float = TEMPERATURE

    def body(self, question: str, n: int) -> dict[str, Any]:
        """The request of the clients that write it themselves."""
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        return {
            "model": MODEL,
            "messages": messages,
            "temperature": self.temperature,
            "max_tokens": MAX_TOKENS,
            "n": n,
        }

    async def each(self, call: Callable[[str, int], Awaitable[list[str]]], questions: Sequence[str]) -> list[str]:
        """All calls of a workload by a gather and a semaphore; `call(question, n)` returns the texts."""
        places = asyncio.Semaphore(self.workload.in_flight)

        async def one(question: str) -> list[str]:
            async with places:
                return await call(question, self.workload.n)

        requests = self.workload.draws // self.workload.n
        batches = await asyncio.gather(*(one(question) for question in questions for _ in range(requests)))
        return [text for batch in batches for text in batch]


def questions(count: int) -> list[str]:
    """Different word problems of about 60 words, the same ones in every process."""
    dice = random.Random(7)
    people = ("Anna", "Boris", "Chiara", "Deniz", "Elif", "Farid", "Greta", "Hugo")
    things = ("apples", "stamps", "marbles", "postcards", "pencils", "tickets", "lanterns", "walnuts")
    asked = []
    for number in range(count):
        (one, other), thing = dice.sample(people, 2), dice.choice(things)
        boxes, each, more, there = (dice.randint(2, 99) for _ in range(4))
        asked.append(
            f"Problem {number}. In the cellar of an old house {one} has {boxes} boxes, and {each} {thing} lie in every "
            f"one of them. On Monday {other} comes by with {more} {thing} more and puts them there too. On Tuesday "
            f"{one} gives half of everything in the cellar to a school, which had {there} {thing} before that day. "
            f"How many {thing} does the school have when Tuesday is over?"
        )
    return asked
