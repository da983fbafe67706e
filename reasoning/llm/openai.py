"""The direct way to any OpenAI-compatible server: one POST to `/chat/completions` over a connection that is kept.

It sends once: retries, limits and the journal are the layers above.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reasoning.errors import AuthenticationFailed, CallFailed, ContextOverflow, UsageError
from reasoning.llm.request import Completion, Request, Token, Usage

if TYPE_CHECKING:
    import aiohttp

_OVERFLOW = re.compile(
    r"context[ _](length|window|size)|maximum context|exceeds the .*context|prompt is too long|too many tokens", re.I
)
_PASSING = {408, 409, 425, 429}  # client errors that may pass; so may every 5xx except 501 and 505
_LENGTH = {"length", "max_tokens", "model_length"}  # the names that servers give to a cut by max_tokens


class OpenAIClient:
    """One model of one OpenAI-compatible server.

    Args:
        model: its name on that server.
        base_url: what `/chat/completions` is appended to, such as "http://localhost:8000/v1".
        api_key: sent as a bearer token; None sends none.
        key_variable: the environment variable that the key is read from, named when the key is refused.
        timeout: seconds a call may take, or None for as long as it needs.
        max_choices: how many draws go out as one request (`n`).
        concurrency: requests that the server usefully answers at once, or None.
        free: whether its calls cost no money.
        socket_factory: makes the sockets of its connections, from an address as `socket.getaddrinfo` gives it.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        api_key: str | None = None,
        key_variable: str | None = None,
        timeout: float | None = 60,
        max_choices: int = 8,
        concurrency: int | None = None,
        free: bool = False,
        socket_factory: Callable[[Any], socket.socket] | None = None,
    ) -> None:
        if not re.match(r"https?://[^/\s]+", base_url):
            raise UsageError(f"base_url={base_url!r} is no address of a server; it looks like http://localhost:8000/v1")
        self.model = model
        self.endpoint: str | None = base_url.rstrip("/")
        self.max_choices, self.concurrency, self.free = max_choices, concurrency, free
        self._key, self._key_variable, self._timeout = api_key, key_variable, timeout
        self._socket_factory = socket_factory
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._reached = False

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions; a server that refuses `n` is asked for one from then on.

        A `seed` goes out with the index of the first draw added, so that two requests for the same thing are two draws.
        """
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [turn._asdict() for turn in request.messages],
            **request.sampling,
        }
        if isinstance(seed := body.get("seed"), int):
            body["seed"] = seed + draws[0]
        started = time.monotonic()
        try:
            reply = await self.post("/chat/completions", {**body, "n": len(draws)} if len(draws) > 1 else body)
        except (AuthenticationFailed, ContextOverflow):
            raise
        except CallFailed as error:
            if error.retryable or len(draws) == 1:
                raise
            reply = await self.post("/chat/completions", body)
            self.max_choices = 1  # it was `n` that this server does not take
        return completions(reply, time.monotonic() - started)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a JSON object to a path under the base URL, and return the JSON that comes back.

        Raises:
            AuthenticationFailed, ContextOverflow, CallFailed: as the module's errors say.
        """
        import aiohttp

        try:
            session = await self._session()
            async with session.post(f"{self.endpoint}{path}", json=body) as response:
                text = await response.text(errors="replace")
        except aiohttp.ClientError as error:
            raise self._unreachable(error) from None
        except TimeoutError:
            raise CallFailed(f"{self.endpoint} gave no answer within {self._timeout:g} s", retryable=True) from None
        if response.status >= 400:
            raise self._refused(response.status, text, response.headers)
        self._reached = True
        try:
            reply = json.loads(text)
        except ValueError:
            raise CallFailed(
                f"{self.endpoint} answered with broken JSON: {self._shown(text)}", retryable=True
            ) from None
        if isinstance(reply, dict) and reply.get("error"):  # some gateways report errors with status 200
            code = reply["error"].get("code") if isinstance(reply["error"], dict) else None
            raise self._refused(code if isinstance(code, int) else 500, text, response.headers)
        return reply

    async def close(self) -> None:
        here = asyncio.get_running_loop()
        while self._sessions:
            loop, session = self._sessions.popitem()
            if loop is here or loop.is_closed():
                await session.close()
            else:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(session.close(), loop))

    async def _session(self) -> aiohttp.ClientSession:
        """The session of the running event loop; those of loops that have ended are dropped."""
        import aiohttp

        here = asyncio.get_running_loop()
        if here not in self._sessions:
            for ended in [loop for loop in self._sessions if loop.is_closed()]:
                await self._sessions.pop(ended).close()
            self._sessions[here] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, socket_factory=self._socket_factory
                ),  # limits are a layer above
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                headers={"Authorization": f"Bearer {self._key}"} if self._key else None,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=urlsplit(str(self.endpoint)).hostname not in ("localhost", "127.0.0.1", "::1"),  # proxies
            )
        return self._sessions[here]

    def _unreachable(self, error: aiohttp.ClientError) -> CallFailed:
        import aiohttp

        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            return CallFailed(f"no secure connection to {self.endpoint}: {self._shown(str(error))}")
        if isinstance(error, aiohttp.ClientConnectorError):
            # A server that was there a moment ago may come back; one that never was is a wrong address.
            return CallFailed(f"nothing answers at {self.endpoint}: is the server running?", retryable=self._reached)
        if isinstance(error, aiohttp.InvalidURL | aiohttp.TooManyRedirects):
            return CallFailed(f"{self.endpoint} cannot be called: {self._shown(str(error) or type(error).__name__)}")
        return CallFailed(f"the connection to {self.endpoint} broke: {self._shown(str(error))}", retryable=True)

    def _refused(self, status: int, text: str, headers: Mapping[str, str]) -> CallFailed:
        words, kind = _words(text)
        said = f"{self.endpoint} answered {status}: {self._shown(words)}"
        if status == 401 or (status == 403 and not self._reached):
            key = f"the key in {self._key_variable}" if self._key_variable else "the key given as api_key"
            if self._key is None:
                key = f"a call without a key; set {self._key_variable or 'api_key'}"
            return AuthenticationFailed(f"{self.endpoint} refuses {key} (status {status})")
        if status in (400, 413, 422, 500) and (_OVERFLOW.search(kind) or _OVERFLOW.search(words)):
            return ContextOverflow(said)
        if "insufficient_quota" in kind:  # a 429 that waiting does not cure
            return CallFailed(said)
        passing = status in _PASSING or (status >= 500 and status not in (501, 505))
        return CallFailed(said, retryable=passing, retry_after=_retry_after(headers))

    def _shown(self, text: str) -> str:
        """Someone else's words: one line, short, without the key."""
        if self._key:
            text = text.replace(self._key, "…")
        text = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
        return text if len(text) <= 300 else text[:300] + "…"


def completions(
    reply: Mapping[str, Any], seconds: float, price: Callable[[Usage], float | None] | None = None
) -> list[Completion]:
    """Read the reply to one chat request, in its OpenAI form.

    The first draw carries the prompt's tokens. The tokens of several draws come as one sum, which is split by the
    lengths of their texts.

    Args:
        reply: the decoded JSON.
        seconds: how long the request took.
        price: US dollars of a usage, or None where there is no price.

    Raises:
        CallFailed: no choices in it (retryable).
    """
    choices = reply.get("choices") if isinstance(reply, Mapping) else None
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, Mapping) for choice in choices):
        raise CallFailed(f"the model's server answered without choices: {str(reply)[:200]}", retryable=True)
    texts = [_texts(choice.get("message") or {}) for choice in choices]
    usage = reply.get("usage") or {}
    weights = [len(text) + len(reasoning) + 1 for text, reasoning in texts]
    read = []
    for i, (choice, (text, reasoning)) in enumerate(zip(choices, texts, strict=True)):
        before, upto = sum(weights[:i]), sum(weights[: i + 1])  # cumulative rounding keeps the sum exact
        total = int(usage.get("completion_tokens") or 0)
        used = Usage(
            calls=1,
            prompt_tokens=int(usage.get("prompt_tokens") or 0) if i == 0 else 0,
            completion_tokens=total * upto // sum(weights) - total * before // sum(weights),
            cached_tokens=int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0) if i == 0 else 0,
            seconds=seconds / len(choices),
        )
        finish = choice.get("finish_reason") or "stop"
        read.append(
            Completion(
                text=text,
                finish_reason="length" if finish in _LENGTH else finish,
                usage=used if price is None else replace(used, usd=price(used)),
                reasoning=reasoning,
                tokens=_tokens(choice.get("logprobs")),
            )
        )
    return read


def _texts(message: Mapping[str, Any]) -> tuple[str, str]:
    """What was said and what was thought before it."""
    content = message.get("content") or ""
    if isinstance(content, list):  # typed parts
        content = "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))
    return str(content), str(message.get("reasoning_content") or message.get("reasoning") or "")


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    """The drawn tokens with their log-probabilities, of a choice that has them."""
    return tuple(
        Token(
            str(token.get("token", "")),
            float(token["logprob"]),
            tuple((str(other["token"]), float(other["logprob"])) for other in token.get("top_logprobs") or ()),
        )
        for token in (logprobs or {}).get("content") or ()
        if token.get("logprob") is not None
    )


def _words(text: str) -> tuple[str, str]:
    """The message of an error body, and its code or type."""
    try:
        body = json.loads(text)
    except ValueError:
        return text or "nothing", ""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), ""
    message = error.get("message") or error.get("detail") or text
    return str(message), f"{error.get('code') or ''} {error.get('type') or ''}".strip()


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the header asks to wait: a number or a date."""
    value = headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
