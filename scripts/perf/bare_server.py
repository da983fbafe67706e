"""One handler of aiohttp around a solve, without anything else that a server needs: the least that serving can cost.

    PYTHONPATH=scripts .venv/bin/python -m perf.bare_server UPSTREAM PORT JOURNAL

It answers `/v1/chat/completions` and `/health` for `perf.serve_overhead`, reads the last message, and replies with the
value. It has no keys, no budgets, no usage, no streams, no limits and no errors of the protocol.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiohttp import web

import reasoning as r
from reasoning import event_loop


def main(upstream: str, port: str, journal: str, specs: dict[str, str]) -> None:
    """Serve until the process is killed."""
    settings: Any = {"temperature": 0.7, "max_tokens": 256, "concurrency": 64, "journal": journal}
    strategies = {name: r.strategies.get(spec) for name, spec in specs.items()}
    with r.connect("openai/mock", base_url=f"{upstream}/v1", api_key="none", **settings) as llm:

        async def answer(request: web.Request) -> web.Response:
            body = await request.json()
            problem = r.Problem(body["messages"][-1]["content"], kind=r.kinds.Number())
            found = await strategies[body["model"]].arun(problem, llm)
            message = {"role": "assistant", "content": str(found.value)}
            return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

        async def serve() -> None:
            app = web.Application()
            app.router.add_post("/v1/chat/completions", answer)
            app.router.add_get("/health", lambda request: web.Response(text="ok"))
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", int(port)).start()
            await asyncio.Event().wait()

        event_loop.run_sync(serve())


if __name__ == "__main__":
    from perf.serve_overhead import SPECS

    main(*sys.argv[1:4], SPECS)
