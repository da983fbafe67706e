"""httpx.AsyncClient, a gather and a semaphore."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from perf.workload import Setting

PACKAGE = "httpx"


async def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    slots = setting.workload.in_flight
    limits = httpx.Limits(max_connections=slots, max_keepalive_connections=slots)
    async with httpx.AsyncClient(limits=limits, timeout=60, headers={"Authorization": "Bearer none"}) as client:
        url = f"{setting.url}/chat/completions"

        async def call(question: str, n: int) -> list[str]:
            response = await client.post(url, json=setting.body(question, n))
            response.raise_for_status()
            return [choice["message"]["content"] for choice in response.json()["choices"]]

        return await setting.each(call, questions)
