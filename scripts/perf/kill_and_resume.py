"""Resume after kill -9: kill a run of W1, run it again, and count the completions that are bought twice."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perf.mock import Mock, mock
from perf.virtualenvs import ENVIRONMENT, ROOT
from perf.workload import TEMPERATURE, WORKLOADS

CLIENTS = ("aiohttp", "reasoning", "its_hub", "dspy", "inspect_ai:cache", "lm_eval:cache")
LOAD = WORKLOADS["W1"]


def resume(programs: dict[str, Path], clients: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each client, at temperature 0 and with sampled draws."""
    names = [name for name in CLIENTS if name in clients or name.partition(":")[0] in clients]
    with mock(LOAD) as server:
        for client in names:
            for temperature in (0.0, TEMPERATURE):
                yield killed(programs[client.partition(":")[0]], client, temperature, server)


def killed(program: Path, client: str, temperature: float, server: Mock) -> dict[str, Any]:
    """Run a client, kill it after half of the completions, run it again to the end, and return the row."""
    row: dict[str, Any] = {"resume": client, "temperature": temperature}
    server.reset()
    with tempfile.TemporaryDirectory(prefix="perf-", ignore_cleanup_errors=True) as state:
        command = [str(program), "-m", "perf.measure", client, "--url", server.url, "--state", state]
        command += ["--no-warm-up", "--temperature", str(temperature)]

        def start() -> subprocess.Popen[bytes]:
            quiet = subprocess.DEVNULL
            return subprocess.Popen(
                command, stdout=quiet, stderr=quiet, cwd=ROOT, env=ENVIRONMENT, start_new_session=True
            )

        first = start()
        while first.poll() is None and server.stats()["completions"] < LOAD.calls // 2:
            time.sleep(0.005)
        if first.poll() is not None:
            return {**row, "failed": f"ended with exit code {first.returncode} before it could be killed"}
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(0.5)  # lets the server finish the requests in flight
        before, began = server.stats(), time.perf_counter()
        code = start().wait(timeout=120)
    after = server.stats()
    return {
        **row,
        "at_kill": before["completions"],
        "requests": after["requests"],
        "completions": after["completions"],
        "bought_twice": after["completions"] - LOAD.calls,
        "second_run_s": round(time.perf_counter() - began, 2),
        "exit_code": code,
    }
