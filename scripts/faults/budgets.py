"""Kill runs that have a budget at random moments, and compare what was billed with what was recorded.

    PYTHONPATH=. python scripts/faults/budgets.py --kills 60 --runs 200

First `bench run` with a budget in calls runs against a server on loopback. SIGKILL, SIGTERM or SIGINT is sent at a
random moment, and the same command is started again, until the budget or the task ends. A failure is a run for which
more calls were billed than its budget has, or that recorded less than was billed.

Then runs in this process have budgets in tokens or dollars, hidden prompt tokens, hidden reasoning of random lengths
and faults, and are continued three times. A failure is a difference between the bill and the record, or a run that
exceeds its budget by more than the calls that were under way when the first reply arrived.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import reasoning
from reasoning import Budget, Example, Problem
from reasoning.benchmarks import compare
from reasoning.engine.ledger import Spending
from reasoning.kinds import Number
from tests.faults.server import Server, by_place, rates

MAIN = "from reasoning.cli.app import main; main()"
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
PROBLEMS, PLACES = 30, 4
INPUT, OUTPUT = 2e-6, 8e-6


def run_killed(folder: Path, seed: int) -> Counter[str]:
    """Kill one run until its budget or its problems end; return counts."""
    chance, counts = random.Random(seed), Counter[str]()
    folder.mkdir()
    lines = [{"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": k % 4} for k in range(PROBLEMS)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Server(say=by_place, latency=0.05) as server:
        budget = chance.randint(8, 2 * PROBLEMS)
        command = [sys.executable, "-c", MAIN, "bench", "run", "--task", f"jsonl:{folder / 'sums.jsonl'}"]
        command += ["--model", "mock", "--base-url", server.url, "--journal", str(folder / "journal.sqlite")]
        command += ["--strategies", "self_consistency(vanilla, samples=3)", "--concurrency", str(PLACES)]
        command += ["--out", str(folder / "run"), "--budget-calls", str(budget)]
        ended = None
        while ended is None:
            asked = len(server.asked)
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
                until = time.monotonic() + 60
                while len(server.asked) == asked and running.poll() is None and time.monotonic() < until:
                    time.sleep(0.002)
                time.sleep(chance.uniform(0, 0.3))
                if running.poll() is None:
                    running.send_signal(chance.choice(SIGNALS))
                    counts["signals"] += 1
                _, said = running.communicate(timeout=60)
            ended = running.returncode if running.returncode in (0, 3) else None
            if running.returncode not in (0, 1, 3, 130, -2, -9, -15):
                counts["failures: exit code"] += 1
                print(f"seed {seed}: exit code {running.returncode}: {said[-500:]}")
                break
        time.sleep(0.3)
        recorded = Spending.read(folder / "run" / "spending.jsonl", lambda usage: None)
        counts["runs"] += 1
        counts["billed"] += server.completions
        counts["interrupted calls that count"] += recorded.interrupted.calls
        if server.completions > budget:
            counts["failures: above the budget"] += 1
        if recorded.total().calls < server.completions:
            counts["failures: less recorded than billed"] += 1
    return counts


def run_surprised(folder: Path, seed: int) -> Counter[str]:
    """Continue one run with hidden tokens three times; return counts."""
    chance, counts = random.Random(seed), Counter[str](runs=1)
    hidden, spread, max_n = chance.choice([0, 500, 8_400, 40_000]), chance.choice([0, 1, 1]), chance.choice([1, 5])
    faults = rates(seed, {"429": 0.05, "500": 0.05, "reset": 0.03, "filter": 0.05})

    def hide(prompt: str, requests: int) -> tuple[int, int]:
        return hidden, int(chance.lognormvariate(7, 1)) * spread

    limit = chance.randint(20_000, 400_000)
    budget = {"tokens": limit} if seed % 2 else {"usd": limit * OUTPUT}
    examples = [Example(Problem(f"What is {k} + {k}?", Number(), id=f"sum-{k}"), k % 4) for k in range(PROBLEMS)]
    under_way, largest, first_bills = 0, 0.0, 0.0
    with Server(say=by_place, hide=hide, faults=faults, retry_after=0.01) as server:
        for command in range(3):
            with reasoning.connect(
                "mock",
                base_url=server.url,
                journal=folder / f"{seed}.sqlite",
                budget=Budget(**budget),
                concurrency=PLACES,
            ) as llm:
                llm.client.max_n = max_n
                compare(
                    ["self_consistency(vanilla, samples=5)"], examples, llm, out=folder / f"{seed}", progress=False,
                    limit=PROBLEMS,
                )  # fmt: skip
                counts["calls"] += llm.usage.calls
            if not command:
                under_way = PLACES
        bills = [prompt + completion for prompt, completion in server.billed]
        dollars = [prompt * INPUT + completion * OUTPUT for prompt, completion in server.billed]
        costs = bills if "tokens" in budget else dollars
        largest, first_bills = max(costs, default=0), sum(sorted(costs[: 2 * under_way])[-under_way:])
        recorded = Spending.read(folder / f"{seed}" / "spending.jsonl", lambda usage: None).total()
        if recorded.tokens != sum(bills) or abs((recorded.usd or 0) - sum(dollars)) > 1e-6:
            counts["failures: another sum than billed"] += 1
            print(f"seed {seed}: recorded {recorded}, billed {sum(bills)} tokens, ${sum(dollars)}")
        spent, most = sum(costs), next(iter(budget.values()))
        if spent > most:
            counts["above the budget"] += 1
            counts["percent above, summed"] += round(100 * (spent / most - 1))
            # The calls of the first replies, or one call of a length that was not seen before.
            if spent > max(most, first_bills) + largest:
                counts["failures: above the budget by more than the first calls"] += 1
                print(f"seed {seed}: {spent} of {most}, {hidden=} {max_n=}")
        elif spent > 0.5 * most:
            counts["more than half used"] += 1
    return counts


def main() -> None:
    """Run both campaigns and print their counts."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=60, help="the least number of signals")
    options.add_argument("--runs", type=int, default=200, help="runs with hidden tokens")
    options.add_argument("--jobs", type=int, default=2, help="commands at a time")
    given = options.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prices = folder / "models.toml"
        prices.write_text("[mock]\ninput = 2\noutput = 8\n")
        os.environ["REASONING_MODELS"] = str(prices)
        killed, seed = Counter[str](), 0
        with ThreadPoolExecutor(given.jobs) as jobs:
            while killed["signals"] < given.kills:
                seeds = range(seed, seed + given.jobs)
                seed += given.jobs
                for counts in jobs.map(lambda number: run_killed(folder / f"killed-{number}", number), seeds):
                    killed += counts
        surprised = sum((run_surprised(folder, number) for number in range(given.runs)), Counter[str]())
    for title, counts in (("killed", killed), ("hidden tokens", surprised)):
        print(title, *(f"  {count:>7} {name}" for name, count in sorted(counts.items())), sep="\n")
        failed |= any(name.startswith("failures") for name in counts)
    sys.exit(failed)


if __name__ == "__main__":
    main()
