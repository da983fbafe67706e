"""This library with everything on: journal file, single-flight, budget, limits, retry, trace, and a kind that parses.

(no variant)   the direct path to an OpenAI-compatible server
litellm        the same through litellm
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from perf.workload import MAX_TOKENS, MODEL, Setting

import reasoning as r

PACKAGE = "reasoning-strategies"


async def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions, by the strategy that a user would name."""
    os.environ.update(HOSTED_VLLM_API_BASE=setting.url, HOSTED_VLLM_API_KEY="none")
    through_litellm = setting.variant == "litellm"
    llm = r.connect(
        f"hosted_vllm/{MODEL}" if through_litellm else MODEL,
        base_url=None if through_litellm else setting.url,
        api_key="none",
        journal=setting.state / "journal.sqlite",
        budget=r.Budget(tokens=10**9),
        concurrency=setting.workload.in_flight,
        requests_per_minute=10**7,  # far away, and yet counted
        tokens_per_minute=10**10,
        temperature=setting.temperature,
        max_tokens=MAX_TOKENS,
    )
    draws = setting.workload.draws
    strategy = r.strategies.get("vanilla" if draws == 1 else f"self_consistency(cot, samples={draws})")
    problems = [r.Problem(question, kind=r.kinds.Number()) for question in questions]
    answers = await strategy.amap(problems, llm)
    await llm.aclose()
    assert all(answer.state == "answered" for answer in answers), next(a.reason for a in answers if a.reason)
    traces = (answer.trace for answer in answers if answer.trace)
    return [draw.text for trace in traces for call in trace.calls() for draw in call.completions]
