"""New inputs for a step, written by a model after a few real ones: the beginning of its cases."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning import event_loop
from reasoning.answer import Answered
from reasoning.benchmarks.chains.cases import FOLDER, Case
from reasoning.branches import gather
from reasoning.chain.chain import Chain
from reasoning.chain.list_kind import Each
from reasoning.chain.step import Step
from reasoning.chain.validators import plain_json
from reasoning.errors import CallFailed, InputError, UsageError
from reasoning.kinds import Json, Kind, Text
from reasoning.kinds.text import f1
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

FILE = "samples.jsonl"
ALIKE = 0.8
"""From this F1 of their words on, two inputs count as the same."""
ROUNDS = 4
"""How often as many as are missing are asked for, at most."""
SHOWN = 3
"""Real inputs in a prompt."""

WRITE = Prompt(
    persona="You write inputs by which a program is tested. Each is new: about something else, in words of its own. "
    "You write the input and nothing else, and never do what an input says.",
    input="Write another input. It is {twist}.",
)
ASKED = "Write an input."
TWISTS = (
    "much shorter than those",
    "longer than those",
    "about several things at once",
    "about something unusual",
    "hard to understand",
    "by somebody in a bad mood",
    "by somebody who is glad",
    "by somebody who makes typing mistakes",
    "not to the point at all",
    "like those, with other names and numbers",
)


@dataclass(frozen=True)
class GeneratedInput:
    """An input that a model wrote.

    Attributes:
        given: by name, what the step reads.
        twist: what was asked of it.
        shown: as a person sees it.
    """

    inputs: Mapping[str, Any]
    twist: str
    text: str


class InputGenerator:
    """The maker of inputs for one step.

    Args:
        chain: the chain.
        step: the step's name.
        real: inputs to go by.
        known: inputs that were written before: none is written again, and none is gone by.

    Raises:
        UnknownName: there is no such step.
        UsageError: there is no real input, or the step reads what no reply can hold.
    """

    def __init__(
        self, chain: Chain, step: str, real: Iterable[Mapping[str, Any]], known: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self.names = sorted(chain.step(step).needs)
        self.kinds: dict[str, Kind] = {name: chain.kind_of(name) or Text() for name in self.names}
        if wrong := [name for name, kind in self.kinds.items() if isinstance(kind, Each)]:
            raise UsageError(f"step {step!r} reads {wrong[0]!r}, the results of a list: no reply holds those")
        if not self.names:
            raise UsageError(f"step {step!r} reads nothing")
        seeds = {self.show(one): dict(one) for one in real}
        self.real = list(seeds.values())
        if not self.real:
            raise UsageError(
                f"there is no input of step {step!r} to go by: write some cases first, or give --from FILE"
            )
        self.seeds = list(seeds)
        self.known = [*seeds, *map(self.show, known)]

    @property
    def kind(self) -> Kind:
        """What a reply is: the only thing that is read, or an object of all."""
        if len(self.names) > 1:
            return Json(required=tuple(self.names))
        kind = self.kinds[self.names[0]]
        return Text(whole=True) if isinstance(kind, Text) else kind

    def show(self, given: Mapping[str, Any]) -> str:
        """An input as a text."""
        if len(self.names) == 1:
            return self.kinds[self.names[0]].show(given[self.names[0]])
        return json.dumps({name: plain_json(given[name]) for name in self.names}, ensure_ascii=False)

    def parse(self, value: Any) -> dict[str, Any]:
        """The input that a reply, or an edited text, stands for.

        Raises:
            UsageError: it stands for none.
        """
        if len(self.names) == 1:
            return {self.names[0]: self.kinds[self.names[0]].target(value)}
        found = Json(required=tuple(self.names)).target(value)
        return {name: self.kinds[name].target(found[name]) for name in self.names}

    def is_new(self, shown: str) -> bool:
        """Whether nothing that is known is like it, or within it."""
        bare = shown.casefold()
        return all(f1(shown, one) < ALIKE and one.casefold() not in bare for one in self.known)

    def generate(self, n: int, llm: LLM, seed: int = 0) -> Iterator[GeneratedInput]:
        """New inputs, none like another or like a real one; fewer than `n` where the model repeats itself.

        Args:
            n: how many are wanted.
            llm: the model.
            seed: of what is shown and asked; another seed gives others.

        Raises:
            CallFailed, BudgetExhausted: a call did not come through, or could not be afforded.
        """
        choice, numbers, left = random.Random(seed), count(), n
        for _ in range(ROUNDS):
            plans = [
                (choice.sample(self.seeds, min(SHOWN, len(self.seeds))), TWISTS[next(numbers) % len(TWISTS)])
                for _ in range(left)
            ]
            for value, twist in zip(
                event_loop.run_sync(self._asked(plans, llm, seed)), (twist for _, twist in plans), strict=True
            ):
                try:
                    given = self.parse(value)
                except (UsageError, TypeError, KeyError):
                    continue
                if self.is_new(shown := self.show(given)):
                    self.known.append(shown)
                    left -= 1
                    yield GeneratedInput(given, twist, shown)
            if not left:
                return

    async def _asked(self, plans: Sequence[tuple[list[str], str]], llm: LLM, seed: int) -> list[Any]:
        async def one(examples: list[str], twist: str, epoch: int) -> Any:
            prompt = WRITE.replace(examples=tuple(Demonstration(ASKED, output=text) for text in examples))
            step = Step("sample", prompt, returns=self.kind, sampling={"temperature": 1.0})
            answer = await Chain(step).arun(Problem("", inputs={"twist": twist}), llm, epoch=epoch)
            if answer.state == "failed":
                raise CallFailed(answer.reason)
            return answer.value if isinstance(answer, Answered) else None

        return await gather([one(*plan, seed * len(plans) + n) for n, plan in enumerate(plans)])


def seed_inputs(chain: Chain, step: str, cases: Iterable[Case]) -> Iterator[dict[str, Any]]:
    """What the cases say that a step reads: their inputs, and the right results of the steps before it."""
    needed = chain.step(step).needs
    for case in cases:
        known = {**case.gold, **case.inputs}
        if needed <= known.keys():
            yield {name: known[name] for name in needed}


def append_case(folder: Path, step: str, sample: GeneratedInput) -> Path:
    """Add an accepted sample to the chain's cases. It says nothing yet of what is right: a person adds that.

    Raises:
        InputError: the file cannot be written.
    """
    path = folder / FOLDER / FILE
    try:
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        used = {json.loads(line).get("id") for line in before.split("\n") if line.strip()}
        name = next(name for n in count(1) if (name := f"sample-{step}-{n}") not in used)
        about = f"synthetic: {sample.twist}"
        row = {"id": name, "step": step, "about": about, "input": plain_json(sample.inputs)}
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * (before[-1:] not in ("", "\n")) + json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    return path
