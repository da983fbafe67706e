"""Digests of prompts: equal for equal prompts, different for everything that changes what is sent."""

from __future__ import annotations

from dataclasses import replace

from reasoning import Prompt, Step, kinds
from reasoning.chain.prompt_digest import digest_step

STEP = Step("sort", Prompt(instructions="Sort it.", input="{text}"), returns=kinds.Choice(("a", "b")))


def test_a_digest_follows_what_is_sent() -> None:
    assert digest_step(STEP) == digest_step(replace(STEP, max_repairs=3, sampling={"temperature": 0.7}))
    assert STEP.prompt is not None
    others = [
        replace(STEP, prompt=STEP.prompt.replace(instructions="Sort it well.")),
        replace(STEP, prompt=STEP.prompt.replace(form="xml")),
        replace(STEP, prompt=STEP.prompt.replace(input="{message}")),
        replace(STEP, strategy="cot"),
    ]
    assert len({digest_step(step) for step in (STEP, *others)}) == 5
