"""Responses of texts that a browser may keep until they change."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web


def serve_text(
    kind: str, text: str, headers: Mapping[str, str] | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that sends a text.

    Args:
        kind: its media type, such as "text/html".
        text: the text.
        headers: further headers; by default none.
    """

    async def serve(request: web.Request) -> web.Response:
        response = respond(request, text.encode("utf-8"), kind)
        response.headers.update(headers or {})
        return response

    return serve


def respond(request: web.Request, body: bytes, kind: str) -> web.Response:
    """Return a response, or "not modified" if the browser has it already."""
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    response = web.Response(body=body, content_type=kind, charset="utf-8", headers={"ETag": tag})
    if len(body) > 2000:
        response.enable_compression()
    return response
