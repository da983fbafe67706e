"""Throughput over several mock servers, as a share of that many times the throughput over one.

    PYTHONPATH=scripts .venv/bin/python -m perf.many_servers --servers 4

Each server has a limit of requests in flight and the same latency, so N servers can answer N times as many requests in
the same time. Every run has a journal in a file and all other layers. Rounds of one server and of all alternate, and
the median of each is taken, since other processes disturb both. It also prints what each server did, and the share of
requests that went to the server that their beginning chooses.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from perf.measure import cpu_seconds
from perf.mock import Mock, mock
from perf.workload import MAX_TOKENS, TEMPERATURE, Workload, questions

import reasoning as r


def run(servers: Sequence[Mock], asked: Sequence[str], in_flight: int) -> dict[str, object]:
    """Solve the questions over some servers, and return the figures."""
    with tempfile.TemporaryDirectory(prefix="perf-") as folder:
        llm = r.connect(
            "mock",
            base_url=[server.url for server in servers],
            journal=Path(folder) / "journal.sqlite",
            concurrency=in_flight,
            temperature=TEMPERATURE,
            max_tokens=MAX_TOKENS,
        )
        problems = [r.Problem(question, kind=r.kinds.Number()) for question in asked]
        with llm:
            # The connections are opened before the measurement.
            r.strategies.get("vanilla").map([r.Problem(f"Warm up {k}: 1 + 1?") for k in range(8 * len(servers))], llm)
            for server in servers:
                server.reset()
            began, cpu = time.perf_counter(), cpu_seconds()
            answers = r.strategies.get("vanilla").map(problems, llm)
            wall, cpu = time.perf_counter() - began, cpu_seconds() - cpu
            moved = sum(use.taken_over for use in llm.server_uses)
    assert all(answer.state == "answered" for answer in answers)
    stats = [server.stats() for server in servers]
    assert sum(one["requests"] for one in stats) == len(asked)
    return {
        "servers": len(servers),
        "requests": len(asked),
        "wall_s": round(wall, 3),
        "requests_per_s": round(len(asked) / wall, 1),
        "cpu_ms_a_request": round(1000 * cpu / len(asked), 3),
        "by_server": [one["requests"] for one in stats],
        "peaks": [one["peak_in_flight"] for one in stats],
        "first_choice": round(1 - moved / len(asked), 3),
    }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m perf.many_servers", description="Measure several servers.")
    parser.add_argument("--servers", type=int, default=4)
    parser.add_argument("--in-flight", type=int, default=32, help="the limit of each server")
    parser.add_argument("--latency-ms", type=float, default=1500.0)
    parser.add_argument("--waves", type=int, default=6, help="requests of each server, in multiples of its limit")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    each = options.waves * options.in_flight
    with ExitStack() as stack:
        workload = Workload(each, options.in_flight, options.latency_ms)
        running = [stack.enter_context(mock(workload)) for _ in range(options.servers)]
        rates: dict[int, list[float]] = {1: [], options.servers: []}
        for number in range(options.rounds):
            for servers in (running[:1], running):
                # New questions in each round, so that no text is asked twice.
                asked = [f"Round {number}. {text}" for text in questions(each * len(servers))]
                figures = run(servers, asked, options.in_flight)
                rates[len(servers)].append(float(str(figures["requests_per_s"])))
                print(json.dumps(figures), flush=True)
    one, many = (statistics.median(values) for values in rates.values())
    print(f"{options.servers} servers: {many / one / options.servers:.3f} × linear ({one:.0f} → {many:.0f} requests/s)")


if __name__ == "__main__":
    main()
