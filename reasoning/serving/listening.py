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
    """A connection of a client, which is closed if the client neither sends a request nor reads a reply."""

    _silence: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request. Before 3.14, aiohttp itself limits the wait for later ones only."""
        super().connection_made(transport)
        # Whatever the system's own buffer does not take is known to be unread.
        transport.set_write_buffer_limits(0)  # type: ignore[attr-defined]
        self._silence = asyncio.get_running_loop().call_later(self.keepalive_timeout, self._end_silence)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the waits."""
        for wait in (self._silence, self._unread):
            if wait is not None:
                wait.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """End the wait: everything was read."""
        if self._unread is not None:
            self._unread.cancel()
        super().resume_writing()

    def _wait_for_reader(self, unread: int | None = None) -> None:
        """Close the connection if nothing was read since `unread` bytes were left; else wait on."""
        assert self.transport is not None
        left = self.transport.get_write_buffer_size()
        if left == unread:
            self.transport.abort()
            return
        self._unread = asyncio.get_running_loop().call_later(self.keepalive_timeout, self._wait_for_reader, left)

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
