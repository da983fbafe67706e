"""inspect_ai.eval: a task with generate() and a numeric match, its log written; draws are epochs, n is `num_choices`.

(no variant)   as it comes
cache          generate(cache=True)
"""

from __future__ import annotations

import os
from collections.abc import Sequence

os.environ["INSPECT_CACHE_DIR"] = f"{os.environ['PERF_STATE']}/cache"
os.environ["XDG_DATA_HOME"] = f"{os.environ['PERF_STATE']}/data"
os.environ["OPENAI_API_KEY"] = "none"

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate, system_message
from perf.workload import MAX_TOKENS, MODEL, SYSTEM, Setting

PACKAGE = "inspect_ai"


def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    load = setting.workload
    samples = [Sample(input=question, target="42", id=i) for i, question in enumerate(questions, 1)]
    task = Task(
        dataset=MemoryDataset(samples),
        solver=[system_message(SYSTEM), generate(cache=setting.variant == "cache")],
        scorer=match(numeric=True),
    )
    (log,) = eval(
        task,
        model=f"openai/{MODEL}",
        model_base_url=setting.url,
        model_args={"responses_api": False},
        max_connections=load.in_flight,
        max_samples=load.in_flight,
        epochs=load.draws // load.n,
        num_choices=load.n if load.n > 1 else None,
        temperature=setting.temperature,
        max_tokens=MAX_TOKENS,
        max_retries=0,
        log_dir=str(setting.state / "logs"),
        display="none",
    )
    if log.status != "success":
        raise SystemExit(f"inspect_ai: {log.error}")
    return [choice.message.text for sample in log.samples for choice in sample.output.choices]
