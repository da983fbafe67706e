"""The endpoint `/v1/responses`: its body as that of a chat, and its replies, whole and streamed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec

from reasoning.serving.protocol.bodies import Body, ChatBody, ResponsesBody, read_body, refuse
from reasoning.serving.protocol.chat import ChatRequest
from reasoning.serving.protocol.errors import RequestFailed
from reasoning.serving.protocol.outputs import Output, Solved, format_event, format_usage, to_output
from reasoning.watching import SolveEvent


class Response:
    """The reply to a request of the responses API. The stages are a summary of the reasoning in a stream.

    Args:
        chat: the request.
    """

    def __init__(self, chat: ChatRequest) -> None:
        self._chat, self._sent, self._lines = chat, 0, list[str]()
        self._thought: dict[str, Any] = {"type": "reasoning", "id": f"rs_{uuid4().hex}", "summary": []}
        self._begun: dict[str, Any] = {
            "id": f"resp_{uuid4().hex}",
            "object": "response",
            "created_at": int(time.time()),
            "model": chat.alias.name,
            "status": "in_progress",
            "output": [],
            "temperature": chat.body.temperature,
            "top_p": chat.body.top_p,
            "tools": [],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "metadata": {},
            **dict.fromkeys(["error", "incomplete_details", "instructions"]),
        }

    @staticmethod
    def read(content: bytes) -> ChatBody:
        """Return the fields of a body as those of a chat.

        Raises:
            RequestFailed: a field is wrong, or an item of the input is of a type that is not read.
        """
        body = read_body(ResponsesBody, content)
        given: dict[str, Any] = {
            **{name: getattr(body, name) for name in Body.__struct_fields__},
            "messages": list(_messages(body)),
            "max_tokens": body.max_output_tokens,
            "response_format": _format(body),
            "tools": [{"type": tool.get("type"), "function": tool} for tool in body.tools or ()],
        }
        if body.reasoning and "effort" in body.reasoning:
            given["reasoning_effort"] = body.reasoning["effort"]
        if body.text and "verbosity" in body.text:
            given["verbosity"] = body.text["verbosity"]
        try:
            return msgspec.convert(given, ChatBody)
        except msgspec.ValidationError as error:
            raise refuse(error) from None

    def whole(self, solved: Solved) -> dict[str, Any]:
        """Return the body of the reply."""
        output = to_output(solved.answers[0], self._chat)
        reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(output.finish_reason)
        status = "incomplete" if reason else "completed"
        about = {"effort": self._chat.body.reasoning_effort, "summary": None, **solved.about}
        return {
            **self._begun,
            "status": status,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": list(_items(output, status)),
            "usage": format_usage(solved.used, "input", "output"),
            "reasoning": about,
        }

    def begin(self) -> Iterator[Any]:
        """Yield the events before there is an answer."""
        yield self._event("created", response=self._begun)
        yield self._event("in_progress", response=self._begun)
        yield self._event("output_item.added", output_index=0, item=self._thought)
        yield self._summary("part.added", part={"type": "summary_text", "text": ""})

    def tell(self, index: int, event: SolveEvent) -> Iterator[Any]:
        """Yield the part of the summary that tells an event, if it is shown."""
        line, data = format_event(event)
        if line:
            self._lines.append(line)
            shown = {"reasoning": {"event": data}} if self._chat.body.trace else {}
            yield self._summary("text.delta", delta=line, **shown)

    def end(self, solved: Solved) -> Iterator[Any]:
        """Yield the events of the answer."""
        part = {"type": "summary_text", "text": "".join(self._lines)}
        yield self._summary("text.done", text=part["text"])
        yield self._summary("part.done", part=part)
        self._thought["summary"] = [part]
        yield self._event("output_item.done", output_index=0, item=self._thought)
        response = self.whole(solved)
        for index, item in enumerate(response["output"], 1):
            begun, steps = _steps(item)
            yield self._event("output_item.added", output_index=index, item={**item, **begun, "status": "in_progress"})
            for name, fields in steps:
                yield self._event(name, item_id=item["id"], output_index=index, **fields)
            yield self._event("output_item.done", output_index=index, item=item)
        response["output"].insert(0, self._thought)
        yield self._event(response["status"], response=response)

    def fail(self, error: RequestFailed) -> Iterator[Any]:
        """Yield the error that ends the stream."""
        failed = {"code": error.code or "server_error", "message": str(error)}
        yield self._event("failed", response={**self._begun, "status": "failed", "error": failed})

    def _event(self, name: str, /, **fields: Any) -> dict[str, Any]:
        self._sent += 1
        return {"type": f"response.{name}", "sequence_number": self._sent - 1, **fields}

    def _summary(self, name: str, /, **fields: Any) -> dict[str, Any]:
        place = {"item_id": self._thought["id"], "output_index": 0, "summary_index": 0}
        return self._event(f"reasoning_summary_{name}", **place, **fields)


def _messages(body: ResponsesBody) -> Iterator[dict[str, Any]]:
    """Yield the input as the messages of a chat."""
    if body.instructions:
        yield {"role": "system", "content": body.instructions}
    items = [{"role": "user", "content": body.input}] if isinstance(body.input, str) else body.input
    for index, item in enumerate(items):
        match item.get("type", "message"):
            case "message":
                yield {"role": item.get("role"), "content": item.get("content")}
            case "function_call":
                function = {"name": item.get("name"), "arguments": item.get("arguments")}
                calls = [{"id": item.get("call_id"), "type": "function", "function": function}]
                yield {"role": "assistant", "content": None, "tool_calls": calls}
            case "function_call_output":
                yield {"role": "tool", "content": item.get("output"), "tool_call_id": item.get("call_id")}
            case "reasoning":
                # What was thought before is not part of the conversation.
                continue
            case other:
                where = f"input.{index}"
                raise RequestFailed(400, f"{where}: items of the type {other!r:.40} are not supported", param=where)


def _format(body: ResponsesBody) -> dict[str, Any]:
    """Return the format of the text as the `response_format` of a chat."""
    form = (body.text or {}).get("format") or {"type": "text"}
    if not isinstance(form, dict):
        raise RequestFailed(400, f"text.format must be an object, got {form!r:.40}", param="text.format")
    is_schema = form.get("type") == "json_schema"
    return {"type": "json_schema", "json_schema": {"schema": form.get("schema")}} if is_schema else form


def _items(output: Output, status: str) -> Iterator[dict[str, Any]]:
    """Yield the items of the output: a message, and calls of tools."""
    if output.refusal is not None or output.content is not None or not output.calls:
        text = {"type": "output_text", "text": output.content or "", "annotations": []}
        part = text if output.refusal is None else {"type": "refusal", "refusal": output.refusal}
        about = {"type": "message", "id": f"msg_{uuid4().hex}", "status": status, "role": "assistant"}
        yield {**about, "content": [part]}
    for call in output.calls:
        about = {"type": "function_call", "id": f"fc_{uuid4().hex}", "call_id": call["id"], "status": status}
        yield {**about, **call["function"]}


def _steps(item: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    """Return the fields with which an item of the output begins, and the events that complete it."""
    if item["type"] == "function_call":
        name, arguments = "function_call_arguments", item["arguments"]
        done = {"arguments": arguments, "name": item["name"]}
        return {"arguments": ""}, [(f"{name}.delta", {"delta": arguments}), (f"{name}.done", done)]
    [part] = item["content"]
    kind, field = part["type"], "refusal" if "refusal" in part else "text"
    place = {"content_index": 0, **({"logprobs": []} if field == "text" else {})}
    return {"content": []}, [
        ("content_part.added", {"content_index": 0, "part": {**part, field: ""}}),
        (f"{kind}.delta", {**place, "delta": part[field]}),
        (f"{kind}.done", {**place, field: part[field]}),
        ("content_part.done", {"content_index": 0, "part": part}),
    ]
