"""The requests that the viewer refuses: those of other machines, of other sites, and of other users of this machine."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from reasoning.pages.resources import HEADERS

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""The names by which a browser may address the viewer. Another name is that of a site whose address was changed to
this machine's after its page was loaded (DNS rebinding). Ports are not compared, so that a tunnel may have another."""
_REFUSED = "This viewer needs the address that `reasoning view` printed when it was started, with its token.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """The check of every request. The token is new in each process; the first page stores it in a cookie.

    Args:
        port: the port of the server, since a cookie belongs to all ports of a host.

    Attributes:
        token: the token of the printed address.
        cookie: the name of the cookie.
    """

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(24)
        self.cookie = f"reasoning-view-{port}"
        self._single_use = ""

    def single_use_token(self) -> str:
        """Return a token that opens the page once.

        Other users of the machine can read the command line with which a browser is started.
        """
        self._single_use = secrets.token_urlsafe(24)
        return self._single_use

    def middleware(self) -> Middleware:
        """Return the middleware of the application."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            response: web.StreamResponse
            is_first = request.path == "/" and self._spend(request.query.get("token", ""))
            if (refusal := self._refusal(request, is_first)) is not None:
                status, text = refusal
                response = web.Response(status=status, text=text)
            else:
                try:
                    response = await handler(request)
                except web.HTTPException as error:
                    response = web.Response(status=error.status, text=f"{error.reason}\n")
                if is_first or self._is_token(request.query.get("token", "")):
                    response.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path="/")
            if not response.prepared:
                response.headers.update(HEADERS)
            return response

        return check

    def _refusal(self, request: web.Request, is_first: bool) -> tuple[int, str] | None:
        """Return the status and the text of a refusal; None if the request is allowed."""
        if request.method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, "The viewer only reads.\n"
        host = re.sub(r":\d+$", "", request.headers.get("Host", "")).lower()
        if host not in HOSTS:
            return HTTPStatus.FORBIDDEN, "The viewer is open at 127.0.0.1 and localhost only.\n"
        site = request.headers.get("Sec-Fetch-Site", "none")
        origin = request.headers.get("Origin")
        is_page = request.path == "/" and request.headers.get("Sec-Fetch-Dest", "document") == "document"
        if (site not in ("same-origin", "none") and not is_page) or (origin and origin != f"http://{request.host}"):
            return HTTPStatus.FORBIDDEN, "Another site may not read from the viewer.\n"
        given = request.query.get("token") or request.cookies.get(self.cookie, "")
        return None if is_first or self._is_token(given) else (HTTPStatus.FORBIDDEN, _REFUSED)

    def _spend(self, given: str) -> bool:
        """Return whether this is the single-use token, which is then used up."""
        if not self._single_use or not hmac.compare_digest(given.encode("utf-8", "replace"), self._single_use.encode()):
            return False
        self._single_use = ""
        return True

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())
