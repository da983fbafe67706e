"""Problems, scripts and a small model server for the tests of the benchmark."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from reasoning.kinds import Number
from reasoning.messages import Message
from reasoning.problem import Example, Problem


@pytest.fixture
def sums() -> Callable[[int], list[Example]]:
    """Return a function that makes problems `k + k`."""

    def make(n: int) -> list[Example]:
        return [Example(Problem(f"What is {k} + {k}?", Number(), id=f"sum-{k}"), 2 * k) for k in range(1, n + 1)]

    return make


@pytest.fixture
def adds() -> Callable[..., Callable[[tuple[Message, ...]], str]]:
    """Return a function that makes scripts which add correctly, except for some problems."""

    def make(*wrong: int) -> Callable[[tuple[Message, ...]], str]:
        def script(messages: tuple[Message, ...]) -> str:
            k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
            return f"The answer is {2 * k + (k in wrong)}."

        return script

    return make


@dataclass
class Server:
    """A local model server: its address, the requests that it received, and its behaviour."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    latency: float = 0.0
    fails: Callable[[str], int] = lambda text: 0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        await asyncio.sleep(self.latency)
        text = body["messages"][-1]["content"]
        if status := self.fails(text):
            return web.json_response({"error": {"message": "broken on purpose"}}, status=status)
        reply = {"message": {"role": "assistant", "content": "It is 4.\nThe answer is 4."}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5 * body.get("n", 1)}
        return web.json_response({"choices": [reply] * body.get("n", 1), "usage": usage})


@pytest.fixture
def server() -> Iterator[Server]:
    """Start a model server that always answers 4."""
    loop, served = asyncio.new_event_loop(), Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", served.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield served
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def problems_file(tmp_path: Path) -> Path:
    """Write eight problems `k + k`; the server is right about 2 + 2."""
    path = tmp_path / "sums.jsonl"
    lines = [{"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": 2 * k} for k in range(1, 9)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
