"""litellm.acompletion without retries, a gather and a semaphore.

(no variant)   "openai/…": its pooled OpenAI SDK
vllm           "hosted_vllm/…": its own HTTP handler, which costs less
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or its import asks the network for prices

import litellm
from perf.workload import MODEL, Setting

PACKAGE = "litellm"


async def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    logging.disable(logging.WARNING)
    model = f"{'hosted_vllm' if setting.variant == 'vllm' else 'openai'}/{MODEL}"

    async def call(question: str, n: int) -> list[str]:
        asked = {**setting.body(question, n), "model": model}
        answer = await litellm.acompletion(**asked, api_base=setting.url, api_key="none", num_retries=0, max_retries=0)
        return [choice.message.content for choice in answer.choices]

    return await setting.each(call, questions)
