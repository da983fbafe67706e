"""lm-evaluation-harness: a generated task through `local-chat-completions`; its key is OPENAI_API_KEY."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.tasks import TaskManager

from serve_clients.programs.checks import NoWay, Setting, expect, run, unique

QUESTIONS = 8


def evaluate(at: Setting, name: str, **task: Any) -> Any:
    folder = Path(at.state) / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"question": unique(), "answer": "42"}) for _ in range(QUESTIONS)]
    (folder / "data.jsonl").write_text("\n".join(lines))
    written = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "data.jsonl")}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "filter_list": [
            {
                "name": "number",
                "filter": [{"function": "regex", "regex_pattern": r"(-?\d+)"}, {"function": "take_first"}],
            }
        ],
        "generation_kwargs": {"until": ["</s>"], "do_sample": False, "max_gen_toks": 256},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        **task,
    }
    (folder / f"{name}.yaml").write_text(json.dumps(written))  # every JSON file is a YAML file
    return lm_eval.simple_evaluate(
        model="local-chat-completions",
        model_args={
            "base_url": f"{at.url}/chat/completions",
            "model": at.alias,
            "num_concurrent": 4,
            "max_retries": 1,
            "tokenized_requests": False,
        },
        tasks=[name],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        apply_chat_template=True,
        log_samples=True,
        bootstrap_iters=0,
    )


def chat(at: Setting) -> None:
    found = evaluate(at, "serve_chat")
    texts = [text for sample in found["samples"]["serve_chat"] for texts in sample["resps"] for text in texts]
    expect(len(texts) == QUESTIONS and all(texts), texts)


def evaluation(at: Setting) -> None:
    if not at.upstream:
        raise NoWay("a small model's answers are not known")
    found = evaluate(at, "serve_score")["results"]["serve_score"]
    score = found["exact_match,number"]
    # The mock says 42 in five of eight samples, so that most votes are won.
    expect(score >= 0.5, f"a score of {score}")


if __name__ == "__main__":
    run("lm_eval", {"chat": chat, "evaluation": evaluation})
