"""The command `reasoning serve` as a process: its start, its end, and its errors."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from reasoning.cli.app import app
from reasoning.errors import ReasoningError

COMMAND = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "serve"]
SLOW = """
import http.server, json, sys, time
class Slow(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(float(sys.argv[1]))
        message = {"role": "assistant", "content": "The answer is 16."}
        usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = json.dumps({"id": "x", "model": "m", "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): ...
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
print(server.server_port, flush=True)
server.serve_forever()
"""


def ask(url: str) -> Any:
    body = json.dumps({"model": "cot", "messages": [{"role": "user", "content": "How many?"}]}).encode()
    sent = urllib.request.Request(f"{url}/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=30) as reply:
        return json.load(reply)


def in_flight(url: str) -> int:
    with urllib.request.urlopen(url.replace("/v1", "/health"), timeout=30) as reply:
        return int(json.load(reply)["requests_in_flight"])


@contextmanager
def started(folder: Path, seconds: float) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a server whose model takes some seconds for a reply, and its address."""
    slow = subprocess.Popen([sys.executable, "-c", SLOW, str(seconds)], stdout=subprocess.PIPE, text=True)
    assert slow.stdout is not None
    model = ["--model", "openai/m", "--base-url", f"http://127.0.0.1:{slow.stdout.readline().strip()}/v1"]
    server = subprocess.Popen(
        [
            *(*COMMAND, "--strategy", "cot=cot(stages=1)", "--kind", "number", *model),
            *("--journal", str(folder / "j.sqlite"), "--port", "0"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield server, server.stdout.readline().strip()
    finally:
        for process in (server, slow):
            process.kill()
            process.communicate()


def test_it_serves_until_a_signal_and_answers_what_has_begun(tmp_path: Path) -> None:
    with started(tmp_path, 1.0) as (server, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", url)
        replies: list[Any] = []
        thread = threading.Thread(target=lambda: replies.append(ask(url)))
        thread.start()
        while not in_flight(url):
            time.sleep(0.01)
        server.send_signal(signal.SIGTERM)
        thread.join(30)
        _, said = server.communicate(timeout=30)
    assert replies[0]["choices"][0]["message"]["content"] == "16"
    assert server.returncode == 0
    assert "  cot: cot(stages=1), number" in said
    assert "with m; Ctrl-C ends it" in said
    assert "stopping: 1 request" in said
    assert "/v1/chat/completions · cot · 200 · " in said
    assert "How many" not in said


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with started(tmp_path, 60.0) as (server, url):

        def ask_in_vain() -> None:
            with suppress(OSError):
                ask(url)

        thread = threading.Thread(target=ask_in_vain)
        thread.start()
        while not in_flight(url):
            time.sleep(0.01)
        assert server.stderr is not None
        server.send_signal(signal.SIGINT)
        while not server.stderr.readline().startswith("stopping: 1 request"):
            continue
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=30)
        thread.join(30)
    assert server.returncode == 130
    assert "the recorded draws are kept" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give at least one --strategy ALIAS=SPEC"),
        (["-s", "cot"], "--strategy must be ALIAS=SPEC"),
        (["-s", "a b=cot"], "--strategy must be ALIAS=SPEC"),
        (["-s", "a=cot", "-s", "a=vanilla"], "the alias 'a' must be given once"),
        (["-s", "a=cott"], "did you mean 'cot'"),
        (["-s", "a=auto_cot"], "auto_cot must learn from examples before it answers"),
        (["-s", "a=three_hop"], "--strategy a: three_hop gives answers of the kinds Label, Choice.*give --kind a=KIND"),
        (["-s", "a=chain:no_such_folder"], "no_such_folder"),
        (["-s", "a=cot", "--kind", "b=number"], "--kind b=…: no strategy has this alias; known: a"),
        (["-s", "a=cot", "--kind", "a="], "unknown kind ''; known: "),
        (["-s", "a=chain:telecom_feedback", "--kind", "a=json"], "--kind a=…: a is a chain, whose last step says the"),
        (["-s", "a=chain:"], "--strategy a=chain:: chain: must be followed by the folder or the name of a chain"),
        (["-s", "a=cot", "--kind", "nmber"], "did you mean 'number'"),
        (
            ["-s", "a=cot", "--host", "0.0.0.0"],
            "--host 0.0.0.0 serves other machines: give --key-file",
        ),
        (["-s", "a=cot", "--problem-budget", "cals=3"], "did you mean 'calls'"),
        (["-s", "a=cot", "--model", "no_such_model"], "unknown model 'no_such_model'"),
        (["-s", "a=cot", "--journal", "/dev/null/no_such_file"], "/dev/null/no_such_file cannot be"),
        (["-s", "a=cot", "--key-file", "no_such_file"], "no_such_file: cannot be read"),
    ],
)
def test_a_wrong_option_is_an_error(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    recording = tmp_path / "recording.jsonl"
    recording.write_text('{"question": "?", "samples": ["1"]}\n')
    with pytest.raises(ReasoningError, match=message):
        app()(args=["serve", "--model", f"replay:{recording}", "--port", "0", *arguments], standalone_mode=False)
