"""Servers that put a vote behind the OpenAI protocol: ours, its_hub and optillm, each as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.virtualenvs import ENVIRONMENT
from serve_clients.environments import with_pip
from serve_clients.serving import KEY, Serving, free_port

SAMPLES = 5
LOADS = {"one": "one call", "vote": f"vote of {SAMPLES}", "steps": "two calls, one after the other"}
"""The loads of a request: a pass through, a vote, or calls that follow each other."""


@dataclass(frozen=True)
class Running:
    """A server that runs.

    Attributes:
        url: the base URL of clients.
        pid: the process.
        body: returns the body of a request for a load and a question.
    """

    url: str
    pid: int
    body: Callable[[str, str], dict[str, Any]]

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process, user and system, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Return the resident memory of the process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def ask(model: str, question: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a request."""
    return {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": 256, **fields}


@contextmanager
def reasoning(envs: Path, upstream: str, folder: Path) -> Iterator[Running]:
    """Run our server on a journal of its own."""
    # A request of one call has no second one for an answer that is not stated.
    aliases = (f"vote=self_consistency(cot, samples={SAMPLES})", "one=cot", "steps=thread_of_thought")
    options = ["--model", "openai/mock", "--base-url", f"{upstream}/v1", "--kind", "number", "--concurrency", "64"]
    server = Serving(folder, options, aliases)
    try:
        server.start()
        assert server.process is not None
        yield Running(server.url, server.process.pid, lambda load, question: ask(load, question, temperature=0.7))
    finally:
        server.kill(15)


@contextmanager
def its_hub(envs: Path, upstream: str, folder: Path) -> Iterator[Running]:
    """Run the server of its_hub, with self-consistency over the numbers of replies."""
    program, port = with_pip(envs / "its_hub", ("its_hub[iaas]",)), free_port()
    command = [program.with_name("its-iaas"), "--port", str(port), "--log-level", "WARNING"]
    with _process(command, f"http://127.0.0.1:{port}/docs", folder) as pid:
        setup = {
            "provider": "openai",
            "endpoint": f"{upstream}/v1",
            "api_key": "none",
            "model": "mock",
            "alg": "self-consistency",
            "budget": SAMPLES,
            "regex_patterns": [r"The answer is (\d+)"],
        }
        _post(f"http://127.0.0.1:{port}/configure", setup)

        def body(load: str, question: str) -> dict[str, Any]:
            return ask("mock", question, budget=SAMPLES if load == "vote" else 1, temperature=0.7)

        yield Running(f"http://127.0.0.1:{port}/v1", pid, body)


@contextmanager
def optillm(envs: Path, upstream: str, folder: Path) -> Iterator[Running]:
    """Run optillm; its vote makes its requests one after the other."""
    program, port = with_pip(envs / "optillm", ("optillm",)), free_port()
    command = [program.with_name("optillm"), "--port", str(port), "--base-url", f"{upstream}/v1", "--log", "error"]
    command += ["--model", "mock", "--optillm-api-key", KEY]
    # Calls that follow each other: samples of which the model then makes one answer.
    models = {"one": "none-mock", "vote": "self_consistency-mock", "steps": "moa-mock"}
    with _process(command, f"http://127.0.0.1:{port}/health", folder, OPENAI_API_KEY="none") as pid:
        yield Running(f"http://127.0.0.1:{port}/v1", pid, lambda load, question: ask(models[load], question))


@contextmanager
def bare(envs: Path, upstream: str, folder: Path) -> Iterator[Running]:
    """Run a single handler of aiohttp around the solve."""
    port = free_port()
    command = [sys.executable, "-m", "perf.bare_server", upstream, port, folder / "journal.sqlite"]
    with _process(command, f"http://127.0.0.1:{port}/health", folder, **ENVIRONMENT) as pid:
        yield Running(f"http://127.0.0.1:{port}/v1", pid, ask)


PEERS = {"reasoning": reasoning, "bare aiohttp": bare, "its_hub": its_hub, "optillm": optillm}


@contextmanager
def _process(command: list[Any], ready: str, folder: Path, **environment: str) -> Iterator[int]:
    """Run a server until the block ends, once an address of it answers; yields its process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*map(str, command)], cwd=folder, stdout=log, stderr=log, env={**os.environ, **environment}
        )
    try:
        until = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(ready, timeout=2).close()
                break
            except (OSError, urllib.error.URLError):
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"error: no answer: {(folder / 'server.log').read_text()[-1500:]}") from None
                time.sleep(0.1)
        yield process.pid
    finally:
        process.kill()  # a server that still retries would wait for the end of it
        process.wait()


def _post(url: str, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()
