"""openai.AsyncOpenAI, a gather and a semaphore.

(no variant)   as it comes
aiohttp        on the SDK's own aiohttp transport
"""

from __future__ import annotations

from collections.abc import Sequence

import openai
from perf.workload import Setting

PACKAGE = "openai"


async def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    http = openai.DefaultAioHttpClient() if setting.variant == "aiohttp" else None
    async with openai.AsyncOpenAI(base_url=setting.url, api_key="none", max_retries=0, http_client=http) as client:

        async def call(question: str, n: int) -> list[str]:
            answer = await client.chat.completions.create(**setting.body(question, n))
            return [choice.message.content for choice in answer.choices]

        return await setting.each(call, questions)
