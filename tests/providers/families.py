"""Servers on loopback that behave as each family of thinking models does, and refuse what the real ones refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Answer = tuple[int, Body]
ANSWER = "The answer is 4."
THOUGHTS = "Two and two are 4, not 5."
EFFORTS = {"none": 0, "minimal": 50, "low": 200, "medium": 800, "high": 3_000}
"""The tokens of thought at each effort."""


@contextmanager
def serve(family: Callable[[Body], Answer]) -> Iterator[tuple[str, list[Body]]]:
    """Serve a family; yield the address without a path, and the bodies that arrive."""
    seen: list[Body] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(body)
            status, said = family(body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def openai_reasoning(body: Body) -> Answer:
    """OpenAI's reasoning models: another name of the limit, no sampling parameters, hidden thoughts that count."""
    if "max_tokens" in body:
        return _refuse(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    if body.get("temperature", 1) != 1:
        return _refuse(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. Only the "
            "default (1) value is supported.",
            "temperature",
            "unsupported_value",
        )
    effort = body.get("reasoning_effort", "medium")
    if effort not in ("low", "medium", "high"):
        return _refuse(
            f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. Supported values are: "
            "'low', 'medium', and 'high'.",
            "reasoning_effort",
            "unsupported_value",
        )
    return _think(body, EFFORTS[effort], {"content": ANSWER})


def deepseek(body: Body) -> Answer:
    """DeepSeek: thoughts in a field, which plain turns must not give back, and turns with tool calls must."""
    for turn in body["messages"]:
        if turn["role"] == "assistant" and ("reasoning_content" in turn) != bool(turn.get("tool_calls")):
            said = "must be passed back to the API" if turn.get("tool_calls") else "must not be in the input"
            return 400, {"error": {"message": f"The reasoning_content in the thinking mode {said}.", "param": None}}
    if "logprobs" in body:
        return _refuse("deepseek-reasoner does not support this parameter: logprobs", "logprobs", "invalid_request")
    is_first = str(body["messages"][-1]["content"]).endswith("step by step.")
    message = _first_call(body) or {"content": "I count them." if is_first else ANSWER}
    return _think(body, 800, {**message, "reasoning_content": THOUGHTS})


def qwen(body: Body) -> Answer:
    """Qwen3 on a server without a parser of thoughts: tags in the text, and a switch in the chat template."""
    if body.get("chat_template_kwargs", {}).get("enable_thinking", True):
        return _think(body, 0, {"content": f"<think>\n{THOUGHTS}\n</think>\n\n{ANSWER}"}, written=50)
    return _think(body, 0, {"content": f"<think>\n\n</think>\n\n{ANSWER}"}, written=10)


def qwen_thinking(body: Body) -> Answer:
    """Qwen3-Thinking, whose chat template begins the reply with the tag."""
    return _think(body, 0, {"content": f"{THOUGHTS}\n</think>\n\n{ANSWER}"}, written=50)


def gpt_oss(body: Body) -> Answer:
    """gpt-oss on a server that decodes its special tokens: raw channels, also for calls of tools."""
    start = "<|channel|>analysis<|message|>" + THOUGHTS + "<|end|><|start|>assistant<|channel|>"
    if call := _first_call(body):
        function = call["tool_calls"][0]["function"]
        raw = f"commentary to=functions.{function['name']} <|constrain|>json<|message|>{function['arguments']}<|call|>"
        return _think(body, 0, {"content": start + raw}, written=60)
    return _think(body, 0, {"content": f"{start}final<|message|>{ANSWER}<|return|>"}, written=60)


def anthropic(body: Body) -> Answer:
    """Anthropic's Messages API with extended thinking: no temperature, signed blocks that must come back."""
    thinks = body.get("thinking", {}).get("type") == "enabled"
    if thinks and body.get("temperature", 1) != 1:
        return _refuse_anthropic("`temperature` may only be set to 1 when thinking is enabled.")
    if thinks and not 1024 <= body["thinking"]["budget_tokens"] < body["max_tokens"]:
        return _refuse_anthropic("`max_tokens` must be greater than `thinking.budget_tokens`, which is at least 1024.")
    for number, turn in enumerate(body["messages"]):
        blocks = turn["content"] if isinstance(turn["content"], list) else []
        if thinks and turn["role"] == "assistant" and any(block["type"] == "tool_use" for block in blocks):
            if blocks[0]["type"] != "thinking":
                return _refuse_anthropic(
                    f"messages.{number}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                    f"`{blocks[0]['type']}`."
                )
            if blocks[0].get("signature") != f"signed {blocks[0]['thinking']}":
                return _refuse_anthropic(f"messages.{number}.content.0: Invalid `signature` in `thinking` block")
    content: list[Body] = []
    if thinks:
        content.append({"type": "thinking", "thinking": THOUGHTS, "signature": f"signed {THOUGHTS}"})
    called = bool(body.get("tools")) and len(body["messages"]) == 1
    if called:
        name = body["tools"][0]["name"]
        content += [{"type": "text", "text": "I look it up."}]
        content += [{"type": "tool_use", "id": "toolu_1", "name": name, "input": {"entity": "Alder Road"}}]
    else:
        content.append({"type": "text", "text": ANSWER})
    return 200, {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": "tool_use" if called else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 60},
    }


def _think(body: Body, thoughts: int, message: Body, written: int = 10) -> Answer:
    """Return a reply whose thoughts count towards the limit, which they may use up."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 100_000
    is_cut = thoughts >= limit
    if is_cut:
        thoughts, written, message = limit, 0, {**message, "content": ""}
    finish = "length" if is_cut else "tool_calls" if message.get("tool_calls") else "stop"
    details = {"completion_tokens_details": {"reasoning_tokens": thoughts}} if thoughts else {}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 20, "completion_tokens": thoughts + written, **details}
    return 200, {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def _first_call(body: Body) -> Body:
    """Return a message that calls the first tool, if the request has tools and no result of one yet."""
    if not body.get("tools") or any(turn["role"] == "tool" for turn in body["messages"]):
        return {}
    name = body["tools"][0]["function"]["name"]
    call = {"id": "a", "type": "function", "function": {"name": name, "arguments": '{"entity": "Alder Road"}'}}
    return {"content": "I look it up.", "tool_calls": [call]}


def _refuse(message: str, param: str, code: str) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return 400, {"error": error}


def _refuse_anthropic(message: str) -> Answer:
    return 400, {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
