"""A server that dies and comes back after twenty seconds: real processes, real time, the limits as they are shipped."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import Answer, Problem
from reasoning.engine import retry
from reasoning.engine.circuit_breaker import MAX_OUTAGE_SECONDS, CircuitBreaker
from reasoning.kinds import Number
from reasoning.strategies import SelfConsistency, Vanilla
from tests.faults.server import given_by_now, read_ledger

BACKOFF = retry._BACKOFF
GONE = 20.0
"""Seconds."""
PROBLEMS, SAMPLES, PLACES = 300, 4, 8


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
def test_a_server_that_is_gone_for_twenty_seconds_loses_nothing_and_is_paid_for_nothing_twice(
    spawn: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_BACKOFF", BACKOFF)  # the waits as they are shipped
    ledger = tmp_path / "ledger"
    process, port = spawn(ledger=ledger, latency=0.02)
    strategy = SelfConsistency(Vanilla(), samples=SAMPLES)
    problems = [Problem(f"What is {k} + {k}?", Number(), id=f"sum-{k}") for k in range(PROBLEMS)]
    settings: dict[str, Any] = {"journal": tmp_path / "journal.sqlite", "concurrency": PLACES}
    with reasoning.connect("mock", base_url=f"http://127.0.0.1:{port}/v1", **settings) as llm:
        assert (llm.limits.circuit.open_after, llm.limits.circuit.max_outage_seconds) == (
            CircuitBreaker().open_after,
            MAX_OUTAGE_SECONDS,
        )

        async def scene() -> list[Answer]:
            working = [asyncio.create_task(strategy.arun(problem, llm)) for problem in problems]
            await asyncio.to_thread(given_by_now, ledger, PROBLEMS)
            process.kill()
            process.wait()
            before, recorded = len(read_ledger(ledger)), len(llm.journal)
            began = time.monotonic()
            await asyncio.sleep(GONE)
            assert before < PROBLEMS * SAMPLES
            assert len(llm.journal) - recorded <= PLACES * SAMPLES  # those that were being written
            assert not all(one.done() for one in working)
            failed = llm.retries
            spawn(ledger=ledger, latency=0.02, port=port)
            answers = await asyncio.wait_for(asyncio.gather(*working), 120)
            assert GONE <= time.monotonic() - began < GONE + 30
            assert 0 < failed <= PROBLEMS * 10  # less and less often by each
            return answers

        answers = asyncio.run(scene())
        assert [answer.state for answer in answers] == ["answered"] * PROBLEMS
        given = Counter(read_ledger(ledger))
        draws = {
            (one.key, one.draw): (call.messages[-1].content, one.text)
            for answer in answers
            if answer.trace
            for call in answer.trace.calls()
            for one in call.completions
        }
        seen = Counter(draws.values())
        assert len(draws) == len(llm.journal) == llm.usage.calls == PROBLEMS * SAMPLES
        assert seen.total() == len(seen)  # each is another completion
        assert not seen - given
        assert (given - seen).total() <= PLACES * SAMPLES  # what was on the way when it died
        assert (llm.in_flight, llm.limits.in_flight) == (0, 0)
        bought = given.total()
        again = strategy.map(problems, llm)
    assert [answer.text for answer in again] == [answer.text for answer in answers]
    assert len(read_ledger(ledger)) == bought
