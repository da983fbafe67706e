"""Overhead of our own layers without a network: CPU microseconds per draw and per call from another event loop.

    PYTHONPATH=scripts .venv/bin/python -m perf.layer_overhead --rounds 8

A client in this process replies immediately, so that only our layers and the event loop are measured. The minimum over
the rounds is printed, since other processes can only add to it. `perf.run` measures with a network.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from perf.mock_replies import text
from perf.workload import MAX_TOKENS, TEMPERATURE, questions

import reasoning as r
from reasoning import event_loop
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.messages import Completion, Request
from reasoning.providers.client import Client
from reasoning.providers.openai_response import parse_completions

IN_FLIGHT = 64


class InstantClient(Client):
    """A client that parses the reply of a server without latency."""

    model, endpoint, max_n = "mock", "http://127.0.0.1:8000/v1", 20

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        await asyncio.sleep(0)
        key = bytes.fromhex(request.key)[:16]
        choices = [{"message": {"content": text(key, draw)}, "finish_reason": "stop"} for draw in draws]
        usage = {"prompt_tokens": 100, "completion_tokens": 40 * len(draws)}
        return parse_completions({"id": "reply", "choices": choices, "usage": usage}, 0.1)


def draws(spec: str, asked_questions: Sequence[str], samples: int) -> float:
    """Return the CPU seconds of a strategy per draw, with every layer on and a journal in a file."""
    with tempfile.TemporaryDirectory(prefix="perf-") as folder:
        llm = LLM(
            InstantClient(),
            journal=r.Journal(Path(folder) / "journal.sqlite"),
            budget=r.Budget(tokens=10**9),
            limits=RateLimiter(IN_FLIGHT, 10**9, 10**13),
            sampling={"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS},
        )
        problems = [r.Problem(question, kind=r.kinds.Number()) for question in asked_questions]
        with llm:
            began = time.process_time()
            answers = r.strategies.get(spec).map(problems, llm)
            took = time.process_time() - began
    assert all(answer.state == "answered" for answer in answers)
    return took / len(asked_questions) / samples


async def _nothing() -> None:
    await asyncio.sleep(0)


def loop_crossings(run: Callable[[], Awaitable[None]], times: int = 3_000) -> float:
    """Return the CPU seconds per call of many concurrent calls on the caller's event loop."""

    async def all_of_them() -> float:
        slots = asyncio.Semaphore(IN_FLIGHT)

        async def call() -> None:
            async with slots:
                await run()

        began = time.process_time()
        await asyncio.gather(*(call() for _ in range(times)))
        return time.process_time() - began

    return asyncio.run(all_of_them()) / times


MEASURES: dict[str, Callable[[], float]] = {
    "one draw a question": lambda: draws("vanilla", questions(1_500), 1),
    "ten draws a question": lambda: draws("self_consistency(cot, samples=10)", questions(250), 10),
    "no-op, awaited on the same loop": lambda: loop_crossings(_nothing),
    "no-op, awaited from another loop": lambda: loop_crossings(lambda: event_loop.run_async(_nothing())),
}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m perf.layer_overhead", description="Measure our own layers.")
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    for name, measure in MEASURES.items():
        print(f"{name}: {1e6 * min(measure() for _ in range(rounds)):.1f} µs", flush=True)


if __name__ == "__main__":
    main()
