"""Fixtures of the tests of faults: quick retries, and servers that end with their test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.server import Server

Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoning.engine.retry._BACKOFF", lambda state: 0.01)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts servers in threads, with the settings of `Server`."""
    with ExitStack() as servers:
        yield lambda **settings: servers.enter_context(Server(**settings))


@pytest.fixture
def spawn() -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    """Return a function that starts a server as a separate process, and returns the process and its port."""
    with ExitStack() as ended:

        def start(**options: Any) -> tuple[subprocess.Popen[str], int]:
            arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
            command = [sys.executable, "-S", str(Path(__file__).with_name("server.py")), *arguments]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            # Waits for the process at the end.
            ended.enter_context(process)
            ended.callback(process.kill)
            assert process.stdout is not None
            return process, int(process.stdout.readline())

        yield start
