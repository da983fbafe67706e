"""Prompt chains: a directed graph of steps, wired by the names that each prompt uses. A chain is a strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.card import Card
from reasoning.errors import UsageError, nearest
from reasoning.formula import Formula
from reasoning.kinds import Kind, Text
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session, together
from reasoning.strategy import Strategy

Check = Callable[[Any, Mapping[str, Any]], str | None]
"""Given a step's value and all values before it: None, or a complaint that the model can act on."""

Mend = Callable[[Any, Mapping[str, Any]], Any]
"""Given a refused value (None where nothing could be read) and all values before it: a value to go on with."""

_AGAIN = "That is not usable: {complaint}\nWrite the whole answer again, in the required format and nothing else."


@dataclass(frozen=True)
class Step:
    """One step of a chain.

    Attributes:
        name: what later prompts call its result.
        prompt: what is asked; its placeholders name inputs of the chain or earlier steps.
        returns: the kind that reads the reply. Later steps get the value, shown by this kind, never the raw text.
        check: a further validator of the value.
        repairs: how often a refused reply is sent back with the complaint.
        mend: makes a usable value of one that stays refused (noted in the trace); without it the chain stops here.
        when_empty: the step's value, without a call, when one of its inputs is empty; None always calls.
        sampling: settings of this step's calls.
    """

    name: str
    prompt: Prompt
    returns: Kind = field(default_factory=Text)
    check: Check | None = None
    repairs: int = 1
    mend: Mend | None = None
    when_empty: Any = None
    sampling: Mapping[str, Any] = field(default_factory=dict)

    async def run(self, values: Mapping[str, Any], shown: Mapping[str, str], session: Session) -> Answered | Unparsed:
        """Run this step alone.

        Args:
            values: the inputs and earlier results, as values (for `check` and `mend`).
            shown: the same as texts (for the prompt).
            session: the door to the model.
        """
        if self.when_empty is not None and any(not values[name] for name in self.prompt.names & values.keys()):
            session.note(f"{self.name}: nothing to do, an input is empty")
            return Answered(self.when_empty)
        phrases = {"instruction": self.returns.instruction(), "trigger": self.returns.trigger()}
        turns = self.prompt.fill(**{**phrases, **shown})
        for attempt in range(self.repairs + 1):
            reply = await session.ask(turns, **self.sampling)
            value, how = self.returns.read(reply.text)
            complaint = self._complaint(reply.text, value, values)
            if complaint is None:
                return Answered(value, how=how, text=reply.text)
            session.note(f"{self.name}: refused: {complaint}")
            if attempt < self.repairs:
                turns = turns.then(reply.text, _AGAIN.format(complaint=complaint))
        if self.mend is not None and (mended := self.mend(value, values)) is not None:
            session.note(f"{self.name}: mended to {self.returns.show(mended)}")
            return Answered(mended, how="mended", text=reply.text)
        return Unparsed(f"step {self.name!r}: {complaint}", text=reply.text)

    def _complaint(self, text: str, value: Any, values: Mapping[str, Any]) -> str | None:
        if value is None:
            return self.returns.complaint(text)
        return self.check(value, values) if self.check else None


@dataclass(frozen=True, repr=False, init=False)
class Chain(Strategy):
    """Steps that feed each other; those that do not depend on each other run side by side.

    The value of the chain is the last step's; `Answer.steps` has every step's. A step that stays refused ends the
    chain as `Unparsed`, with what came before it in `steps`; running it again starts there, since the draws before
    are in the journal.

    Raises:
        UsageError: two steps of one name, a step that waits for itself, or a placeholder that nothing provides.
    """

    steps: tuple[Step, ...]
    name: str

    def __init__(self, *steps: Step, name: str = "chain") -> None:
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "name", name)
        names = [step.name for step in steps]
        if not steps:
            raise UsageError("a chain needs at least one step")
        if twice := {name for name in names if names.count(name) > 1}:
            raise UsageError(f"two steps are called {min(twice)!r}")
        self._waves(self.inputs)

    @property
    def card(self) -> Card:  # type: ignore[override]  # a chain's card is made from its steps
        """The card of this chain: between one call a step and all its repairs."""
        repairs = sum(step.repairs for step in self.steps)
        summary = " → ".join(step.name for step in self.steps)
        counts = f"r: replies sent back for repair, 0 to {repairs}"
        return Card(self.name, "Prompt chain", summary, Formula(f"{len(self.steps)} + r"), counts, {"r": (0, repairs)})

    def parameters(self) -> Iterator[tuple[str, Any]]:
        """None: a chain is its steps."""
        return iter(())

    @property
    def inputs(self) -> frozenset[str]:
        """The names that the prompts use and no step gives."""
        used = frozenset[str]().union(*(step.prompt.names for step in self.steps))
        return used - {step.name for step in self.steps} - {"instruction", "trigger"}

    def with_step(self, name: str, **changes: Any) -> Chain:
        """A copy in which one step is changed."""
        from dataclasses import replace

        if name not in (known := [step.name for step in self.steps]):
            raise UsageError(f"no step {name!r}; did you mean {nearest(name, known) or known[0]!r}?")
        return Chain(*(replace(s, **changes) if s.name == name else s for s in self.steps), name=self.name)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        values: dict[str, Any] = self._given(problem)
        shown: dict[str, str] = dict(values)
        for wave in self._waves(frozenset(values)):
            if len(wave) == 1:
                with session.stage(wave[0].name):
                    answers = [await wave[0].run(values, shown, session)]
            else:
                branches = zip(wave, session.lanes(len(wave), "step"), strict=True)
                answers = await together([step.run(values, shown, lane) for step, lane in branches])
            for step, answer in zip(wave, answers, strict=True):
                if isinstance(answer, Answered):
                    values[step.name], shown[step.name] = answer.value, step.returns.show(answer.value)
            if refused := next((one for one in answers if isinstance(one, Unparsed)), None):
                return Unparsed(refused.reason, text=refused.text, steps=self._results(values))
        results = self._results(values)
        last = answers[-1]
        return Answered(results[self.steps[-1].name], how=getattr(last, "how", ""), text=last.text, steps=results)

    def _given(self, problem: Problem) -> dict[str, str]:
        """What the problem provides; a chain with one input takes the question for it."""
        provided = {**problem.values(), **problem.inputs}
        missing = sorted(self.inputs - provided.keys())
        if len(missing) == 1 and len(self.inputs) == 1:
            return {missing[0]: problem.question}
        if missing:
            raise UsageError(f"the chain {self.name!r} needs the input {missing[0]!r}: Problem(…, inputs={{…}})")
        return {name: provided[name] for name in self.inputs}

    def _waves(self, ready: frozenset[str]) -> list[list[Step]]:
        """The steps in groups that can run side by side, each after those it reads from."""
        waves, waiting, done = [], list(self.steps), set(ready) | {"instruction", "trigger"}
        while waiting:
            wave = [step for step in waiting if step.prompt.names <= done]
            if not wave:
                lacking = sorted(waiting[0].prompt.names - done)
                raise UsageError(f"step {waiting[0].name!r} waits for {lacking[0]!r}, which waits for it")
            waves.append(wave)
            waiting = [step for step in waiting if step not in wave]
            done |= {step.name for step in wave}
        return waves

    def _results(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {step.name: values[step.name] for step in self.steps if step.name in values}

    def __repr__(self) -> str:
        return self.name
