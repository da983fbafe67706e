"""A step's prompts as they are sent, before anything is filled in."""

from __future__ import annotations

from importlib import import_module

from reasoning.chain.step import PHRASES, Step
from reasoning.chain.step_runner import strategy_of
from reasoning.chain.token_estimate import tokens
from reasoning.errors import UsageError
from reasoning.messages import Conversation
from reasoning.problem import Problem


def prompt_tokens(step: Step) -> int | None:
    """About how many tokens the longest of a step's prompts takes before anything is filled in; None without one."""
    return max((sum(tokens(turn.content) for turn in one.messages) for one in sent(step).values()), default=None)


def sent(step: Step) -> dict[str, Conversation]:
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
    names = {name: f"{{{name}}}" for name in step.prompt.placeholders - PHRASES}
    if not step.by:
        return {"": step.prompt.fill(**phrases, **names)}
    asked = step.prompt.replace(turns="single").fill(**phrases, **names)
    try:
        strategy = strategy_of(step.by)
    except UsageError:
        return {"": asked}
    workshop = import_module("reasoning.prompt_overrides")  # above this package, which knows no technique
    return workshop.preview_prompts(strategy, Problem(asked.messages[0].content, kind)) or {"": asked}
