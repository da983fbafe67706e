"""A chain of thirty steps with diamonds, lists, a gate, branches and a chain within: order, parallelism and draws."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from reasoning import Answer, Chain, Journal, Prompt, Step, kinds
from reasoning.engine.llm import LLM
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client


def ask(name: str, reads: str, **more: Any) -> Step:
    """A step whose prompt begins with its name."""
    given = " ".join(f"{{{one}}}" for one in reads.split())
    return Step(name, Prompt(input=f"{name}: {given}"), **{"returns": kinds.Text(whole=True), **more})


def thirty() -> Chain:
    inner = Chain(
        ask("draft", "notes error"),
        ask("facts", "notes"),
        ask("verdict", "draft facts", returns=kinds.Label(("good", "bad"))),
        ask("tone", "draft", keep=True),
        Step("result", first_of=("draft",)),
        name="write",
    )
    moods = ("glad", "angry")
    return Chain(
        *(ask(f"read{k}", "text") for k in range(5)),  # 5
        *(ask(f"left{k}", f"read{k}") for k in range(4)),  # 9: four diamonds side by side
        *(ask(f"right{k}", f"read{k}") for k in range(4)),  # 13
        *(ask(f"both{k}", f"left{k} right{k}") for k in range(4)),  # 17
        ask("claims", "both0 both1", returns=kinds.Items()),  # 18
        ask("checks", "claim", for_each="claim in claims", concurrency=2),  # 19
        ask("mood", "read4", returns=kinds.Label(moods)),  # 20
        *(ask(mood, "both2", only_if={"mood": mood}) for mood in moods),  # 22
        Step("reply", first_of=moods),  # 23
        Step("notes", function=noted, returns=kinds.Text(whole=True)),  # 24
        Step("text2", chain=inner, max_attempts=3, check=judged),  # 25, and five within
        ask("end", "text2 both3"),
        name="thirty",
    )


def noted(checks: tuple[str, ...], reply: str) -> str:
    return f"{len(checks)} checks, {reply}"


def judged(value: Any, before: Any) -> str | None:
    return None if before["text2.verdict"] == "good" else "Again."


@dataclass(eq=False)
class Slow(Client):
    """A model whose replies take as long as their prompts are unlucky; it notes when each began and ended.

    Attributes:
        held: the reply of this step waits until all of `behind` have theirs.
    """

    seed: int
    held: str = ""
    behind: frozenset[str] = frozenset()
    begun: dict[str, list[int]] = field(default_factory=dict)
    ended: dict[str, list[int]] = field(default_factory=dict)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    moments: Iterator[int] = field(default_factory=count)
    under_way: dict[str, int] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    given: int = 0
    model: str = "slow"
    endpoint: str | None = None
    max_n: int = 8
    concurrency: int | None = None
    free: bool = True

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        prompt = request.messages[-1].content
        name = prompt.partition(":")[0]
        self.begun.setdefault(name, []).append(next(self.moments))
        self.under_way[name] = self.under_way.get(name, 0) + 1
        self.peaks[name] = max(self.peaks.get(name, 0), self.under_way[name])
        await asyncio.sleep(random.Random(f"{self.seed} {prompt}").uniform(0.001, 0.05))
        if name == self.held:
            await self.let_go.wait()
        self.under_way[name] -= 1
        self.ended.setdefault(name, []).append(next(self.moments))
        if self.behind <= self.ended.keys():
            self.let_go.set()
        self.given += len(draws)
        return [Completion(self.says(name, prompt), usage=Usage(1, 1, 1)) for _ in draws]

    def says(self, name: str, prompt: str) -> str:
        fixed = {"claims": "a; b; a; c; d", "mood": "angry", "verdict": "good" if "Again." in prompt else "bad"}
        again = " Again." if "Again." in prompt and name == "draft" else ""
        return fixed.get(name, f"<{name}{again}>")

    async def close(self) -> None: ...


def run(seed: int, journal: Journal) -> tuple[Slow, Answer]:
    slow = Slow(seed)
    return slow, thirty().run("the text", LLM(slow, journal=journal))


def drawn(answer: Answer) -> set[tuple[str, int]]:
    assert answer.trace is not None
    return {(draw.key, draw.draw) for call in answer.trace.calls() for draw in call.completions}


CALLS = 17 + 1 + 5 + 1 + 1 + 2 * 4 + 1
"""Of them 5 items, 1 of 2 branches, and two tries of the inner chain's four prompts."""


def test_thirty_steps_are_run_in_order_side_by_side_and_drawn_the_same_whatever_they_take() -> None:
    chain = thirty()
    assert len(chain.steps) + len(chain.step("text2").chain.steps) >= 30  # type: ignore[union-attr]
    answers = []
    for seed in range(3):
        journal = Journal()
        slow, answer = run(seed, journal)
        assert answer.state == "answered", answer.reason
        assert list(answer.steps) == [
            name
            for step in chain.steps
            if step.name != "glad"
            for name in ([f"text2.{one.name}" for one in step.chain.steps] if step.chain else []) + [step.name]
        ]
        check_order(chain, slow)
        assert slow.peaks["checks"] == 2
        assert "glad" not in slow.begun
        assert len(slow.begun["draft"]) == 2
        assert len(journal) == len(drawn(answer)) == slow.given == CALLS
        again, same = run(seed + 10, journal)
        assert again.begun == {}
        assert (same.value, same.steps) == (answer.value, answer.steps)
        answers.append(answer)
    assert len({frozenset(drawn(answer)) for answer in answers}) == 1
    assert len({repr(answer.steps) for answer in answers}) == 1
    assert [event.name for event in answers[0].trace.events] == [step.name for step in chain.steps]  # type: ignore[union-attr]


def check_order(chain: Chain, slow: Slow) -> None:
    """Each step begins behind all that it reads."""
    for step in chain.steps:
        before = [slow.ended[name][-1] for name in chain.dependencies[step.name] if name in slow.ended]
        assert all(moment < slow.begun[step.name][0] for moment in before if step.name in slow.begun), step.name


@pytest.mark.parametrize("held", ["read0", "left3", "claims", "mood", "angry"])
def test_what_does_not_read_a_slow_step_is_done_meanwhile(held: str) -> None:
    chain = thirty()
    reading = {held}
    for step in chain.steps:  # each behind all that it reads
        if chain.dependencies[step.name] & reading:
            reading.add(step.name)
    others = frozenset(run(0, Journal())[0].ended.keys() & chain.dependencies.keys() - reading)
    assert len(others) > 3
    slow = Slow(0, held, others)
    answer = asyncio.run(asyncio.wait_for(chain.arun("the text", LLM(slow, journal=Journal())), 60))
    assert answer.state == "answered"
    assert slow.ended[held][0] > max(slow.ended[name][0] for name in others)


def test_a_run_that_was_stopped_buys_only_the_rest() -> None:
    whole = Journal()
    expected = run(0, whole)[1]
    journal = Journal()
    from reasoning import Budget
    from reasoning.errors import BudgetExhausted

    bought = 0
    for calls in (7, 9, 100):
        slow = Slow(calls)
        llm = LLM(slow, journal=journal, budget=Budget(calls=calls))
        if calls < 100:
            with pytest.raises(BudgetExhausted):
                thirty().run("the text", llm)
        else:
            answer = thirty().run("the text", llm)
        while llm.in_flight:  # sent requests are recorded, although no caller waits
            time.sleep(0.005)
        bought += slow.given
    assert (answer.value, answer.steps) == (expected.value, expected.steps)
    assert bought == len(journal) == len(whole) == CALLS
