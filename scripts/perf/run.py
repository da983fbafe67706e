"""Measure the clients side by side: rounds of all of them, one after the other, against a server of our own.

    python -m perf.run --envs FOLDER                          # everything; takes about an hour and a half
    python -m perf.run --envs FOLDER --only aiohttp,reasoning --parts W1,W3 --rounds 1
    python -m perf.run --markdown docs/performance.md         # the tables of what was measured, put in there

A round runs each client once, so that what disturbs the machine disturbs them alike; ratios are to aiohttp of the same
round. The environments are made at the first run and kept. Lines are appended to the results; a file of its own for
each campaign keeps campaigns apart.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perf.import_time import imports
from perf.kill_and_resume import resume
from perf.mock import Mock, mock
from perf.table import markdown, put_into
from perf.virtualenvs import CLIENTS, ROOT, named, python
from perf.workload import WARM, WORKLOADS

PARTS = (*WORKLOADS, "in-flight", "imports", "resume")
TIMEOUT = 300.0
"""Seconds after which a client is given up."""


def run_once(program: Path, client: str, part: str, server: Mock, state: Path, in_flight: int | None) -> dict[str, Any]:
    """One client, one workload: its figures and what the server saw.

    Raises:
        RuntimeError: it did not come to an end, with its last words.
    """
    server.reset()
    command = [program, "-m", "perf.measure", client, "--url", server.url, "--workload", part]
    command += ["--state", state] + (["--in-flight", in_flight] if in_flight else [])
    try:
        done = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, cwd=ROOT, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"no end after {TIMEOUT:g} s") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"client"')]
    if not lines:
        raise RuntimeError(done.stderr.strip()[-500:] or f"exit code {done.returncode}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return {**figures, "server": server.stats()}


def workloads(
    programs: dict[str, Path], clients: list[str], part: str, in_flight: int | None, rounds: int
) -> Iterator[dict[str, Any]]:
    """All rounds of one workload. A client that keeps what it bought does W2 a second time, warm."""
    with mock(WORKLOADS[part]) as server:
        for number in range(1, rounds + 1):
            for one in clients:
                name, _, variant = one.partition(":")
                client = CLIENTS[name]
                keeps = variant in client.warm
                if (part == "W2n" and not client.takes_n) or (keeps and variant and part != "W2"):
                    continue
                with tempfile.TemporaryDirectory(prefix="perf-", ignore_cleanup_errors=True) as state:
                    for what in (part, WARM) if part == "W2" and keeps else (part,):
                        try:
                            row = run_once(programs[name], one, what, server, Path(state), in_flight)
                        except RuntimeError as error:
                            print(f"{what} {one} failed: {error}", file=sys.stderr, flush=True)
                            break
                        yield {"round": number, **row}


def shown(row: dict[str, Any]) -> str:
    """A result as it is said while the run goes on."""
    if "workload" in row:
        where = f"{row['workload']} ({row['in_flight']} in flight), round {row['round']}"
        return (
            f"{where}: {row['client']}: {row['wall_s']:.2f} s, {1000 * row['cpu_s'] / row['calls']:.3f} ms CPU a call"
        )
    return json.dumps(row)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m perf.run", description="Measure the clients side by side.")
    parser.add_argument("--envs", type=Path, help="folder of the environments, one for each client; made when missing")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "results" / "performance.jsonl", help="where lines are added"
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--only", default="", help="clients, such as aiohttp,reasoning,openai:aiohttp")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-flight", default="64,256", help="W1 with so many requests in flight, too")
    parser.add_argument(
        "--markdown", nargs="?", const="-", help="print the tables of --out, or put them into this document"
    )
    given = parser.parse_args(arguments)
    parts = given.parts.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    if given.rounds < 1:
        parser.error(f"--rounds {given.rounds}: at least 1")
    if given.markdown is None:
        if given.envs is None:
            parser.error("--envs FOLDER is needed: the environments are made in it")
        measure(given, parts)
    if not given.out.exists():
        parser.error(f"there is no file {given.out}: measure first, or name another with --out")
    text = markdown([json.loads(line) for line in given.out.read_text(encoding="utf-8").splitlines()])
    if given.markdown in (None, "-"):
        print(text)
    else:
        put_into(Path(given.markdown), text)


def measure(given: argparse.Namespace, parts: list[str]) -> None:
    """Do the parts, and add a line for each result."""
    clients = named(given.only)
    programs = {
        name: python(given.envs.absolute(), name) for name in dict.fromkeys(one.partition(":")[0] for one in clients)
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)

    def results() -> Iterator[dict[str, Any]]:
        for part in parts:
            if part == "imports":
                yield from imports(programs)
            elif part == "resume":
                yield from resume(programs, clients)
            elif part == "in-flight":
                for many in given.in_flight.split(","):
                    yield from workloads(programs, clients, "W1", int(many), given.rounds)
            else:
                yield from workloads(programs, clients, part, None, given.rounds)

    with given.out.open("a", encoding="utf-8") as file:
        for row in results():
            print(shown(row), file=sys.stderr, flush=True)
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
