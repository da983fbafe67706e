"""The mock server as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from perf.virtualenvs import ROOT
from perf.workload import Workload


@dataclass(frozen=True)
class Mock:
    """A running server; `address` is where."""

    address: str

    @property
    def url(self) -> str:
        """What clients are given."""
        return f"{self.address}/v1"

    def stats(self) -> dict[str, int]:
        """What it has seen since the last reset."""
        with urllib.request.urlopen(f"{self.address}/stats", timeout=10) as answer:
            seen: dict[str, int] = json.load(answer)
        return seen

    def reset(self) -> None:
        """Counters to zero, draws from the beginning."""
        request = urllib.request.Request(f"{self.address}/reset", data=b"", method="POST")
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def mock(workload: Workload) -> Iterator[Mock]:
    """The server that a workload wants, for as long as the body runs."""
    n = "--honour-n" if workload.honour_n else "--ignore-n"
    command = [sys.executable, "-m", "perf.mock_server", "--latency-ms", str(workload.latency_ms), n]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield Mock(process.stdout.readline().split()[-1])
    finally:
        process.terminate()
        process.wait()
