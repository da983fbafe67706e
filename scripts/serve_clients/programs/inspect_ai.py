"""inspect_ai: evaluations through its provider for OpenAI-compatible servers, REASONING_BASE_URL and …_API_KEY."""

from __future__ import annotations

from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ResponseSchema
from inspect_ai.scorer import match
from inspect_ai.solver import generate, system_message
from inspect_ai.util import json_schema
from pydantic import BaseModel

from serve_clients.programs.checks import NoWay, Setting, expect, run, unique

QUESTIONS = 8


class Found(BaseModel):
    """An answer with its unit."""

    answer: int
    unit: str


def evaluate(at: Setting, alias: str, suffix: str = "", count: int = QUESTIONS, **settings: Any) -> Any:
    samples = [Sample(input=unique() + suffix, target="42", id=number) for number in range(1, count + 1)]
    solver: Any = [system_message("Be brief."), generate()]
    [log] = eval(
        Task(dataset=MemoryDataset(samples), solver=solver, scorer=match(numeric=True)),
        model=f"openai-api/reasoning/{alias}",
        max_retries=0,
        log_dir=f"{at.state}/logs",
        display="none",
        fail_on_error=True,
        **settings,
    )
    return log


def finished(at: Setting, *given: Any, **settings: Any) -> Any:
    log = evaluate(at, *given, **settings)
    expect(log.status == "success", log.error and log.error.message)
    return log


def chat(at: Setting) -> None:
    log = finished(at, at.alias)
    expect(all(sample.output.completion for sample in log.samples), "an empty completion")


def n(at: Setting) -> None:
    log = finished(at, at.alias, num_choices=3)
    counts = [len(sample.output.choices) for sample in log.samples]
    expect(set(counts) == {3}, f"choices of the samples: {counts}")


def structured(at: Setting) -> None:
    schema = ResponseSchema(name="found", json_schema=json_schema(Found))
    log = finished(at, at.alias, " [json]", response_schema=schema)
    if at.upstream:
        for sample in log.samples:
            expect(Found.model_validate_json(sample.output.completion).answer == 42, sample.output.completion)


def usage(at: Setting) -> None:
    before = at.seen()
    log = finished(at, at.steps)
    after = at.seen()
    [found] = log.stats.model_usage.values()
    # inspect_ai counts cached input apart from other input.
    read = found.input_tokens + (found.input_tokens_cache_read or 0)
    spent = after["prompt_tokens"] - before["prompt_tokens"]
    expect(read == spent, f"input tokens: {read}, but {spent} were billed")
    spent = after["completion_tokens"] - before["completion_tokens"]
    expect(found.output_tokens == spent, f"output tokens: {found.output_tokens}, but {spent} were billed")


def errors(at: Setting) -> None:
    log = evaluate(at, "no-such-alias", count=1)
    expect(log.status == "error" and "no-such-alias" in str(log.error), f"{log.status}: {log.error}")


def before(at: Setting) -> None:
    log = finished(at, at.steps, count=1)
    question = log.samples[0].input
    bodies = [str(body["messages"]) for body in at.seen()["bodies"] if question in str(body)]
    expect(bodies and all("Be brief." in body for body in bodies), bodies)


def evaluation(at: Setting) -> None:
    if not at.upstream:
        raise NoWay("a small model's answers are not known")
    [score] = finished(at, at.alias).results.scores
    accuracy = score.metrics["accuracy"].value
    # The mock says 42 in five of eight samples, so that most votes are won.
    expect(accuracy >= 0.5, f"an accuracy of {accuracy}")


if __name__ == "__main__":
    run(
        "inspect_ai",
        {
            "chat": chat,
            "structured": structured,
            "n": n,
            "usage": usage,
            "before": before,
            "errors": errors,
            "evaluation": evaluation,
        },
    )
