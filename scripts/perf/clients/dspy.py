"""dspy.ChainOfThought under dspy.Evaluate, one thread per request in flight, its caches on.

Draws of one question are rollouts with different ids, the documented way to bypass the cache; n is `n=`.

(no variant)   as it comes, with its caches
nocache        without them
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

os.environ["DSPY_CACHEDIR"] = f"{os.environ['PERF_STATE']}/dspy"

import dspy
from perf.workload import MAX_TOKENS, MODEL, SYSTEM, Setting

PACKAGE = "dspy"


def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    logging.disable(logging.WARNING)
    load = setting.workload
    texts: list[str] = []
    dspy.configure(
        lm=dspy.LM(
            f"openai/{MODEL}",
            api_base=setting.url,
            api_key="none",
            temperature=setting.temperature,
            max_tokens=MAX_TOKENS,
            num_retries=0,
            cache=setting.variant != "nocache",
        )
    )
    program = dspy.ChainOfThought(dspy.Signature("question -> answer", SYSTEM), **({"n": load.n} if load.n > 1 else {}))

    def rollout(question: str, draw: int) -> Any:
        settings = {} if load.draws == load.n else {"rollout_id": draw, "temperature": setting.temperature}
        return program(question=question, config=settings)

    def metric(example: Any, prediction: Any, trace: Any = None) -> bool:
        found = prediction.completions
        texts.extend(f"{why} {answer}" for why, answer in zip(found.reasoning, found.answer, strict=True))
        return True

    examples = [
        dspy.Example(question=question, draw=draw + 1).with_inputs("question", "draw")
        for question in questions
        for draw in range(load.draws // load.n)
    ]
    dspy.Evaluate(devset=examples, metric=metric, num_threads=load.in_flight, display_progress=False)(rollout)
    return texts
