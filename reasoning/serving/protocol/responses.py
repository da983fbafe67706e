"""The endpoint `/v1/responses`: its body as that of a chat, and an answer as its reply and its events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from reasoning.answer import Answer
from reasoning.serving.protocol.body import Body, ChatBody, read_body
from reasoning.serving.protocol.chat import ChatRequest
from reasoning.serving.protocol.errors import RequestFailed
from reasoning.serving.protocol.reply import Output, format_usage, to_output


class ResponsesBody(Body):
    """The body of `/v1/responses`."""

    input: str | list[dict[str, Any]]
    instructions: str | None = None
    max_output_tokens: int | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    seed: int | None = None


def to_chat_body(body: ResponsesBody) -> ChatBody:
    """Return the same request as that of a chat.

    Raises:
        RequestFailed: an item of the input is of a type that is not read.
    """
    messages: list[dict[str, Any]] = []
    if body.instructions:
        messages.append({"role": "system", "content": body.instructions})
    items = [{"role": "user", "content": body.input}] if isinstance(body.input, str) else body.input
    for index, item in enumerate(items):
        match item.get("type", "message"):
            case "message":
                messages.append({"role": item.get("role"), "content": item.get("content")})
            case "function_call":
                function = {"name": item.get("name"), "arguments": item.get("arguments")}
                calls = [{"id": item.get("call_id"), "type": "function", "function": function}]
                messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            case "function_call_output":
                messages.append({"role": "tool", "content": item.get("output"), "tool_call_id": item.get("call_id")})
            case "reasoning":
                # What was thought before is not part of the conversation.
                continue
            case other:
                where = f"input.{index}"
                raise RequestFailed(400, f"{where}: items of the type {other!r:.40} are not supported", param=where)
    form = (body.text or {}).get("format") or {"type": "text"}
    if not isinstance(form, dict):
        raise RequestFailed(400, f"text.format must be an object, got {form!r:.40}", param="text.format")
    if form.get("type") == "json_schema":
        form = {"type": "json_schema", "json_schema": {"schema": form.get("schema")}}
    same = {"model", "temperature", "top_p", "stream", "tool_choice", "kind", "series", "trace", "seed"}
    given: dict[str, Any] = {
        **body.model_dump(include=same),
        "messages": messages,
        "max_tokens": body.max_output_tokens,
        "response_format": form,
        "reasoning_effort": (body.reasoning or {}).get("effort"),
        "tools": [{"type": "function", "function": {**tool, "type": "function"}} for tool in body.tools or ()],
    }
    return read_body(ChatBody, given)


def begin(chat: ChatRequest) -> dict[str, Any]:
    """Return the response before there is an answer."""
    absent = dict.fromkeys(["error", "incomplete_details", "instructions"])
    return {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "model": chat.alias.name,
        "status": "in_progress",
        "output": [],
        "parallel_tool_calls": True,
        "temperature": chat.sampling.get("temperature"),
        "top_p": chat.sampling.get("top_p"),
        "metadata": {},
        "tools": [],
        "tool_choice": "auto",
        **absent,
    }


def to_response(
    answers: Sequence[Answer], chat: ChatRequest, about: dict[str, Any], begun: dict[str, Any]
) -> dict[str, Any]:
    """Return the body of a reply, which continues what `begin` returned."""
    output, used = to_output(answers[0], chat), format_usage(answers)
    is_cut = output.finish_reason in ("length", "content_filter")
    reason = "max_output_tokens" if output.finish_reason == "length" else "content_filter"
    return {
        **begun,
        "status": "incomplete" if is_cut else "completed",
        "incomplete_details": {"reason": reason} if is_cut else None,
        "output": list(_items(output, "incomplete" if is_cut else "completed")),
        "usage": {
            "input_tokens": used["prompt_tokens"],
            "input_tokens_details": used["prompt_tokens_details"],
            "output_tokens": used["completion_tokens"],
            "output_tokens_details": used["completion_tokens_details"],
            "total_tokens": used["total_tokens"],
        },
        "reasoning": {"effort": chat.sampling.get("reasoning_effort"), "summary": None, **about},
    }


def _items(output: Output, status: str) -> list[dict[str, Any]]:
    part: dict[str, Any]
    if output.refusal is not None:
        part = {"type": "refusal", "refusal": output.refusal}
    else:
        part = {"type": "output_text", "text": output.content or "", "annotations": []}
    message = {"type": "message", "id": f"msg_{uuid4().hex}", "status": status, "role": "assistant", "content": [part]}
    items = [message] if output.content is not None or not output.calls else []
    for call in output.to_message().get("tool_calls", ()):
        named = {"type": "function_call", "id": f"fc_{uuid4().hex}", "call_id": call["id"], "status": status}
        items.append(named | call["function"])
    return items
