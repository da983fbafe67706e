"""Structured replies of all prompts of a strategy, and of all steps of a chain, that can have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoning.chain.chain import Chain
from reasoning.chain.step import Step
from reasoning.errors import UsageError
from reasoning.kinds import Kind
from reasoning.prompt_overrides import prompts, structure_prompts
from reasoning.prompts import Prompt
from reasoning.registry import get
from reasoning.strategy import Strategy


def structure_replies(strategy: Strategy, kinds: Sequence[Kind]) -> tuple[Strategy, list[str]]:
    """Return a copy whose replies are JSON where they state an answer, and what stays free text.

    In a chain these are the replies of each step to its own prompt, or of the strategy that answers
    it, if the step's kind has a schema of a reply.

    Args:
        strategy: the strategy or chain.
        kinds: the kinds of the answers; the steps of a chain have their own.

    Returns:
        The copy, and the names of what stays free text: the strategy if no prompt of it can be
        structured, or the steps of a chain.
    """
    if not isinstance(strategy, Chain):
        changed = structure_prompts(strategy, kinds)
        return changed, [] if _is_structured(changed) else [repr(strategy)]
    free: list[str] = []
    steps = tuple([_structure_step(step, f"{strategy.name}.{step.name}", free) for step in strategy.steps])
    if steps == strategy.steps:
        return strategy, free
    return strategy.replace(steps=steps).as_variant_of(strategy), free


def structure_all(strategies: Sequence[Strategy], kinds: Sequence[Kind]) -> tuple[list[Strategy], str]:
    """Return copies of strategies with structured replies, and a note about what stays free text.

    Raises:
        UsageError: nothing in any of them can be structured.
    """
    changed = [structure_replies(strategy, kinds) for strategy in strategies]
    free = [name for _, names in changed for name in names]
    if all(new == old for (new, _), old in zip(changed, strategies, strict=True)):
        names = ", ".join(dict.fromkeys(kind.name for kind in kinds))
        raise UsageError(
            f"--structured changes nothing: no prompt of {', '.join(map(repr, strategies))} asks for an answer of a "
            f"kind with a schema of a reply{f' ({names})' if names else ''}; vanilla and cot(stages=1) do so"
        )
    return [new for new, _ in changed], f"replies stay free text in: {', '.join(free)}" if free else ""


def _structure_step(step: Step, name: str, free: list[str]) -> Step:
    """Return a step with structured replies; adds its name to `free` if it has a prompt that cannot have them."""
    if step.chain is not None:
        inner = tuple([_structure_step(one, f"{name}.{one.name}", free) for one in step.chain.steps])
        return step if inner == step.chain.steps else replace(step, chain=step.chain.replace(steps=inner))
    if step.prompt is None or step.structured:
        return step
    if step.strategy:
        before = get(step.strategy)
        after, left = structure_replies(before, [step.returns])
        free += [f"{name} ({one})" for one in left]
        return step if after == before else replace(step, strategy=after)
    if step.returns.reply_schema(steps=step.prompt.asks_for_steps) is None:
        free.append(name)
        return step
    return replace(step, structured=True)


def _is_structured(strategy: Strategy) -> bool:
    return any(isinstance(prompt, Prompt) and prompt.structured for prompt in prompts(strategy).values())
