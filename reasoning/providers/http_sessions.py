"""The HTTP sessions of a client: one for each event loop, left to the parent after a fork."""

from __future__ import annotations

import asyncio
import os
import socket
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reasoning import forks

if TYPE_CHECKING:
    import aiohttp


class HttpSessions:
    """The sessions of one client, which hold its connections.

    Args:
        timeout: seconds for one call; None waits without limit.
        socket_factory: makes the sockets of connections, from an address of `socket.getaddrinfo`.

    Attributes:
        by_loop: the open session of each event loop.
    """

    def __init__(self, timeout: float | None, socket_factory: Callable[[Any], socket.socket] | None = None) -> None:
        self.by_loop: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._timeout, self._socket_factory = timeout, socket_factory
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the connections to the parent process; see `reasoning.forks`."""
        forks.leak(*self.by_loop.values())
        self.by_loop = {}
        # The server notices that the parent closes a connection only if no child has it open.
        for connection in list(self._sockets):
            if (descriptor := connection.fileno()) >= 0:
                os.close(descriptor)
        self._sockets.clear()

    async def open(self, headers: Mapping[str, str], *, trust_env: bool) -> aiohttp.ClientSession:
        """Open the session of the running event loop, and close those of loops that have ended.

        Args:
            headers: the headers of every request.
            trust_env: whether the proxy that the environment sets is used.
        """
        import aiohttp

        session = self.by_loop[asyncio.get_running_loop()] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=self._new_socket),  # the engine limits
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # `read_body` limits the size
            trust_env=trust_env,
        )
        for ended in [loop for loop in self.by_loop if loop.is_closed()]:
            await self.by_loop.pop(ended).close()
        return session

    async def close(self) -> None:
        """Close the sessions of all event loops."""
        running = asyncio.get_running_loop()
        while self.by_loop:
            loop, session = self.by_loop.popitem()
            if loop is running or loop.is_closed():
                await session.close()
            else:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(session.close(), loop))

    def _new_socket(self, address: Any) -> socket.socket:
        made = socket.socket(*address[:3]) if self._socket_factory is None else self._socket_factory(address)
        self._sockets.add(made)
        return made
