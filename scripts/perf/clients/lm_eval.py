"""lm-eval's local-chat-completions on a task of its own; draws are `repeats`. It cannot ask for n.

(no variant)   as it comes
cache          with use_cache, which is consulted for requests at temperature 0 only
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=f"{os.environ['PERF_STATE']}/hf")
os.environ["OPENAI_API_KEY"] = "none"

import lm_eval
from lm_eval.tasks import TaskManager
from perf.workload import MAX_TOKENS, MODEL, SYSTEM, Setting

PACKAGE = "lm_eval"


def solve(setting: Setting, questions: Sequence[str]) -> list[str]:
    """Return the replies to all questions."""
    logging.disable(logging.WARNING)
    setting.state.mkdir(parents=True, exist_ok=True)
    name = f"perf_{len(questions)}"
    data = setting.state / f"{name}.jsonl"
    data.write_text("".join(json.dumps({"question": question, "answer": "42"}) + "\n" for question in questions))
    task = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "repeats": setting.workload.draws,
        "filter_list": [
            {
                "name": "majority",
                "filter": [
                    {"function": "regex", "regex_pattern": r"The answer is (\-?[0-9\.\,]+)\."},
                    {"function": "majority_vote"},
                    {"function": "take_first"},
                ],
            }
        ],
        "generation_kwargs": {
            "until": ["</s>"],
            "do_sample": setting.temperature > 0,
            "temperature": setting.temperature,
            "max_gen_toks": MAX_TOKENS,
        },
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    (setting.state / f"{name}.yaml").write_text(json.dumps(task))  # every JSON file is a YAML file
    result = lm_eval.simple_evaluate(
        model="local-chat-completions",
        model_args={
            "base_url": f"{setting.url}/chat/completions",
            "model": MODEL,
            "num_concurrent": setting.workload.in_flight,
            "max_retries": 1,
        },
        tasks=[name],
        task_manager=TaskManager(include_path=str(setting.state), include_defaults=False),
        system_instruction=SYSTEM,
        apply_chat_template=True,
        log_samples=True,
        bootstrap_iters=0,
        use_cache=str(setting.state / "answers") if setting.variant == "cache" else None,
    )
    return [text for sample in result["samples"][name] for texts in sample["resps"] for text in texts]
