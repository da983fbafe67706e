"""The CPU of a served request over that of the same solve in process, next to other servers, on one mock.

    export PYTHONPATH=scripts
    .venv/bin/python -m perf.serve_overhead --envs FOLDER --page docs/research/serving.md

In each round every server answers the same number of new questions, `--in-flight` at a time, after as many to warm up;
its CPU time, user and system, is read from /proc. "In process" is the strategy on the library's event loop, with the
same journal, budget and limits, in a process of its own. The mock runs in another process and answers at once. The
minimum over the rounds is shown, since other processes can only add to it. A second table tells what each server gets
right, by asking it (`perf.serve_probes`).
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
from perf.mock import Mock, mock
from perf.serve_peers import LOADS, PEERS, SAMPLES, Running
from perf.serve_probes import PROBES, probe
from perf.virtualenvs import ENVIRONMENT, ROOT
from perf.workload import Workload, questions
from serve_clients.serving import KEY
from serve_clients.table import put_into
from serve_clients.upstream import Upstream, listen

from reasoning.tables import Table, escape_pipes

SLOW = {"optillm": 10}
"""Divisors of the number of questions, for servers that need many times the CPU."""
SPECS = {"one": "cot", "vote": f"self_consistency(cot, samples={SAMPLES})"}


def in_process(url: str, load: str, count: int, in_flight: int) -> dict[str, float]:
    """Return the CPU milliseconds of a solve and the wall seconds of all; runs in a process of its own."""
    import reasoning as r
    from reasoning import event_loop

    strategy = r.strategies.get(SPECS[load])
    asked = [r.Problem(text, kind=r.kinds.Number()) for text in questions(2 * count)]
    with tempfile.TemporaryDirectory(prefix="perf-") as folder:
        journal = str(Path(folder) / "journal.sqlite")
        settings: Any = {"temperature": 0.7, "max_tokens": 256, "concurrency": 64, "journal": journal}
        with r.connect("openai/mock", base_url=url, api_key="none", **settings) as llm:

            async def solve(problems: list[r.Problem]) -> None:
                slots = asyncio.Semaphore(in_flight)

                async def one(problem: r.Problem) -> None:
                    async with slots:
                        assert (await strategy.arun(problem, llm)).state == "answered"

                await asyncio.gather(*map(one, problems))

            event_loop.run_sync(solve(asked[:count]))
            began, cpu = time.perf_counter(), time.process_time()
            event_loop.run_sync(solve(asked[count:]))
            return {"ms": 1000 * (time.process_time() - cpu) / count, "wall_s": time.perf_counter() - began}


async def served(running: Running, load: str, count: int, in_flight: int, texts: list[str]) -> dict[str, float]:
    """Return the CPU milliseconds of a request and the wall seconds of all."""
    slots = asyncio.Semaphore(in_flight)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        async def one(text: str) -> None:
            async with slots, session.post(f"{running.url}/chat/completions", json=running.body(load, text)) as reply:
                assert reply.status == 200, await reply.text()
                await reply.read()

        await asyncio.gather(*map(one, texts[:count]))
        await asyncio.sleep(0.3)  # the last draws are written
        began, cpu = time.perf_counter(), running.cpu_seconds()
        await asyncio.gather(*map(one, texts[count : 2 * count]))
        wall = time.perf_counter() - began
        await asyncio.sleep(0.3)
        return {"ms": 1000 * (running.cpu_seconds() - cpu) / count, "wall_s": wall}


def measure(names: list[str], envs: Path, load: str, count: int, in_flight: int, server: Mock) -> list[dict[str, Any]]:
    """Return a row for each server and one for the strategy in process."""
    rows = []
    for name in ["in process", *names]:
        server.reset()
        few = count // SLOW.get(name, 1)
        if name == "in process":
            command = [sys.executable, "-m", "perf.serve_overhead", "--in-process", server.url, "--load", load]
            command += ["--requests", str(few), "--in-flight", str(in_flight)]
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False)
            if done.returncode:
                raise SystemExit(f"error: {done.stderr[-1500:]}")
            figures = json.loads(done.stdout.splitlines()[-1])
        else:
            with (
                tempfile.TemporaryDirectory(prefix="perf-", ignore_cleanup_errors=True) as folder,
                PEERS[name](envs, server.address, Path(folder)) as running,
            ):
                figures = asyncio.run(served(running, load, few, in_flight, questions(2 * few)))
                figures["memory_mb"] = running.memory_mb()
        figures |= {"name": name, "load": load, "requests": few, "calls": server.stats()["requests"] / (2 * few)}
        print(f"{load}: {name}: {figures['ms']:.3f} ms of CPU a request", file=sys.stderr, flush=True)
        rows.append(figures)
    return rows


async def probes(names: list[str], envs: Path) -> dict[str, dict[str, str]]:
    """Return what each server gets right, in the words of the probes."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        upstream = Upstream(latency=0.02)
        runner, address = await listen(upstream)
        with tempfile.TemporaryDirectory(prefix="perf-", ignore_cleanup_errors=True) as folder:
            # The upstream is in this event loop, which must not wait for the server.
            stack = ExitStack()
            try:
                running = await asyncio.to_thread(stack.enter_context, PEERS[name](envs, address, Path(folder)))
                found[name] = await probe(running, upstream)
            finally:
                await asyncio.to_thread(stack.close)
        await runner.cleanup()
    return found


def version(name: str, envs: Path) -> str:
    """Return the version of a server."""
    if name == "bare aiohttp":
        return importlib.metadata.version("aiohttp")
    if name == "reasoning":
        return importlib.metadata.version("reasoning-strategies")
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    return subprocess.check_output([envs / name / "bin" / "python", "-c", code], text=True).strip()


def markdown(rows: list[dict[str, Any]], found: dict[str, dict[str, str]], words: str) -> str:
    """Return both tables."""
    parts = [words]
    for load in dict.fromkeys(row["load"] for row in rows):
        here = [row for row in rows if row["load"] == load]
        least: dict[str, dict[str, Any]] = {}
        for row in here:
            if row["name"] not in least or row["ms"] < least[row["name"]]["ms"]:
                least[row["name"]] = row
        base = least["in process"]["ms"]
        cells = [
            [
                name,
                f"{row['ms']:.2f}",
                "" if name == "in process" else f"{row['ms'] - base:+.2f}",
                f"{row['calls']:.1f}",
                f"{row['requests'] / row['wall_s']:,.0f}",
                f"{row['memory_mb']:.0f}" if "memory_mb" in row else "",
                row["requests"],
            ]
            for name, row in least.items()
        ]
        heads = ("server", "CPU ms a request", "over in process", "calls upstream", "requests/s", "RSS MB", "requests")
        cells = [[str(cell) for cell in row] for row in cells]
        table = Table(heads, cells, text_columns=1).to_markdown(escape_pipes).rstrip()
        parts.append(f"### {LOADS[load].capitalize()}\n\n{table}")
    if found:
        cells = [[title, *(found[name].get(key, "") for name in found)] for key, title in PROBES.items()]
        table = Table(("probe", *found), cells, text_columns=1 + len(found)).to_markdown(escape_pipes).rstrip()
        parts.append(f"### What each gets right\n\n{table}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m perf.serve_overhead", description="Measure the server's overhead.")
    parser.add_argument("--envs", type=Path, default=Path("/nonexistent"), help="folder with an environment per server")
    parser.add_argument("--only", default="reasoning,its_hub,optillm", help=f"servers: {', '.join(PEERS)}")
    parser.add_argument("--load", default="one,vote", help=f"loads: {', '.join(SPECS)}")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-probes", dest="probes", action="store_false")
    parser.add_argument("--page", type=Path, help="write the tables into this page, between its marks")
    parser.add_argument("--in-process", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.in_process:
        print(json.dumps(in_process(given.in_process, given.load, given.requests, given.in_flight)))
        return
    names, envs, rows = given.only.split(","), given.envs.absolute(), []
    with mock(Workload(1, 1, 0)) as server:
        for _ in range(given.rounds):
            for load in given.load.split(","):
                rows += measure(names, envs, load, given.requests, given.in_flight, server)
    found = asyncio.run(probes(names, envs)) if given.probes else {}
    versions = ", ".join(f"{name} {version(name, envs)}" for name in names)
    words = (
        f"{date.today().isoformat()}, Python {platform.python_version()}, {given.in_flight} in flight, the least of "
        f"{given.rounds} rounds. Versions: {versions}."
    )
    text = markdown(rows, found, words)
    if given.page:
        put_into(given.page, text, "figures")
    else:
        print(text)


if __name__ == "__main__":
    main()
