"""The server of the viewer, on loopback."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from aiohttp import web

from reasoning.benchmarks.report.html_sections import FILTERS
from reasoning.benchmarks.view import chain_pages, problem_pages, run_pages
from reasoning.benchmarks.view.analysis import load_packages
from reasoning.benchmarks.view.guard import Guard
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.list_page import list_page
from reasoning.benchmarks.view.problem_pages import Query
from reasoning.errors import InputError, ReasoningError, UsageError
from reasoning.pages.resources import modules, style
from reasoning.pages.responses import respond, serve_text
from reasoning.tables import escape_html

HOST = "127.0.0.1"
PORT = 7331
"""The first port that is tried."""
_PORTS = 50
"""The number of ports that are tried."""
_MAX_ROWS = 500
"""The most rows of one response."""
_MAX_RUNS = 8
"""The most runs in one page."""
_THREADS = 4
_SCRIPTS = (
    "view.js",
    "view_parts.js",
    "list_page.js",
    "run_page.js",
    "problem_page.js",
    "chain_page.js",
    "virtual_table.js",
)
_QUIET = logging.getLogger("reasoning.view")
"""The logger of the server, which would else write a traceback to the terminal for each request that is no HTTP."""
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
_LIBRARY: web.AppKey[Library] = web.AppKey("library", Library)
_POOL: web.AppKey[ThreadPoolExecutor] = web.AppKey("pool", ThreadPoolExecutor)

Page = Callable[[Library, web.Request], Any]


def make_app(library: Library, guard: Guard) -> web.Application:
    """Return the application: one page, its script and styles, and the data as JSON.

    Args:
        library: the folder that is viewed.
        guard: checks every request.
    """
    app = web.Application(middlewares=[guard.middleware()])
    app[_LIBRARY], app[_POOL] = library, ThreadPoolExecutor(_THREADS, "reasoning-view")
    app[_POOL].submit(load_packages)
    html = _text("view.html").replace("ROOT", escape_html(str(library.root)))
    app.router.add_get("/", serve_text("text/html", html))
    app.router.add_get("/view.css", serve_text("text/css", style() + _text("view.css")))
    for script, text in {**modules(), **{script: _text(script) for script in _SCRIPTS}}.items():
        app.router.add_get(f"/{script}", serve_text("text/javascript", text))
    for name, page in _PAGES.items():
        app.router.add_get(f"/api/{name}", _serve_json(page))
    app.router.add_get("/report", _serve_report)
    return app


@dataclass(frozen=True)
class Serving:
    """A running server.

    Attributes:
        runner: the server.
        guard: checks its requests.
        port: its port.
    """

    runner: web.AppRunner
    guard: Guard
    port: int

    def address(self, token: str) -> str:
        """Return the address of the page with a token."""
        return f"http://{HOST}:{self.port}/?token={token}"


async def start(library: Library, port: int) -> Serving:
    """Start the server at the first free port from `port` on.

    Args:
        library: the folder that is viewed.
        port: the port; 0 takes any free one.

    Raises:
        UsageError: no port is free.
    """
    for tried in range(port, port + _PORTS) if port else (0,):
        guard = Guard(tried)
        runner = web.AppRunner(make_app(library, guard), access_log=None, logger=_QUIET, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, tried).start()
        except OSError as error:
            await runner.cleanup()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise UsageError(f"--port {port}: cannot be used: {error.strerror}") from None
            continue
        except OverflowError:
            break
        return Serving(runner, guard, int(runner.addresses[0][1]))
    raise UsageError(f"no port from {port} to {port + _PORTS - 1} is free; give another --port")


def _serve_json(page: Page) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        library, pool = request.app[_LIBRARY], request.app[_POOL]
        try:
            data = await asyncio.get_running_loop().run_in_executor(pool, page, library, request)
        except ReasoningError as error:
            data = {"trouble": str(error)}
        except Exception as error:
            # A folder may hold anything, and a damaged one must not end the viewer.
            data = {"trouble": f"this cannot be shown: {type(error).__name__}: {error}"}
        return respond(request, _encode(data), "application/json")

    return serve


async def _serve_report(request: web.Request) -> web.StreamResponse:
    """Send the report of a run as one file, as `bench report --write report.html` writes it."""
    library, loop, pool = request.app[_LIBRARY], asyncio.get_running_loop(), request.app[_POOL]
    name = request.query.get("run", "")
    try:
        content = await loop.run_in_executor(pool, partial(run_pages.report_file, library, name))
    except ReasoningError as error:
        return web.Response(status=404, text=f"{error}\n")
    except Exception as error:
        return web.Response(status=500, text=f"the report cannot be written: {type(error).__name__}: {error}\n")
    return web.Response(
        body=content,
        content_type="text/html",
        headers={"Content-Disposition": 'attachment; filename="report.html"'},
    )


def _encode(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")


def _text(name: str) -> str:
    return (files("reasoning.benchmarks.view") / name).read_text(encoding="utf-8")


def _number(request: web.Request, name: str, default: int, most: int = 10**9) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) > most:
        raise InputError(f"{name} must be a number from 0 to {most}, got {text!r}")
    return int(text)


def _query(request: web.Request) -> Query:
    show = request.query.get("show") or "all"
    if show not in FILTERS:
        raise InputError(f"show must be one of {', '.join(FILTERS)}, got {show!r}")
    of = _number(request, "of", -1)
    is_traced = request.query.get("traces") == "1"
    return Query(show, None if of < 0 else of, request.query.get("text", "")[:500], is_traced)


def _problems(library: Library, request: web.Request) -> Any:
    first, count = _number(request, "first", 0), _number(request, "count", 100, _MAX_ROWS)
    return problem_pages.problems_page(library, request.query.get("run", ""), _query(request), first, count)


def _runs(request: web.Request) -> list[str]:
    names = list(dict.fromkeys(request.query.getall("run", [])))
    if not 1 <= len(names) <= _MAX_RUNS:
        raise InputError(f"run must be the names of 1 to {_MAX_RUNS} runs, got {len(names)}")
    return names


def _problem(library: Library, request: web.Request) -> Any:
    return problem_pages.problem_page(library, _runs(request), request.query.get("id", ""), _query(request))


def _output(library: Library, request: web.Request) -> Any:
    whole = _number(request, "row", -1)
    return chain_pages.output_page(
        library,
        request.query.get("name", ""),
        request.query.get("state", ""),
        request.query.get("text", "")[:500],
        _number(request, "first", 0),
        _number(request, "count", 100, _MAX_ROWS),
        None if whole < 0 else whole,
    )


_PAGES: dict[str, Page] = {
    "list": lambda library, request: list_page(library),
    "run": lambda library, request: run_pages.run_page(library, request.query.get("run", "")),
    "charts": lambda library, request: run_pages.charts_page(library, request.query.get("run", "")),
    "problems": _problems,
    "problem": _problem,
    "compare": lambda library, request: run_pages.compare_page(
        library, request.query.get("before", ""), request.query.get("after", "")
    ),
    "matrix": lambda library, request: run_pages.matrix_page(library, _runs(request)),
    "output": _output,
    "evaluation": lambda library, request: chain_pages.evaluation_page(library, request.query.get("name", "")),
    "versions": lambda library, request: chain_pages.versions_page(
        library, request.query.get("name", ""), _number(request, "first", 0), _number(request, "second", 0)
    ),
}
"""The data by name: a function of the folder and the request, which runs in a thread."""
