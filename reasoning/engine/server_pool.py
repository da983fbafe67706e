"""Several servers of one model behind one client, with failover; see `reasoning.engine.server_admission`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from reasoning import telemetry
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.rate_limiter import CONCURRENCY, RateLimiter
from reasoning.engine.server_admission import Server, ServerAdmission
from reasoning.errors import CallFailed, RequestOutdated, SettingRefused, UsageError
from reasoning.images import Image
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.http_errors import NothingListens
from reasoning.providers.server_use import ServerUse

LOOKAHEAD = 3
"""Requests that are admitted for each place at a server: those that wait let a free server find one that prefers it."""
_OPEN_AFTER = 2.0
"""Seconds of nothing but errors after which a server is left out; one that does not reply is left out at once."""
_ELSEWHERE = frozenset([429, 502, 503, 504, 529])
"""The statuses after which another server gets the request at once: nothing was generated."""


@dataclass
class _Place:
    """The place of a request at a server, which changes if the server fails."""

    server: Server | None


_place: ContextVar[_Place | None] = ContextVar("place", default=None)


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
        self._servers = [
            Server(client, RateLimiter.shared(client.endpoint, client.model, api_key)) for client in clients
        ]
        for server in self._servers:
            server.limits.circuit.open_after = _OPEN_AFTER
            server.client.on_headers = server.limits.on_headers
        self._admission = ServerAdmission(self._servers)
        self.apply_limits(self, settings)

    def apply_limits(self, owner: object, settings: LimitSettings) -> None:
        """Add an owner's limits of each server; see `RateLimiter.apply`."""
        for server in self._servers:
            # An outage of one server ends no run, and it is tried again for as long as the run lasts.
            server.limits.apply(owner, replace(settings, patience=math.inf))

    def remove_limits(self, owner: object) -> None:
        """Remove an owner's limits of each server."""
        for server in self._servers:
            server.limits.remove(owner)

    def total(self, each: LimitSettings) -> LimitSettings:
        """Return the limits of all servers together, with the requests that wait for one.

        Args:
            each: the limits of each server.
        """
        count = len(self._servers)
        return replace(
            each,
            concurrency=LOOKAHEAD * count * (each.concurrency or CONCURRENCY),
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

    def sending(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Return what is entered while a request is sent: it waits for a server that has room."""
        return self._sending(request)

    @asynccontextmanager
    async def _sending(self, request: Request) -> AsyncIterator[None]:
        server = await self._admission.acquire(request, self._tokens(request))
        assert server is not None
        place = _Place(server)
        token = _place.set(place)
        try:
            yield
        finally:
            _place.reset(token)
            if place.server is not None:
                self._admission.release(place.server)

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask a server for `len(draws)` completions; see `Client.complete`.

        Raises:
            RequestOutdated: the address of the first server has been corrected since the request was made.
            CallFailed: no server that could take the request gave a reply.
        """
        if (place := _place.get()) is None:
            async with self.sending(request):
                return await self.complete(request, draws)
        if request.endpoint != self.endpoint:
            raise RequestOutdated(f"the base_url has been corrected to {self.endpoint}; make the request again")
        failed: dict[Server, CallFailed] = {}
        while (server := place.server) is not None:
            try:
                return await self._send(server, request, draws, is_retry=bool(failed))
            except CallFailed as error:
                if not _may_go_elsewhere(error):
                    raise
                failed[server], place.server = error, None
            self._admission.release(server)
            place.server = await self._admission.acquire(request, self._tokens(request), failed)
        errors = list(failed.values())
        last = next((one for one in errors if one.retryable), errors[-1])
        # If any server has ever replied, this is an outage and no wrong address.
        last.retryable = last.retryable or any(one.limits.circuit.has_succeeded for one in self._servers)
        raise last

    def _tokens(self, request: Request) -> int:
        """Return the most tokens that a draw of a request may have, if they are limited."""
        return max_prompt_tokens(request) // 3 + request.max_tokens if self.settings.tokens_per_minute else 0

    async def _send(
        self, server: Server, request: Request, draws: Sequence[int], *, is_retry: bool
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

    def describe_waiting(self) -> str:
        """Return which servers do not respond; empty if all do."""
        down = [f"{one.address} ({one.limits.circuit.last_failure})" for one in self._servers if one.is_down]
        return f"{len(down)} of {len(self._servers)} servers down: {', '.join(down)}" if down else ""

    async def close(self) -> None:
        """Close the connections to all servers."""
        for server in self._servers:
            await server.client.close()
        self.remove_limits(self)

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


def _may_go_elsewhere(error: CallFailed) -> bool:
    """Return whether another server may take the request at once: this one gave no reply, or was overloaded."""
    if isinstance(error, NothingListens):
        return True
    return error.retryable and error.usage is None and (error.status is None or error.status in _ELSEWHERE)
