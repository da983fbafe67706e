"""Two commands that share a journal at the same time: no draw is bought twice, and neither waits for a dead one."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import reasoning
from reasoning import event_loop
from reasoning.journal import Journal
from reasoning.messages import Conversation, Message
from tests.faults.server import Server, by_now, by_place
from tests.journal.test_claims import Other

PROBLEMS, SAMPLES, PLACES = 60, 4, 16
NEEDED = PROBLEMS * SAMPLES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [{"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": k % 4} for k in range(PROBLEMS)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def start(folder: Path, server: Server, out: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "bench", "run", "--json"]
    command += ["--task", f"jsonl:{folder / 'sums.jsonl'}", "--limit", str(PROBLEMS), "--model", "mock"]
    command += ["--base-url", server.url, "--concurrency", str(PLACES), "--out", str(folder / out)]
    command += ["--strategies", f"self_consistency(vanilla, samples={SAMPLES})"]
    command += ["--journal", str(folder / "journal.sqlite"), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(running: subprocess.Popen[str]) -> int:
    """Wait for a command, and return the number of calls that it paid for."""
    said, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors
    assert errors.count("warning") == 0
    return int(json.loads(said)["spent"]["calls"])


@pytest.mark.parametrize("n", ["honoured", "ignored"])
def test_two_commands_at_once_buy_each_draw_once(folder: Path, n: str) -> None:
    with Server(say=by_place, latency=0.05, n=n) as server:  # type: ignore[arg-type]
        spent = [ended(one) for one in [start(folder, server, f"out-{k}") for k in range(2)]]
        assert sum(spent) == server.completions == NEEDED
        assert min(spent) > 0
    results = [(folder / f"out-{k}" / "results.json").read_bytes() for k in range(2)]
    assert results[0] == results[1]
    assert len(Journal(folder / "journal.sqlite")) == NEEDED
    assert [len(Journal(folder / f"out-{k}" / "journal.sqlite")) for k in range(2)] == [NEEDED] * 2
    assert not (folder / "journal.sqlite.claims").exists()


def test_a_command_buys_what_a_killed_one_had_claimed(folder: Path) -> None:
    with Server(say=by_place, latency=0.3) as server:
        first = start(folder, server, "first")
        by_now(lambda: bool(server.in_flight), "the first does not begin")
        second = start(folder, server, "second")
        by_now(lambda: (folder / "second" / "run.json").exists(), "the second does not begin")
        time.sleep(0.3)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        spent = ended(second)
        given = Counter({prompt: len(texts) for prompt, texts in server.given.items()})
    # The first one's calls in flight alone were given out twice.
    assert NEEDED <= sum(given.values()) <= NEEDED + PLACES * SAMPLES
    assert spent <= NEEDED
    assert len(Journal(folder / "journal.sqlite")) == NEEDED


def test_a_command_buys_what_another_could_not_pay_for(folder: Path) -> None:
    with Server(say=by_place, latency=0.1) as server:
        first = start(folder, server, "first", "--budget-calls", str(NEEDED // 4))
        second = start(folder, server, "second")
        spent = ended(second)
        first.communicate(timeout=60)
        assert first.returncode in (0, 3)
        assert server.completions == NEEDED
        assert spent >= NEEDED - NEEDED // 4


def test_what_waits_for_another_process_ends_with_its_budget_of_seconds(folder: Path) -> None:
    with Server(say=by_place, latency=5) as server:
        first = start(folder, server, "first")
        by_now(lambda: server.in_flight >= 1, "the first does not begin")
        second = start(folder, server, "second", "--budget-seconds", "0.5")
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 3, errors
        first.kill()
        first.communicate()


def test_a_process_that_waits_for_a_stopped_one_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoning.engine.draw_queue._PATIENCE", 0.05)
    journal, turns = tmp_path / "journal.sqlite", Conversation((Message("user", "Why?"),))
    with Server() as server, reasoning.connect("mock", base_url=server.url, journal=journal) as llm:
        request = llm.request(turns, {})
        other = Other(journal)
        assert other.do("take", request.key, 0, 2) == [0, 2]

        async def draw() -> int:
            drawing = asyncio.ensure_future(llm.draw(request, [0, 1, 2]))
            await asyncio.sleep(0.5)
            assert (drawing.done(), server.completions) == (False, 1)
            other.end(kill=True)
            return len(await drawing)

        with pytest.warns(UserWarning, match=r"another process that uses <Journal .*> has begun to buy draws"):
            assert event_loop.run_sync(draw()) == 3
        assert server.completions == 3
