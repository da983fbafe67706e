"""kill -9 in the middle of W1, then the same again: how many completions are bought twice?"""

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
from perf.virtualenvs import ROOT
from perf.workload import TEMPERATURE, WORKLOADS

CLIENTS = ("aiohttp", "reasoning", "its_hub", "dspy", "inspect_ai:cache", "lm_eval:cache")
LOAD = WORKLOADS["W1"]


def resume(programs: dict[str, Path], clients: list[str]) -> Iterator[dict[str, Any]]:
    """A line for each client, at temperature 0 and with sampled draws."""
    names = [one for one in CLIENTS if one in clients or one.partition(":")[0] in clients]
    with mock(LOAD) as server:
        for name in names:
            for temperature in (0.0, TEMPERATURE):
                yield killed(programs[name.partition(":")[0]], name, temperature, server)


def killed(program: Path, client: str, temperature: float, server: Mock) -> dict[str, Any]:
    """Run, kill when half of the completions have been sent, run again to the end."""
    row: dict[str, Any] = {"resume": client, "temperature": temperature}
    server.reset()
    with tempfile.TemporaryDirectory(prefix="perf-", ignore_cleanup_errors=True) as state:
        command = [str(program), "-m", "perf.measure", client, "--url", server.url, "--state", state]
        command += ["--no-warm-up", "--temperature", str(temperature)]

        def start() -> subprocess.Popen[bytes]:
            quiet = subprocess.DEVNULL
            return subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=ROOT, start_new_session=True)

        first = start()
        while first.poll() is None and server.stats()["completions"] < LOAD.calls // 2:
            time.sleep(0.005)
        if first.poll() is not None:
            return {**row, "failed": f"ended with exit code {first.returncode} before it could be killed"}
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(0.5)  # what was under way has left the server
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
