"""The gold entries of the step "categories" of the chain telecom_feedback that models give exactly."""

from __future__ import annotations

import asyncio
import json

import reasoning
from reasoning import event_loop
from reasoning.chain.folder import load
from reasoning.messages import Completion, Conversation
from reasoning.registry import bundled_chains
from reasoning.tuning.examples.step_inputs import StepInput, StepReader, read_case_inputs

CHAIN, STEP = "telecom_feedback", "categories"


def read_inputs() -> list[StepInput]:
    """Return the inputs of the step's cases with gold values."""
    folder = bundled_chains()[CHAIN]
    _, judged = read_case_inputs(StepReader(load(folder, "trusted"), STEP), folder, "trusted")
    return [one for one in judged if "categories" in one.values]


def judge_entries(model: str, inputs: list[StepInput], max_tokens: int) -> list[bool]:
    """Return for each gold entry whether a model gives it exactly.

    Each input is asked once, greedily, with the step's own prompt, the gold issues and no repair. An entry counts if
    the reply is JSON that has exactly its issue as a key and its category as the value.
    """
    replies = [read_entries(reply) for reply in ask(model, inputs, max_tokens)]
    return [
        found.get(issue) == category
        for one, found in zip(inputs, replies, strict=True)
        for issue, category in one.values["categories"].items()
    ]


def ask(model: str, inputs: list[StepInput], max_tokens: int) -> list[str]:
    """Return the replies of a model; they are recorded in the journal, so repeating it costs nothing."""

    async def draw_all() -> list[list[Completion]]:
        # The turns before the last one are equal for every input.
        requests = [llm.request(Conversation(one.messages, len(one.messages) - 1), {}) for one in inputs]
        return await asyncio.gather(*(llm.draw(request, [0]) for request in requests))

    with reasoning.connect(model, temperature=0.0, max_tokens=max_tokens) as llm:
        return [draws[0].text for draws in event_loop.run_sync(draw_all())]


def read_entries(reply: str) -> dict[str, str]:
    """Return the entries of a reply that is a JSON object of texts; none otherwise."""
    try:
        value = json.loads(reply)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
