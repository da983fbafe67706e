"""Hosted models: the real litellm, in a process of its own, against a server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reasoning.providers.litellm_client import LiteLLMClient

CANARY = "sk-canary-3141592653"


class Provider(BaseHTTPRequestHandler):
    """Answers like OpenAI; what it does depends on the model's name."""

    seen: list[dict[str, Any]]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append(body)
        match body["model"]:
            case "busy":
                return self.say(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"})
            case "later":
                when = formatdate(4102444800, usegmt=True)
                return self.say(503, {"error": {"message": "later"}}, {"Retry-After": when})
            case "broke":
                return self.say(402, {"error": {"message": "insufficient balance"}})
            case "poor":
                return self.say(429, {"error": {"message": "you have no credit", "code": "insufficient_quota"}})
            case "strict":
                return self.say(400, {"error": {"message": "our content policy", "code": "content_policy_violation"}})
            case "long":
                return self.say(400, {"error": {"message": "maximum context length is 8192 tokens"}})
            case "locked":
                return self.say(401, {"error": {"message": f"bad key {self.headers['Authorization']}"}})
            case "leaky":
                return self.say(400, {"error": {"message": f"what is {self.headers['Authorization']}?"}})
            case "single" if "n" in body:
                return self.say(400, {"error": {"message": "n must be 1"}})
        if body["model"] == "endless":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            with suppress(OSError):
                for _ in range(200):
                    self.wfile.write(b" ")
                    time.sleep(0.05)
            return None
        choice = {
            "message": {"role": "assistant", "content": "The answer is 4.", "reasoning_content": "Two and two."},
            "finish_reason": "content_filter" if body["model"] == "filtered" else "stop",
        }
        if body["model"] == "calling":
            function = {"name": "Search", "arguments": '{"query": "Vael"}'}
            choice["message"] = {
                "role": "assistant",
                "content": "I look it up.",
                "tool_calls": [{"id": "t1", "type": "function", "function": function}],
            }
        wrong: dict[str, Any] = {
            "no message": {"finish_reason": "stop"},
            "null": {"message": {"role": "assistant", "content": None}, "finish_reason": "stop"},
            "object": {"message": {"role": "assistant", "content": {"text": "5"}}, "finish_reason": "stop"},
            "broken off": {"message": {"content": ""}, "finish_reason": "error", "error": {"code": 502}},
        }
        if body["model"] in wrong:
            good = [{"index": 0, **choice}] if body.get("n", 1) > 1 else []
            return self.say(200, {
                "id": "x", "object": "chat.completion", "created": 1, "model": body["model"],
                "choices": [*good, {"index": 1, **wrong[body["model"]]}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            })  # fmt: skip
        return self.say(
            200,
            {
                "id": "x", "object": "chat.completion", "created": 1, "model": body["model"],
                "choices": [{"index": i, **choice} for i in range(body.get("n", 1))],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
                          "prompt_tokens_details": {"cached_tokens": 40}},
            },
        )  # fmt: skip

    def say(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            "X-RateLimit-Remaining-Requests": "7",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
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


OUTCOMES = """
import asyncio, json
from reasoning.errors import CallFailed, UnknownName
from reasoning.providers.litellm_client import LiteLLMClient
from reasoning.messages import Message, Request

async def ask(model, draws, settings):
    client, heard = LiteLLMClient(model), []
    client.on_headers = lambda headers: heard.append(headers.get("x-ratelimit-remaining-requests"))
    turns = tuple(Message(*turn) for turn in settings.pop("turns", [["user", "?"]]))
    request = Request(model, turns, {"max_tokens": 9, **settings})
    try:
        got = await client.complete(request, range(draws))
        said = [[one.text, one.reasoning, one.request_id, one.usage.tokens, one.usage.usd, one.prices] for one in got]
    except CallFailed as error:
        said = [type(error).__name__, error.retryable, error.status, error.retry_after, str(error)]
    except UnknownName as error:
        said = str(error)
    return said, heard, client.max_n

async def main():
    got = [await ask(*one) for one in json.loads(%r)]
    await LiteLLMClient("xai/x").close()
    print(json.dumps(got))

asyncio.run(main())
"""


def outcomes(asked: list[tuple[str, int, dict[str, Any]]], **environment: str) -> list[Any]:
    """What `LiteLLMClient` makes of each: draws or a failure, the headers it told of, and its `max_n` then."""
    done = python(OUTCOMES % json.dumps(asked), **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    [line] = done.stdout.splitlines()  # litellm's advice does not go to stdout
    got = json.loads(line)
    assert isinstance(got, list)
    return got


def test_draws_usage_and_price_and_nothing_global_is_set(provider: str) -> None:
    code = (
        "import os\n"
        "os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'\n"
        "import litellm\n"
        "before = {n: repr(getattr(litellm, n)) for n in ('drop_params', 'cache', 'callbacks', 'success_callback',"
        " 'num_retries', 'suppress_debug_info', 'api_key', 'model_cost')}\n"
        "import reasoning\n"
        "llm = reasoning.connect('xai/grok-4.3', journal=False)\n"
        "answer = reasoning.strategies.get('sc(cot(stages=1), samples=3)').run('2 + 2?', llm)\n"
        "print(answer.value, answer.usage.calls, answer.usage.prompt_tokens, answer.usage.completion_tokens)\n"
        "print(f'{answer.usage.usd:.6f}')\n"
        "print(before == {n: repr(getattr(litellm, n)) for n in before})\n"
    )
    done = python(code, XAI_API_BASE=provider, XAI_API_KEY=CANARY)
    assert done.stderr == ""
    answer, usd, same = done.stdout.splitlines()
    assert (answer, same) == ("4 3 100 10", "True")
    assert float(usd) > 0
    assert [body["n"] for body in Provider.seen] == [3]
    assert Provider.seen[0]["temperature"] == 0.7


def test_a_malformed_choice_is_a_failure_and_the_others_are_kept(provider: str) -> None:
    names = ["no message", "null", "object", "broken off"]
    asked: list[tuple[str, int, dict[str, Any]]] = [(f"xai/{name}", n, {}) for name in names for n in (1, 2)]
    for (name, n, _), (got, _, _) in zip(
        asked, outcomes(asked, XAI_API_BASE=provider, XAI_API_KEY=CANARY), strict=True
    ):
        if n == 1:
            assert got[:3] == ["CallFailed", True, 200], name
            assert "cannot be parsed: a choice" in got[4] or "cannot be parsed: the content" in got[4]
        else:
            assert got == [["The answer is 4.", "Two and two.", "x", 110, None, ""]], name


def test_what_comes_of_a_call(provider: str) -> None:
    names = ["fine", "filtered", "busy", "later", "broke", "poor", "strict", "long", "locked", "leaky"]
    asked: list[tuple[str, int, dict[str, Any]]] = [(f"xai/{name}", 1, {}) for name in names]
    tools = [{"type": "function", "function": {"name": "Search", "parameters": {"type": "object"}}}]
    call = '<tool_call>\n{"name": "Search", "arguments": {"query": "Vael"}}\n</tool_call>'
    turns = [["user", "?"], ["assistant", call], ["tool", "A river."]]
    *got, calling = outcomes(
        [*asked, ("xai/calling", 1, {"tools": tools, "turns": turns})], XAI_API_BASE=provider, XAI_API_KEY=CANARY
    )
    # Native tool calls are fields of the API on the wire, and text in a completion.
    assert calling[0][0][0] == f"I look it up.\n{call}"
    sent = Provider.seen.pop()
    function = {"name": "Search", "arguments": '{"query": "Vael"}'}
    assert sent["tools"] == tools
    assert sent["messages"][1]["tool_calls"] == [{"id": "call_1", "type": "function", "function": function}]
    assert sent["messages"][2] == {"role": "tool", "tool_call_id": "call_1", "content": "A river."}
    found = dict(zip(names, got, strict=True))
    assert found["fine"][0] == [["The answer is 4.", "Two and two.", "x", 110, None, ""]]
    later = found["later"][0].pop(3)
    assert later > 1_000_000_000  # a date far away
    assert {name: failure[:-1] for name, (failure, _, _) in found.items() if name != "fine"} == {
        "filtered": ["PromptRefused", False, 200, None],
        "busy": ["CallFailed", True, 429, 7.0],
        "later": ["CallFailed", True, 503],
        "broke": ["QuotaExhausted", False, 402, None],
        "poor": ["QuotaExhausted", False, 429, None],
        "strict": ["PromptRefused", False, 400, None],
        "long": ["ContextOverflow", False, 400, None],
        "locked": ["AuthenticationFailed", False, 401, None],
        "leaky": ["CallFailed", False, 400, None],
    }
    assert found["locked"][0][-1] == "xai/locked: the provider refuses the key"
    assert "slow down" in found["busy"][0][-1]
    assert CANARY not in json.dumps(got)
    assert [heard for _, heard, _ in got] == [["7"]] * len(names)
    assert len(Provider.seen) == len(names)  # no retry below ours


def test_a_reply_without_end_ends_at_the_timeout(provider: str) -> None:
    code = (
        "import time, reasoning\n"
        "with reasoning.connect('xai/fine', journal=False) as llm:\n"
        "    reasoning.strategies.get('vanilla').run('2 + 2?', llm)\n"
        "with reasoning.connect('xai/endless', journal=False, timeout=0.7, patience=0.1) as llm:\n"
        "    started = time.monotonic()\n"
        "    try:\n"
        "        print(reasoning.strategies.get('vanilla').run('2 + 2?', llm).reason)\n"
        "    except reasoning.errors.EndpointDown as error:\n"
        "        print(error)\n"
        "    print(time.monotonic() - started)\n"
    )
    done = python(code, XAI_API_BASE=provider, XAI_API_KEY=CANARY)
    assert done.returncode == 0, done.stderr
    reason, seconds = done.stdout.splitlines()
    assert "xai/endless gave no answer within 0.7 s" in reason
    assert float(seconds) < 8


def test_several_draws_where_a_provider_gives_them(provider: str, tmp_path: Path) -> None:
    table = tmp_path / "models.toml"
    table.write_text('["cerebras/*"]\nn = true\n["priced"]\ninput = 1\noutput = 2\ncached_input = 0.5')
    asked: list[tuple[str, int, dict[str, Any]]] = [
        ("xai/priced", 3, {"seed": 5}),
        ("xai/single", 3, {}),
        ("cerebras/llama", 3, {}),  # litellm knows better than the user
        ("deepseek/deepseek-chat", 3, {}),  # and the shipped table better than litellm
    ]
    got = outcomes(
        asked,
        XAI_API_BASE=provider,
        XAI_API_KEY=CANARY,
        CEREBRAS_API_BASE=provider,
        CEREBRAS_API_KEY=CANARY,
        DEEPSEEK_API_BASE=provider,
        DEEPSEEK_API_KEY=CANARY,
        REASONING_MODELS=str(table),
    )
    assert [(len(drawn), choices) for drawn, _, choices in got] == [(3, 20), (1, 1), (1, 1), (1, 1)]
    assert [body.get("n") for body in Provider.seen] == [3, 3, None, None, None]
    assert Provider.seen[0]["seed"] == 5
    usd = [draw[4] for draw in got[0][0]]
    assert usd == pytest.approx([86 / 1e6, 6 / 1e6, 8 / 1e6])
    assert got[0][0][0][5].startswith("models.toml ")


def test_calls_that_nobody_answers() -> None:
    names = ["xai/x", "xia/grok-4.3", "gpt-4o-minni", "thisone"]
    got = outcomes([(name, 1, {}) for name in names], XAI_API_BASE="http://127.0.0.1:9/v1", XAI_API_KEY=CANARY)
    failure, provider, model, strange = (said for said, _, _ in got)
    assert failure[:4] == ["CallFailed", False, None, None]
    assert failure[4].endswith("there was no answer: is there a network?")
    assert provider == "unknown provider 'xia' of the model 'xia/grok-4.3'; did you mean 'xai'?"
    assert model.startswith("unknown model 'gpt-4o-minni' (hosted models are named provider/model")
    assert strange.endswith("this machine's is 'local')")  # the first of thousands of names would tell nothing


@pytest.mark.parametrize(
    ("model", "variable"),
    [("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"), ("openai/gpt-4o-mini", "OPENAI_API_KEY")],
)
def test_without_a_key_the_command_says_so_in_one_line(model: str, variable: str) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['reasoning', 'ask', '2 + 2?', '--model', {model!r}, '--no-journal']\n"
        "from reasoning.cli.app import main\n"
        "main()\n"
    )
    done = python(code)
    assert done.stderr == f"error: {model} needs a key: set {variable}, or use --model local, which needs none\n"
    assert (done.stdout, done.returncode) == ("", 2)


def test_how_many_draws_go_out_as_one_is_known_before_litellm_is_loaded() -> None:
    models = ["xai/grok-4.3", "anthropic/claude-sonnet-4-5", "deepseek/deepseek-chat", "groq/openai/gpt-oss-20b"]
    assert [LiteLLMClient(model).max_n for model in models] == [20, 1, 1, 1]
