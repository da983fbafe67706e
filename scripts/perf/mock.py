"""The mock server as a separate process."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from perf.virtualenvs import ENVIRONMENT, ROOT
from perf.workload import Workload


@dataclass(frozen=True)
class Mock:
    """A running server.

    Attributes:
        address: its address, without a path.
    """

    address: str

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"{self.address}/v1"

    def stats(self) -> dict[str, int]:
        """Return its counters since the last reset."""
        with urllib.request.urlopen(f"{self.address}/stats", timeout=10) as answer:
            seen: dict[str, int] = json.load(answer)
        return seen

    def reset(self) -> None:
        """Reset the counters and the draws."""
        request = urllib.request.Request(f"{self.address}/reset", data=b"", method="POST")
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def mock(workload: Workload) -> Iterator[Mock]:
    """Run the server that a workload needs, while the body runs."""
    n = "--honour-n" if workload.honour_n else "--ignore-n"
    command = [sys.executable, "-m", "perf.mock_server", "--latency-ms", str(workload.latency_ms), n]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT)
    try:
        assert process.stdout is not None
        yield Mock(process.stdout.readline().split()[-1])
    finally:
        process.terminate()
        process.wait()
