"""Listening for clients. Errors of HTTP itself get a reply in the form of the protocol, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from reasoning.serving.protocol.errors import RequestFailed
from reasoning.text_safety import to_line

_KEEP_ALIVE = 75.0
"""Seconds for which an idle connection stays open."""
_BACKLOG = 1024
_MAX_MESSAGE = 200


class _Connection(web.RequestHandler):
    """A connection of a client."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the reply to what is no request of HTTP. Nothing is logged, since anybody can send it.

        Raises:
            ConnectionError: the client has left, or has a part of another reply.
        """
        if request.transport is None or request.transport.is_closing() or request.writer.output_size > 0:
            raise ConnectionError("the client cannot get a reply")
        said = to_line(message or "")[:_MAX_MESSAGE] if status < 500 else "an internal error"
        response = RequestFailed(status, f"the request is no valid HTTP: {said}", "invalid_http").response()
        response.force_close()
        return response


@asynccontextmanager
async def listen(app: web.Application, host: str, port: int, grace: float = 0.0) -> AsyncIterator[int]:
    """Listen while the block runs, then answer the requests that have begun.

    A request is cancelled when its client leaves.

    Args:
        app: the application.
        host: the address.
        port: the port; 0 takes any.
        grace: seconds that requests may take to end.

    Yields:
        The port.

    Raises:
        OSError: the address cannot be used.
    """
    runner, loop = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=grace), asyncio.get_running_loop()
    await runner.setup()
    manager = runner.server
    assert manager is not None

    # A body is never decompressed: a small one could become a huge one.
    settings: dict[str, Any] = {"access_log": None, "keepalive_timeout": _KEEP_ALIVE, "auto_decompress": False}

    def connect() -> _Connection:
        return _Connection(manager, loop=loop, **settings)

    try:
        listening = await loop.create_server(connect, host, port, backlog=_BACKLOG)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
    finally:
        await runner.cleanup()
