"""The sources of a step's value: a prompt, a strategy, a function, an inner chain, or the first of other steps."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from dataclasses import replace

from reasoning.answer import Answered, Failed
from reasoning.chain.events import Rejected
from reasoning.chain.step import Step
from reasoning.chain.step_replies import StepInputs, StepResult, parse_reply, validate
from reasoning.chain.user_code import StepError, user_code
from reasoning.chain.validators import coerce
from reasoning.errors import UsageError
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.registry import get
from reasoning.session import Session

_REPAIR = "That is not usable: {error}\nWrite the whole answer again, in the required format and nothing else."


async def find_value(step: Step, inputs: StepInputs, session: Session) -> StepResult:
    """Return the value that a step's source gives, with the repairs of a reply.

    Raises:
        CallFailed: a call failed for good.
        StepError: a function of the chain's author or an inner chain failed.
    """
    if step.chain is not None:
        return await _run_chain(step, inputs, session)
    if step.function is not None:
        return await _call_function(step, inputs)
    if step.first_of:
        name = next(name for name in step.first_of if name in inputs.values)
        return StepResult(inputs.values[name], None, inputs.texts[name], f"from {name}")
    return await (_run_strategy(step, inputs, session) if step.strategy else _ask(step, inputs, session))


def first_turns(step: Step, texts: Mapping[str, str]) -> Conversation:
    """Return the turns that a step sends first: without a repair, and in its first attempt.

    Args:
        step: a step with a prompt, and without a strategy.
        texts: the chain's inputs and the earlier results as texts, by name; with `for_each` also the
            item.
    """
    return _fill(step, StepInputs({}, texts, first_retry(step)))


def first_retry(step: Step) -> dict[str, str]:
    """Return the values of the placeholders for an earlier attempt before there is one."""
    return {"error": "", "previous": ""} if step.max_attempts > 1 else {}


async def _ask(step: Step, inputs: StepInputs, session: Session) -> StepResult:
    """Send the prompt, and continue the conversation with the error message of a rejected reply."""
    turns = _fill(step, inputs)
    for attempt in range(step.max_repairs + 1):
        reply = await session.ask(turns, **{"response_format": step.response_format, **step.sampling})
        result = parse_reply(step, reply.text, inputs)
        if result.error is None or attempt == step.max_repairs:
            return result
        session.record(Rejected(f"{step.name}: rejected: {result.error}"))
        turns = turns.then(reply.text, _REPAIR.format(error=result.error))
    raise AssertionError  # the last attempt returns


async def _run_strategy(step: Step, inputs: StepInputs, session: Session) -> StepResult:
    """Give the prompt to a strategy as its question; a rejected answer and its error follow the question."""
    assert step.prompt is not None
    strategy = get(step.strategy)
    filled = step.prompt.replace(turns="single").fill(**step.kind_values, **inputs.texts, **inputs.retry)
    question = filled.messages[0].content
    problem = Problem(question, step.returns)
    branch = session.with_sampling(step.sampling)
    for attempt in range(step.max_repairs + 1):
        answer = await strategy.solve(problem, branch)
        if isinstance(answer, Failed):
            raise answer.to_error()
        error = None if isinstance(answer, Answered) else step.returns.error_message(answer.text) or answer.reason
        parsed = StepResult(answer.value, error, answer.text, getattr(answer, "rule", ""))
        result = parse_reply(step, answer.text, inputs, parsed)
        if result.error is None or attempt == step.max_repairs:
            return result
        session.record(Rejected(f"{step.name}: rejected: {result.error}"))
        rejected = f"An earlier answer:\n{answer.text}\n\n{_REPAIR.format(error=result.error)}"
        problem = Problem(f"{question}\n\n{rejected}", step.returns)
    raise AssertionError  # the last attempt returns


async def _call_function(step: Step, inputs: StepInputs) -> StepResult:
    """Call a step's function. A plain function runs in a thread, so that other steps continue."""
    assert step.function is not None
    arguments = {name: inputs.get(step.rename.get(name, name))[0] for name in step.reads}
    with user_code():
        if inspect.iscoroutinefunction(step.function):
            value = await step.function(**arguments)
        else:
            value = await asyncio.to_thread(step.function, **arguments)
            if inspect.isawaitable(value):
                value = await value
    name = getattr(step.function, "__name__", "the function")
    if value is None:
        return StepResult(None, f"{name} gave nothing", rule="computed")
    try:
        value = coerce(step.kind, value)
    except UsageError as error:
        return StepResult(value, f"{name} gave {error}", str(value), "computed")
    return validate(step, StepResult(value, None, step.kind.show(value), "computed"), inputs)


async def _run_chain(step: Step, inputs: StepInputs, session: Session) -> StepResult:
    """Run an inner chain. Validators see the values of its steps as "step.inner"."""
    assert step.chain is not None
    arguments = {name: inputs.get(step.rename.get(name, name)) for name in step.chain.input_names}
    values = {name: value for name, (value, _) in arguments.items()}
    texts = {name: text for name, (_, text) in arguments.items()}
    answer = await step.chain.run_steps(values, texts, session)
    if isinstance(answer, Failed):
        raise StepError(answer)
    result = StepResult(answer.value, answer.reason or None, answer.text, getattr(answer, "rule", ""), answer.steps)
    if result.error is None and step.kind != step.chain.output_kind:
        try:
            result = replace(result, value=coerce(step.kind, result.value))
        except UsageError as error:
            return replace(result, error=f"the inner chain gave {error}")
    inner = {f"{step.name}.{name}": value for name, value in answer.steps.items()}
    return validate(step, result, replace(inputs, values={**inputs.values, **inner}))


def _fill(step: Step, inputs: StepInputs) -> Conversation:
    assert step.asked is not None
    return step.asked.fill(**step.kind_values, **inputs.texts, **inputs.retry)
