"""Interrupt commands at random moments, and measure when and how they end.

    PYTHONPATH=. python scripts/faults/signals.py --signals 300

A command (`bench run`, `chain run`, `ask`, `bench show`) runs against a server on loopback. It is first timed without a
signal. Then SIGINT or SIGTERM is sent at a random moment, from the start of the interpreter to the end of the command.
A failure is a command that does not end within the limit, ends with another exit code than 130, does not say how to
continue, prints a traceback, or has bought completions that neither arrived in the journal nor were in flight. Then the
command is started again: it must finish, without buying what the journal has.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median

from tests.faults.server import Server, by_place

MAIN = "from reasoning.cli.app import main; main()"
PROBLEMS, SAMPLES, PLACES = 16, 3, 4
CHAIN = """\
name = "replies"

[inputs]
feedback = "text"

[[step]]
name = "issue"
prompt = "issue.md"

[[step]]
name = "reply"
prompt = "reply.md"
reads = ["issue", "feedback"]
"""


@dataclass
class Command:
    """One command in a folder of its own.

    Attributes:
        draws: the completions that it needs.
        exit_code: how it ends without a signal.
    """

    words: list[str]
    folder: Path
    server: Server
    draws: int
    exit_code: int = 0

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", MAIN, *self.words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)

    def recorded(self) -> int:
        """Return the number of draws in the journal."""
        path = self.folder / "journal.sqlite"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path, timeout=10)) as journal:
            if not journal.execute("SELECT count(*) FROM sqlite_master WHERE name = 'draws'").fetchone()[0]:
                return 0
            return int(journal.execute("SELECT count(*) FROM draws").fetchone()[0])

    def bought(self) -> int:
        """Return the number of completions that were given out, once none is in flight."""
        quiet = 0
        while quiet < 10:
            quiet = 0 if self.server.in_flight else quiet + 1
            time.sleep(0.002)
        return self.server.completions


@dataclass
class Outcome:
    """The outcome of one signal."""

    command: str
    by: signal.Signals
    at: float
    seconds: float = 0.0
    code: int | None = None
    early: bool = False
    problems: list[str] = field(default_factory=list)


def make_commands(folder: Path, server: Server) -> Iterator[tuple[str, Callable[[Path], Command]]]:
    """Yield the commands by name: functions that set one up in an empty folder."""
    problems = [{"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": k % 4} for k in range(PROBLEMS)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in problems))
    inputs = [{"id": k, "feedback": f"late {k}"} for k in range(PROBLEMS)]
    (folder / "inputs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in inputs))
    chain = folder / "replies"
    chain.mkdir()
    (chain / "chain.toml").write_text(CHAIN)
    (chain / "issue.md").write_text("# Input\n\nName the issue of {feedback}\n")
    (chain / "reply.md").write_text("# Input\n\nReply to {issue} of {feedback}\n")
    model = ["--model", "mock", "--base-url", server.url, "--concurrency", str(PLACES), "--journal", "journal.sqlite"]
    strategies = ["--strategies", f"vanilla, self_consistency(vanilla, samples={SAMPLES})"]
    task = ["--task", f"jsonl:{folder / 'sums.jsonl'}", "--limit", str(PROBLEMS)]
    run = ["bench", "run", *task, *strategies, "--out", "out", *model]

    subprocess.run([sys.executable, "-c", MAIN, *run], cwd=folder, check=True, capture_output=True)

    def shown(place: Path) -> Command:
        shutil.copytree(folder / "out", place / "out")
        return Command(["bench", "show", "out"], place, server, 0)

    yield "bench run", lambda place: Command(run, place, server, PROBLEMS * (1 + SAMPLES))
    words = ["chain", "run", str(chain), str(folder / "inputs.jsonl"), "--out", "out.jsonl", *model]
    yield "chain run", lambda place: Command(words, place, server, 2 * PROBLEMS)
    ask = ["ask", "What is 2 + 2?", "--strategy", "self_consistency(cot, samples=5)", *model]
    yield "ask", lambda place: Command(ask, place, server, 5)
    yield "bench show", shown


def handles_signals(process: int) -> bool:
    """Return whether a process has installed a handler for SIGTERM, as it does when it is ready (Linux)."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def interrupt(name: str, command: Command, by: signal.Signals, at: float, limit: float) -> Outcome | None:
    """Send a signal to a command; None if it ended before."""
    outcome, before = Outcome(name, by, at), command.bought()
    running = command.start()
    with suppress(subprocess.TimeoutExpired):
        running.wait(timeout=at)
    if running.poll() is not None:
        running.communicate()
        return None
    has_started = handles_signals(running.pid)
    sent = time.monotonic()
    running.send_signal(by)
    try:
        _, said = running.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        running.kill()
        _, said = running.communicate()
        outcome.problems.append("never ended")
    outcome.seconds, outcome.code = time.monotonic() - sent, running.returncode
    if not has_started:
        # The interpreter ends in its own way before the first line of this library has run.
        outcome.early = True
        return outcome
    if running.returncode == command.exit_code and outcome.seconds < limit:
        return None  # it was ending already
    if outcome.seconds > limit:
        outcome.problems.append(f"ended after {outcome.seconds:.2f} s")
    if running.returncode != 130:
        outcome.problems.append(f"exit code {running.returncode}")
    if "reasoning " + name.split()[0] not in said:
        outcome.problems.append("no line to continue with")
    if "Traceback" in said or "Exception ignored" in said:
        outcome.problems.append(f"traceback: {said.strip().splitlines()[-1]}")
    lost = command.bought() - before - (command.recorded() if command.draws else 0)
    if not 0 <= lost <= PLACES * SAMPLES:
        outcome.problems.append(f"{lost} completions lost")
    again = command.start()
    _, said = again.communicate(timeout=60)
    if again.returncode != command.exit_code:
        outcome.problems.append(f"the next start ended with {again.returncode}: {said[-300:]}")
    elif command.draws and (spent := command.bought() - before - lost) != command.draws:
        outcome.problems.append(f"{spent} completions paid for instead of {command.draws}")
    return outcome


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signals", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=1.0, help="seconds within which a command must end")
    parser.add_argument("--only", help="one command")
    parser.add_argument("--minutes", type=float, default=60.0, help="end after this time with fewer signals")
    options = parser.parse_args()
    # In the background SIGINT is ignored, and child processes would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    until = time.monotonic() + 60 * options.minutes
    chance, outcomes = random.Random(options.seed), list[Outcome]()
    early: Counter[str] = Counter()
    starting: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as root, Server(say=by_place, latency=0.02) as server:
        folder = Path(root)
        commands = {name: make for name, make in make_commands(folder, server) if options.only in (None, name)}
        lasts = {}
        for name, make in commands.items():
            (place := folder / f"timed {name}").mkdir()
            command = make(place)
            started = time.monotonic()
            assert command.start().wait(timeout=60) == command.exit_code
            lasts[name] = time.monotonic() - started
        for number in count():
            if len(outcomes) >= options.signals or time.monotonic() > until:
                break
            name = list(commands)[number % len(commands)]
            by = (signal.SIGINT, signal.SIGTERM)[number // len(commands) % 2]
            (place := folder / str(number)).mkdir()
            outcome = interrupt(name, commands[name](place), by, chance.uniform(0, lasts[name]), options.limit)
            if outcome is None:
                early[name] += 1
                continue
            if outcome.early:
                starting[name] += 1
                continue
            outcomes.append(outcome)
            if outcome.problems:
                print(f"{name} {by.name} at {outcome.at:.3f} s: {'; '.join(outcome.problems)}", flush=True)
    by_command: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_command[outcome.command].append(outcome)
    print("command      lasts  signals  failed  median   95 %    max   ended before  interpreter starting")
    for name, group in by_command.items():
        times = sorted(outcome.seconds for outcome in group)
        failed = sum(bool(outcome.problems) for outcome in group)
        high = times[min(len(times) - 1, int(0.95 * len(times)))]
        print(
            f"{name:<11} {lasts[name]:5.2f} s  {len(group):6}  {failed:6}  {median(times):5.2f} s {high:5.2f} s "
            f"{times[-1]:5.2f} s {early[name]:13} {starting[name]:21}"
        )
    sys.exit(any(outcome.problems for outcome in outcomes))


if __name__ == "__main__":
    main()
