"""Digests of prompts, by which a changed prompt is noticed after a model was trained on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reasoning.chain.prompt_preview import preview
from reasoning.chain.step import Step
from reasoning.kinds import Kind
from reasoning.logs import Log
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompt_overrides import preview_prompts
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.providers.adapters import Adapter

_log = Log(__name__)


def digest_step(step: Step) -> str:
    """Return the SHA-256 of a step's prompts as they are sent, with a placeholder for each input, in hexadecimal."""
    return _digest(preview(step).values())


def digest_strategy(strategy: Strategy, kind: Kind) -> str:
    """Return the SHA-256 of a strategy's prompts for a kind of answer, with a placeholder for the problem.

    It calls the strategy without a model, so it cannot be used on the event loop.
    """
    return _digest(preview_prompts(strategy, Problem("{problem}", kind)).values())


def warn_about_prompt(step: Step, adapters: Sequence[Adapter]) -> None:
    """Warn if no adapter of the model was trained on the prompt of this step; once for each step.

    Adapters that state no prompt, or were trained on a strategy, are taken to fit.
    """
    if any("prompt_sha256" not in adapter.examples or not adapter.examples.get("step") for adapter in adapters):
        return
    digest = digest_step(step)
    if digest in [adapter.examples["prompt_sha256"] for adapter in adapters]:
        return
    for adapter in adapters:
        trained = str(adapter.examples["step"])
        if trained == step.name:
            _log.notify(
                f"the prompt of the step {step.name!r} has changed since the adapter {adapter.name!r} was trained on "
                "it: its replies may be worse than measured; label and train again, or restore the prompt"
            )
        else:
            _log.notify(f"the adapter {adapter.name!r} was trained for the step {trained!r}, not for {step.name!r}")


def _digest(prompts: Iterable[Conversation]) -> str:
    return hashlib.sha256(json.dumps([prompt.messages for prompt in prompts]).encode()).hexdigest()
