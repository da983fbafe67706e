"""The client of OpenAI and compatible servers: POSTs to `/chat/completions`.

It sends each request once. Retries, limits and the journal belong to the engine.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoning.errors import CallFailed, ModelNotFound, PromptRefused, QuotaExhausted, RequestOutdated
from reasoning.files import max_bytes
from reasoning.logs import Log
from reasoning.messages import Completion, CompletionBatch, Request, Usage
from reasoning.providers.base_url import (
    OPENAI,
    has_version,
    is_google,
    is_openai,
    uses_proxy,
    validate_base_url,
    validate_model,
)
from reasoning.providers.client import Client
from reasoning.providers.http_body import ACCEPT_ENCODING, ReplyTooLarge, decode_json, read_body
from reasoning.providers.http_errors import WrongAddress, error_status
from reasoning.providers.http_sessions import HttpSessions
from reasoning.providers.model_list import advise_address, advise_model, list_models
from reasoning.providers.model_table import traits
from reasoning.providers.openai_errors import ServerErrors
from reasoning.providers.openai_response import parse_completions
from reasoning.providers.pricing import Price, Tier, price_table
from reasoning.providers.refusals import check_tier
from reasoning.secret_scan import mask_path, path_secrets
from reasoning.text_safety import redact
from reasoning.tool_calls import to_wire

if TYPE_CHECKING:
    import aiohttp
    import yarl

_ACCOUNT_HEADERS = [("OPENAI_ORG_ID", "OpenAI-Organization"), ("OPENAI_PROJECT_ID", "OpenAI-Project")]
_log = Log(__name__)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def openai_client(
    model: str,
    base_url: str | None,
    *,
    api_key: str | None = None,
    timeout: float = 60,
    concurrency: int | None = None,
    tier: Tier = "",
) -> OpenAIClient:
    """Return the client of `openai/NAME`, or of a model on the server at `base_url`.

    A key from the environment is sent only to its owner: `OPENAI_API_KEY` to OpenAI and to
    `$OPENAI_BASE_URL`, `REASONING_API_KEY` to any other address.

    Args:
        model: the name of the model, with or without `openai/`.
        base_url: the server; None stands for `$OPENAI_BASE_URL` if that is set, else OpenAI.
        api_key: the key; None reads the environment.
        timeout: seconds for one call.
        concurrency: requests that the server can usefully answer at once; None sets no limit.
        tier: the service tier; see `OpenAIClient`.

    Raises:
        UsageError: an address is not valid.
    """
    override = next((name for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE") if os.environ.get(name)), "")
    default = validate_base_url(os.environ[override], override) if override else OPENAI
    address = default if base_url is None else validate_base_url(base_url)
    is_official = is_openai(address)
    variable = "OPENAI_API_KEY" if is_official or address == default else "REASONING_API_KEY"
    return OpenAIClient(
        model.removeprefix("openai/"),
        address,
        api_key=os.environ.get(variable) if api_key is None else api_key,
        key_variable=variable if api_key is None else None,
        timeout=timeout,
        concurrency=concurrency,
        listed=is_official or base_url is None,
        tier=tier,
    )


class OpenAIClient(Client):
    """A client of one model on one OpenAI-compatible server.

    Args:
        model: the name of the model on that server.
        base_url: the address before `/chat/completions`, such as "http://localhost:8000/v1".
        api_key: the bearer token; None sends none.
        key_variable: the environment variable of the key, for the message when the key is refused.
        timeout: seconds for one call; None waits without limit.
        max_n: the number of completions that one request may ask for (`n`).
        concurrency: requests that the server can usefully answer at once; None sets no limit.
        free: whether its calls cost nothing.
        listed: whether it is a model of OpenAI, which price tables and the journal know as
            "openai/NAME".
        socket_factory: makes the sockets of its connections, from an address of
            `socket.getaddrinfo`.
        tier: the service tier: "flex" asks for the slower, cheaper one; "batches" only has the price of batches.

    Attributes:
        endpoint: the server's address in the journal, without keys; None for OpenAI itself.
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
        tier: Tier = "",
    ) -> None:
        self._base_url = validate_base_url(base_url)
        self.model = f"openai/{model}" if listed else model
        # A key in the path is sent, and neither shown nor recorded.
        self._public_url = mask_path(self._base_url)
        self.endpoint: str | None = None if listed and is_openai(self._base_url) else self._public_url
        self._wrong_endpoint: str | None = None
        self.max_n, self.concurrency, self.free = max_n, concurrency, free
        self._name, self._listed = model, listed
        self._key = (api_key or "").strip() or None
        self._secrets = tuple(filter(None, (self._key, *path_secrets(self._base_url))))
        self._key_variable, self._timeout = key_variable, timeout
        self._socket_factory, self._max_bytes = socket_factory, max_bytes()
        self._tier: Tier = tier
        self._sessions = HttpSessions(timeout, socket_factory)
        self._urls: dict[str, yarl.URL] = {}
        self._reached = threading.Event()

    def sibling(self, model: str) -> OpenAIClient | None:
        """Return the client of another model of this server, unless it is OpenAI's."""
        if self._listed or "/" in model or re.split(r"[:+]", model)[0] in ("local", "torch", "replay"):
            return None
        validate_model(model, self._key)
        sibling = OpenAIClient(
            model,
            self._base_url,
            api_key=self._key,
            key_variable=self._key_variable,
            timeout=self._timeout,
            concurrency=self.concurrency,
            free=self.free,
            socket_factory=self._socket_factory,
            tier=self._tier,
        )
        # A server that has answered for one model is up: a failure of another is an outage.
        sibling._reached = self._reached
        return sibling

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions.

        If the server refuses `n`, every later request asks for one completion.

        The index of the first draw is added to a `seed`, so that equal requests for different draws
        differ.

        Raises:
            AuthenticationFailed: the key is missing or refused.
            ContextOverflow: the prompt is longer than the model's context.
            RequestOutdated: the address has been corrected since the request was made.
            CallFailed: the request failed for another reason.
        """
        if self._wrong_endpoint is not None and request.endpoint == self._wrong_endpoint:
            raise self._outdated()
        body = self.request_body(request, draws)
        started = time.monotonic()
        try:
            reply, headers = await self._send("/chat/completions", body)
        except ModelNotFound as error:
            raise error if is_openai(self._base_url) else await self._explain(error, request) from None
        except CallFailed as error:
            check_tier(self.model, self._tier, error)
            is_other = isinstance(error, PromptRefused | QuotaExhausted | RequestOutdated)
            is_of_n = error.status in (400, 422) and not is_other
            if not is_of_n or body.pop("n", None) is None:
                raise
            reply, headers = await self._send("/chat/completions", body)
            self.max_n = 1  # the refused parameter was `n`
        request_id, seconds = headers.get("x-request-id", ""), time.monotonic() - started
        return self.read_reply(reply, request, draws, seconds, request_id)

    def request_body(self, request: Request, draws: Sequence[int]) -> dict[str, Any]:
        """Return the body of a request for `len(draws)` completions."""
        body: dict[str, Any] = {
            "model": self._name,
            "messages": to_wire(request.messages, tools="tools" in request.sampling),
            **request.sampling,
        }
        if "extra_body" in body:  # parameters beyond those of the API
            body |= body.pop("extra_body")
        if isinstance(seed := body.get("seed"), int):
            body["seed"] = seed + draws[0]
        if len(draws) > 1:
            body["n"] = len(draws)
        if self._tier == "flex":
            body["service_tier"] = "flex"
        return body

    def read_reply(
        self, reply: Any, request: Request, draws: Sequence[int], seconds: float, request_id: str = ""
    ) -> CompletionBatch:
        """Return the completions of a reply; see `parse_completions`.

        Raises:
            CallFailed: there is no valid choice.
        """
        try:
            tools = "tools" in request.sampling
            batch = parse_completions(
                reply,
                seconds,
                self._price,
                request_id,
                request.key,
                draws,
                messages=request.messages,
                tools=tools,
                returns_thoughts=tools and traits(self.model).returns_thoughts,
                adds_thoughts=is_google(self._base_url),
            )
        except CallFailed as error:  # it quotes the reply, which may contain the key
            error.args = (redact(str(error), *self._secrets),)
            raise
        if self._secrets and any(secret in batch[0].request_id for secret in self._secrets):
            batch = CompletionBatch((replace(completion, request_id="") for completion in batch), batch.choices)
        return batch

    def line_error(self, status: int, text: str, body: Mapping[str, Any]) -> CallFailed:
        """Return the error of a request that a batch reports as failed, from the status and text of its response."""
        return self._errors.from_response(status, text, {}, body)

    def connection(self) -> tuple[str, dict[str, str], tuple[str, ...]]:
        """Return the base URL, the headers that authorize a request, and the secrets in both.

        Raises:
            AuthenticationFailed: the key is missing.
        """
        return self._base_url, self._auth_headers(), self._secrets

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a JSON object to a path below the base URL, and return the JSON of the response.

        Raises:
            AuthenticationFailed: the key is missing or refused.
            ContextOverflow: the prompt is longer than the model's context.
            CallFailed: the request failed for another reason.
        """
        return (await self._send(path, body))[0]

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars; None if the price is unknown."""
        return None if self._price is None else self._price.usd(usage)

    def worst_price(self, usage: Usage) -> float | None:
        """Return the most that a usage may cost: OpenAI writes prompts to its cache by itself, and charges for some."""
        return None if self._price is None else self._price.worst_usd(usage)

    @property
    def prices(self) -> str:
        """The version of the price table; empty if the price is unknown."""
        return "" if self._price is None else self._price.version

    def key_variables(self) -> list[tuple[str, bool]]:
        """Return the environment variable of the key, with whether it is set; nothing if the key was given."""
        return [(self._key_variable, self._key is not None)] if self._key_variable else []

    async def close(self) -> None:
        """Close the connections of all event loops."""
        await self._sessions.close()

    @cached_property
    def _price(self) -> Price | None:
        return None if self.free else price_table(self.model, listed=self._listed, tier=self._tier)

    @property
    def _address(self) -> str:
        return self.endpoint or self._public_url

    @property
    def _errors(self) -> ServerErrors:
        return ServerErrors(
            self._address,
            model=self.model,
            sent_model=self._name,
            is_listed=self._listed,
            has_key=self._key is not None,
            key_variable=self._key_variable,
            secrets=self._secrets,
            has_answered=self._reached.is_set(),
        )

    async def _explain(self, error: ModelNotFound, request: Request) -> CallFailed:
        """Return the error to raise for an unknown path or model, after looking for the API below `/v1`.

        Nothing is bought: only the list of the server's models is read.
        """
        if self._wrong_endpoint is not None and request.endpoint == self._wrong_endpoint:
            # Another call has corrected the address meanwhile.
            return self._outdated()
        wrong, corrected = self._base_url, f"{self._base_url}/v1"
        may_be_below = isinstance(error, WrongAddress) and not has_version(wrong)
        if may_be_below and await self._list_models(corrected) is not None:
            if self._base_url != wrong:
                return self._outdated()
            self._wrong_endpoint, self._base_url = self.endpoint, corrected
            self.endpoint = self._public_url = mask_path(corrected)
            _log.notify(f"the server's API is at {self.endpoint}, not at {self._wrong_endpoint}, and is called there")
            return self._outdated()
        models = await self._list_models(self._base_url)
        if error.status == 200 and (models is not None or not may_be_below):
            # A gateway in front of the API sent a page.
            return CallFailed(str(error), retryable=True, status=error.status)
        if may_be_below and models is None:
            hint = await advise_address(wrong, self._list_models)
        else:
            hint = advise_model(self._name, models or [])
        error.args = (f"{error}{hint}",)
        return error

    def _outdated(self) -> RequestOutdated:
        return RequestOutdated(f"the base_url has been corrected to {self._public_url}; make the request again")

    async def _list_models(self, address: str) -> list[str] | None:
        session = self._sessions.by_loop.get(asyncio.get_running_loop()) or await self._open()
        return await list_models(session, address, self._max_bytes)

    async def _send(self, path: str, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, str]]:
        """Send a request and return the decoded JSON and the headers of the response."""
        import aiohttp

        try:
            session = self._sessions.by_loop.get(asyncio.get_running_loop()) or await self._open()
            # Redirects are not followed: a POST would become a GET, and send the prompt to an
            # unknown server.
            response = await session.post(self._url(path), data=_encode(body).encode(), allow_redirects=False)
            raw = await read_body(response, self._max_bytes)
        except TimeoutError:
            raise self._errors.from_timeout(self._timeout) from None
        except ReplyTooLarge as error:
            raise CallFailed(f"{self._address} {error}") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise self._errors.from_connection(error) from None
        headers = response.headers
        self.on_headers(headers)
        if response.status >= 300:
            raise self._errors.from_response(response.status, raw.decode("utf-8", "replace"), headers, body)
        try:
            reply = decode_json(raw)
        except (ValueError, RecursionError):
            broken = self._errors.from_broken_json(raw.decode("utf-8", "replace"))
            if not isinstance(broken, WrongAddress):
                self._reached.set()
            raise broken from None
        if isinstance(reply, dict) and reply.get("error"):  # some gateways report errors with status 200
            status = error_status(reply["error"])
            raise self._errors.from_response(status, raw.decode("utf-8", "replace"), headers, body)
        if not self._reached.is_set():
            self._reached.set()
        return reply, headers

    def _url(self, path: str) -> yarl.URL:
        address = (self._base_url if self._address == self._public_url else self._address) + path
        if (url := self._urls.get(address)) is None:
            from yarl import URL

            url = self._urls[address] = URL(address)
        return url

    async def _open(self) -> aiohttp.ClientSession:
        """Open the session of the running event loop."""
        headers = {"Content-Type": "application/json", "Accept-Encoding": ACCEPT_ENCODING, **self._auth_headers()}
        # Without a proxy this would cost two thread switches for each call.
        return await self._sessions.open(headers, trust_env=uses_proxy(self._address))

    def _auth_headers(self) -> dict[str, str]:
        if self._listed and self._key is None:
            raise self._errors.from_missing_key()
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        if self._listed:
            headers |= {header: value for name, header in _ACCOUNT_HEADERS if (value := os.environ.get(name))}
        return headers
