"""The routes of the server, and the checks that every request passes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

from reasoning.logs import Log
from reasoning.secret_scan import mask_secrets
from reasoning.serving.access import Key
from reasoning.serving.aliases import describe_model, list_models
from reasoning.serving.page import add_page
from reasoning.serving.protocol.chat import ChatRequest, no_model, read_chat
from reasoning.serving.protocol.completions import Completion
from reasoning.serving.protocol.errors import RequestFailed, to_request_failed
from reasoning.serving.protocol.outputs import to_bytes
from reasoning.serving.protocol.responses import Response
from reasoning.serving.server import LOCAL_HOSTS, SERVER, Server
from reasoning.serving.stream import stream
from reasoning.text_safety import to_line

MAX_BODY = 32_000_000
"""The most bytes of a body: a few pictures."""
_log = Log(__name__)


@dataclass
class _Asked:
    """A request of a client, for the log: who asked for what, and what became of it."""

    key: Key | None = None
    chat: ChatRequest | None = None
    # The status of an error within a stream, whose reply has begun with 200.
    failed: int | None = None
    about: dict[str, Any] = field(default_factory=dict)


_asked: ContextVar[_Asked] = ContextVar("asked")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(server: Server) -> web.Application:
    """Return the application; it may run on any event loop.

    Clients that leave are noticed by `listening.listen`, and by a runner with `handler_cancellation=True`.

    Args:
        server: what is served.
    """
    app = web.Application(middlewares=[_check], client_max_size=MAX_BODY)
    app.on_response_prepare.append(_add_headers)
    app[SERVER] = server
    app.router.add_get("/health", _health)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/v1/models/{name:.+}", _model)
    app.router.add_post("/v1/chat/completions", _answer_with(Completion), expect_handler=_expect)
    app.router.add_post("/v1/responses", _answer_with(Response), expect_handler=_expect)
    add_page(app, server)
    return app


@web.middleware
async def _check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check who asks, turn errors into replies, and count and log the request."""
    server, started = request.app[SERVER], time.monotonic()
    _asked.set(asked := _Asked())
    # As nginx logs a client that has left.
    status = 499
    try:
        response = await _reply(request, handler)
        status = asked.failed or response.status
    finally:
        if request.method == "POST":
            _report(server, asked, request.path, status, time.monotonic() - started)
    return response


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every reply."""
    response.headers["x-request-id"] = f"req_{uuid4().hex}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The versions of Python and aiohttp are not shown to clients.
    response.headers["Server"] = "reasoning"


async def _reply(request: web.Request, handler: Handler) -> web.StreamResponse:
    server = request.app[SERVER]
    try:
        if server.local_only and (request.url.host or "") not in LOCAL_HOSTS:
            raise RequestFailed(403, "this server answers only to the name localhost; see --host", "wrong_host")
        if request.path.startswith("/v1/") or request.path == "/metrics":
            _asked.get().key = server.access.key_of(request.headers.get("Authorization"))
        return await handler(request)
    except ConnectionError:
        # The client has left.
        raise
    except Exception as raised:
        if (error := to_request_failed(raised)).status == 500:
            _log.warning("%s", f"{request.path}: {type(raised).__name__}: {raised}")
        return error.response()


def _report(server: Server, asked: _Asked, path: str, status: int, seconds: float) -> None:
    chat, about = asked.chat, asked.about
    model = chat.alias.name if chat else ""
    server.metrics.count_request(model, status, seconds)
    who = asked.key.name if asked.key else ""
    parts = [time.strftime("%H:%M:%S"), who, path, model, str(status), f"{seconds:.2f} s"]
    if about:
        parts += [about["state"], f"{about['new_calls']} of {about['calls']} calls bought"]
        parts += [f"${about['usd']:.4f}"] if about["usd"] is not None else []
    if server.log_prompts and chat:
        parts.append(f"{chat.problem.question!r} -> {about.get('value')!r}")
    line = to_line(" · ".join(filter(None, parts)))
    # The search takes long, and the line of a request that was read has nothing of the client but its question.
    server.log(mask_secrets(line) if chat is None or server.log_prompts else line)


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Let a client send its body that asks first whether it may, as curl does."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return RequestFailed(417, "the only Expect that is met is 100-continue", "invalid_http").response()
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # What was written is no part of the reply.
    request.writer.output_size = 0
    return None


async def _health(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    state = {"status": "stopping" if server.stopping else "ok", "requests_in_flight": server.metrics.in_flight}
    return web.json_response(state, status=503 if server.stopping else 200)


async def _metrics(request: web.Request) -> web.Response:
    text = request.app[SERVER].metrics.to_text()
    return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _models(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    return _json(list_models(server.aliases, server.started))


async def _model(request: web.Request) -> web.Response:
    server, name = request.app[SERVER], request.match_info["name"]
    if (alias := server.aliases.get(name)) is None:
        raise no_model(name, server.aliases)
    return _json(describe_model(alias, server.started))


def _answer_with(form: type[Completion] | type[Response]) -> Handler:
    """Return the handler of an endpoint, whose replies have this form."""

    async def answer(request: web.Request) -> web.StreamResponse:
        server, asked = request.app[SERVER], _asked.get()
        chat = asked.chat = read_chat(form.read(await _read(request)), server.aliases)
        if chat.body.stream:
            response, asked.about, asked.failed = await stream(request, server, chat, asked.key, form(chat))
            return response
        solved = await server.solve(chat, asked.key)
        asked.about = solved.about
        return _json(form(chat).whole(solved))

    return answer


async def _read(request: web.Request) -> bytes:
    """Return the body, which must be JSON: a web page of another site cannot send that type without being asked."""
    if request.content_type != "application/json":
        raise RequestFailed(415, f"Content-Type must be application/json, got {request.content_type}", "wrong_type")
    if (coding := request.headers.get("Content-Encoding", "identity")) != "identity":
        raise RequestFailed(415, f"the body must be sent without Content-Encoding, got {coding!r:.40}", "wrong_type")
    seconds = request.app[SERVER].request_seconds
    try:
        # A body that came with its headers needs no timer.
        async with asyncio.timeout(None if request.content.is_eof() else seconds):
            return await request.read()
    except web.RequestPayloadError as error:
        raise RequestFailed(400, f"the body cannot be read: {error}", "invalid_body") from None
    except TimeoutError:
        raise RequestFailed(408, f"the body must arrive within {seconds:g} s", "timeout", retry_after=1) from None


def _json(data: Any) -> web.Response:
    return web.Response(body=to_bytes(data), content_type="application/json")
