"""Digests of prompts, by which a changed prompt is noticed after a model was trained on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from reasoning.chain.prompt_preview import preview
from reasoning.chain.step import Step
from reasoning.kinds import Kind
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompt_overrides import preview_prompts
from reasoning.strategy import Strategy


def digest_step(step: Step) -> str:
    """Return the SHA-256 of a step's prompts as they are sent, with a placeholder for each input, in hexadecimal."""
    return _digest(preview(step).values())


def digest_strategy(strategy: Strategy, kind: Kind) -> str:
    """Return the SHA-256 of a strategy's prompts for a kind of answer, with a placeholder for the problem.

    It calls the strategy without a model, so it cannot be used on the event loop.
    """
    return _digest(preview_prompts(strategy, Problem("{problem}", kind)).values())


def _digest(prompts: Iterable[Conversation]) -> str:
    return hashlib.sha256(json.dumps([prompt.messages for prompt in prompts]).encode()).hexdigest()
