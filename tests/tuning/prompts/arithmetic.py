"""Sums that a scripted model solves with demonstrations or an instruction, and otherwise every third time."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from reasoning import Budget, Example, Problem, kinds
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM
from reasoning.tuning import optimise
from reasoning.tuning.prompts.outcome import Outcome
from reasoning.tuning.prompts.pools import PoolSizes

SUMS = [Example(Problem(f"What is {k} plus {3 * k + 1}?", kinds.Number()), 4 * k + 1) for k in range(1, 61)]
SIZES = PoolSizes(12, 16, 30)
PROPOSED = "Add with great care."
Script = Callable[[tuple[Message, ...]], str]


def is_proposal(messages: tuple[Message, ...]) -> bool:
    """Return whether a request asks for a better text."""
    text = messages[-1].content
    return "Write a better text" in text or "write a new instruction" in text


def solve(messages: tuple[Message, ...], *, proposal: str = PROPOSED, tuned: bool = True) -> str:
    """Return the reply of the scripted model."""
    if is_proposal(messages):
        return proposal
    first, second = map(int, re.findall(r"What is (\d+) plus (\d+)", messages[-1].content)[-1])
    is_helped = len(messages) > 2 or any("great care" in turn.content for turn in messages)
    is_right = (is_helped and tuned) or first % 3 == 0
    return f"The answer is {first + second + (not is_right)}."


def search(llm: ScriptedLLM, method: str = "bootstrap", calls: int = 800, out: Path | None = None) -> Outcome:
    """Run a search over the sums."""
    return optimise("vanilla", SUMS, llm, budget=Budget(calls=calls), method=method, sizes=SIZES, out=out)
