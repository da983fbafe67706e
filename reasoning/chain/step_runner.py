"""The execution of one step: attempts, then the fallback, once or for each item of a list."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.branches import gather
from reasoning.chain.events import CallLost, FallbackUsed, Rejected
from reasoning.chain.list_kind import show_item
from reasoning.chain.prompt_digest import warn_about_prompt
from reasoning.chain.step import Step
from reasoning.chain.step_replies import StepInputs, StepResult
from reasoning.chain.step_sources import find_value, first_retry
from reasoning.chain.user_code import StepError, user_code
from reasoning.chain.validators import coerce
from reasoning.errors import CallFailed, PromptRefused, ReasoningError, UsageError
from reasoning.session import Session


async def run_step(step: Step, values: Mapping[str, Any], texts: Mapping[str, str], session: Session) -> Answer:
    """Run one step.

    Args:
        step: the step.
        values: the chain's inputs and the earlier results by name, as values; validators, the
            fallback, functions and loops read them.
        texts: the same as texts, which prompts show.
        session: the session that draws replies.

    Returns:
        `Answered`; `Unparsed` if the value stays rejected; `Failed` if a call fails for good or a
        function raises.
    """
    if step.if_empty is not None and any(is_empty(values[name]) for name in step.dependencies & values.keys()):
        session.note(f"{step.name}: not run: an input is empty")
        try:
            return Answered(coerce(step.output_kind, step.if_empty))
        except UsageError as error:
            return Unparsed(f"step {step.name!r}: if_empty: {error}")
    if step.model is not None:
        session = session.with_model(step.model)
    if session.adapters:
        warn_about_prompt(step, session.adapters)
    inputs = StepInputs(values, texts)
    return await (_run_items(step, inputs, session) if step.loop else _run_once(step, inputs, session, step.name))


def is_empty(value: Any) -> bool:
    """Return whether an input is empty, so that a step with `if_empty` is not run."""
    return value is None or (hasattr(value, "__len__") and not len(value))


async def _run_items(step: Step, inputs: StepInputs, session: Session) -> Answer:
    """Run a step for each item of its list. A failure of one item does not stop the others."""
    assert step.loop is not None
    item_name, list_name = step.loop
    items = inputs.values[list_name]
    if isinstance(items, str) or not hasattr(items, "__iter__"):
        return Unparsed(f"step {step.name!r}: {list_name!r} must be a list, got {items!r:.60}")
    items = list(items.items() if isinstance(items, Mapping) else items)
    item_texts = [show_item(item) for item in items]
    limit = asyncio.Semaphore(step.concurrency)

    async def run_item(number: int, branch: Session) -> Answer:
        values = {**inputs.values, item_name: items[number]}
        texts = {**inputs.texts, item_name: item_texts[number]}
        async with limit:
            where = f"{step.name}, item {number + 1} ({item_texts[number]:.40})"
            return await _run_once(step, StepInputs(values, texts), branch, where)

    # Equal items send the same prompt but must be answered independently, so each gets its own draws.
    branches = session.fork([f"item {number}" for number in range(1, len(items) + 1)], item_texts)
    answers = await gather([run_item(number, branch) for number, branch in enumerate(branches)])
    if wrong := next((answer for answer in answers if not isinstance(answer, Answered)), None):
        return wrong
    text = "\n".join(answer.text for answer in answers)
    return Answered(tuple(answer.value for answer in answers), rule="each", text=text)


async def _run_once(step: Step, inputs: StepInputs, session: Session, where: str) -> Answer:
    """Attempt a step up to `max_attempts` times, then use its fallback."""
    retry = first_retry(step)
    try:
        for attempt in range(1, step.max_attempts + 1):
            if attempt > 1:
                session.note(f"{where}: attempt {attempt} of {step.max_attempts}")
            try:
                result = await find_value(step, replace(inputs, retry=retry), session)
            except PromptRefused as error:
                if not step.loop or step.fallback is None:
                    raise
                # One item that the provider refuses must not cost the results of the others.
                result = StepResult(None, f"the provider refused it: {error}")
                session.record(Rejected(f"{where}: {result.error}"))
                break
            if result.error is None:
                return result.to_answer()
            session.record(Rejected(f"{where}: rejected: {result.error}"))
            unparsed = result.value is None or step.function is not None
            retry = {"error": result.error, "previous": result.text if unparsed else step.kind.show(result.value)}
        if step.fallback is not None:
            result = _apply_fallback(step, result, inputs)
            if result.error is None:
                session.record(FallbackUsed(f"{where}: fallback: {step.kind.show(result.value)}"))
                return result.to_answer()
    except CallFailed as error:
        if error.ends_run:
            raise
        session.record(CallLost(f"{where}: a call failed: {error}"))
        return replace(Failed.of(error), error=f"step {where!r}: {error}")
    except StepError as error:
        return replace(error.failed, error=f"step {where!r}: {error}")
    except ReasoningError:
        raise
    except Exception as error:  # raised by a strategy
        return Failed(f"step {where!r}: {type(error).__name__}: {error}")
    return Unparsed(f"step {where!r}: {result.error}", text=result.text, steps=result.steps)


def _apply_fallback(step: Step, result: StepResult, inputs: StepInputs) -> StepResult:
    """Return the fallback's value if it is of the step's kind, else the rejected result."""
    assert step.fallback is not None
    with user_code("its fallback"):
        value = step.fallback(result.value, inputs.values)
    if value is None:
        return result
    try:
        return replace(result, value=coerce(step.kind, value), error=None, rule="fallback")
    except UsageError as error:
        return replace(result, error=f"{result.error} And the fallback gave {error}")
