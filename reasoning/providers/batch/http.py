"""HTTP requests to the batch API of a provider: JSON, uploads, and results that are read line by line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reasoning.errors import AuthenticationFailed, CallFailed, QuotaExhausted
from reasoning.files import max_bytes
from reasoning.providers.base_url import uses_proxy
from reasoning.providers.http_body import ReplyTooLarge, decode_json, read_body
from reasoning.providers.http_errors import NO_CREDIT_HINT, error_class, error_message, is_retryable, retry_after
from reasoning.providers.http_sessions import HttpSessions
from reasoning.secret_scan import mask_path
from reasoning.text_safety import redact

if TYPE_CHECKING:
    import aiohttp

Connection = Callable[[], tuple[str, Mapping[str, str], tuple[str, ...]]]
"""Returns the base URL, the headers of each request, and the secrets in both; raises AuthenticationFailed."""
_UPLOAD_SECONDS = 3600.0


class BatchHttp:
    """Requests to one provider. Each is sent once.

    Args:
        connection: returns the address, the headers and the secrets.
        timeout: seconds for one request, and between two parts of a long response.
    """

    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection, self._timeout = connection, timeout
        self._sessions = HttpSessions(None)
        self._reached = False

    async def json(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send a request, and return the object of its response.

        Args:
            method: the HTTP method.
            path: the path below the base URL.
            body: the JSON body.
            params: the parameters of the URL.
            data: another body, such as a form.
            headers: further headers.

        Raises:
            CallFailed: the request failed.
        """
        seconds = self._timeout if data is None else _UPLOAD_SECONDS
        async with self._request(method, path, seconds, json=body, params=params, data=data, headers=headers) as got:
            raw = await read_body(got, max_bytes())
        try:
            reply = decode_json(raw)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            raise CallFailed("the server's description of a batch is no JSON object", retryable=True, status=502)
        return reply

    async def header(self, path: str, body: Any, headers: Mapping[str, str], name: str) -> str:
        """Post a request, and return a header of its response, empty if it has none.

        Raises:
            CallFailed: the request failed.
        """
        async with self._request("POST", path, self._timeout, json=body, headers=headers) as got:
            await read_body(got, max_bytes())
            return str(got.headers.get(name, ""))

    async def lines(self, path: str) -> AsyncIterator[Any]:
        """Yield the decoded JSON of each line of a response, as it arrives.

        Raises:
            CallFailed: the request failed, or a line is no JSON or is too long.
        """
        limit, rest = max_bytes(), b""
        async with self._request("GET", path, None) as response:
            async for block in response.content.iter_any():
                *complete, rest = (rest + block).split(b"\n")
                for line in filter(bytes.strip, complete):
                    yield _decode(line)
                if len(rest) > limit:
                    raise ReplyTooLarge(limit)
        if rest.strip():
            yield _decode(rest)

    def _request(self, method: str, path: str, seconds: float | None, **arguments: Any) -> _Response:
        return _Response(self, method, path, seconds, arguments)

    async def _send(self, method: str, path: str, seconds: float | None, arguments: Any) -> aiohttp.ClientResponse:
        import aiohttp

        address, headers, secrets = self._connection()
        session = self._sessions.by_loop.get(asyncio.get_running_loop())
        if session is None:
            # Results are read as they are, line by line.
            own = {**headers, "Accept-Encoding": "identity"}
            session = await self._sessions.open(own, trust_env=uses_proxy(address))
        timeout = aiohttp.ClientTimeout(total=seconds, sock_read=self._timeout, sock_connect=self._timeout)
        given = {name: value for name, value in arguments.items() if value is not None}
        response = await session.request(method, address + path, allow_redirects=False, timeout=timeout, **given)
        self._reached = True
        if response.status >= 300:
            text = (await read_body(response, max_bytes())).decode("utf-8", "replace")
            raise _error(mask_path(address), response.status, text, response.headers, secrets)
        return response

    def translate(self, error: Exception) -> CallFailed:
        """Return the error to raise for an error of the connection."""
        address, _, secrets = self._connection()
        if isinstance(error, TimeoutError):
            return CallFailed(f"{mask_path(address)} gave no answer within {self._timeout:g} s", retryable=True)
        if isinstance(error, ReplyTooLarge):
            return CallFailed(f"{mask_path(address)} {error}")
        reason = redact(str(error) or type(error).__name__, *secrets)
        if not self._reached and _is_connecting(error):
            # A server that answered before may come back. One that never did is a wrong address.
            return CallFailed(f"nothing answers at {mask_path(address)}: {reason}; is the server running?")
        return CallFailed(f"the connection to {mask_path(address)} failed: {reason}", retryable=True)

    async def close(self) -> None:
        """Close the connections of all event loops."""
        await self._sessions.close()


class _Response:
    """A response as an asynchronous context manager, whose block raises CallFailed for errors of the connection."""

    def __init__(self, http: BatchHttp, method: str, path: str, seconds: float | None, arguments: Any) -> None:
        self._http, self._arguments = http, (method, path, seconds, arguments)
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            self._response = await self._http._send(*self._arguments)
        except CallFailed:
            raise
        except Exception as error:
            raise self._http.translate(error) from None
        return self._response

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._response is not None:
            self._response.close() if error else self._response.release()
        if isinstance(error, Exception) and not isinstance(error, CallFailed):
            raise self._http.translate(error) from None


def _is_connecting(error: Exception) -> bool:
    import aiohttp

    return isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL)


def read_id(data: Mapping[str, Any], name: str = "id", prefix: str = "") -> str:
    """Return an identifier of a provider's description, without a prefix that it must have.

    Raises:
        CallFailed: it is missing, or could not be a part of an address.
    """
    value = data.get(name)
    found = re.fullmatch(rf"{re.escape(prefix)}([\w.:-]{{1,256}})", value) if isinstance(value, str) else None
    if found is None:
        raise CallFailed(f"the server's description of a batch must have {name!r}, got {value!r:.80}", retryable=True)
    return found[1]


def json_lines(lines: Iterable[bytes]) -> bytes:
    """Return lines as the content of a file."""
    return b"".join(line + b"\n" for line in lines)


def _decode(line: bytes) -> Any:
    try:
        return decode_json(line)
    except (ValueError, RecursionError):
        # The line is lost; its draws are asked for again.
        return None


def _error(address: str, status: int, text: str, headers: Mapping[str, str], secrets: tuple[str, ...]) -> CallFailed:
    """Return the error of a response that reports one."""
    message, kind = error_message(text)
    shown = f"{address} answered {status} to a request about batches: {redact(message, *secrets)}"
    error_type = error_class(status, message, kind)
    if error_type is AuthenticationFailed:
        return AuthenticationFailed(shown, status=status)
    if error_type is QuotaExhausted:
        return QuotaExhausted(shown + NO_CREDIT_HINT, status=status)
    if status in (404, 405):
        shown += "; does this server have a batch API, and the batch?"
    return CallFailed(shown, retryable=is_retryable(status), retry_after=retry_after(headers), status=status)
