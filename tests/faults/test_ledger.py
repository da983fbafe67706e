"""A budget is the run's: what earlier commands spent counts, also after kills, and never twice."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import Budget, Example, Problem
from reasoning.benchmarks import compare
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.engine.cost_bounds import Excess
from reasoning.engine.ledger import Ledger, Spending
from reasoning.errors import InputError, JournalError, PriceUnknown
from reasoning.kinds import Number
from reasoning.messages import Usage
from tests.faults.conftest import Serve
from tests.faults.server import Server, by_place

MAIN = "from reasoning.cli.app import main; main()"


def free(usage: Usage) -> float | None:
    return None


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Comparison]:
    """Return a function that starts the same run again, as a new command does."""

    def start(server: Server, budget: Budget | None = None, *, n: int = 12, **settings: Any) -> Comparison:
        examples = [Example(Problem(f"What is {k} + {k}?", Number(), id=f"sum-{k}"), k % 4) for k in range(n)]
        given: dict[str, Any] = {"strategies": ["vanilla"], "out": tmp_path / "run", **settings}
        journal = given.pop("journal", tmp_path / "journal.sqlite")
        with reasoning.connect("mock", base_url=server.url, journal=journal, budget=budget, concurrency=4) as llm:
            return compare(given.pop("strategies"), examples, llm, progress=False, **{"limit": n, **given})

    return start


def test_the_same_command_three_times_spends_its_budget_once(serve: Serve, run: Callable[..., Comparison]) -> None:
    server = serve()
    for spent in (2, 0, 0):
        comparison = run(server, Budget(calls=2))
        assert comparison.stopped is not None
        assert "2 of 2 calls are spent" in str(comparison.stopped)
        assert (comparison.spent.calls, comparison.before.total().calls) == (spent, 2 - spent)
        assert comparison.left == "calls=0"
    assert server.completions == 2
    assert run(server, Budget(calls=5)).spent.calls == 3
    done = run(server, Budget(calls=15))
    assert (done.stopped, done.spent.calls, done.before.total().calls, done.left) == (None, 7, 5, "calls=3")
    assert server.completions == 12


@pytest.mark.parametrize("budget", [Budget(tokens=100_000), Budget(usd=0.2)])
def test_what_one_command_learned_the_next_one_knows(
    budget: Budget, serve: Serve, run: Callable[..., Comparison], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = tmp_path / "models.toml"
    prices.write_text("[mock]\ninput = 2\noutput = 2\n")
    monkeypatch.setenv("REASONING_MODELS", str(prices))
    server = serve(hide=lambda prompt, requests: (8_000, 7_000))
    for _ in range(4):
        comparison = run(server, Budget(usd=budget.usd, tokens=budget.tokens), n=40)
        assert comparison.stopped is not None
        assert server.billed_tokens <= 100_000
    assert comparison.before.total().tokens == server.billed_tokens
    assert comparison.before.total().usd == pytest.approx(2e-6 * server.billed_tokens)
    assert server.billed_tokens > 75_000


def test_the_first_command_may_have_no_budget(serve: Serve, run: Callable[..., Comparison]) -> None:
    server = serve(usage="missing")
    assert run(server, limit=5).stopped is None
    stopped = run(server, Budget(calls=6))
    assert (stopped.before.total().calls, stopped.spent.calls, server.completions) == (5, 1, 6)
    assert stopped.before.total().tokens > 5 * 64  # without a count, the worst case
    with pytest.raises(PriceUnknown, match="no price is known for mock"):
        run(server, Budget(usd=1))


def test_the_budget_of_a_strategy_is_the_runs_too(serve: Serve, run: Callable[..., Comparison]) -> None:
    server = serve()
    for _ in range(3):
        comparison = run(server, strategies=["vanilla", "cot"], strategy_budget=Budget(calls=3))
        assert {row.strategy: row.usage.calls for row in comparison.rows} == {"vanilla": 3, "cot": 3}
    assert server.completions == 6
    run(server, strategies=["vanilla", "cot"], strategy_budget=Budget(calls=4))
    assert server.completions == 8


def test_draws_of_the_journal_cost_nothing(serve: Serve, run: Callable[..., Comparison], tmp_path: Path) -> None:
    server = serve()
    run(server)
    again = run(server, Budget(calls=1), out=tmp_path / "another")
    assert (again.stopped, again.spent.calls, again.left) == (None, 0, "calls=1")
    assert Spending.read(tmp_path / "another" / "spending.jsonl", free).total() == Usage()


def test_a_model_that_two_runs_share_is_counted_once(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    examples = [Example(Problem(f"What is {k} + {k}?", Number(), id=f"{k}"), k) for k in range(9)]
    with reasoning.connect("mock", base_url=server.url, journal=False, budget=Budget(calls=10)) as llm:
        for limit in (2, 4, 6):
            compare(["vanilla"], examples, llm, out=tmp_path / "one", limit=limit, progress=False)
        assert llm.budget.spent.calls == 6
        other = compare(["vanilla"], examples[6:], llm, out=tmp_path / "other", limit=3, progress=False)
        assert (other.stopped, llm.budget.spent.calls, other.left) == (None, 9, "calls=7")


def test_a_problem_has_what_is_left_of_its_budget_after_a_kill(
    serve: Serve, run: Callable[..., Comparison], tmp_path: Path
) -> None:
    server = serve()
    settings = {"problem_budget": Budget(calls=3), "strategies": ["self_consistency(vanilla, samples=2)"], "n": 2}
    run(server, **settings)
    assert server.completions == 4
    # As if the kill had come before the draws and the results were recorded.
    for path in [*tmp_path.rglob("journal.sqlite*"), tmp_path / "run" / "results.jsonl"]:
        path.unlink()
    run(server, **settings)
    assert server.completions == 4 + 2


# the file


def test_a_call_counts_with_its_worst_case_until_it_has_ended(tmp_path: Path) -> None:
    path, worst, used = tmp_path / "spending.jsonl", Usage(3, 100, 3000, usd=0.5), Usage(2, 90, 20, usd=0.01)
    with closing(Ledger(path, free)) as ledger:
        account, other = ledger.account("a", "1"), ledger.account("a", "2")
        first, second = account.begin(worst), other.begin(worst)
        account.end(first, used)
        account.learned(("http://host/v1", "m"), Excess(prompt=7))
    spending = Spending.read(path, free)
    assert spending.by_scope == {("a", "1"): used, ("a", "2"): worst}
    assert (spending.interrupted, spending.total(), spending.total("a")) == (worst, used + worst, used + worst)
    with closing(Ledger(path, free)) as ledger:
        third = ledger.account("a", "1").begin(worst)
        assert third not in (first, second)
        ledger.account("a", "1").end(third, used)
    assert Spending.read(path, free).by_scope == {("a", "1"): used + used, ("a", "2"): worst}


def test_a_cut_line_is_left_out_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "spending.jsonl"
    with closing(Ledger(path, free)) as ledger:
        account = ledger.account()
        account.end(account.begin(Usage(1, 5, 5)), Usage(1, 2, 2))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        expected = [Usage(), Usage(1, 5, 5)][b"\n" in whole[:cut]]
        with closing(Ledger(path, free)) as ledger:
            assert ledger.before.total() == expected
            ledger.account().begin(Usage(1, 1, 1))
        assert Spending.read(path, free).total() == expected + Usage(1, 1, 1)
    for damaged in (
        b"{}\n",
        b"3\n",
        b"\xff\n",
        b'{"ended":99,"calls":1,"prompt_tokens":1,"completion_tokens":1,"usd":null}\n',
        b"[" * 10_000 + b"\n",
        b'{"scope":3,"of":[["vanilla"]]}\n',
        b'{"bounds":[null,[]],"prompt":0,"largest":0,"completion":0,"longest":0,"price":1.0}\n',
        b'{"bounds":[null,"mock"],"prompt":"9","largest":0,"completion":0,"longest":0,"price":1.0}\n',
        b'{"bounds":[null,"mock"],"prompt":0,"largest":0,"completion":0,"longest":0,"price":NaN}\n',
        *(
            b'{"sent":3,"in":0,"calls":%s,"prompt_tokens":1,"completion_tokens":1,"usd":%s}\n' % numbers
            for numbers in ((b"Infinity", b"null"), (b'"1"', b"null"), (b"-1", b"null"), (b"1", b"NaN"), (b"1", b"-1"))
        ),
    ):
        path.write_bytes(whole + damaged)
        with pytest.raises(InputError, match=r"spending\.jsonl:3: "):
            Ledger(path, free)
    path.write_bytes(whole)
    Ledger(path, free).close()  # the lock was released each time


def test_a_line_that_a_full_disk_cuts_off_damages_no_later_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "spending.jsonl", os.write
    with closing(Ledger(path, free)) as ledger:
        account = ledger.account()
        number = account.begin(Usage(1, 5, 5))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda file, line: write(file, line[:9]))
            with pytest.raises(JournalError, match="no space left"):
                account.begin(Usage(1, 7, 7))
        account.end(number, Usage(1, 2, 2))
    assert Spending.read(path, free).total() == Usage(1, 2, 2)


def test_one_process_at_a_time_spends_on_a_run(tmp_path: Path) -> None:
    path = tmp_path / "spending.jsonl"
    with closing(Ledger(path, free)), pytest.raises(InputError, match="another process spends"):
        Ledger(path, free)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_no_call_is_sent_that_cannot_be_entered(
    serve: Serve, run: Callable[..., Comparison], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    opened = os.open

    def full(path: Any, *how: Any) -> int:
        return opened("/dev/full", os.O_WRONLY) if str(path).endswith("spending.jsonl") else opened(path, *how)

    monkeypatch.setattr(os, "open", full)
    monkeypatch.setattr(os, "ftruncate", lambda file, size: None)
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"")
    with pytest.raises(JournalError, match="No space left on device; no call is sent"):
        run(server)
    assert server.asked == []


# the commands


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that makes the command line of a run; options that are given come after the usual ones."""
    lines = [{"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": k % 4} for k in range(12)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def make(server: Server, *options: str) -> list[str]:
        usual = ["--task", f"jsonl:{tmp_path / 'sums.jsonl'}", "--model", "mock", "--base-url", server.url]
        kept = ["--strategies", "vanilla", "--journal", str(tmp_path / "journal.sqlite"), "--concurrency", "4"]
        return [sys.executable, "-c", MAIN, "bench", "run", *usual, *kept, "--out", str(tmp_path / "run"), *options]

    return make


def call(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_says_what_was_spent_and_what_is_left(serve: Serve, command: Callable[..., list[str]]) -> None:
    server = serve()
    first, second = (call(command(server, "--budget-calls", "2")) for _ in range(2))
    assert (first.returncode, second.returncode, server.completions) == (3, 3, 2)
    assert "left of the budget: calls=0" in first.stderr
    assert "spent by earlier commands" not in first.stderr
    assert re.search(r"spent by earlier commands of this run: 2 calls · \d+ \+ \d+ tokens\n", second.stderr)
    assert "spent now: nothing" in second.stderr
    assert "2 of 2 calls are spent, and the next call may need 1" in second.stderr
    assert "with a larger budget, continue with: reasoning bench run" in second.stderr
    [line] = re.findall(r"continue with: reasoning (.*)", second.stderr)
    continued = call([sys.executable, "-c", MAIN, *shlex.split(line)])
    assert (continued.returncode, server.completions) == (3, 4)
    third = call(command(server, "--budget-calls", "20", "--json"))
    found = json.loads(third.stdout)
    assert (third.returncode, found["spent"]["calls"], found["spent_before"]["calls"]) == (0, 8, 4)
    assert "left of the budget: calls=8" in third.stderr


def test_a_budget_in_seconds_starts_again_so_the_same_command_continues(
    serve: Serve, command: Callable[..., list[str]]
) -> None:
    server = serve(latency=0.2)
    ended = call(command(server, "--budget-seconds", "0.3"))
    assert ended.returncode == 3
    assert "0.3 seconds have passed" in ended.stderr
    assert "the results are kept; continue with: reasoning bench run" in ended.stderr


def test_several_models_share_the_budget_of_their_run(
    serve: Serve, command: Callable[..., list[str]], tmp_path: Path
) -> None:
    server = serve()
    both = ("--model", "another", "--budget-calls")
    for _ in range(2):
        assert call(command(server, *both, "14")).returncode == 3
        assert server.completions == 14
    for name, calls in (("mock", 12), ("another", 2)):
        assert Spending.read(tmp_path / "run" / name / "spending.jsonl", free).total().calls == calls
    assert call(command(server, *both, "24")).returncode == 0
    assert server.completions == 24


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_never_spends_more_than_its_budget(
    by: signal.Signals, serve: Serve, command: Callable[..., list[str]], tmp_path: Path
) -> None:
    server, chance = serve(say=by_place, latency=0.05), random.Random(by)
    arguments = command(server, "--budget-calls", "10")
    for _ in range(3):
        asked = len(server.asked)
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            until = time.monotonic() + 30
            while len(server.asked) == asked and running.poll() is None and time.monotonic() < until:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.15))
            running.send_signal(by)
    time.sleep(0.2)  # the requests of the last one end
    ended = call(arguments)
    assert ended.returncode == 3
    assert 4 <= server.completions <= 10
    spending = Spending.read(tmp_path / "run" / "spending.jsonl", free)
    assert server.completions <= spending.total().calls == 10
    assert call(command(server)).returncode == 0
