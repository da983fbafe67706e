"""A step's prompts as they are sent, before anything is filled in."""

from __future__ import annotations

from reasoning.chain.step import KIND_PLACEHOLDERS, Step
from reasoning.errors import UsageError
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompt_overrides import preview_prompts
from reasoning.registry import get
from reasoning.token_estimate import estimate_tokens


def prompt_tokens(step: Step) -> int | None:
    """About how many tokens the longest of a step's prompts takes before anything is filled in; None without one."""
    return max(
        (sum(estimate_tokens(turn.content) for turn in one.messages) for one in preview(step).values()), default=None
    )


def preview(step: Step) -> dict[str, Conversation]:
    """The prompts of a step as they are sent, with the placeholders of other steps and inputs in their places.

    By name: "" is the step's own; with `by` they are the strategy's, such as "cot.two_stages", which have the step's
    for their question, and in which what comes from earlier replies stands as a placeholder too. Of a strategy that
    cannot be made, only the question is known.
    """
    if step.prompt is None:
        return {}
    kind = step.returns
    phrases = {
        "instruction": kind.instruction(),
        "trigger": kind.trigger(),
        "direct_instruction": kind.direct_instruction(),
    }
    names = {name: f"{{{name}}}" for name in step.prompt.placeholders - KIND_PLACEHOLDERS}
    if not step.strategy:
        return {"": step.prompt.fill(**phrases, **names)}
    asked = step.prompt.replace(turns="single").fill(**phrases, **names)
    try:
        strategy = get(step.strategy)
    except UsageError:
        return {"": asked}
    return preview_prompts(strategy, Problem(asked.messages[0].content, kind)) or {"": asked}
