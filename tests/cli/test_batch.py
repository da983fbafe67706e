"""`reasoning batch`, and commands that run in batches: their output, exit codes and what an interrupt leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from reasoning import connect
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.cost_estimate import estimate_cost
from reasoning.benchmarks.tasks import get as task
from reasoning.cli.batch import batch as command
from reasoning.errors import CallFailed, UsageError
from reasoning.providers.batch.store import BatchStore
from reasoning.registry import get
from reasoning.testing import MockBatchServer

MAIN = "from reasoning.cli.app import main; main()"


def run(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def start(server: MockBatchServer, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    words = ["bench", "run", "--task", "gsm_symbolic", "--limit", "3", "--strategies", "vanilla", "--model", "mock"]
    words += ["--base-url", server.base_url, "--batch", "--batch-wait", "0.1", "--json", *arguments]
    words += ["--journal", str(folder / "journal.sqlite"), "--out", str(folder / "out")]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", MAIN, *words], text=True, **pipes)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def wait_for_batches(server: MockBatchServer, number: int) -> None:
    until = time.monotonic() + 30
    while server.batches < number and time.monotonic() < until:
        time.sleep(0.01)
    # The provider's id is recorded a moment later.
    time.sleep(0.3)


def test_an_interrupted_run_is_collected(tmp_path: Path) -> None:
    journal = ("--journal", tmp_path / "journal.sqlite")
    assert "no batches" in run("list", *journal).output
    with MockBatchServer(seconds=30) as server:
        process = start(server, tmp_path)
        wait_for_batches(server, 1)
        process.send_signal(signal.SIGINT)
        code, out, errors = finish(process)
        assert (code, out) == (130, "")
        assert "submitted batches stay at the provider (see: reasoning batch list)" in errors
        assert "continue with: reasoning bench run" in errors
        [listed] = json.loads(run("list", *journal, "--json").output)["batches"]
        assert (listed["state"], listed["provider_id"], listed["lines"]) == ("sent", "batch_0", 3)
        assert "batch_0: 0 of 3 lines are done" in run("collect", *journal).output
        for one in server._batches.by_id.values():
            one.ends = 0.0
        assert "batch_0: ended" in run("collect", *journal).output
        assert "3 replies to use" in run("list", *journal).output
        # The same command uses what was collected.
        code, out, errors = finish(start(server, tmp_path))
        assert code == 0, errors
        assert json.loads(out)["results"][0]["n"] == 3
        assert server.batches == 1
    assert run("list", *journal).output.count("batch_0") == 1
    assert "no batches are under way" in run("collect", *journal).output


def test_a_batch_is_cancelled_or_forgotten(tmp_path: Path) -> None:
    journal = ("--journal", tmp_path / "journal.sqlite")
    with MockBatchServer(seconds=30) as server:
        process = start(server, tmp_path)
        wait_for_batches(server, 1)
        assert "asked the provider to cancel it" in run("cancel", "1", *journal).output
        code, _, errors = finish(process)
        assert code == 4, errors
        assert "was cancelled" in errors
        with pytest.raises(UsageError, match="must be under way to be cancelled, it is cancelled"):
            run("cancel", "1", *journal)
        with pytest.raises(UsageError, match="there is no batch 7"):
            run("cancel", "7", *journal)
    store = BatchStore.next_to(tmp_path / "journal.sqlite")
    lost = store.intend("openai", "mock", "http://127.0.0.1:1/v1", 1, [store.next_line("f" * 64, 0, 1, tools=False)])
    store.sent(lost.id, "batch_lost")
    store.close()
    # A provider that does not answer.
    assert run("collect", *journal, code=4)
    assert "forgotten" in run("cancel", lost.id, "--forget", *journal).output
    assert BatchStore.next_to(tmp_path / "journal.sqlite").find("f" * 64, 0) is None


def test_a_lost_batch_does_not_keep_the_others_from_being_collected(tmp_path: Path) -> None:
    journal = ("--journal", tmp_path / "journal.sqlite")
    with MockBatchServer() as server:
        assert finish(start(server, tmp_path))[0] == 0
        store = BatchStore.next_to(tmp_path / "journal.sqlite")
        for remote in ("batch_lost", "batch_0"):
            line = store.next_line(remote * 8, 0, 1, tools=False)
            store.sent(store.intend("openai", "mock", server.base_url, 1, [line]).id, remote)
        found = run("collect", *journal, code=4)
        assert "batch_0: ended" in found.output
        assert "batch_lost: " in found.stderr
        assert "`reasoning batch cancel 2 --forget` gives up" in found.stderr
        # The provider does not know it either.
        with pytest.raises(CallFailed, match="answered 404"):
            run("cancel", "2", *journal)


def test_a_submission_of_which_nothing_can_be_known_is_forgotten(tmp_path: Path) -> None:
    journal = ("--journal", tmp_path / "journal.sqlite")
    # Anthropic's form has no list at this address.
    with MockBatchServer("anthropic") as server:
        store = BatchStore.next_to(tmp_path / "journal.sqlite")
        store.intend("openai", "mock", server.base_url, 1, [store.next_line("f" * 64, 0, 1, tools=False)])
        assert "`reasoning batch cancel 1 --forget` gives the batch up" in run("collect", *journal, code=4).stderr
        with pytest.raises(UsageError, match="it is intended; `reasoning batch collect` asks"):
            run("cancel", "1", *journal)
        assert "1: forgotten" in run("cancel", "1", "--forget", *journal).output
        assert "no batches are under way next to" in run("collect", *journal).output
        assert store.find("f" * 64, 0) is None


def test_a_dry_run_tells_the_waves(tmp_path: Path) -> None:
    specs = {"vanilla": get("vanilla")}
    with connect("mock", base_url="http://127.0.0.1:1/v1", batch=True, journal=tmp_path / "journal.sqlite") as llm:
        at_once = estimate_cost(specs, task("gsm_symbolic"), llm, RunConfig(limit=3, epochs=2))
        # Six solves, of which two are in progress at once.
        in_turn = estimate_cost(specs, task("gsm_symbolic"), llm, RunConfig(limit=3, epochs=2, concurrency=2))
    assert at_once.to_json()["batches"] == {"waves": 1, "hours": 24, "batch_price": True}
    assert in_turn.to_json()["batches"] == {"waves": 3, "hours": 72, "batch_price": True}
    assert "at most 3 waves, one after the other, each within 24 hours, so at most 72 hours together" in in_turn.notes
