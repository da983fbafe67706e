"""A viewer that serves a folder of runs, and folders that a run still fills."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.server import Serving, start
from reasoning.kinds import PARSER_VERSION, Number
from reasoning.messages import Completion, Message, Usage
from reasoning.problem import Example, Problem
from reasoning.trace import Call, Trace
from tests.benchmarks.report.conftest import result

SETTINGS = {"task": "ones", "task_version": "1", "seed": 0, "model": "m", "parser_version": PARSER_VERSION}


@dataclass
class Viewer:
    """A running viewer, and the loop that it runs on."""

    serving: Serving
    loop: asyncio.AbstractEventLoop

    @property
    def token(self) -> str:
        return self.serving.guard.token

    @property
    def url(self) -> str:
        return self.serving.address(self.token)

    def ask(
        self, path: str, method: str = "GET", token: str | None = None, **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Return the status, the headers and the body of a response; without a token of its own, with the right one."""

        async def go() -> tuple[int, Mapping[str, str], bytes]:
            base = self.url.partition("/?")[0]
            address = f"{base}{path}{'&' if '?' in path else '?'}token={self.token if token is None else token}"
            async with aiohttp.ClientSession() as session, session.request(method, address, headers=headers) as reply:
                return reply.status, reply.headers, await reply.read()

        return asyncio.run_coroutine_threadsafe(go(), self.loop).result(30)

    def json(self, path: str) -> Any:
        status, _, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture
def view() -> Iterator[Callable[[Path], Viewer]]:
    """Return a function that starts a viewer of a folder."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runners = []

    def begin(root: Path) -> Viewer:
        serving = asyncio.run_coroutine_threadsafe(start(Library(root), 0), loop).result(30)
        runners.append(serving.runner)
        return Viewer(serving, loop)

    yield begin
    for runner in runners:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@dataclass
class Run:
    """A run that is going: its folder is locked, and results are added one by one."""

    store: ResultsFolder

    def add(self, problem: str, spec: str, letter: str, reply: str = "The answer is 1.", **more: Any) -> None:
        call = Call((Message("user", "One?"),), {"max_tokens": 9}, (Completion(reply, usage=Usage(1, 5, 5)),))
        self.store.add(result(problem, spec, letter, **more), Trace(spec, [call], 0.1))


@pytest.fixture
def going() -> Iterator[Callable[..., Run]]:
    """Return a function that begins a run of problems p0, p1, … with strategies."""
    stores = []

    def begin(folder: Path, problems: int = 4, specs: tuple[str, ...] = ("vanilla", "cot"), **settings: Any) -> Run:
        store = ResultsFolder.open(folder, {**SETTINGS, **settings}, {"free": False})
        stores.append(store)
        store.add_examples([Example(Problem(f"One, times {k}?", Number(), id=f"p{k}"), "1") for k in range(problems)])
        store.register_strategies(specs)
        store.update_metadata(invocations=[{"strategies": list(specs), "limit": problems}])
        return Run(store)

    yield begin
    for store in stores:
        store.close()
