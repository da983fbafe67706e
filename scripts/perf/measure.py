"""Measure one client on one workload, and print its cost as one line of JSON; runs in the client's environment.

    PYTHONPATH=scripts python -m perf.measure aiohttp --url http://127.0.0.1:8000/v1 --workload W1

A client is a module of `perf.clients` with `PACKAGE`, the distribution whose version is reported, and
`solve(setting, questions)`, synchronous or asynchronous, which returns the texts. Wall and CPU time start after the
imports and one warm-up question; CPU time is that of this process and its children, user and system.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import importlib.metadata
import inspect
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from perf.workload import TEMPERATURE, WARM, WORKLOADS, Setting, questions


def cpu_seconds() -> float:
    """Return the CPU time of this process and its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_rss_mb() -> float:
    """Return the peak memory of this process."""
    try:  # ru_maxrss includes the parent process
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(client: Any, setting: Setting, warm_up: bool) -> dict[str, object]:
    """Return the figures of one run."""
    asked_questions = questions(setting.workload.questions)
    imports = cpu_seconds()
    start: list[float] = []

    def begin() -> None:
        gc.collect()
        start.extend((time.perf_counter(), cpu_seconds()))

    first = (replace(setting, state=setting.state / "first"), ["To begin with: how many are two and two?"])
    if inspect.iscoroutinefunction(client.solve):

        async def both() -> Sequence[str]:
            if warm_up:
                await client.solve(*first)
            begin()
            got: Sequence[str] = await client.solve(setting, asked_questions)
            return got

        texts = asyncio.run(both())
    else:
        if warm_up:
            client.solve(*first)
        begin()
        texts = client.solve(setting, asked_questions)
    wall, cpu = time.perf_counter() - start[0], cpu_seconds() - start[1]
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "version": importlib.metadata.version(client.PACKAGE),
        "calls": setting.workload.calls,
        "wall_s": round(wall, 4),
        "ideal_s": round(setting.workload.ideal, 4),
        "cpu_s": round(cpu, 4),
        "import_cpu_s": round(imports, 3),
        "first_call_cpu_s": round(start[1] - imports, 3),
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "completions": len(texts),
        "distinct": len(set(texts)),
    }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Measure one client on one workload.")
    parser.add_argument("client", help="NAME or NAME:VARIANT")
    parser.add_argument("--url", required=True)
    parser.add_argument("--workload", choices=[*WORKLOADS, WARM], default="W1")
    parser.add_argument("--in-flight", type=int, help="instead of the workload's own; scales the number of questions")
    parser.add_argument("--state", type=Path, help="folder for caches and logs; a new one by default")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE)
    parser.add_argument("--no-warm-up", dest="warm_up", action="store_false")
    arguments = parser.parse_args()
    name, _, variant = arguments.client.partition(":")
    workload = WORKLOADS["W2" if arguments.workload == WARM else arguments.workload]
    if arguments.in_flight:
        workload = workload.at(arguments.in_flight)
    state = arguments.state or Path(tempfile.mkdtemp(prefix="perf-"))
    state.mkdir(parents=True, exist_ok=True)
    os.environ["PERF_STATE"] = str(state)  # some clients read it at import
    client = importlib.import_module(f"perf.clients.{name}")
    figures = measure(
        client, Setting(arguments.url, workload, variant, state, arguments.temperature), arguments.warm_up
    )
    print(
        json.dumps(
            {"client": arguments.client, "workload": arguments.workload, "in_flight": workload.in_flight, **figures}
        )
    )
    sys.stdout.flush()
    os._exit(0)  # some libraries have threads that would keep the process alive


if __name__ == "__main__":
    main()
