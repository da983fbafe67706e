"""How a step comes to its value: asked, repaired, tried again, mended; for each item of a list."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.branches import gather
from reasoning.chain.coercion import held
from reasoning.chain.events import Lost, Mended, Refused
from reasoning.chain.list_kind import shown_item
from reasoning.chain.validators import complaint, validators
from reasoning.errors import BudgetExhausted, CallFailed, ReasoningError, UsageError
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.chain.step import Step

_AGAIN = "That is not usable: {complaint}\nWrite the whole answer again, in the required format and nothing else."


@dataclass(frozen=True)
class _Given:
    """What a step has to go by: values, the same as texts, and what a gate says of the try before."""

    values: Mapping[str, Any]
    shown: Mapping[str, str]
    again: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> tuple[Any, str]:
        """A value and its text."""
        if name in self.again:
            return self.again[name], self.again[name]
        return self.values[name], self.shown[name]


@dataclass(frozen=True)
class _Said:
    """A value, and what is wrong with it."""

    value: Any
    complaint: str | None
    text: str = ""
    how: str = ""
    steps: Mapping[str, Any] = field(default_factory=dict)


class _Broken(Exception):  # it ends the step, and nothing else
    """A function of the chain's own raised an error, or an inner chain failed."""

    def __init__(self, why: str, steps: Mapping[str, Any] | None = None) -> None:
        self.steps = steps or {}
        super().__init__(why)


@contextmanager
def _own() -> Iterator[None]:
    """Where a function of the chain's own runs: what it raises is its step's, but for what ends the whole run."""
    try:
        yield
    except Exception as error:
        if isinstance(error, BudgetExhausted) or getattr(error, "ends_run", False):
            raise
        raise _Broken(
            str(error) if isinstance(error, ReasoningError) else f"{type(error).__name__}: {error}"
        ) from error


async def answered(step: Step, values: Mapping[str, Any], shown: Mapping[str, str], session: Session) -> Answer:
    """See `Step.run`."""
    if step.when_empty is not None and any(_empty(values[name]) for name in step.needs & values.keys()):
        session.note(f"{step.name}: nothing to do, an input is empty")
        try:
            return Answered(held(step.gives, step.when_empty))
        except UsageError as error:
            return Unparsed(f"step {step.name!r}: when_empty: {error}")
    if step.model is not None:
        session = session.with_model(step.model)
    given = _Given(values, shown)
    return await (_each(step, given, session) if step.each else _one(step, given, session, step.name))


async def _each(step: Step, given: _Given, session: Session) -> Answer:
    """The answers to all items, in their order; what goes wrong with one does not stop the others."""
    assert step.each is not None
    called, name = step.each
    items = given.values[name]
    if isinstance(items, str) or not hasattr(items, "__iter__"):
        return Unparsed(f"step {step.name!r}: {name!r} is no list to take items from, but {items!r:.60}")
    items = list(items.items() if isinstance(items, Mapping) else items)
    texts = [shown_item(item) for item in items]
    places = asyncio.Semaphore(step.at_once)

    async def one(number: int, branch: Session) -> Answer:
        values, shown = {**given.values, called: items[number]}, {**given.shown, called: texts[number]}
        async with places:
            where = f"{step.name}, item {number + 1} ({texts[number]:.40})"
            return await _one(step, _Given(values, shown), branch, where)

    # Items that are equal ask the same, and are to be answered independently of each other.
    branches = session.fork([f"item {number}" for number in range(1, len(items) + 1)], texts)
    answers = await gather([one(number, branch) for number, branch in enumerate(branches)])
    if wrong := next((answer for answer in answers if not isinstance(answer, Answered)), None):
        return wrong
    text = "\n".join(answer.text for answer in answers)
    return Answered(tuple(answer.value for answer in answers), rule="each", text=text)


async def _one(step: Step, given: _Given, session: Session, where: str) -> Answer:
    """The answer by a step's way, begun anew as often as its gate allows."""
    again = {"complaint": "", "previous": ""} if step.tries > 1 else {}
    try:
        for attempt in range(1, step.tries + 1):
            if attempt > 1:
                session.note(f"{where}: try {attempt} of {step.tries}")
            said = await _tried(step, replace(given, again=again), session)
            if said.complaint is None:
                return Answered(said.value, rule=said.how, text=said.text, steps=said.steps)
            session.trace.events.append(Refused(f"{where}: refused: {said.complaint}"))
            previous = said.text if said.value is None or step.call is not None else step.kind.show(said.value)
            again = {"complaint": said.complaint, "previous": previous}
        if step.mend is not None:
            said = _mended(step, said, given)
            if said.complaint is None:
                session.trace.events.append(Mended(f"{where}: mended to {step.kind.show(said.value)}"))
                return Answered(said.value, rule=said.how, text=said.text, steps=said.steps)
    except CallFailed as error:
        if error.ends_run:
            raise
        session.trace.events.append(Lost(f"{where}: a call failed: {error}"))
        return Failed(f"step {where!r}: {error}")
    except _Broken as error:
        return Failed(f"step {where!r}: {error}", steps=error.steps)
    except ReasoningError:
        raise
    except Exception as error:  # a strategy's own
        return Failed(f"step {where!r}: {type(error).__name__}: {error}")
    return Unparsed(f"step {where!r}: {said.complaint}", text=said.text, steps=said.steps)


def _mended(step: Step, said: _Said, given: _Given) -> _Said:
    """What `mend` makes of a refused value, if that is one of the step's kind."""
    assert step.mend is not None
    with _own():
        mended = step.mend(said.value, given.values)
    if mended is None:
        return said
    try:
        return replace(said, value=held(step.kind, mended), complaint=None, how="mended")
    except UsageError as error:
        return replace(said, complaint=f"{said.complaint} And what mends it gave {error}")


async def _tried(step: Step, given: _Given, session: Session) -> _Said:
    if step.chain is not None:
        return await _by_chain(step, given, session)
    if step.call is not None:
        return await _by_call(step, given)
    if step.join:
        name = next(name for name in step.join if name in given.values)
        return _Said(given.values[name], None, given.shown[name], f"from {name}")
    return await (_by_strategy(step, given, session) if step.by else _asked(step, given, session))


async def _asked(step: Step, given: _Given, session: Session) -> _Said:
    """The prompt, and the conversation in which a refused reply is sent back."""
    assert step.prompt is not None
    turns = step.prompt.fill(**_phrases(step), **given.shown, **given.again)
    for attempt in range(step.repairs + 1):
        reply = await session.ask(turns, **step.sampling)
        value, how = step.returns.parse_reply(reply.text)
        said = _judged(step, _Said(value, None, reply.text, how), given)
        if said.complaint is None or attempt == step.repairs:
            return said
        session.trace.events.append(Refused(f"{step.name}: refused: {said.complaint}"))
        turns = turns.then(reply.text, _AGAIN.format(complaint=said.complaint))
    raise AssertionError  # the last attempt returns


async def _by_strategy(step: Step, given: _Given, session: Session) -> _Said:
    """The prompt as one text, which a strategy takes for its question; a refusal is put behind it."""
    assert step.prompt is not None
    strategy = strategy_of(step.by)
    filled = step.prompt.replace(turns="single").fill(**_phrases(step), **given.shown, **given.again)
    question = filled.messages[0].content
    problem = Problem(question, step.returns)
    branch = session.with_sampling(step.sampling)
    for attempt in range(step.repairs + 1):
        answer = await strategy.solve(problem, branch)
        if isinstance(answer, Failed):
            raise CallFailed(answer.error)
        unread = None if isinstance(answer, Answered) else step.returns.error_message(answer.text) or answer.reason
        said = _judged(step, _Said(answer.value, unread, answer.text, getattr(answer, "rule", "")), given)
        if said.complaint is None or attempt == step.repairs:
            return said
        session.trace.events.append(Refused(f"{step.name}: refused: {said.complaint}"))
        refused = f"An earlier answer:\n{answer.text}\n\n{_AGAIN.format(complaint=said.complaint)}"
        problem = Problem(f"{question}\n\n{refused}", step.returns)
    raise AssertionError  # the last attempt returns


async def _by_call(step: Step, given: _Given) -> _Said:
    """What a function gives. It runs in a thread, so that others go on meanwhile."""
    assert step.call is not None
    named = {name: given.named(step.inputs.get(name, name))[0] for name in step.reads}
    with _own():
        if inspect.iscoroutinefunction(step.call):
            value = await step.call(**named)
        else:
            value = await asyncio.to_thread(step.call, **named)
            if inspect.isawaitable(value):
                value = await value
    name = getattr(step.call, "__name__", "the function")
    if value is None:
        return _Said(None, f"{name} gave nothing", how="computed")
    try:
        value = held(step.kind, value)
    except UsageError as error:
        return _Said(value, f"{name} gave {error}", str(value), "computed")
    return _judged(step, _Said(value, None, step.kind.show(value), "computed"), given)


async def _by_chain(step: Step, given: _Given, session: Session) -> _Said:
    """The value of an inner chain; validators see its steps' values as "step.inner"."""
    assert step.chain is not None
    named = {name: given.named(step.inputs.get(name, name)) for name in step.chain.inputs}
    values, shown = ({name: pair[side] for name, pair in named.items()} for side in (0, 1))
    answer = await step.chain.through(values, shown, session)
    if isinstance(answer, Failed):
        raise _Broken(answer.error, answer.steps)
    said = _Said(answer.value, answer.reason or None, answer.text, getattr(answer, "rule", ""), answer.steps)
    if said.complaint is None and step.kind != step.chain.gives:
        try:
            said = replace(said, value=held(step.kind, said.value))
        except UsageError as error:
            return replace(said, complaint=f"the inner chain gave {error}")
    inner = {f"{step.name}.{name}": value for name, value in answer.steps.items()}
    return _judged(step, said, replace(given, values={**given.values, **inner}))


def strategy_of(by: str | Strategy) -> Strategy:
    """A strategy as it is, or by its spec.

    Raises:
        SpecError, UnknownName, UsageError: as `strategies.get`.
    """
    if isinstance(by, Strategy):
        return by
    import reasoning

    return reasoning.strategies.get(by)


def _phrases(step: Step) -> dict[str, str]:
    kind = step.returns
    return {
        "instruction": kind.instruction(),
        "trigger": kind.trigger(),
        "direct_instruction": kind.direct_instruction(),
    }


def _judged(step: Step, said: _Said, given: _Given) -> _Said:
    """With what the kind, or else the first validator, says against the value."""
    if said.complaint is not None:
        return said
    if said.value is None:
        return replace(said, complaint=step.kind.error_message(said.text) or said.how)
    with _own():
        return replace(said, complaint=complaint(said.value, given.values, step.kind, validators(step.check)))


def _empty(value: Any) -> bool:
    return value is None or (hasattr(value, "__len__") and not len(value))
