"""The choice among several servers of one model: requests that begin alike go to the same one.

A server keeps the beginnings of recent prompts in its prefix cache. So the servers are ranked for each beginning
by rendezvous hashing: a server that leaves or joins moves only its own share of the prompts. No server gets much
more than its share of the requests in flight (consistent hashing with bounded loads). If all are busy, requests
wait in one queue, and a server that becomes free takes the first one that prefers it, or else the oldest.

Source: Mirrokni, Thorup, Zadimoghaddam 2018, "Consistent hashing with bounded loads".
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

from reasoning import forks
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.messages import Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.server_use import ServerUse

BEGINNING = 1024
"""The characters of a prompt, after the turns that are the same for every problem, that choose its server."""
_SPREAD = 1.25
"""The multiple of its even share of the requests in flight above which a server counts as loaded."""
_NEVER_LOADED = 2
"""Requests in flight up to which no server counts as loaded."""
_AVOIDED = 1.0
"""Seconds for which a server is avoided after a failure, unless a reply of it comes meanwhile."""
_RECHECK = 0.25
"""Seconds after which waiting requests look again for a server whose limits other connections may have freed."""
_MAX_RANKINGS = 10_000
"""Beginnings whose ranking is kept."""


class Server:
    """One server: its client, its limits and its work."""

    def __init__(self, client: Client, limits: RateLimiter) -> None:
        self.client, self.limits = client, limits
        self.address = client.endpoint or client.model
        self.requests = self.succeeded = self.failed = self.taken_over = 0
        self.usage = Usage()
        limits.circuit.name = self.address

    @property
    def is_down(self) -> bool:
        """True if the server has failed for so long that it is left out."""
        return self.limits.circuit.is_open

    @property
    def is_avoided(self) -> bool:
        """True if the server has just failed."""
        return self.limits.circuit.has_failed_within(_AVOIDED)

    def use(self) -> ServerUse:
        """Return the work of the server so far."""
        state = f"down: {self.limits.circuit.last_failure}" if self.is_down else "up"
        return ServerUse(
            *(self.address, self.requests, self.succeeded, self.failed, self.taken_over, self.usage, state)
        )


@dataclass(eq=False)
class _Waiting:
    """A request that waits for a server.

    Attributes:
        candidates: the servers that may take it, in the order of preference.
        tokens: the maximum number of its tokens.
        may_give_up: whether it gets no server if all candidates are down.
        server: resolved when it has one.
    """

    candidates: Sequence[Server]
    tokens: int
    may_give_up: bool
    server: asyncio.Future[Server | None]

    @property
    def is_hopeless(self) -> bool:
        return self.may_give_up and all(server.is_down for server in self.candidates)

    def prefers(self, server: Server) -> bool:
        return next((one for one in self.candidates if not (one.is_down or one.is_avoided)), None) is server


class ServerAdmission:
    """Gives each request a server.

    Args:
        servers: the servers.
    """

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._queue: deque[_Waiting] = deque()
        self._recheck: asyncio.TimerHandle | None = None
        self._rankings: dict[str, list[Server]] = {}
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the waiting requests to the parent process; see `reasoning.forks`."""
        self._queue.clear()
        self._recheck = None

    async def acquire(self, request: Request, tokens: int, failed: Collection[Server] = ()) -> Server | None:
        """Return the server to send a request to, once one has room; `release` must follow.

        Args:
            request: the request.
            tokens: the maximum number of its tokens.
            failed: the servers at which it has failed.

        Returns:
            The server; None if the request has failed and no other server is up.
        """
        ranking = self._rank(request)
        waiting = _Waiting(
            [server for server in ranking if server not in failed],
            tokens,
            bool(failed),
            asyncio.get_running_loop().create_future(),
        )
        if waiting.is_hopeless:
            return None
        if (server := self._choose(waiting)) is None:
            self._queue.append(waiting)
            self._schedule()
            try:
                server = await waiting.server
            except asyncio.CancelledError:
                with suppress(ValueError):
                    self._queue.remove(waiting)
                # It was given a server at the same moment.
                if waiting.server.done() and not waiting.server.cancelled() and (given := waiting.server.result()):
                    self.release(given)
                raise
        if server is not None:
            server.taken_over += server is not ranking[0]
        return server

    def release(self, server: Server) -> None:
        """Report that a request at a server has ended, and give the server to waiting ones."""
        server.limits.release()
        while self._queue and not (server.is_down or server.is_avoided):
            waiting = next((one for one in self._queue if one.prefers(server)), None)
            waiting = waiting or next((one for one in self._queue if server in one.candidates), None)
            if waiting is None or not server.limits.try_acquire(waiting.tokens):
                return
            self._queue.remove(waiting)
            waiting.server.set_result(server)

    def _choose(self, waiting: _Waiting) -> Server | None:
        """Return the first candidate that has room and is not loaded, or the least loaded one that has room."""
        up = [server for server in self._servers if not server.is_down]
        if not up:
            # The engine's circuit breaker decides when to probe.
            server = min(waiting.candidates, key=lambda one: one.limits.circuit.next_probe_at)
            server.limits.count_sent(waiting.tokens)
            return server
        in_flight = sum(server.limits.in_flight for server in up)
        share = max(_NEVER_LOADED, math.ceil(_SPREAD * (in_flight + 1) / len(up)))
        # One that is down takes a request if it is time to probe it.
        candidates = [server for server in waiting.candidates if not server.is_avoided] or waiting.candidates
        for server in candidates:
            if server.limits.in_flight < share and server.limits.try_acquire(waiting.tokens):
                return server
        for server in sorted(candidates, key=lambda one: one.limits.in_flight):
            if server.limits.try_acquire(waiting.tokens):
                return server
        return None

    def _schedule(self) -> None:
        if self._recheck is None:
            self._recheck = asyncio.get_running_loop().call_later(_RECHECK, self._look_again)

    def _look_again(self) -> None:
        """Look for a server for each waiting request: a delay may be over, or a server may be down."""
        self._recheck = None
        left: deque[_Waiting] = deque()
        for waiting in self._queue:
            if waiting.is_hopeless:
                waiting.server.set_result(None)
            elif server := self._choose(waiting):
                waiting.server.set_result(server)
            else:
                left.append(waiting)
        self._queue = left
        if left:
            self._schedule()

    def _rank(self, request: Request) -> list[Server]:
        """Return the servers in the order of preference for the beginning of a request."""
        beginning = _beginning(request)
        if (ranking := self._rankings.get(beginning)) is None:
            if len(self._rankings) >= _MAX_RANKINGS:
                self._rankings.clear()
            ranking = self._rankings[beginning] = sorted(self._servers, key=lambda server: _score(server, beginning))
        return ranking


def _beginning(request: Request) -> str:
    """Return the characters that choose the server: the first ones after the turns that every problem has."""
    text = ""
    for turn in request.messages[min(request.static_prefix, len(request.messages) - 1) :]:
        text += turn.content
        if turn.role != "system":
            break
    return text[:BEGINNING]


def _score(server: Server, beginning: str) -> bytes:
    return blake2b(f"{server.address}\0{beginning}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
