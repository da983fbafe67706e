"""One run of a chain: schedule its steps, skip those whose conditions fail, and collect the results."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reasoning import telemetry
from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.chain.step import Step
from reasoning.chain.step_runner import run_step
from reasoning.session import Session


class ChainRun:
    """The state of one run: the results so far, and the outcome of each step.

    Args:
        steps: the steps of the chain.
        dependencies: the steps that each step reads, by name.
        ancestors: the steps that each step reads directly or through others, by name.
        values: the inputs by name, as values of their kinds.
        texts: the same inputs as prompts show them.
    """

    def __init__(
        self,
        steps: tuple[Step, ...],
        dependencies: Mapping[str, frozenset[str]],
        ancestors: Mapping[str, frozenset[str]],
        values: Mapping[str, Any],
        texts: Mapping[str, str],
    ) -> None:
        self.steps, self.dependencies, self.ancestors = steps, dependencies, ancestors
        self.values, self.texts = dict(values), dict(texts)
        self.inputs = frozenset(values)
        self.answers: dict[str, Answer] = {}
        self.skipped: dict[str, str] = {}
        self.failed: set[str] = set()
        self.finished = {step.name: asyncio.Event() for step in steps}

    async def step(self, step: Step, session: Session) -> None:
        """Wait for everything that a step reads, then run or skip it. It fails if a step that it reads has failed."""
        dependencies = self.dependencies[step.name]
        for name in dependencies:
            await self.finished[name].wait()
        if dependencies & self.failed:
            self.failed.add(step.name)
        elif reason := self._skip_reason(step):
            self.skipped[step.name] = reason
            session.note(f"{step.name}: not run: {reason}")
        else:
            await self._run(step, session)
        self.finished[step.name].set()

    async def _run(self, step: Step, session: Session) -> None:
        # Results of other branches are excluded, because their presence depends on latency.
        known = self.inputs | self.ancestors[step.name]
        values = {name: value for name, value in self.values.items() if name.partition(".")[0] in known}
        texts = {name: text for name, text in self.texts.items() if name in step.dependencies | self.inputs}
        started = time.monotonic()
        with telemetry.stage(step.name), session.watched_branch():
            answer = self.answers[step.name] = await run_step(step, values, texts, session)
        session.trace.seconds = time.monotonic() - started
        self.values |= {f"{step.name}.{name}": value for name, value in answer.steps.items()}
        if isinstance(answer, Answered):
            self.values[step.name] = answer.value
            self.texts[step.name] = answer.text if step.first_of else step.output_kind.show(answer.value)
        else:
            self.failed.add(step.name)

    def _skip_reason(self, step: Step) -> str:
        """Return why a step is skipped (its condition fails, or something that it reads was skipped), or ""."""
        for name, labels in step.only_if.items():
            if name in self.texts and self.texts[name].casefold() not in {label.casefold() for label in labels}:
                return f"{name} is {self.texts[name]:.60}, not {' or '.join(labels)}"
        if step.first_of and not any(name in self.values for name in step.first_of):
            return f"none of {', '.join(step.first_of)} was run"
        missing = sorted(name for name in step.dependencies - set(step.first_of) if name not in self.values)
        return f"{missing[0]} was not run" if missing else ""

    def answer(self) -> Answer:
        """Return the answer of the last step, or else of the first step that failed, with all results."""
        results: dict[str, Any] = {}
        for step in self.steps:
            results |= {name: value for name, value in self.values.items() if name.startswith(f"{step.name}.")}
            if step.name in self.values:
                results[step.name] = self.values[step.name]
        for step in self.steps:
            answer = self.answers.get(step.name)
            if isinstance(answer, Unparsed | Failed):
                return replace(answer, steps=results)
        last = self.steps[-1].name
        if last not in self.answers:
            return Unparsed(f"step {last!r} was not run: {self.skipped[last]}", steps=results)
        return replace(self.answers[last], steps=results)
