"""The direct way to OpenAI and to compatible servers: one POST to `/chat/completions` over a connection that is kept.

It sends once: retries, limits and the journal are the layers above.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoning.errors import AuthenticationFailed, CallFailed, ContextOverflow
from reasoning.messages import Completion, CompletionBatch, Request, Usage
from reasoning.providers.base_url import OPENAI, is_openai, uses_proxy, validate_base_url
from reasoning.providers.client import Client
from reasoning.providers.http_errors import CONTEXT_OVERFLOW, error_message, error_status, is_retryable, retry_after
from reasoning.providers.openai_response import parse_completions
from reasoning.providers.pricing import Price, price_table
from reasoning.text_safety import redact

if TYPE_CHECKING:
    import aiohttp
    import yarl

_ACCOUNT = [("OPENAI_ORG_ID", "OpenAI-Organization"), ("OPENAI_PROJECT_ID", "OpenAI-Project")]
_encoded = json.JSONEncoder(separators=(",", ":")).encode


def openai_client(
    model: str, base_url: str | None, *, api_key: str | None = None, timeout: float = 60, concurrency: int | None = None
) -> OpenAIClient:
    """The client of `openai/NAME`, or with a `base_url` of a model on that server.

    A key from the environment goes only to whom it belongs: `OPENAI_API_KEY` to OpenAI and to `$OPENAI_BASE_URL`,
    `REASONING_API_KEY` to any other address.

    Raises:
        UsageError: an address that cannot be one.
    """
    moved = next((name for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE") if os.environ.get(name)), "")
    home = validate_base_url(os.environ[moved], moved) if moved else OPENAI
    address = home if base_url is None else validate_base_url(base_url)
    theirs = is_openai(address)
    variable = "OPENAI_API_KEY" if theirs or address == home else "REASONING_API_KEY"
    return OpenAIClient(
        model.removeprefix("openai/"),
        address,
        api_key=os.environ.get(variable) if api_key is None else api_key,
        key_variable=variable if api_key is None else None,
        timeout=timeout,
        concurrency=concurrency,
        listed=theirs or base_url is None,
    )


class OpenAIClient(Client):
    """One model of one OpenAI-compatible server.

    Args:
        model: its name on that server.
        base_url: what `/chat/completions` is appended to, such as "http://localhost:8000/v1".
        api_key: sent as a bearer token; None sends none.
        key_variable: the environment variable that the key is read from, named when the key is refused.
        timeout: seconds a call may take, or None for as long as it needs.
        max_n: how many draws go out as one request (`n`).
        concurrency: requests that the server usefully answers at once, or None.
        free: whether its calls cost no money.
        listed: whether it is a model of OpenAI, which tables of prices and the journal know as "openai/NAME".
        socket_factory: makes the sockets of its connections, from an address as `socket.getaddrinfo` gives it.

    Attributes:
        endpoint: what the journal has as the server's address; None for OpenAI itself.
        on_headers: told the headers of every answer, also of one that refuses.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        api_key: str | None = None,
        key_variable: str | None = None,
        timeout: float | None = 60,
        max_n: int = 20,
        concurrency: int | None = None,
        free: bool = False,
        listed: bool = False,
        socket_factory: Callable[[Any], socket.socket] | None = None,
    ) -> None:
        self._home = validate_base_url(base_url)
        self.model = f"openai/{model}" if listed else model
        self.endpoint: str | None = None if listed and is_openai(base_url) else self._home
        self.max_n, self.concurrency, self.free = max_n, concurrency, free
        self._name, self._listed = model, listed
        self._key = (api_key or "").strip() or None
        self._key_variable, self._timeout = key_variable, timeout
        self._socket_factory = socket_factory
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._urls: dict[str, yarl.URL] = {}
        self._reached = False

    def sibling(self, model: str) -> OpenAIClient | None:
        """Another model of the same server; None where the name has a provider, and for OpenAI's own."""
        if self._listed or "/" in model or model.partition(":")[0] in ("local", "replay"):
            return None
        return OpenAIClient(
            model,
            self._home,
            api_key=self._key,
            key_variable=self._key_variable,
            timeout=self._timeout,
            concurrency=self.concurrency,
            free=self.free,
            socket_factory=self._socket_factory,
        )

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions; a server that refuses `n` is asked for one from then on.

        A `seed` goes out with the index of the first draw added, so that two requests for the same thing are two draws.
        """
        body: dict[str, Any] = {
            "model": self._name,
            "messages": [{"role": turn.role, "content": turn.content} for turn in request.messages],
            **request.sampling,
        }
        if "extra_body" in body:  # what the server takes beyond what is usual
            body |= body.pop("extra_body")
        if isinstance(seed := body.get("seed"), int):
            body["seed"] = seed + draws[0]
        if len(draws) > 1:
            body["n"] = len(draws)
        started = time.monotonic()
        try:
            reply, headers = await self._send("/chat/completions", body)
        except CallFailed as error:
            if error.status not in (400, 422) or isinstance(error, ContextOverflow) or body.pop("n", None) is None:
                raise
            reply, headers = await self._send("/chat/completions", body)
            self.max_n = 1  # it was `n` that this server does not take
        try:
            name, took = headers.get("x-request-id", ""), time.monotonic() - started
            read = parse_completions(reply, took, self._price, name, request.key, draws)
        except CallFailed as error:  # it quotes the reply
            said = redact(str(error), self._key)
            raise CallFailed(said, retryable=error.retryable, status=error.status) from None
        if self._key and self._key in read[0].request_id:
            read = CompletionBatch((replace(one, request_id="") for one in read), read.choices)
        return read

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a JSON object to a path under the base URL, and return the JSON that comes back.

        Raises:
            AuthenticationFailed, ContextOverflow, CallFailed: as the module's errors say.
        """
        return (await self._send(path, body))[0]

    def price(self, usage: Usage) -> float | None:
        """What a usage costs in US dollars; None where no price is known, and for a model that costs no money."""
        return None if self._price is None else self._price.usd(usage)

    @property
    def prices(self) -> str:
        """The version of the table that its price is from; empty where it has none."""
        return "" if self._price is None else self._price.version

    async def close(self) -> None:
        here = asyncio.get_running_loop()
        while self._sessions:
            loop, session = self._sessions.popitem()
            if loop is here or loop.is_closed():
                await session.close()
            else:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(session.close(), loop))

    @cached_property
    def _price(self) -> Price | None:
        return None if self.free else price_table(self.model, listed=self._listed)

    @property
    def _address(self) -> str:
        return self.endpoint or self._home

    async def _send(self, path: str, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, str]]:
        """The decoded JSON and the headers of the answer."""
        import aiohttp

        try:
            session = self._sessions.get(asyncio.get_running_loop()) or await self._open()
            # Redirects are not followed: a POST would become a GET, and go to a stranger with its prompt.
            response = await session.post(self._url(path), data=_encoded(body).encode(), allow_redirects=False)
            raw = await response.read()
        except TimeoutError:
            within = f" within {self._timeout:g} s" if self._timeout else ""
            raise CallFailed(f"{self._address} gave no answer{within}", retryable=True) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise self._unreachable(error) from None
        headers = response.headers
        self.on_headers(headers)
        if response.status >= 300:
            raise self._refused(response.status, raw.decode("utf-8", "replace"), headers)
        self._reached = True
        try:
            reply = _decoded(raw)
        except (ValueError, RecursionError):
            said = redact(raw.decode("utf-8", "replace"), self._key) or "nothing"
            raise CallFailed(f"{self._address} answered with broken JSON: {said}", retryable=True, status=200) from None
        if isinstance(reply, dict) and reply.get("error"):  # some gateways report errors with status 200
            raise self._refused(error_status(reply["error"]), raw.decode("utf-8", "replace"), headers)
        return reply, headers

    def _url(self, path: str) -> yarl.URL:
        address = self._address + path
        if (url := self._urls.get(address)) is None:
            from yarl import URL

            url = self._urls[address] = URL(address)
        return url

    async def _open(self) -> aiohttp.ClientSession:
        """The session of the running event loop; those of loops that have ended are dropped."""
        import aiohttp

        if self._listed and self._key is None:
            variable = self._key_variable or "api_key"
            raise AuthenticationFailed(
                f"{self.model} needs a key: set {variable}, or use --model local, which needs none"
            )
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if self._listed:
            headers |= {header: value for name, header in _ACCOUNT if (value := os.environ.get(name))}
        session = self._sessions[asyncio.get_running_loop()] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=self._socket_factory),  # limits are a layer above
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=uses_proxy(self._address),  # it costs two hops through a thread for each call
        )
        for ended in [loop for loop in self._sessions if loop.is_closed()]:
            await self._sessions.pop(ended).close()
        return session

    def _unreachable(self, error: Exception) -> CallFailed:
        import aiohttp

        said = redact(str(error) or type(error).__name__, self._key)
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            return CallFailed(f"no secure connection to {self._address}: {said}")
        if isinstance(error, aiohttp.ClientConnectorError):
            # A server that was there a moment ago may come back; one that never was is a wrong address.
            hint = "is there a network?" if self._listed else "is the server running?"
            return CallFailed(f"nothing answers at {self._address}: {hint}", retryable=self._reached)
        if isinstance(error, ValueError):
            return CallFailed(f"{self._address} cannot be called: {said}")
        return CallFailed(f"the connection to {self._address} broke: {said}", retryable=True)

    def _refused(self, status: int, text: str, headers: Mapping[str, str]) -> CallFailed:
        message, kind = error_message(text)
        said = f"{self._address} answered {status}: {redact(message, self._key)}"
        if status < 400:
            there = redact(headers.get("Location", "") or "nowhere", self._key)
            return CallFailed(f"{said}; it redirects to {there}: give the right base_url", status=status)
        if status == 401 or (status == 403 and not self._reached):
            key = f"the key in {self._key_variable}" if self._key_variable else "the key given as api_key"
            if self._key is None:
                key = f"a call without a key; set {self._key_variable or 'api_key'}"
            return AuthenticationFailed(f"{self._address} refuses {key} (status {status})", status=status)
        if status in (400, 413, 422, 500) and (CONTEXT_OVERFLOW.search(kind) or CONTEXT_OVERFLOW.search(message)):
            return ContextOverflow(said, status=status)
        if "insufficient_quota" in kind:  # a 429 that waiting does not cure
            return CallFailed(said, status=status)
        return CallFailed(said, retryable=is_retryable(status), retry_after=retry_after(headers), status=status)


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except UnicodeDecodeError:  # small servers cut a token within a character
        return json.loads(raw.decode("utf-8", "replace"))
