"""The events of a streamed `/v1/responses`: stages as a summary of the reasoning, then the answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from reasoning.serving.access import Key
from reasoning.serving.protocol.chat import ChatRequest
from reasoning.serving.protocol.errors import to_request_failed
from reasoning.serving.protocol.responses import begin, to_response
from reasoning.serving.server import Server
from reasoning.serving.stream import Stream, describe_event, event_json
from reasoning.watching import SolveEvent


async def stream_response(stream: Stream, server: Server, chat: ChatRequest, key: Key | None) -> dict[str, Any]:
    """Send the events of `/v1/responses`, and return the field `reasoning` of the last."""
    begun, sent, lines = begin(chat), 0, list[str]()
    thought: dict[str, Any] = {"type": "reasoning", "id": f"rs_{uuid4().hex}", "summary": []}
    place = {"item_id": thought["id"], "output_index": 0, "summary_index": 0}

    async def send(name: str, **fields: Any) -> None:
        nonlocal sent
        kind = f"response.{name}"
        await stream.send({"type": kind, "sequence_number": sent, **fields}, kind)
        sent += 1

    async def send_event(index: int, event: SolveEvent) -> None:
        if line := describe_event(event):
            lines.append(line)
            shown = {"reasoning": {"event": event_json(event)}} if chat.trace else {}
            await send("reasoning_summary_text.delta", **place, delta=line, **shown)

    await stream.open()
    await send("created", response=begun)
    await send("in_progress", response=begun)
    await send("output_item.added", output_index=0, item=thought)
    await send("reasoning_summary_part.added", **place, part={"type": "summary_text", "text": ""})
    try:
        answers, about = await stream.follow(server, chat, key, send_event)
    except ConnectionError:
        raise
    except Exception as error:
        body = to_request_failed(error).to_json()["error"]
        failed = {"code": body["code"] or "server_error", "message": body["message"]}
        await send("failed", response={**begun, "status": "failed", "error": failed})
        return {}
    part = {"type": "summary_text", "text": "".join(lines)}
    await send("reasoning_summary_text.done", **place, text=part["text"])
    await send("reasoning_summary_part.done", **place, part=part)
    thought["summary"] = [part]
    await send("output_item.done", output_index=0, item=thought)
    response = to_response(answers, chat, about, begun)
    for index, item in enumerate(response["output"], 1):
        await _send_item(send, index, item)
    response["output"].insert(0, thought)
    await send(response["status"], response=response)
    return about


async def _send_item(send: Any, index: int, item: dict[str, Any]) -> None:
    """Send the events of one item of the output: a message, or a call of a tool."""
    place = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        await send("output_item.added", output_index=index, item={**item, "arguments": "", "status": "in_progress"})
        await send("function_call_arguments.delta", **place, delta=item["arguments"])
        await send("function_call_arguments.done", **place, arguments=item["arguments"], name=item["name"])
    else:
        [part] = item["content"]
        kind = part["type"]
        field = "text" if kind == "output_text" else "refusal"
        more: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
        place["content_index"] = 0
        await send("output_item.added", output_index=index, item={**item, "content": [], "status": "in_progress"})
        await send("content_part.added", **place, part={**part, field: ""})
        await send(f"{kind}.delta", **place, delta=part[field], **more)
        await send(f"{kind}.done", **place, **{field: part[field]}, **more)
        await send("content_part.done", **place, part=part)
    await send("output_item.done", output_index=index, item=item)
