"""Listening for clients. Errors of HTTP itself get a reply in the form of the protocol, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from reasoning.serving.protocol.errors import RequestFailed
from reasoning.serving.server import SERVER
from reasoning.text_safety import to_line

_BACKLOG = 1024
_LINGERING = 10.0
"""Seconds for which a client may still send a body after the reply to it."""
_MAX_MESSAGE = 200


class _Connection(web.RequestHandler):
    """A connection of a client."""

    _silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request. Before 3.14, aiohttp itself limits the wait for later ones only."""
        super().connection_made(transport)
        self._silence = asyncio.get_running_loop().call_later(self.keepalive_timeout, self._end_silence)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the wait."""
        if self._silence is not None:
            self._silence.cancel()
        super().connection_lost(exc)

    def _end_silence(self) -> None:
        if not self._request_count:
            self.force_close()

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

    A request is cancelled when its client leaves. A connection is closed that takes too long to send one.

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
    settings: dict[str, Any] = {"access_log": None, "auto_decompress": False}
    settings["keepalive_timeout"] = seconds = app[SERVER].request_seconds
    settings["lingering_time"] = min(_LINGERING, seconds)

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
