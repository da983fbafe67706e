"""The command `reasoning view`, as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from reasoning import event_loop
from tests.benchmarks.report.synthetic import made


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return reply.status, await reply.text()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_it_serves_the_results_takes_the_next_port_and_ends_quietly(tmp_path: Path) -> None:
    made(tmp_path / "results/run", 2, 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = "from reasoning.cli.app import main; main()"
        command = [sys.executable, "-c", code, "view", "--no-open", "--port", str(port)]
        environment = {**os.environ, "SSH_CONNECTION": "1 2 3 4"}
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            assert process.stderr
            url = process.stdout.readline().strip()
            status, body = event_loop.run_sync(_get(url.replace("/?", "/api/list?")))
            with socket.create_connection(("127.0.0.1", int(url.partition("/?")[0].rpartition(":")[2]))) as stranger:
                stranger.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
                stranger.recv(100)
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()
            assert process.wait(10) == 130
    used = int(url.partition("/?")[0].rpartition(":")[2])
    assert port < used < port + 50
    assert (status, '"name":"run"' in body) == (200, True)
    lines = said.splitlines()
    assert lines[0] == f"port {port} is in use: taking {used}"
    assert lines[1] == f"viewing {tmp_path / 'results'}; Ctrl-C ends it"
    assert f"ssh -L {used}:127.0.0.1:{used}" in lines[2]
    assert len(lines) == 3
    assert f"http://127.0.0.1:{used}/?token=" in url


def test_a_missing_folder_is_an_error_of_usage(tmp_path: Path) -> None:
    code = "from reasoning.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "view", str(tmp_path / "none")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path / 'none'}: must be a folder with results\n"
