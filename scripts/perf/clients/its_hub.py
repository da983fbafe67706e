"""its_hub: SelfConsistency under one LMOrchestrator, with a budget of as many draws. It cannot ask for n."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from its_hub import LMOrchestrator, OpenAICompatibleLanguageModel, SelfConsistency
from perf.workload import MAX_TOKENS, MODEL, SYSTEM, Setting

PACKAGE = "its_hub"


async def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    logging.disable(logging.WARNING)
    model = OpenAICompatibleLanguageModel(
        setting.url,
        "none",
        MODEL,
        system_prompt=SYSTEM,
        temperature=setting.temperature,
        max_tokens=MAX_TOKENS,
        max_tries=1,
    )
    algorithm = SelfConsistency(orchestrator=LMOrchestrator(max_concurrency=setting.workload.in_flight))
    draws = setting.workload.draws
    found = await asyncio.gather(
        *(algorithm.ainfer(model, question, draws, return_response_only=False) for question in questions)
    )
    await model.close()
    return [message["content"] for one in found for message in one.responses]
