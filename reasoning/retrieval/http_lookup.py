"""The client of an HTTP API that is only read, such as an encyclopaedia's: polite GET requests to one address.

It sends each request once. Retries, concurrency and the journal belong to the engine, which a session's calls go
through; the pace of a host is kept here, since it holds for all models and retrievers of the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import urljoin, urlsplit

from reasoning import event_loop
from reasoning.errors import CallFailed, UsageError
from reasoning.messages import Completion, Message, Request, Usage
from reasoning.providers.base_url import uses_proxy
from reasoning.providers.client import Client
from reasoning.providers.http_body import ACCEPT_ENCODING, ReplyTooLarge, read_body
from reasoning.providers.http_errors import error_message, is_retryable, is_web_page, retry_after
from reasoning.providers.http_sessions import HttpSessions
from reasoning.retrieval.host_pace import delay_host, wait_for_host
from reasoning.secret_scan import find_key, mask_path
from reasoning.text_safety import dump_json, redact
from reasoning.version import __version__

if TYPE_CHECKING:
    import aiohttp

    from reasoning.retrieval.retriever import ClientCalls

CONTACT = "REASONING_CONTACT"
"""The environment variable with an address or e-mail address that goes into the User-Agent."""
MAX_BYTES = 8_000_000
"""The most bytes of a response."""
_TIMEOUT = 30.0
_CONCURRENCY = 2
"""Requests in flight. The rules of Wikimedia ask for requests in series, and allow a few in parallel."""
_INTERVAL = 0.1
"""Seconds between the beginnings of two requests to a host."""
_MAX_REDIRECTS = 5
_MAX_ADDRESS = 7000
"""Characters of an address. Servers refuse longer ones, mostly from 8,000 on."""
_REDIRECTS = (301, 302, 303, 307, 308)


class Response(NamedTuple):
    """A response of an API.

    Attributes:
        status: the HTTP status.
        headers: the headers.
        text: the body, decoded as UTF-8.
    """

    status: int
    headers: Mapping[str, str]
    text: str


Parameters: TypeAlias = Mapping[str, str | int]
"""The parameters of a query, by name."""
Reader: TypeAlias = Callable[[Response], str | None]
"""Returns what to record of a response, or None if it is the error that its status says. It may raise `CallFailed`."""


def read_text(response: Response) -> str | None:
    """Return the body of a successful response; the default `Reader`."""
    return response.text if response.status < 300 else None


class HttpLookup(Client):
    """A client of an API that answers GET requests below one address.

    The payload of a call is a JSON object with the parameters of the query. Redirects are followed within the
    host only, so that no server can send a request to another machine, such as one of the private network.

    Args:
        url: the address, such as "https://en.wikipedia.org/w/api.php", without a key.
        read: returns what to record of a response.
        accept: the type of content to ask for.
        timeout: seconds for one request.
        concurrency: requests that may be in flight at once.
        interval: seconds between the beginnings of two requests to the host.

    Raises:
        UsageError: the address is not one of a server, or contains more than scheme, host and path.
    """

    free = True

    operation = ""

    def __init__(
        self,
        url: str,
        *,
        read: Reader = read_text,
        accept: str = "application/json",
        timeout: float = _TIMEOUT,
        concurrency: int = _CONCURRENCY,
        interval: float = _INTERVAL,
    ) -> None:
        self._url = validate_address(url)
        self.host = urlsplit(self._url).netloc.lower()
        self.model, self.endpoint = self.host, self._url
        self.concurrency = concurrency
        self._read, self._accept, self._timeout, self._interval = read, accept, timeout, interval
        self._sessions = HttpSessions(timeout)
        self._has_answered = self._has_succeeded = self._is_closed_at_exit = False

    async def get(self, parameters: Parameters, calls: ClientCalls | None = None) -> str:
        """Return what is recorded of the response to a query.

        Args:
            parameters: the parameters of the query.
            calls: makes the call through journal, limits and retries; None makes it directly, once.

        Raises:
            CallFailed: the call failed; for good if `calls` made it.
        """
        payload = dump_json(dict(sorted(parameters.items())), compact=True)
        if calls is not None:
            return await calls.call(self, payload)
        request = Request(self.model, (Message("user", payload),), {}, self.endpoint)
        if not self._is_closed_at_exit:
            event_loop.close_when_collected(self, self._sessions)
            self._is_closed_at_exit = True
        # The caller's loop may end before its connections are closed.
        return (await event_loop.run_async(self.complete(request, [0])))[0].text

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Send a query once, and return what the reader keeps of the response as the text of a completion.

        Raises:
            CallFailed: the request failed. It is retryable if the server was busy, failed, or did not answer.
        """
        started = time.monotonic()
        response = await self._get(json.loads(request.messages[0].content))
        if response.status < 300 and is_web_page(response.text) and not self._has_succeeded:
            # Mostly a wrong address, but it may also be maintenance.
            raise CallFailed(
                f"{self.host} answered with a web page instead of data; check the address of its API: {self._url}",
                retryable=True,
                status=response.status,
            )
        text = self._read(response)
        if text is None:
            raise self._error(response)
        self._has_succeeded = True
        return [Completion(text, usage=Usage(calls=1, seconds=time.monotonic() - started))]

    async def close(self) -> None:
        """Close the connections of all event loops."""
        await self._sessions.close()

    async def _get(self, parameters: Parameters) -> Response:
        import aiohttp
        from yarl import URL

        address = URL(self._url).update_query({name: str(value) for name, value in parameters.items()})
        if len(str(address)) > _MAX_ADDRESS:
            raise CallFailed(f"a query to {self.host} must have at most {_MAX_ADDRESS:,} characters, encoded")
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                await wait_for_host(self.host, self._interval)
                session = self._sessions.by_loop.get(asyncio.get_running_loop()) or await self._open()
                response = await session.get(address, allow_redirects=False)
                raw = await read_body(response, MAX_BYTES)
                self.on_headers(response.headers)
                if (location := response.headers.get("Location")) is None or response.status not in _REDIRECTS:
                    self._has_answered = True
                    return Response(response.status, response.headers, raw.decode("utf-8", "replace"))
                address = URL(self._redirected(str(address), location), encoded=True)
        except TimeoutError:
            raise CallFailed(f"{self.host} gave no answer within {self._timeout:g} s", retryable=True) from None
        except ReplyTooLarge:
            raise CallFailed(f"{self.host} answered with more than {MAX_BYTES / 1e6:g} MB") from None
        except aiohttp.ClientConnectorError as error:
            # A server that answered before may come back. One that never did is a wrong address.
            raise CallFailed(
                f"nothing answers at {self.host}: is there a network? ({redact(str(error))})",
                retryable=self._has_answered,
            ) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise CallFailed(f"the connection to {self.host} broke: {redact(str(error))}", retryable=True) from None
        raise CallFailed(f"{self.host} redirects more than {_MAX_REDIRECTS} times")

    def _redirected(self, address: str, location: str) -> str:
        """Return the address of a redirect.

        Raises:
            CallFailed: it leaves the host, or the encrypted connection.
        """
        target = urljoin(address, location)
        old, new = urlsplit(address), urlsplit(target)
        try:
            is_upgrade = (old.scheme, old.port or 80, new.scheme, new.port or 443) == ("http", 80, "https", 443)
            is_same = new.hostname == old.hostname and (is_upgrade or (old.scheme, old.port) == (new.scheme, new.port))
        except ValueError:
            # The port is not a number.
            is_same = False
        if not is_same:
            raise CallFailed(
                f"{self.host} redirects to {redact(target.partition('?')[0])}, which is another server; "
                "if that is right, give its address"
            )
        return target

    def _error(self, response: Response) -> CallFailed:
        wait = retry_after(response.headers)
        if wait and response.status in (429, 503):
            delay_host(self.host, wait)
        said = redact(error_message(response.text)[0])
        hint = f"; check the address of its API: {self._url}" if response.status == 404 else ""
        return CallFailed(
            f"{self.host} answered {response.status}: {said}{hint}",
            retryable=is_retryable(response.status),
            retry_after=wait,
            status=response.status,
        )

    async def _open(self) -> aiohttp.ClientSession:
        headers = {"Accept": self._accept, "Accept-Encoding": ACCEPT_ENCODING, "User-Agent": user_agent()}
        return await self._sessions.open(headers, trust_env=uses_proxy(self._url))


def user_agent() -> str:
    """Return the User-Agent: the library, and how to reach who runs it if `$REASONING_CONTACT` says so."""
    import aiohttp

    contact = " ".join("".join(c for c in os.environ.get(CONTACT, "") if c.isprintable() and c.isascii()).split())
    about = f" ({contact})" if contact else ""
    return f"reasoning-strategies/{__version__}{about} aiohttp/{aiohttp.__version__}"


def validate_address(url: str) -> str:
    """Return the address of an API, after checking its form.

    Raises:
        UsageError: it is not an address of a server, or contains a user, a key, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or any(c.isspace() or not c.isprintable() for c in url):
        examples = "https://en.wikipedia.org/w/api.php or https://dbpedia.org/sparql"
        raise UsageError(f"an address of an API must be like {examples}, got {redact(url)!r}")
    if "@" in parts.netloc or parts.query or parts.fragment or find_key(url):
        plain = mask_path(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        raise UsageError(f"the address of an API must not contain a user, a key, a query or a fragment: give {plain}")
    return url
