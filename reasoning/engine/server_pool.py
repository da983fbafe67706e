"""Several servers of one model: requests that begin alike go to the same one, unless it is loaded or down.

A server keeps the beginnings of recent prompts in its prefix cache. So the servers are ranked for each
beginning by rendezvous hashing: a server that leaves or joins moves only its own share of the prompts.
No server gets much more than its share of the requests in flight (consistent hashing with bounded loads).

Source: Mirrokni, Thorup, Zadimoghaddam 2018, "Consistent hashing with bounded loads".
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import blake2b

from reasoning import forks, telemetry
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.rate_limiter import CONCURRENCY, RateLimiter
from reasoning.errors import CallFailed, RequestOutdated, SettingRefused, UsageError
from reasoning.images import Image
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.http_errors import NothingListens
from reasoning.providers.server_use import ServerUse

BEGINNING = 1024
"""The characters of a prompt, after the turns that are the same for every problem, that choose its server."""
_SPREAD = 1.25
"""The multiple of its even share of the requests in flight above which a server counts as loaded."""
_NEVER_LOADED = 2
"""Requests in flight up to which no server counts as loaded."""
_OPEN_AFTER = 2.0
"""Seconds of nothing but errors after which a server is left out; one that does not reply is left out at once."""
_ELSEWHERE = frozenset([429, 502, 503, 504, 529])
"""The statuses after which another server gets the request at once: nothing was generated."""
_RECHECK = 0.25
"""Seconds after which waiting requests look again for a server whose limits other connections may have freed."""
_MAX_RANKINGS = 10_000
"""Beginnings whose ranking is kept."""


class _Server:
    """One server: its client, its limits and its work."""

    def __init__(self, client: Client, limits: RateLimiter) -> None:
        self.client, self.limits = client, limits
        self.address = client.endpoint or client.model
        self.requests = self.succeeded = self.failed = self.taken_over = 0
        self.usage = Usage()
        limits.circuit.name = self.address

    @property
    def is_down(self) -> bool:
        return self.limits.circuit.is_open

    def use(self) -> ServerUse:
        """Return the work of the server so far."""
        state = f"down: {self.limits.circuit.last_failure}" if self.is_down else "up"
        return ServerUse(self.address, self.requests, self.succeeded, self.failed, self.taken_over, self.usage, state)


class ServerPool(Client):
    """A client of one model that several servers have. It has the name and the endpoint of the first server.

    So the keys of draws depend on the first address alone, and not on which server replies: servers may be
    added to a run or removed from it. A request that a server refuses because it is overloaded, or to which it
    gives no reply, goes to the next server at once. Everything else is left to the engine's retries.

    Args:
        clients: the clients of the servers.
        settings: the limits of each server.
        api_key: the key, which limits belong to.

    Attributes:
        settings: the limits of each server.

    Raises:
        UsageError: an address is given twice, or is that of a provider.
    """

    def __init__(self, clients: Sequence[Client], settings: LimitSettings, api_key: str | None = None) -> None:
        endpoints = [client.endpoint for client in clients]
        if None in endpoints:
            raise UsageError("several base_url must be servers of your own, got one of OpenAI: give one address")
        if twice := next((one for one in endpoints if endpoints.count(one) > 1), None):
            raise UsageError(f"base_url must name each server once, got {twice} twice")
        self.settings, self._api_key = settings, api_key
        self.model = clients[0].model
        # An outage of one server ends no run, and it is tried again for as long as the run lasts.
        own = replace(settings, patience=math.inf)
        self._servers = [
            _Server(client, RateLimiter.shared(client.endpoint, client.model, api_key)) for client in clients
        ]
        for server in self._servers:
            server.limits.apply(self, own)
            server.limits.circuit.open_after = _OPEN_AFTER
            server.client.on_headers = server.limits.on_headers
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._recheck: asyncio.TimerHandle | None = None
        self._rankings: dict[str, list[_Server]] = {}
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the waiting requests to the parent process; see `reasoning.forks`."""
        self._waiting.clear()
        self._recheck = None

    @property
    def total_settings(self) -> LimitSettings:
        """The limits of all servers together."""
        count = len(self._servers)
        each = self.settings
        return replace(
            each,
            concurrency=count * (each.concurrency or CONCURRENCY),
            requests_per_minute=each.requests_per_minute and count * each.requests_per_minute,
            tokens_per_minute=each.tokens_per_minute and count * each.tokens_per_minute,
        )

    @property
    def endpoint(self) -> str | None:  # type: ignore[override]
        """The address of the first server, which stands for all in keys and results."""
        return self._first.endpoint

    @property
    def limited_as(self) -> str:
        """The addresses of all servers: each also has limits of its own under its address."""
        return " ".join(server.address for server in self._servers)

    @property
    def max_n(self) -> int:  # type: ignore[override]
        """The completions that one request may ask for, whichever server it goes to."""
        return min(server.client.max_n for server in self._servers)

    @property
    def uses(self) -> tuple[ServerUse, ...]:
        """The work of each server so far."""
        return tuple(server.use() for server in self._servers)

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask a server for `len(draws)` completions; see `Client.complete`.

        Raises:
            RequestOutdated: the address of the first server has been corrected since the request was made.
            CallFailed: no server that could take the request gave a reply.
        """
        if request.endpoint != self.endpoint:
            raise RequestOutdated(f"the base_url has been corrected to {self.endpoint}; make the request again")
        tokens = 0
        if self.settings.tokens_per_minute:
            tokens = max_prompt_tokens(request) // 3 + request.max_tokens * len(draws)
        ranking = self._rank(request)
        failed: dict[_Server, CallFailed] = {}
        while server := await self._admit(ranking, failed, tokens):
            try:
                return await self._send(server, request, draws, is_retry=bool(failed))
            except CallFailed as error:
                if not _may_go_elsewhere(error):
                    raise
                failed[server] = error
            finally:
                server.limits.release()
                self._wake()
        errors = list(failed.values())
        last = next((one for one in errors if one.retryable), errors[-1])
        # If any server has ever replied, this is an outage and no wrong address.
        last.retryable = last.retryable or any(one.limits.circuit.has_succeeded for one in self._servers)
        raise last

    async def _send(
        self, server: _Server, request: Request, draws: Sequence[int], *, is_retry: bool
    ) -> list[Completion]:
        """Send a request to one server, and record the outcome."""
        loop = asyncio.get_running_loop()
        began, admitted_at = loop.time(), server.limits.now
        telemetry.set_server(server.address)
        server.requests += 1
        try:
            try:
                completions = await server.client.complete(request, draws)
            except RequestOutdated as error:
                if isinstance(error, SettingRefused) or self.endpoint != request.endpoint:
                    raise
                # The address of another server than the first was corrected, which no key depends on.
                completions = await server.client.complete(request, draws)
        except CallFailed as error:
            if error.retryable or isinstance(error, NothingListens):
                server.failed += 1
                # A request to a server that does not reply waits for the whole timeout.
                server.limits.circuit.open_after = 0.0 if error.status is None and error.usage is None else _OPEN_AFTER
                if isinstance(error, NothingListens):
                    # The circuit breaker of the only server would not count one that never replied.
                    server.limits.on_failure(NothingListens(str(error), retryable=True), admitted_at, is_retry=is_retry)
                else:
                    server.limits.on_failure(error, admitted_at, is_retry=is_retry)
            raise
        server.succeeded += 1
        server.limits.circuit.open_after = _OPEN_AFTER
        server.limits.on_success(admitted_at)
        usage = Usage.total(completion.usage for completion in completions)
        server.usage = Usage.total((server.usage, usage.with_seconds(loop.time() - began)))
        return completions

    async def _admit(self, ranking: Sequence[_Server], failed: Collection[_Server], tokens: int) -> _Server | None:
        """Return the server to send a request to, once one has room; `release` of its limits must follow.

        Return None if the request has failed and no other server is up.
        """
        candidates = [server for server in ranking if server not in failed]
        while True:
            if failed and all(server.is_down for server in candidates):
                return None
            if server := self._choose(candidates, tokens):
                server.taken_over += server is not ranking[0]
                return server
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            if self._recheck is None:
                self._recheck = asyncio.get_running_loop().call_later(_RECHECK, self._look_again)
            try:
                await turn
            except asyncio.CancelledError:
                # Another may have the turn.
                if turn.done() and not turn.cancelled():
                    self._wake()
                raise

    def _choose(self, candidates: Sequence[_Server], tokens: int) -> _Server | None:
        """Return the first candidate that has room and is not loaded, or the least loaded one that has room."""
        up = [server for server in self._servers if not server.is_down]
        if not up:
            # The engine's circuit breaker decides when to probe.
            server = min(candidates, key=lambda one: one.limits.circuit.next_probe_at)
            server.limits.count_sent(tokens)
            return server
        in_flight = sum(server.limits.in_flight for server in up)
        share = max(_NEVER_LOADED, math.ceil(_SPREAD * (in_flight + 1) / len(up)))
        for server in candidates:
            if server.limits.in_flight < share and server.limits.try_acquire(tokens):
                return server
        for server in sorted(candidates, key=lambda one: one.limits.in_flight):
            if server.limits.try_acquire(tokens):
                return server
        return None

    def _rank(self, request: Request) -> list[_Server]:
        """Return the servers in the order of preference for the beginning of a request."""
        beginning = _beginning(request)
        if (ranking := self._rankings.get(beginning)) is None:
            if len(self._rankings) >= _MAX_RANKINGS:
                self._rankings.clear()
            ranking = self._rankings[beginning] = sorted(self._servers, key=lambda server: _score(server, beginning))
        return ranking

    def _wake(self) -> None:
        """Give the next waiting request a turn."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _look_again(self) -> None:
        """Give every waiting request a turn: a delay may be over, or another connection may have freed a server."""
        self._recheck = None
        for _ in range(len(self._waiting)):
            self._wake()

    def describe_waiting(self) -> str:
        """Return which servers do not respond; empty if all do."""
        down = [f"{one.address} ({one.limits.circuit.last_failure})" for one in self._servers if one.is_down]
        return f"{len(down)} of {len(self._servers)} servers down: {', '.join(down)}" if down else ""

    async def close(self) -> None:
        """Close the connections to all servers."""
        for server in self._servers:
            await server.client.close()
            server.limits.remove(self)

    def sibling(self, model: str) -> Client | None:
        """Return the client of another model of these servers."""
        clients = [client for server in self._servers if (client := server.client.sibling(model)) is not None]
        if len(clients) < len(self._servers):
            return None
        return ServerPool(clients, self.settings, self._api_key)

    def find_image_problem(self, image: Image) -> str:
        """Return why the model cannot be sent a picture; empty if it can."""
        return self._first.find_image_problem(image)

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars; None if the price is unknown."""
        return self._first.price(usage)

    @property
    def prices(self) -> str:
        """The version of the price table; empty without one."""
        return self._first.prices

    def key_variables(self) -> list[tuple[str, bool]]:
        """Return the environment variable of the key, with whether it is set."""
        return self._first.key_variables()

    @property
    def _first(self) -> Client:
        return self._servers[0].client


def _beginning(request: Request) -> str:
    """Return the characters that choose the server: the first ones after the turns that every problem has."""
    text = ""
    for turn in request.messages[min(request.static_prefix, len(request.messages) - 1) :]:
        text += turn.content
        if turn.role != "system":
            break
    return text[:BEGINNING]


def _score(server: _Server, beginning: str) -> bytes:
    return blake2b(f"{server.address}\0{beginning}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _may_go_elsewhere(error: CallFailed) -> bool:
    """Return whether another server may take the request at once: this one gave no reply, or was overloaded."""
    if isinstance(error, NothingListens):
        return True
    return error.retryable and error.usage is None and (error.status is None or error.status in _ELSEWHERE)
