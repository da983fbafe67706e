"""Requests that are wrong get an error that says what would be right, and cost nothing."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reasoning import Budget, Failed, connect
from reasoning.errors import (
    AuthenticationFailed,
    BudgetExhausted,
    CallFailed,
    ContextOverflow,
    EndpointDown,
    JournalError,
    UsageError,
)
from reasoning.serving.protocol.errors import to_request_failed
from reasoning.testing import ScriptedLLM
from tests.image_files import png
from tests.serving.served import make, serving

ASKED: Any = [{"role": "user", "content": "How many legs do two spiders have?"}]
BODY: Any = {"model": "cot", "messages": ASKED}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


def send(
    url: str, body: Any, path: str = "/v1/chat/completions", method: str = "POST", headers: dict[str, str] | None = None
) -> Reply:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    is_json = reply.headers.get_content_type() == "application/json"
    return Reply(reply.status, {k.lower(): v for k, v in reply.headers.items()}, json.loads(text) if is_json else text)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, ScriptedLLM]]:
    llm = ScriptedLLM(lambda messages: "The answer is 16.")
    aliases = ("cot=cot", "direct=vanilla", "digits=vanilla", "feedback=chain:telecom_feedback", "label=three_hop")
    kinds = ('label={"kind": "choice", "options": ["a", "b"]}', "digits=number")
    with serving(make(llm, *aliases, kinds=kinds, local_only=True)) as url:
        yield url, llm


def schema(**more: Any) -> Any:
    return {**BODY, "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object", **more}}}}


DOUBLING = {f"d{k}": {"allOf": [{"$ref": f"#/$defs/d{k + 1}"}] * 2} for k in range(40)} | {"d40": {}}
USER = {"role": "user", "content": "x"}
BAD = [
    (b"", 400, "the body: Input data was truncated"),
    (b"{", 400, "the body: Input data was truncated"),
    (b"[]", 400, "the body: must be object, got array"),
    (b"\xff\xfe", 400, "the body: JSON is malformed"),
    (b'{"model": NaN}', 400, "the body: JSON is malformed"),
    (b'{"model": "cot", "messages": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400, "must be object, got array"),
    (b'{"model": ' + b"9" * 5_000 + b"}", 400, "model: Number out of range"),
    ({}, 400, "model: a value is missing"),
    ({"model": "cot"}, 400, "messages: a value is missing"),
    ({"model": 7, "messages": ASKED}, 400, "model: must be str, got int"),
    ({"model": "cott", "messages": ASKED}, 404, "no model 'cott'; known: cot, direct"),
    ({"model": "cot", "messages": []}, 400, "messages: must be array of length >= 1"),
    ({"model": "cot", "messages": "hello"}, 400, "messages: must be array, got str"),
    (
        {"model": "cot", "messages": [{"role": "robot", "content": "x"}]},
        400,
        "messages.0.role: must be one of system, developer",
    ),
    ({"model": "cot", "messages": [{"role": "user"}]}, 400, "the last user message has no text"),
    ({"model": "cot", "messages": [{"role": "user", "content": " \n"}]}, 400, "the last user message has no text"),
    ({"model": "cot", "messages": [{"role": "system", "content": "x"}]}, 400, "must be of the role user"),
    (
        {"model": "cot", "messages": [USER, {"role": "assistant", "content": "x"}]},
        400,
        "role user, which asks the question; got role assistant",
    ),
    ({"model": "cot", "messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, 400, "texts or images"),
    ({"model": "cot", "messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}, 400, "texts or im"),
    ({**BODY, "n": 0}, 400, "n: must be int >= 1"),
    ({**BODY, "n": 1_000}, 400, "n: must be int <= 128"),
    ({**BODY, "n": True}, 400, "n: must be int . null, got bool"),
    ({**BODY, "n": "2"}, 400, "n: must be int . null, got str"),
    ({**BODY, "temperature": -1}, 400, "temperature: must be float >= 0"),
    ({**BODY, "temperature": 5}, 400, "temperature: must be float <= 2"),
    ({**BODY, "reasoning_effort": "much"}, 400, "reasoning_effort: must be one of none, minimal, low"),
    ({**BODY, "max_tokens": 10**30}, 400, "max_tokens"),
    ({**BODY, "temperature": "hot"}, 400, "temperature: must be float . null, got str"),
    ({**BODY, "top_p": 2}, 400, "top_p must be a number from 0 to 1"),
    ({**BODY, "max_tokens": 0}, 400, "max_tokens: must be int >= 1"),
    ({**BODY, "stop": [7]}, 400, "stop.0: must be str, got int"),
    ({**BODY, "stream": "yes"}, 400, "stream: must be bool . null, got str"),
    ({**BODY, "logprobs": True}, 400, "the field 'logprobs' is not supported; leave it out"),
    ({**BODY, "temprature": 1}, 400, "the field 'temprature' is not supported; did you mean 'temperature'"),
    ({**BODY, "audio": {"voice": "x"}}, 400, "the field 'audio' is not supported"),
    ({**BODY, "api_key": "sk-x"}, 400, "the field 'api_key' is not supported"),
    ({**BODY, "series": ""}, 400, "series: must be str of length >= 1"),
    ({**BODY, "series": "x" * 101}, 400, "series: must be str of length <= 100"),
    ({**BODY, "kind": "nmber"}, 400, "did you mean 'number'"),
    ({**BODY, "kind": {"kind": "choice", "options": 7}}, 400, "."),
    ({**BODY, "kind": "number", "response_format": {"type": "json_object"}}, 400, "either kind or response_format"),
    ({**BODY, "model": "feedback", "kind": "number"}, 400, "feedback is a chain, whose last step says the kind"),
    ({**BODY, "model": "label", "kind": "number"}, 400, "three_hop gives answers of"),
    ({**BODY, "response_format": {"type": "xml"}}, 400, "must be text, json_object or json_schema, got 'xml'"),
    ({**BODY, "response_format": {"type": "json_schema"}}, 400, "must have the type object or array"),
    (schema(properties=7), 400, "not a valid JSON schema"),
    (schema(properties={"a": {"type": "string", "pattern": "(a+)+$"}}), 400, "must have no pattern"),
    (schema(properties={"a": {"type": "string", "pattern": "type(a+)+$"}}), 400, "must have no pattern"),
    (schema(patternProperties={"(a+)+$": {"type": "string"}}), 400, "must have no patternProperties"),
    (schema(**{"$id": "http://a.example/"}), 400, r"must have no \$id"),
    (schema(**{"$ref": "http://169.254.169.254/"}), 400, "must refer to its own parts"),
    (schema(**{"$ref": "#/$defs/none"}), 400, "must have what it refers to"),
    (schema(properties={"a": {"allOf": [{"$ref": "#"}] * 2}}), 400, "must not be recursive"),
    (schema(**{"$ref": "#/$defs/d0", "$defs": DOUBLING}), 400, "must have at most 10,000 parts"),
    (schema(description="x" * 70_000), 400, "must have at most 65,536 characters"),
    ({**BODY, "tools": [{"type": "function", "function": {"name": "x"}}]}, 400, "cot .* passes no tools on"),
    (
        {**BODY, "model": "label", "tools": [{"type": "function", "function": {"name": "x"}}]},
        400,
        "passes no tools on, since it makes several calls",
    ),
    (
        {**BODY, "model": "digits", "tools": [{"type": "function", "function": {"name": "x"}}]},
        400,
        "passes no tools on, since its answers are of the kind number",
    ),
    *(
        ({**BODY, "model": "direct", "tools": [tool]}, 400, "tools.0: must be a function with a name, got")
        for tool in ({}, {"type": "function"}, {"type": "function", "function": {"name": 5}}, {"type": "web_search"})
    ),
    ({**BODY, "model": "direct", "tools": [{}], "tool_choice": "required"}, 400, "tool_choice must be auto or none"),
]


@pytest.mark.parametrize(("body", "status", "message"), BAD)
def test_a_wrong_body_is_a_clear_error(server: tuple[str, ScriptedLLM], body: Any, status: int, message: str) -> None:
    url, llm = server
    calls = llm.calls
    reply = send(url, body)
    error = reply.body["error"]
    assert reply.status == status, error
    assert re.search(message, error["message"]), error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert reply.headers["x-should-retry"] == "false"
    assert llm.calls == calls


@pytest.mark.parametrize("name", ["pattern", "properties", "$ref", "type"])
def test_a_property_may_have_the_name_of_a_keyword(server: tuple[str, ScriptedLLM], name: str) -> None:
    assert send(server[0], schema(properties={name: {"type": "string"}})).status == 200


@pytest.mark.parametrize(
    "address",
    ["/etc/passwd", "file:///etc/passwd", "https://x y/../../../etc/passwd", "data:image/png,x", "ftp://x/y", 7, None],
)
def test_an_image_is_never_a_file(server: tuple[str, ScriptedLLM], tmp_path: Path, address: Any) -> None:
    picture = tmp_path / "x.png"
    picture.write_bytes(png())
    for one in (address, str(picture)):
        parts = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": one}}]
        reply = send(server[0], {"model": "cot", "messages": [{"role": "user", "content": parts}]})
        assert (reply.status, "an image must be an http(s) or base64" in reply.body["error"]["message"]) == (400, True)


def test_a_tool_of_the_responses_api_must_be_a_function(server: tuple[str, ScriptedLLM]) -> None:
    reply = send(server[0], {"model": "direct", "input": "?", "tools": [{"type": "web_search"}]}, "/v1/responses")
    assert (reply.status, reply.body["error"]["param"]) == (400, "tools.0")


def test_the_verbosity_of_the_responses_api_reaches_the_calls(server: tuple[str, ScriptedLLM]) -> None:
    url, llm = server
    body = {"model": "direct", "input": "How verbose?", "text": {"verbosity": "low"}}
    assert send(url, body, "/v1/responses").status == 200
    assert llm.requests[-1].sampling["verbosity"] == "low"


def test_fields_that_change_nothing_are_taken(server: tuple[str, ScriptedLLM]) -> None:
    more = {"user": "me", "store": True, "metadata": {"a": "b"}, "logprobs": False, "functions": [], "audio": None}
    kept = {"modalities": ["text"], "service_tier": "auto", "parallel_tool_calls": True, "tool_choice": "none"}
    assert send(server[0], {**BODY, **more, **kept, "tools": [{"type": "function"}]}).status == 200


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/v1/nothing", "POST", {}, 404),
        ("/v1/chat/completions", "GET", {}, 405),
        ("/v1/models/none", "GET", {}, 404),
        ("/v1/chat/completions", "POST", {"Content-Type": "text/plain"}, 415),
        ("/v1/chat/completions", "POST", {"Host": "evil.example"}, 403),
        ("/v1/chat/completions", "POST", {"Content-Encoding": "gzip"}, 415),
        ("/v1/chat/completions", "POST", {"Expect": "nonsense"}, 417),
    ],
)
def test_a_wrong_address_or_header(
    server: tuple[str, ScriptedLLM], path: str, method: str, headers: dict[str, str], status: int
) -> None:
    assert send(server[0], BODY, path, method, headers).status == status


def test_a_large_body_is_refused(server: tuple[str, ScriptedLLM]) -> None:
    host, port = server[0].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 40000000\r\n\r\n".encode() + b"[" * 1_000_000)
        connection.settimeout(10)
        try:
            for _ in range(40):
                connection.sendall(b"[" * 1_000_000)
        except OSError:
            pass
        assert b" 413 " in connection.recv(1_000)


def test_health_and_metrics(server: tuple[str, ScriptedLLM]) -> None:
    url, _ = server
    assert send(url, BODY).status == 200
    assert send(url, b"", "/health", "GET").body["status"] == "ok"
    text = send(url, b"", "/metrics", "GET").body.decode()
    assert 'reasoning_answers_total{model="cot",state="answered"}' in text
    for line in text.splitlines():
        assert line.startswith("# ") or float(line.rpartition(" ")[2]) >= 0
    counts = [line.rpartition(" ") for line in text.splitlines() if "seconds_bucket" in line and '"cot"' in line]
    assert [float(count) for *_, count in counts] == sorted(float(count) for *_, count in counts)


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (UsageError("x"), 400, "false"),
        (ContextOverflow("x"), 400, "false"),
        (BudgetExhausted("x"), 429, "false"),
        (AuthenticationFailed("x"), 502, "false"),
        (EndpointDown("x"), 503, "true"),
        (CallFailed("x", retryable=True), 502, "true"),
        (CallFailed("x", status=422), 502, "false"),
        (JournalError("x"), 500, "false"),
        (ValueError("a secret"), 500, "false"),
    ],
)
def test_errors_of_a_solve(error: Exception, status: int, retry: str) -> None:
    failed = to_request_failed(error)
    response = failed.response()
    assert (response.status, response.headers["x-should-retry"]) == (status, retry)
    assert "secret" not in str(failed.to_json())


@pytest.mark.parametrize(("can_recover", "retry"), [(True, "true"), (False, "false")])
def test_a_failed_answer_says_whether_to_try_again(can_recover: bool, retry: str) -> None:
    failed = Failed.of(CallFailed("gone", retryable=can_recover))
    response = to_request_failed(failed.to_error()).response()
    assert (response.status, response.headers["x-should-retry"]) == (502, retry)


def test_a_failed_call_is_an_error() -> None:
    with serving(make(ScriptedLLM([CallFailed("gone")]), kinds=("number",))) as url:
        reply = send(url, BODY)
    assert (reply.status, reply.headers["x-should-retry"]) == (502, "false")


def test_a_vote_goes_on_without_a_failed_call_and_a_second_attempt_pays_for_it_only() -> None:
    replies: list[Any] = ["The answer is 16.", CallFailed("gone"), "The answer is 16."]
    llm = ScriptedLLM(lambda messages: replies.pop(0), max_n=1)
    with serving(make(llm, "vote=sc(cot, samples=2)", kinds=("number",))) as url:
        first = send(url, {**BODY, "model": "vote", "n": 1})
        second = send(url, {**BODY, "model": "vote"})
    assert (first.status, second.status) == (200, 200)
    assert second.body["reasoning"]["new_calls"] == 1


def test_a_fresh_answer_that_was_not_delivered_is_not_paid_for_again() -> None:
    replies: list[Any] = ["1. How many legs has one?", CallFailed("gone"), "The answer is 16.", "17", "17", "17", "17"]
    llm = ScriptedLLM(lambda messages: replies.pop(0))
    asked = {**BODY, "model": "ltm", "series": "new"}
    with serving(make(llm, "ltm=least_to_most", kinds=("number",))) as url:
        failed, again, other = (send(url, asked) for _ in range(3))
    assert failed.status == 502
    assert again.body["reasoning"]["calls"] - again.body["reasoning"]["new_calls"] == 1
    assert other.body["reasoning"]["new_calls"] == other.body["reasoning"]["calls"]
    assert other.body["reasoning"]["series"] != again.body["reasoning"]["series"]


def test_the_calls_of_a_request_that_fails_are_counted() -> None:
    llm = ScriptedLLM(["1. How many legs has one?", "16"], budget=Budget(calls=1))
    with serving(make(llm, "ltm=least_to_most", kinds=("number",))) as url:
        assert send(url, {**BODY, "model": "ltm"}).status == 429
        text = send(url, b"", "/metrics", "GET").body.decode()
    assert 'reasoning_calls_total{model="ltm",source="new"} 1' in text


def test_a_stream_that_a_limit_refuses_has_a_status_and_one_that_fails_is_counted_as_failed() -> None:
    lines: list[str] = []
    with serving(make(ScriptedLLM([CallFailed("gone")]), max_concurrent=1, log=lines.append)) as url:
        failed = send(url, {**BODY, "stream": True})
        text = send(url, b"", "/metrics", "GET").body.decode()
    assert (failed.status, b'"upstream_failed"' in failed.body) == (200, True)
    assert {"x-request-id", "x-content-type-options"} <= failed.headers.keys()
    assert failed.headers["server"] == "reasoning"
    assert " 502 " in lines[0]
    assert 'reasoning_requests_total{model="cot",status="502"} 1' in text
    server = make(ScriptedLLM([]))
    with serving(server) as url:
        server.stopping = True
        refused = send(url, {**BODY, "stream": True})
    assert (refused.status, refused.headers["x-should-retry"]) == (503, "true")


def test_a_setting_that_the_model_does_not_take_is_told() -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 16.")
    llm.assume_refused(["top_k"])
    with serving(make(llm, kinds=("number",))) as url:
        plain, told = send(url, BODY), send(url, {**BODY, "top_k": 3, "seed": 1})
    assert "notes" not in plain.body["reasoning"]
    assert told.body["reasoning"]["notes"] == ["left out, since scripted does not take it: top_k"]


def test_more_requests_than_the_server_takes_are_refused() -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 16.", latency=0.5)
    replies = []
    with serving(make(llm, max_concurrent=1)) as url:
        threads = [
            threading.Thread(target=lambda k=k: replies.append(send(url, {**BODY, "series": str(k)}))) for k in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) == 2
    assert {reply.headers["x-should-retry"] for reply in refused} == {"true"}
    assert {reply.headers["retry-after"] for reply in refused} == {"1"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_cancels_the_calls_that_no_other_request_awaits(stream: bool) -> None:
    def reply(messages: Any) -> str:
        return "1. How many legs has one?\n2. How many have two?" if llm.calls == 0 else "The answer is 16."

    llm = ScriptedLLM(reply, latency=0.3)
    lines: list[str] = []
    with serving(make(llm, "ltm=least_to_most", kinds=("number",), log=lines.append, heartbeat=0.05)) as url:
        host, port = url.removeprefix("http://").split(":")
        body = json.dumps({**BODY, "model": "ltm", "stream": stream}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            while not llm.requests:
                time.sleep(0.01)
        while not lines:
            time.sleep(0.01)
        # The call that was sent is paid for, so it is recorded, and none follows it.
        time.sleep(0.5)
        assert (len(llm.requests), llm.calls) == (1, 1)
        again = send(url, {**BODY, "model": "ltm"})
    assert again.body["choices"][0]["message"]["content"] == "16"
    assert again.body["reasoning"]["new_calls"] == again.body["reasoning"]["calls"] - 1
    assert "499" in lines[0] or stream


def test_no_line_of_the_log_has_a_prompt_unless_asked() -> None:
    lines: list[str] = []
    shown: list[str] = []
    llm = ScriptedLLM(lambda messages: "The answer is 16.")
    for log, log_prompts in ((lines, False), (shown, True)):
        with serving(make(llm, kinds=("number",), log=log.append, log_prompts=log_prompts)) as url:
            send(url, {**BODY, "messages": [{"role": "user", "content": "spiders?\x1b[31m\nforged line"}]})
    assert "spiders" not in lines[0]
    assert "spiders" in shown[0]
    assert "16" in shown[0]
    assert "\x1b" not in shown[0]
    assert "\n" not in shown[0]


def test_a_budget_in_dollars_needs_a_price() -> None:
    llm = connect("openai/no-such-model", base_url="http://127.0.0.1:1", api_key="x", journal=False)
    with pytest.raises(UsageError, match="price"):
        make(llm, problem_budget=Budget(usd=1))


def test_no_line_of_the_log_has_a_secret() -> None:
    lines: list[str] = []
    secret = "sk-proj-Abcdefghijklmnopqrstuvwxyz0123456789"
    llm = ScriptedLLM(lambda messages: "The answer is 16.")
    with serving(make(llm, kinds=("number",), log=lines.append, log_prompts=True)) as url:
        send(url, {**BODY, "messages": [{"role": "user", "content": f"my key is {secret}, how many?"}]})
        send(url, BODY, f"/v1/{secret}")
    assert len(lines) == 2
    assert "my key is" in lines[0]
    assert not any(secret in line for line in lines)
