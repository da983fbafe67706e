"""One run of a chain: each step begins when what it reads is there, and is done, skipped or lost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reasoning import telemetry
from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.chain.step import Step
from reasoning.session import Session

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain


class Flow:
    """What there is so far, and what became of each step.

    Args:
        chain: the chain.
        values, shown: its inputs, as values and as texts.
    """

    def __init__(self, chain: Chain, values: dict[str, Any], shown: dict[str, str]) -> None:
        self.chain, self.values, self.shown = chain, values, shown
        self.given = frozenset(values)
        self.answers: dict[str, Answer] = {}
        self.why_not: dict[str, str] = {}
        self.lost: set[str] = set()
        self.over = {step.name: asyncio.Event() for step in chain.steps}

    async def step(self, step: Step, session: Session) -> None:
        """Wait for what a step reads, and run it; what comes from a step that went wrong is lost."""
        needs = self.chain.needs[step.name]
        for name in needs:
            await self.over[name].wait()
        if needs & self.lost:
            self.lost.add(step.name)
        elif why := self._skipped(step):
            self.why_not[step.name] = why
            session.note(f"{step.name}: not run: {why}")
        else:
            await self._run(step, session)
        self.over[step.name].set()

    async def _run(self, step: Step, session: Session) -> None:
        # What is there by chance, because another branch was faster, must not count.
        known = self.given | self.chain.ancestors[step.name]
        values = {name: value for name, value in self.values.items() if name.partition(".")[0] in known}
        shown = {name: text for name, text in self.shown.items() if name in step.needs | self.given}
        started = time.monotonic()
        with telemetry.stage(step.name):
            answer = self.answers[step.name] = await step.run(values, shown, session)
        session.trace.seconds = time.monotonic() - started
        self.values |= {f"{step.name}.{name}": value for name, value in answer.steps.items()}
        if isinstance(answer, Answered):
            self.values[step.name] = answer.value
            self.shown[step.name] = answer.text if step.join else step.gives.show(answer.value)
        else:
            self.lost.add(step.name)

    def _skipped(self, step: Step) -> str:
        """Why a step is not run: its condition does not hold, or nothing that it reads was run."""
        for name, labels in step.when.items():
            if name in self.shown and self.shown[name].casefold() not in {label.casefold() for label in labels}:
                return f"{name} is {self.shown[name]:.60}, not {' or '.join(labels)}"
        if step.join and not any(name in self.values for name in step.join):
            return f"none of {', '.join(step.join)} was run"
        missing = sorted(name for name in step.needs - set(step.join) if name not in self.values)
        return f"{missing[0]} was not run" if missing else ""

    def answer(self) -> Answer:
        """The last step's answer, or that of the first step that went wrong, with all results."""
        results: dict[str, Any] = {}
        for step in self.chain.steps:
            results |= {name: value for name, value in self.values.items() if name.startswith(f"{step.name}.")}
            if step.name in self.values:
                results[step.name] = self.values[step.name]
        for step in self.chain.steps:
            answer = self.answers.get(step.name)
            if isinstance(answer, Unparsed | Failed):
                return replace(answer, steps=results)
        last = self.chain.steps[-1].name
        if last not in self.answers:
            return Unparsed(f"step {last!r} was not run: {self.why_not[last]}", steps=results)
        return replace(self.answers[last], steps=results)
