"""A server on loopback in a thread, for the tests of clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reasoning.engine.llm import LLM
from reasoning.serving.aliases import read_aliases
from reasoning.serving.app import build_app
from reasoning.serving.listening import listen
from reasoning.serving.server import Server


@contextmanager
def serving(server: Server) -> Iterator[str]:
    """Yield the address of a running server."""
    loop, started, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    port: list[int] = []

    async def run() -> None:
        async with listen(build_app(server), "127.0.0.1", 0, grace=2) as bound:
            port.append(bound)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield f"http://127.0.0.1:{port[0]}"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


def make(llm: LLM, *strategies: str, kinds: tuple[str, ...] = (), **settings: Any) -> Server:
    """Return a server of a scripted model."""
    return Server(llm, read_aliases(strategies or ["cot=cot"], kinds), **settings)
