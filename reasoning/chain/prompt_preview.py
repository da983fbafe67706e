"""Previews of a step's prompts before any value is filled in, and their estimated tokens."""

from __future__ import annotations

from reasoning.chain.step import Step
from reasoning.errors import UsageError
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompt_overrides import preview_prompts
from reasoning.prompts import KIND_PLACEHOLDERS
from reasoning.registry import get
from reasoning.token_estimate import estimate_turns


def prompt_tokens(step: Step) -> int | None:
    """Estimate the tokens of a step's longest prompt without any values; None for a step without prompts."""
    return max((estimate_turns(prompt.messages) for prompt in preview(step).values()), default=None)


def preview(step: Step) -> dict[str, Conversation]:
    """Return the prompts of a step as they are sent, with `{name}` for each input and result.

    Returns:
        The prompts by name. The name of the step's own prompt is "". With `strategy` they are the
        prompts of the strategy, such as "cot.two_stages": the step's prompt is their question, and
        text from earlier replies is a placeholder too. For a strategy that cannot be built, only
        the question is returned.
    """
    prompt = step.asked
    if prompt is None:
        return {}
    names = {name: f"{{{name}}}" for name in prompt.placeholders - KIND_PLACEHOLDERS}
    if not step.strategy:
        return {"": prompt.fill(**step.kind_values, **names)}
    question = prompt.replace(turns="single").fill(**step.kind_values, **names)
    try:
        strategy = get(step.strategy)
    except UsageError:
        return {"": question}
    return preview_prompts(strategy, Problem(question.messages[0].content, step.returns)) or {"": question}
