"""`reasoning serve` as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from serve_clients.environments import ROOT

KEY = "sk-of-the-test-clients"
ALIASES = ("vote=self_consistency(cot, samples=5)", "steps=thread_of_thought")
"""One request of five samples, and two requests one after the other."""
ALIASES_OF_REAL_MODELS = ("ask=vanilla", "steps=cot")
"""One call, and two calls one after the other, for a small model that would take long for more."""


def free_port() -> int:
    """Return a port of loopback on which nothing listens now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port


class Serving:
    """A server that can be killed and started again on the same port and journal.

    Args:
        folder: where its journal, keys and output are.
        options: options of `reasoning serve`, such as the model's.
        strategies: what `--strategy` names.
    """

    def __init__(self, folder: Path, options: Sequence[str], strategies: Sequence[str] = ALIASES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.journal = folder, free_port(), folder / "journal.sqlite"
        (folder / "keys.toml").write_text(f'[keys.clients]\nkey = "{KEY}"\n')
        (folder / "keys.toml").chmod(0o600)
        aliases = [word for alias in strategies for word in ("--strategy", alias)]
        self._command = [
            sys.executable,
            "-c",
            "from reasoning.cli.app import main; main()",
            "serve",
            *aliases,
        ]
        self._command += ["--port", str(self.port), "--key-file", str(folder / "keys.toml")]
        self._command += ["--journal", str(self.journal), *options]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The base URL of clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self, patience: float = 60) -> None:
        """Start the process, and wait until it answers.

        Raises:
            RuntimeError: it ended, or does not answer in time; the message has its last output.
        """
        log = (self.folder / "serve.log").open("ab")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment, cwd=self.folder)
        log.close()
        until = time.monotonic() + patience
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2).close()
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
        raise RuntimeError(f"the server does not answer: {self.output()[-800:]}")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal and wait for the end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()

    def output(self) -> str:
        """Return what it wrote to its standard streams."""
        return (self.folder / "serve.log").read_text(errors="replace")

    def memory_mb(self) -> float:
        """Return its resident memory; 0 while it does not run."""
        try:
            status = Path(f"/proc/{self.process.pid if self.process else 0}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) / 1024
        except (OSError, IndexError):
            return 0.0

    def cpu_seconds(self) -> float:
        """Return its CPU time, user and system, all threads."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(folder: Path, options: Sequence[str], strategies: Sequence[str] = ALIASES) -> Iterator[Serving]:
    """Run a server while the body runs."""
    server = Serving(folder, options, strategies)
    try:
        server.start()
        yield server
    finally:
        server.kill(signal.SIGTERM)
