"""Streamed replies: stages as they begin and end, a heartbeat, then the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from reasoning.answer import Answer
from reasoning.serving.access import Key
from reasoning.serving.protocol.chat import ChatRequest
from reasoning.serving.protocol.errors import to_request_failed
from reasoning.serving.protocol.reply import begin, format_spent, format_usage, to_output
from reasoning.serving.server import Server
from reasoning.text_safety import dump_json
from reasoning.watching import SolveEvent

_HEARTBEAT = b": heartbeat\n\n"
"""A comment of the protocol of events, which clients ignore."""


class Stream:
    """The reply to one request as a stream of events.

    Args:
        request: the request, whose headers of the reply are sent by `open`.
        heartbeat: seconds without an event after which a comment is sent.
    """

    def __init__(self, request: web.Request, heartbeat: float) -> None:
        self._request, self._heartbeat = request, heartbeat
        # A reverse proxy such as nginx would else collect the events.
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        self.response = web.StreamResponse(headers=headers)

    async def open(self) -> None:
        """Send the headers at once, before a gateway gives up."""
        await self.response.prepare(self._request)

    async def send(self, data: Any, event: str = "") -> None:
        """Send one event: a text as it is, anything else as JSON."""
        named = f"event: {event}\n" if event else ""
        text = data if isinstance(data, str) else dump_json(data, compact=True, default=str)
        await self.response.write(f"{named}data: {text}\n\n".encode())

    async def follow(
        self, server: Server, chat: ChatRequest, key: Key | None, on_event: Callable[[int, SolveEvent], Awaitable[None]]
    ) -> tuple[list[Answer], dict[str, Any]]:
        """Answer a request as `Server.solve` does, with a heartbeat meanwhile.

        If the client leaves, the solve is cancelled. What was bought is recorded.

        Args:
            server: the server.
            chat: the request.
            key: the client's key.
            on_event: is awaited for each event, with the index of its choice.
        """
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[tuple[int, SolveEvent] | None]()

        def watch(index: int, event: SolveEvent) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, (index, event))

        task = asyncio.create_task(server.solve(chat, key, watch))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while True:
                try:
                    async with asyncio.timeout(self._heartbeat):
                        item = await queue.get()
                except TimeoutError:
                    await self.response.write(_HEARTBEAT)
                    continue
                if item is None:
                    return task.result()
                await on_event(*item)
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task


def describe_event(event: SolveEvent) -> str:
    """Return one line for a stage that begins or ends; empty for other events."""
    name = " / ".join(event.path) or event.stage
    if event.type == "stage_began":
        return f"{name} begins\n"
    if event.type != "stage_ended":
        return ""
    calls = f", {event.usage.calls} call{'' if event.usage.calls == 1 else 's'}" if event.usage.calls else ""
    return f"{name} ends after {event.seconds or 0:.1f} s{calls}{f': {event.error}' if event.error else ''}\n"


def event_json(event: SolveEvent) -> dict[str, Any]:
    """Return the field `event` of a chunk."""
    data: dict[str, Any] = {"type": event.type, "stage": event.stage, "path": list(event.path)}
    if event.usage.calls:
        used = event.usage
        tokens = {"prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens, "usd": used.usd}
        data["usage"] = {"calls": used.calls, "new_calls": event.spent.calls, **tokens}
        data["spent"] = format_spent(event.spent)
    more = {"draws": event.draws, "text": event.text, "error": event.error, "seconds": event.seconds}
    return data | {name: value for name, value in more.items() if value not in ("", 0, None)}


async def stream_chat(stream: Stream, server: Server, chat: ChatRequest, key: Key | None) -> dict[str, Any]:
    """Send the chunks of `/v1/chat/completions`, and return the field `reasoning` of the last."""
    first = begin(chat, chunk=True)

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**first, "choices": [{"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}]}

    async def send_event(index: int, event: SolveEvent) -> None:
        line = describe_event(event)
        if line or chat.trace:
            shown = {"reasoning": {"event": event_json(event)}} if chat.trace else {}
            await stream.send(chunk(index, {"reasoning_content": line} if line else {}) | shown)

    await stream.open()
    for index in range(chat.choices):
        await stream.send(chunk(index, {"role": "assistant", "content": ""}))
    try:
        answers, about = await stream.follow(server, chat, key, send_event)
    except ConnectionError:
        raise
    except Exception as error:
        await stream.send(to_request_failed(error).to_json())
        return {}
    usage = {"usage": format_usage(answers), "reasoning": about}
    for index, answer in enumerate(answers):
        output = to_output(answer, chat)
        message = {name: value for name, value in output.to_message().items() if name != "role" and value is not None}
        for place, call in enumerate(message.get("tool_calls", ())):
            call["index"] = place
        await stream.send(chunk(index, message))
        is_last = index == len(answers) - 1 and not chat.separate_usage
        await stream.send(chunk(index, {}, output.finish_reason) | (usage if is_last else {}))
    if chat.separate_usage:
        await stream.send({**first, "choices": [], **usage})
    await stream.send("[DONE]")
    return about
