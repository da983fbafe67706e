"""The execution of one step: calls, repairs, further attempts and the fallback, once or for each item of a list."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.branches import gather
from reasoning.chain.events import CallLost, FallbackUsed, Rejected
from reasoning.chain.list_kind import show_item
from reasoning.chain.prompt_digest import warn_about_prompt
from reasoning.chain.step import Step
from reasoning.chain.validators import as_validators, coerce, first_error
from reasoning.errors import BudgetExhausted, CallFailed, PromptRefused, ReasoningError, UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.registry import get
from reasoning.session import Session

_PACKAGE = Path(__file__).parents[1]
_REPAIR = "That is not usable: {error}\nWrite the whole answer again, in the required format and nothing else."


@dataclass(frozen=True)
class _Inputs:
    """The inputs of a step as values and as texts, and the error and the reply of the previous attempt."""

    values: Mapping[str, Any]
    texts: Mapping[str, str]
    retry: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> tuple[Any, str]:
        """Return a value and its text."""
        if name in self.retry:
            return self.retry[name], self.retry[name]
        return self.values[name], self.texts[name]


@dataclass(frozen=True)
class _Result:
    """A value, and the message of the validator that rejects it; None if all accept it."""

    value: Any
    error: str | None
    text: str = ""
    rule: str = ""
    steps: Mapping[str, Any] = field(default_factory=dict)


class _StepError(Exception):
    """An error of a user's function or an inner chain, which ends only this step."""

    def __init__(self, message: str, steps: Mapping[str, Any] | None = None, *, refused: bool = False) -> None:
        self.steps, self.refused = steps or {}, refused
        super().__init__(message)


@contextmanager
def _user_code(what: str = "") -> Iterator[None]:
    """Raise an exception of a user's function as `_StepError`, unless it ends the whole run.

    Args:
        what: the function, where the name of the step does not say it.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, BudgetExhausted) or getattr(error, "ends_run", False):
            raise
        if isinstance(error, ReasoningError):
            raise _StepError(str(error)) from error
        before = f"{what} raised " if what else ""
        raise _StepError(f"{before}{type(error).__name__}: {error}{_location(error)}") from error


def _location(error: Exception) -> str:
    """Return the place in the user's code that raised an exception; "" if it is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not Path(frame.filename).is_relative_to(_PACKAGE)]
    # A plain function runs in a thread, whose frames are Python's.
    own = [frame for frame in own if Path(frame.filename).parent.name not in ("asyncio", "futures")]
    return f" ({Path(own[0].filename).name}, line {own[0].lineno})" if own else ""


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
    inputs = _Inputs(values, texts)
    return await (_run_items(step, inputs, session) if step.loop else _run_once(step, inputs, session, step.name))


async def _run_items(step: Step, inputs: _Inputs, session: Session) -> Answer:
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
            return await _run_once(step, _Inputs(values, texts), branch, where)

    # Equal items send the same prompt but must be answered independently, so each gets its own draws.
    branches = session.fork([f"item {number}" for number in range(1, len(items) + 1)], item_texts)
    answers = await gather([run_item(number, branch) for number, branch in enumerate(branches)])
    if wrong := next((answer for answer in answers if not isinstance(answer, Answered)), None):
        return wrong
    text = "\n".join(answer.text for answer in answers)
    return Answered(tuple(answer.value for answer in answers), rule="each", text=text)


async def _run_once(step: Step, inputs: _Inputs, session: Session, where: str) -> Answer:
    """Attempt a step up to `max_attempts` times, then use its fallback."""
    retry = _first_retry(step)
    try:
        for attempt in range(1, step.max_attempts + 1):
            if attempt > 1:
                session.note(f"{where}: attempt {attempt} of {step.max_attempts}")
            try:
                result = await _attempt(step, replace(inputs, retry=retry), session)
            except PromptRefused as error:
                if not step.loop or step.fallback is None:
                    raise
                # One item that the provider refuses must not cost the results of the others.
                result = _Result(None, f"the provider refused it: {error}")
                session.record(Rejected(f"{where}: {result.error}"))
                break
            if result.error is None:
                return Answered(result.value, rule=result.rule, text=result.text, steps=result.steps)
            session.record(Rejected(f"{where}: rejected: {result.error}"))
            unparsed = result.value is None or step.function is not None
            retry = {"error": result.error, "previous": result.text if unparsed else step.kind.show(result.value)}
        if step.fallback is not None:
            result = _apply_fallback(step, result, inputs)
            if result.error is None:
                session.record(FallbackUsed(f"{where}: fallback: {step.kind.show(result.value)}"))
                return Answered(result.value, rule=result.rule, text=result.text, steps=result.steps)
    except CallFailed as error:
        if error.ends_run:
            raise
        session.record(CallLost(f"{where}: a call failed: {error}"))
        return Failed(f"step {where!r}: {error}", refused=isinstance(error, PromptRefused))
    except _StepError as error:
        return Failed(f"step {where!r}: {error}", refused=error.refused, steps=error.steps)
    except ReasoningError:
        raise
    except Exception as error:  # raised by a strategy
        return Failed(f"step {where!r}: {type(error).__name__}: {error}")
    return Unparsed(f"step {where!r}: {result.error}", text=result.text, steps=result.steps)


def _apply_fallback(step: Step, result: _Result, inputs: _Inputs) -> _Result:
    """Return the fallback's value if it is of the step's kind, else the rejected result."""
    assert step.fallback is not None
    with _user_code("its fallback"):
        value = step.fallback(result.value, inputs.values)
    if value is None:
        return result
    try:
        return replace(result, value=coerce(step.kind, value), error=None, rule="fallback")
    except UsageError as error:
        return replace(result, error=f"{result.error} And the fallback gave {error}")


async def _attempt(step: Step, inputs: _Inputs, session: Session) -> _Result:
    if step.chain is not None:
        return await _run_chain(step, inputs, session)
    if step.function is not None:
        return await _call_function(step, inputs)
    if step.first_of:
        name = next(name for name in step.first_of if name in inputs.values)
        return _Result(inputs.values[name], None, inputs.texts[name], f"from {name}")
    return await (_run_strategy(step, inputs, session) if step.strategy else _ask(step, inputs, session))


async def _ask(step: Step, inputs: _Inputs, session: Session) -> _Result:
    """Send the prompt, and continue the conversation with the error message of a rejected reply."""
    turns = _fill(step, inputs)
    for attempt in range(step.max_repairs + 1):
        reply = await session.ask(turns, **{"response_format": step.response_format, **step.sampling})
        result = _read(step, reply.text, inputs)
        if result.error is None or attempt == step.max_repairs:
            return result
        session.record(Rejected(f"{step.name}: rejected: {result.error}"))
        turns = turns.then(reply.text, _REPAIR.format(error=result.error))
    raise AssertionError  # the last attempt returns


def first_turns(step: Step, texts: Mapping[str, str]) -> Conversation:
    """Return the turns that a step sends first: without a repair, and in its first attempt.

    Args:
        step: a step with a prompt, and without a strategy.
        texts: the chain's inputs and the earlier results as texts, by name; with `for_each` also the
            item.
    """
    return _fill(step, _Inputs({}, texts, _first_retry(step)))


def read_reply(step: Step, text: str, values: Mapping[str, Any]) -> tuple[Any, str | None]:
    """Return the value of a reply to a step, and the error message of the parser or validator that rejects it.

    Args:
        step: a step with a prompt.
        text: the reply.
        values: the chain's inputs and the earlier results by name; with `for_each` also the item.
    """
    try:
        result = _read(step, text, _Inputs(values, {}))
    except _StepError as error:
        return None, str(error)
    return result.value, result.error


def _fill(step: Step, inputs: _Inputs) -> Conversation:
    assert step.asked is not None
    return step.asked.fill(**step.kind_values, **inputs.texts, **inputs.retry)


def _first_retry(step: Step) -> dict[str, str]:
    """Return the values of the placeholders for an earlier attempt before there is one."""
    return {"error": "", "previous": ""} if step.max_attempts > 1 else {}


def _read(step: Step, text: str, inputs: _Inputs) -> _Result:
    """Parse a reply with the step's function or its kind, and validate the value."""
    result = _parse_with_function(step, text, inputs)
    if result is None:
        value, rule = step.returns.parse_reply(text)
        result = _Result(value, None, text, rule)
    return _validate(step, result, inputs)


async def _run_strategy(step: Step, inputs: _Inputs, session: Session) -> _Result:
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
        result = _parse_with_function(step, answer.text, inputs)
        if result is None:
            result = _Result(answer.value, error, answer.text, getattr(answer, "rule", ""))
        result = _validate(step, result, inputs)
        if result.error is None or attempt == step.max_repairs:
            return result
        session.record(Rejected(f"{step.name}: rejected: {result.error}"))
        rejected = f"An earlier answer:\n{answer.text}\n\n{_REPAIR.format(error=result.error)}"
        problem = Problem(f"{question}\n\n{rejected}", step.returns)
    raise AssertionError  # the last attempt returns


def _parse_with_function(step: Step, text: str, inputs: _Inputs) -> _Result | None:
    """Return the result of the step's own parser; None if the step has none, or if it leaves the reply to the kind."""
    if step.parse is None or (step.structured and _is_structured(step, text)):
        return None
    with _user_code("its parse"):
        value = step.parse(visible_text(text, None), inputs.values)
    if value is None:
        return None
    try:
        return _Result(coerce(step.kind, value), None, text, "parse")
    except UsageError as error:
        return _Result(None, f"its parse gave {error}", text, "parse")


def _is_structured(step: Step, text: str) -> bool:
    """Return whether a reply is a JSON object with the fields that the format of a structured step demands."""
    assert step.response_format is not None
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        return False
    demanded = step.response_format["json_schema"]["schema"].get("required", ())
    return isinstance(reply, dict) and reply.keys() >= set(demanded)


async def _call_function(step: Step, inputs: _Inputs) -> _Result:
    """Call a step's function. A plain function runs in a thread, so that other steps continue."""
    assert step.function is not None
    arguments = {name: inputs.get(step.rename.get(name, name))[0] for name in step.reads}
    with _user_code():
        if inspect.iscoroutinefunction(step.function):
            value = await step.function(**arguments)
        else:
            value = await asyncio.to_thread(step.function, **arguments)
            if inspect.isawaitable(value):
                value = await value
    name = getattr(step.function, "__name__", "the function")
    if value is None:
        return _Result(None, f"{name} gave nothing", rule="computed")
    try:
        value = coerce(step.kind, value)
    except UsageError as error:
        return _Result(value, f"{name} gave {error}", str(value), "computed")
    return _validate(step, _Result(value, None, step.kind.show(value), "computed"), inputs)


async def _run_chain(step: Step, inputs: _Inputs, session: Session) -> _Result:
    """Run an inner chain. Validators see the values of its steps as "step.inner"."""
    assert step.chain is not None
    arguments = {name: inputs.get(step.rename.get(name, name)) for name in step.chain.input_names}
    values = {name: value for name, (value, _) in arguments.items()}
    texts = {name: text for name, (_, text) in arguments.items()}
    answer = await step.chain.run_steps(values, texts, session)
    if isinstance(answer, Failed):
        raise _StepError(answer.error, answer.steps, refused=answer.refused)
    result = _Result(answer.value, answer.reason or None, answer.text, getattr(answer, "rule", ""), answer.steps)
    if result.error is None and step.kind != step.chain.output_kind:
        try:
            result = replace(result, value=coerce(step.kind, result.value))
        except UsageError as error:
            return replace(result, error=f"the inner chain gave {error}")
    inner = {f"{step.name}.{name}": value for name, value in answer.steps.items()}
    return _validate(step, result, replace(inputs, values={**inputs.values, **inner}))


def _validate(step: Step, result: _Result, inputs: _Inputs) -> _Result:
    """Return the result with the error of the kind, or else of the first validator that rejects the value."""
    if result.error is not None:
        return result
    if result.value is None:
        return replace(result, error=step.kind.error_message(result.text) or result.rule)
    with _user_code("its check"):
        return replace(result, error=first_error(result.value, inputs.values, step.kind, as_validators(step.check)))


def is_empty(value: Any) -> bool:
    """Return whether an input is empty, so that a step with `if_empty` is not run."""
    return value is None or (hasattr(value, "__len__") and not len(value))
