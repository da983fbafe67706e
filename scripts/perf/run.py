"""Compare the clients: rounds of all of them, one after the other, against a mock server.

    export PYTHONPATH=scripts
    .venv/bin/python -m perf.run --envs FOLDER                 # everything; takes about an hour and a half
    .venv/bin/python -m perf.run --envs FOLDER --only aiohttp,reasoning --parts W1,W3 --rounds 1
    .venv/bin/python -m perf.run --markdown docs/research/performance.md    # writes the tables into the page

A round runs each client once, so that disturbances of the machine affect all alike; ratios are to aiohttp in the same
round. Environments are created at the first run and kept. Lines are appended to the results; use one file per
campaign.
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
from perf.virtualenvs import CLIENTS, ENVIRONMENT, ROOT, named, python
from perf.workload import WARM, WORKLOADS

PARTS = (*WORKLOADS, "in-flight", "imports", "resume")
TIMEOUT = 300.0
"""Seconds after which a client is abandoned."""


def run_once(program: Path, client: str, part: str, server: Mock, state: Path, in_flight: int | None) -> dict[str, Any]:
    """Run one client on one workload, and return its figures and the server's counters.

    Raises:
        RuntimeError: the client did not finish; the message has its last output.
    """
    server.reset()
    command = [program, "-m", "perf.measure", client, "--url", server.url, "--workload", part]
    command += ["--state", state] + (["--in-flight", in_flight] if in_flight else [])
    try:
        done = subprocess.run(
            [*map(str, command)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=ENVIRONMENT,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"timed out after {TIMEOUT:g} s") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"client"')]
    if not lines:
        raise RuntimeError(done.stderr.strip()[-500:] or f"exit code {done.returncode}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return {**figures, "server": server.stats()}


def workloads(
    programs: dict[str, Path], clients: list[str], part: str, in_flight: int | None, rounds: int
) -> Iterator[dict[str, Any]]:
    """Yield all rounds of one workload; a client that caches runs W2 a second time, warm."""
    with mock(WORKLOADS[part]) as server:
        for number in range(1, rounds + 1):
            for client_name in clients:
                name, _, variant = client_name.partition(":")
                client = CLIENTS[name]
                keeps = variant in client.warm
                if (part == "W2n" and not client.takes_n) or (keeps and variant and part != "W2"):
                    continue
                with tempfile.TemporaryDirectory(prefix="perf-", ignore_cleanup_errors=True) as state:
                    for workload in (part, WARM) if part == "W2" and keeps else (part,):
                        try:
                            row = run_once(programs[name], client_name, workload, server, Path(state), in_flight)
                        except RuntimeError as error:
                            print(f"{workload} {client_name} failed: {error}", file=sys.stderr, flush=True)
                            break
                        yield {"round": number, **row}


def shown(row: dict[str, Any]) -> str:
    """Return a result as a progress line."""
    if "workload" in row:
        where = f"{row['workload']} ({row['in_flight']} in flight), round {row['round']}"
        return (
            f"{where}: {row['client']}: {row['wall_s']:.2f} s, {1000 * row['cpu_s'] / row['calls']:.3f} ms CPU a call"
        )
    return json.dumps(row)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m perf.run", description="Measure the clients side by side.")
    parser.add_argument("--envs", type=Path, help="folder with an environment per client; created if missing")
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "results" / "performance.jsonl",
        help="results file, to which lines are appended",
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"comma-separated list of {', '.join(PARTS)}")
    parser.add_argument("--only", default="", help="clients, such as aiohttp,reasoning,openai:aiohttp")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-flight", default="64,256", help="numbers of requests in flight with which W1 is repeated")
    parser.add_argument(
        "--markdown", nargs="?", const="-", help="print the tables of --out, or write them into this page"
    )
    options = parser.parse_args(arguments)
    parts = options.parts.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"unknown part {unknown[0]!r}; known: {', '.join(PARTS)}")
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    if options.markdown is None:
        if options.envs is None:
            parser.error("--envs FOLDER is required: environments are created in it")
        measure(options, parts)
    if not options.out.exists():
        parser.error(f"{options.out} does not exist: measure first, or name another file with --out")
    text = markdown([json.loads(line) for line in options.out.read_text(encoding="utf-8").splitlines()])
    if options.markdown in (None, "-"):
        print(text)
    else:
        put_into(Path(options.markdown), text)


def measure(options: argparse.Namespace, parts: list[str]) -> None:
    """Run the parts, and append a line for each result."""
    clients = named(options.only)
    programs = {
        name: python(options.envs.absolute(), name)
        for name in dict.fromkeys(client.partition(":")[0] for client in clients)
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)

    def results() -> Iterator[dict[str, Any]]:
        for part in parts:
            if part == "imports":
                yield from imports(programs)
            elif part == "resume":
                yield from resume(programs, clients)
            elif part == "in-flight":
                for count in options.in_flight.split(","):
                    yield from workloads(programs, clients, "W1", int(count), options.rounds)
            else:
                yield from workloads(programs, clients, part, None, options.rounds)

    with options.out.open("a", encoding="utf-8") as file:
        for row in results():
            print(shown(row), file=sys.stderr, flush=True)
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
