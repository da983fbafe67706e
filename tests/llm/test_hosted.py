"""Hosted models: the real litellm, in a process of its own, against a server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CANARY = "sk-canary-3141592653"


class Provider(BaseHTTPRequestHandler):
    """Answers like OpenAI; what it does depends on the model's name."""

    seen: list[dict[str, object]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append(body)
        if body["model"] == "busy":
            return self.say(429, {"error": {"message": "slow down", "type": "rate_limit"}})
        if body["model"] == "locked":
            return self.say(401, {"error": {"message": f"bad key {self.headers['Authorization']}"}})
        choice = {"message": {"role": "assistant", "content": "The answer is 4."}, "finish_reason": "stop"}
        return self.say(
            200,
            {
                "id": "x", "object": "chat.completion", "created": 1, "model": body["model"],
                "choices": [{"index": i, **choice} for i in range(body.get("n", 1))],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            },
        )  # fmt: skip

    def say(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def provider() -> Iterator[str]:
    Provider.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if "API_KEY" not in name}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**clean, **environment}, check=False
    )


def test_draws_usage_and_price_and_nothing_global_is_set(provider: str) -> None:
    code = (
        "import os\n"
        "os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'\n"
        "import litellm\n"
        "before = {n: repr(getattr(litellm, n)) for n in ('drop_params', 'cache', 'callbacks', 'success_callback',"
        " 'num_retries', 'suppress_debug_info', 'api_key')}\n"
        "import reasoning\n"
        "llm = reasoning.connect('openai/gpt-4o-mini', journal=False)\n"
        "answer = reasoning.strategies.get('sc(cot(stages=1), samples=3)').run('2 + 2?', llm)\n"
        "print(answer.value, answer.usage.calls, answer.usage.prompt_tokens, answer.usage.completion_tokens)\n"
        "print(f'{answer.usage.usd:.6f}')\n"
        "print(before == {n: repr(getattr(litellm, n)) for n in before})\n"
    )
    done = python(code, OPENAI_API_BASE=provider, OPENAI_API_KEY=CANARY)
    assert done.stdout.splitlines() == ["4 3 100 10", "0.000021", "True"], done.stderr
    assert done.stderr == ""
    assert [body["n"] for body in Provider.seen] == [3]
    assert Provider.seen[0]["temperature"] == 0.7


@pytest.mark.parametrize(
    ("model", "key", "words"),
    [
        ("openai/gpt-4o-mini", None, "needs a key: set OPENAI_API_KEY, or use --model local"),
        ("openai/locked", CANARY, "the provider refuses the key"),
        (
            "opnai/gpt-4o-mini",
            CANARY,
            "unknown provider 'opnai' of the model 'opnai/gpt-4o-mini'; did you mean 'openai'",
        ),
        ("gpt-4o-minni", CANARY, "unknown model 'gpt-4o-minni'"),
    ],
)
def test_what_is_wrong_is_one_line_without_the_key(provider: str, model: str, key: str | None, words: str) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['reasoning', 'ask', '2 + 2?', '--model', {model!r}, '--journal', 'none']\n"
        "from reasoning.commands import main\n"
        "main()\n"
    )
    done = python(code, OPENAI_API_BASE=provider, **({"OPENAI_API_KEY": key} if key else {}))
    assert words in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert CANARY not in done.stdout + done.stderr
    assert done.returncode == 2


def test_no_retry_below_ours(provider: str) -> None:
    code = (
        "import asyncio\n"
        "from reasoning.errors import CallFailed\n"
        "from reasoning.llm.hosted import HostedClient\n"
        "from reasoning.llm.request import Message, Request\n"
        "client = HostedClient('openai/busy')\n"
        "async def once():\n"
        "    try:\n"
        "        await client.complete(Request('openai/busy', (Message('user', '?'),), {'max_tokens': 9}), [0])\n"
        "    except CallFailed as error:\n"
        "        print(error.retryable, 'slow down' in str(error))\n"
        "    await client.close()\n"
        "asyncio.run(once())\n"
    )
    done = python(code, OPENAI_API_BASE=provider, OPENAI_API_KEY=CANARY)
    assert done.stdout == "True True\n", done.stderr
    assert len(Provider.seen) == 1
