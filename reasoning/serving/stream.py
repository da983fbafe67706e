"""Streamed replies: stages as they begin and end, a heartbeat, then the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from aiohttp import web

from reasoning.serving.access import Key
from reasoning.serving.protocol.chat import ChatRequest
from reasoning.serving.protocol.completions import Completion
from reasoning.serving.protocol.errors import to_request_failed
from reasoning.serving.protocol.outputs import to_bytes
from reasoning.serving.protocol.responses import Response
from reasoning.serving.server import Server
from reasoning.watching import SolveEvent

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    # A reverse proxy such as nginx would else collect the events.
    "X-Accel-Buffering": "no",
}
_HEARTBEAT = b": heartbeat\n\n"
"""A comment of the protocol of events, which clients ignore."""


async def stream(
    request: web.Request, server: Server, chat: ChatRequest, key: Key | None, reply: Completion | Response
) -> tuple[web.StreamResponse, dict[str, Any], int | None]:
    """Answer a request as `Server.solve` does, with events and a heartbeat meanwhile.

    If the client leaves, the solve is cancelled. What was bought is recorded.

    Returns:
        The response, the field `reasoning` of the reply, and None; after an error, an empty field and its status.

    Raises:
        RequestFailed: a limit of this server is reached, so that nothing was sent.
    """
    response, queue = web.StreamResponse(headers=_HEADERS), asyncio.Queue[tuple[int, SolveEvent] | None]()
    loop = asyncio.get_running_loop()

    def watch(index: int, event: SolveEvent) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, (index, event))

    task = asyncio.create_task(server.solve(chat, key, watch))
    task.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        # The limits of the server are checked before the first await. Their errors have a status of their own.
        await asyncio.sleep(0)
        if task.done():
            task.result()
        # The headers are sent at once, before a gateway gives up.
        await response.prepare(request)
        await response.write(_encode(reply.begin()))
        while True:
            try:
                async with asyncio.timeout(server.heartbeat):
                    item = await queue.get()
            except TimeoutError:
                await response.write(_HEARTBEAT)
                continue
            if item is None:
                break
            if told := _encode(reply.tell(*item)):
                await response.write(told)
        about = task.result().about
        await response.write(_encode(reply.end(task.result())))
    except Exception as error:
        if isinstance(error, ConnectionError) or not response.prepared:
            raise
        failed = to_request_failed(error)
        await response.write(_encode(reply.fail(failed)))
        return response, {}, failed.status
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
    return response, about, None


def _encode(events: Iterable[Any]) -> bytes:
    """Return events as bytes. The name of an event is its type, if it has one."""
    parts = []
    for event in events:
        named = f"event: {event['type']}\n" if isinstance(event, dict) and "type" in event else ""
        data = f"{event}\n".encode() if isinstance(event, str) else to_bytes(event)
        parts += [named.encode(), b"data: ", data, b"\n"]
    return b"".join(parts)
