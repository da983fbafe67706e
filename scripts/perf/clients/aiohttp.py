"""Bare aiohttp, a gather and a semaphore: the reference."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
from perf.workload import Setting

PACKAGE = "aiohttp"


async def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        url, headers = f"{setting.url}/chat/completions", {"Authorization": "Bearer none"}

        async def call(question: str, n: int) -> list[str]:
            async with session.post(url, json=setting.body(question, n), headers=headers) as response:
                response.raise_for_status()
                answer = await response.json()
            return [choice["message"]["content"] for choice in answer["choices"]]

        return await setting.each(call, questions)
