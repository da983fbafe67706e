"""A chain warns if a step's prompt is not the one that its adapter was trained on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reasoning import Chain, Prompt, Step
from reasoning.chain.prompt_digest import digest_step
from reasoning.providers.adapters import Adapter
from reasoning.testing import ScriptedLLM

STEP = Step("categories", Prompt(input="What is {text} about?"))


def trained(of: Step, **examples: Any) -> Adapter:
    about = {"step": of.name, "prompt_sha256": digest_step(of), **examples}
    return Adapter("cat", "tiny", "ab" * 32, "lora", "llama.cpp", Path(), {}, examples=about)


def run(step: Step, *adapters: Adapter) -> Sequence[str]:
    llm = ScriptedLLM(["network"] * 3)
    llm.client.adapters = adapters
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert Chain(step).run("a message", llm).value == "network"
    return [str(warning.message) for warning in caught]


def test_the_same_prompt_gives_no_warning() -> None:
    assert run(STEP) == run(STEP, trained(STEP)) == []
    assert run(replace(STEP, max_repairs=3), trained(STEP)) == []


def test_a_changed_prompt_warns() -> None:
    changed = replace(STEP, prompt=Prompt(input="What is {text} about? One word."))
    [text] = run(changed, trained(STEP))
    assert text.startswith("the prompt of the step 'categories' has changed since the adapter 'cat' was trained on it")
    assert run(changed, trained(STEP), trained(changed)) == []


def test_another_step_warns() -> None:
    assert run(replace(STEP, name="issues", prompt=Prompt(input="{text}?")), trained(STEP)) == [
        "the adapter 'cat' was trained for the step 'categories', not for 'issues'"
    ]


@pytest.mark.parametrize("examples", [{"step": ""}, {"step": None}])
def test_an_adapter_of_no_step_gives_no_warning(examples: dict[str, Any]) -> None:
    assert run(replace(STEP, name="issues"), trained(STEP, **examples)) == []
