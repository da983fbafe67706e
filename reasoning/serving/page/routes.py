"""The routes of the page at `/`, where a strategy is tried, or two are compared on one question."""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web

from reasoning.pages.resources import HEADERS, modules, style
from reasoning.pages.responses import serve_text
from reasoning.serving.server import Server

_SCRIPTS = ("page.js", "client.js", "live_trace.js", "side.js")
_KINDS = ("text", "number", "yesno", "date", "expression", "items", "cells", "code", "json", "choice", "label")
"""The kinds that the page offers: those that need no parameters, and two whose options it asks for."""


def add_page(app: web.Application, server: Server) -> None:
    """Add the page and its files to an application. They hold no data of the server, so that they need no key.

    Args:
        app: the application.
        server: what it serves.
    """
    html = _read("page.html").replace("KINDS", "".join(f"<option>{name}</option>" for name in _KINDS))
    html = html.replace("DRAWS", "new" if server.fresh else "recorded")
    app.router.add_get("/", serve_text("text/html", html, HEADERS))
    app.router.add_get("/page/page.css", serve_text("text/css", style() + _read("page.css"), HEADERS))
    for script, text in {**modules(), **{script: _read(script) for script in _SCRIPTS}}.items():
        app.router.add_get(f"/page/{script}", serve_text("text/javascript", text, HEADERS))


def _read(name: str) -> str:
    return (files("reasoning.serving.page") / name).read_text(encoding="utf-8")
