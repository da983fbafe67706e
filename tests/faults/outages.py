"""Storms of outages on a clock that jumps: thousands of results at an endpoint that is down for a minute now and then.

python -m tests.faults.outages --results 4000 --seeds 3
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.errors import CallFailed
from reasoning.messages import Completion, Conversation, Message, Request, Usage
from reasoning.providers.client import Client
from tests.faults import clock
from tests.faults.clock import Clock

FORMS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "503": {"status": 503},
    "503 with Retry-After": {"status": 503, "retry_after": 5.0},
    "429": {"status": 429},
    "429 with Retry-After": {"status": 429, "retry_after": 20.0},
    "refused": {},
    "hang": {},
    "reset": {},
    "truncated": {"status": 200},
}
"""How calls fail in an outage."""
TIMEOUT = 60.0
"""Seconds after which a call that hangs fails."""


@dataclass(eq=False)
class Endpoint(Client):
    """A client of an endpoint that takes a second or ten to answer, and is down now and then.

    Args:
        clock: the clock of the scene.
        form: how calls fail in an outage; see `FORMS`.
        up, down: seconds before an outage, and of an outage.
        outages: the number of outages.
        drains: whether calls that began before an outage succeed in it; otherwise they are cut off.
        trickle: the share of the calls in an outage that succeed all the same.
        noise: the share of the other calls that fail, with status 500.
        poison: prompts that always fail, with status 500.
    """

    clock: Clock
    form: str = "500"
    up: float = 40.0
    down: float = 60.0
    outages: float = math.inf
    drains: bool = True
    trickle: float = 0.0
    noise: float = 0.02
    poison: frozenset[str] = frozenset()
    seed: int = 0
    model: str = "mock"
    endpoint: str | None = None
    max_n: int = 1
    concurrency: int | None = None
    free: bool = True
    attempts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._began = self.clock.now

    def _in_cycle(self) -> float:
        cycles, seconds = divmod(self.clock.now - self._began, self.up + self.down)
        return seconds if cycles < self.outages else -math.inf

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        prompt, latency = request.messages[-1].content, min(self._random.expovariate(1 / 4), 20.0) + 0.2
        self.attempts.append(prompt)
        at, error = self._in_cycle(), CallFailed(self.form, retryable=True, **FORMS[self.form])
        if at >= self.up and self._random.random() >= self.trickle:
            # Down: at once, or after the time that the form takes.
            await asyncio.sleep({"hang": TIMEOUT, "reset": latency / 2, "truncated": latency}.get(self.form, 0.01))
            raise error
        if at < self.up < at + latency and not self.drains:
            await asyncio.sleep(TIMEOUT if self.form == "hang" else self.up - at)
            raise error
        await asyncio.sleep(latency)
        if prompt in self.poison or self._random.random() < self.noise:
            raise CallFailed("broken", retryable=True, status=500)
        return [Completion("4", usage=Usage(1, 9, 1))]

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What became of a storm: the errors by prompt, virtual minutes, outages passed, and attempts for each result."""

    errors: dict[str, Exception]
    minutes: float
    outages: int
    attempts: float
    longest: dict[str, float]


def storm(results: int, workers: int = 32, **settings: Any) -> Outcome:
    """Make results with a number of workers, each with one call, in virtual time."""

    async def scene(clock: Clock) -> Outcome:
        endpoint = Endpoint(clock, **settings)
        # The waits before retries are random, too.
        random.seed(endpoint.seed)
        llm = LLM(endpoint, limits=RateLimiter(workers))
        numbers, errors, seconds = count(), dict[str, Exception](), dict[str, float]()

        async def work() -> None:
            while (number := next(numbers)) < results:
                prompt, began = f"question {number}", clock.now
                try:
                    await llm.draw(llm.request(Conversation((Message("user", prompt),)), {}), [0])
                except CallFailed as error:
                    errors[prompt] = error
                seconds[prompt] = clock.now - began

        began = clock.now
        await asyncio.gather(*(work() for _ in range(workers)))
        took = clock.now - began
        outages = int((took + endpoint.down) // (endpoint.up + endpoint.down))
        return Outcome(errors, took / 60, outages, len(endpoint.attempts) / results, seconds)

    return clock.run(scene)


def main() -> None:
    """Print a table: for each form of outage, how many of the results were lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--trickle", type=float, default=0.0)
    parser.add_argument("--noise", type=float, default=0.02)
    given = parser.parse_args()
    print(f"{'form':24}{'in flight':12}{'lost':>8}{'of':>8}{'outages':>9}{'attempts':>10}")  # noqa: T201
    for form in FORMS:
        for drains in (True, False):
            done = [
                storm(given.results, form=form, drains=drains, seed=seed, trickle=given.trickle, noise=given.noise)
                for seed in range(given.seeds)
            ]
            lost, outages = sum(len(one.errors) for one in done), sum(one.outages for one in done)
            attempts = sum(one.attempts for one in done) / len(done)
            how = "complete" if drains else "are cut"
            print(  # noqa: T201
                f"{form:24}{how:12}{lost:8,}{given.results * given.seeds:8,}{outages:9}{attempts:10.2f}"
            )


if __name__ == "__main__":
    main()
