"""A mock of the model behind the server: it counts what it gives out, and words in a question make it misbehave.

    PYTHONPATH=scripts .venv/bin/python -m serve_clients.upstream     # prints "listening on http://…"

    POST /v1/chat/completions   choices that end "The answer is N."
    GET  /seen                  requests, completions, those that no client waited for, and the last bodies
    POST /reset                 forget all of it

A question that contains `[slow]` is answered after a second, `[json]` with an object, `[fails]` with status 503,
`[refused]` with status 401. A prompt of DSPy's ChatAdapter is answered in its layout. Wrong models and temperatures
are refused. Texts depend on the messages and on how many choices they have had.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections import Counter, deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from aiohttp import web
from perf.mock_replies import error, text

SLOW = 1.0
"""Seconds until a slow question is answered."""
OBJECT = {"answer": 42, "unit": "apples"}


@dataclass
class Upstream:
    """The counters and the handlers.

    Args:
        latency: seconds until a request is answered.

    Attributes:
        given: completions that were sent to a client that was there, by messages.
        times: when each of them was sent, in seconds of the event loop's clock.
        abandoned: requests whose client left before the reply.
    """

    latency: float = 0.0
    requests: int = 0
    abandoned: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    given: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    bodies: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=50))

    @property
    def completions(self) -> int:
        """The number of completions that were sent."""
        return self.given.total()

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/seen", self._seen)
        app.router.add_post("/reset", self._reset)
        return app

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests += 1
        self.bodies.append(body)
        asked = json.dumps(body["messages"], ensure_ascii=False)
        try:
            await asyncio.sleep(SLOW if "[slow]" in asked else self.latency)
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        faults = (
            ("[fails]" in asked, 503, "overloaded"),
            ("[refused]" in asked, 401, "Incorrect API key"),
            ("no-such" in str(body.get("model")), 404, "no such model"),
            (not 0 <= (body.get("temperature") or 0) <= 2, 400, "temperature must be from 0 to 2"),
        )
        for is_it, status, message in faults:
            if is_it:
                return web.Response(status=status, body=error(message, "error"), content_type="application/json")
        n = int(body.get("n") or 1)
        key, first = blake2b(asked.encode(), digest_size=16), self.given[asked]
        is_dspy = "[[ ## completed ## ]]" in asked
        texts = [text(key.digest(), draw, is_dspy) for draw in range(first, first + n)]
        if "[json]" in asked:
            texts = [json.dumps(OBJECT)] * n
        prompt, completion = len(asked) // 4, sum(len(part) // 4 for part in texts)
        choices = [
            {"index": index, "message": {"role": "assistant", "content": part}, "finish_reason": "stop"}
            for index, part in enumerate(texts)
        ]
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        usage |= {
            "prompt_tokens_details": {"cached_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 3 * n},
        }
        if request.transport is None or request.transport.is_closing():
            self.abandoned += 1
            raise web.HTTPServiceUnavailable
        self.given[asked] += n
        self.times.setdefault(asked, []).extend([asyncio.get_running_loop().time()] * n)
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        return web.json_response(
            {
                "id": f"chatcmpl-{key.hexdigest()}-{first}",
                "object": "chat.completion",
                "created": 0,
                "model": body.get("model", "mock"),
                "choices": choices,
                "usage": usage,
            }
        )

    async def _seen(self, request: web.Request) -> web.Response:
        counts = {"requests": self.requests, "completions": self.completions, "abandoned": self.abandoned}
        counts |= {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}
        return web.json_response({**counts, "bodies": list(self.bodies)})

    async def _reset(self, request: web.Request) -> web.Response:
        self.requests = self.abandoned = self.prompt_tokens = self.completion_tokens = 0
        self.given.clear()
        self.times.clear()
        self.bodies.clear()
        return web.json_response({})


async def listen(upstream: Upstream, port: int = 0) -> tuple[web.AppRunner, str]:
    """Start listening on loopback, and return the runner and the address."""
    # A client that leaves is noticed at once, as a provider does.
    runner = web.AppRunner(upstream.app(), handler_cancellation=True, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def _serve(latency: float, port: int) -> None:
    runner, address = await listen(Upstream(latency), port)
    print(f"listening on {address}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="A mock of a model behind the server.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) chooses a free port")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(given.latency_ms / 1000, given.port))


if __name__ == "__main__":
    main()
