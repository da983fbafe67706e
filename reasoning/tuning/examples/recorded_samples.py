"""The samples behind a strategy's answer: the answer of each one, and the reply that a student learns from it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from reasoning.answer import Answer, Answered
from reasoning.card import Card
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.kinds.answer_span import cut_end_mark, cut_next_question, has_next_question, visible_text
from reasoning.kinds.triggers import first_trigger_end
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.demonstrations.near_duplicates import words_of
from reasoning.strategy import Strategy

_NUMBER = r"[-+]?\$?\d(?:[\d,]*\d)?(?:\.\d+)?"
_EQUATION = re.compile(rf"{_NUMBER}(?:\s*[-+*/×÷x]\s*{_NUMBER})+\s*=\s*{_NUMBER}")


@dataclass(frozen=True)
class Sample:
    """One sample.

    Attributes:
        value: its answer.
        reasoning: its first reply.
        calls: the number of its calls; with two, the second only asked for the answer.
    """

    value: Any
    reasoning: str
    calls: int


def record_samples(strategy: Strategy, samples: list[Sample | None]) -> Strategy:
    """Return a strategy with the same calls and draws that records its samples in draw order.

    The samples are those of its parameter `base`, as in self-consistency; of a strategy without one
    it is its own answer.

    Args:
        strategy: the strategy.
        samples: receives the samples of the next problem; None for one without an answer.
    """
    base = dict(strategy.parameters()).get("base")
    if isinstance(base, Strategy):
        return strategy.replace(base=_Recorded(base, samples))
    return _Recorded(strategy, samples)


class _Recorded(Strategy):
    """A strategy that records its answers.

    It has no first call of its own, so that each sample has a session with a trace; the draws are the
    same.
    """

    def __init__(self, inner: Strategy, samples: list[Sample | None]) -> None:
        self._inner, self._samples = inner, samples

    @property
    def card(self) -> Card:  # type: ignore[override]  # that of the strategy
        return self._inner.card

    def parameters(self) -> Iterator[tuple[str, Any]]:
        return iter(())

    def __repr__(self) -> str:
        return repr(self._inner)

    def calls_range(self) -> tuple[int, int]:
        return self._inner.calls_range()

    def rounds_range(self) -> tuple[int, int] | None:
        return self._inner.rounds_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        # Samples begin in draw order, and end as their replies arrive.
        place = len(self._samples)
        self._samples.append(None)
        before = sum(1 for _ in session.trace.calls())
        answer = await self._inner.solve(problem, session)
        calls = list(session.trace.calls())[before:]
        if isinstance(answer, Answered) and calls and calls[0].completions:
            self._samples[place] = Sample(answer.value, calls[0].completions[0].text, len(calls))
        return answer


def to_reply(sample: Sample, student: FirstCallStrategy, problem: Problem) -> str:
    """Return a sample as one reply that the student reads as its answer; "" if there is no such reply.

    It is the sample's reply as it is, or else with its answer stated behind the reasoning, where a
    second call of the sample asked for it.

    Args:
        sample: the sample.
        student: the strategy that reads the reply.
        problem: the problem.
    """
    kind, text = problem.kind, _without_next_question(sample.reasoning)
    resolve = student.first_call(problem).resolve

    def read(reply: str) -> Answer | None:
        answer = resolve(Completion(reply))
        return answer if isinstance(answer, Answered) else None

    if (own := read(text)) is not None:
        # Reasoning that states another answer than the sample's must not be taught with it.
        return text if kind.same(own.value, sample.value) else ""
    if not text or sample.calls > 2:
        return ""
    for words in ("The answer is", kind.trigger()):
        reply = f"{text}\n\n{words} {kind.show(sample.value)}."
        if (stated := read(reply)) is not None and kind.same(stated.value, sample.value):
            return reply
    return ""


def _without_next_question(text: str) -> str:
    """Return a reply without marks of its end and without a further question that the model invented."""
    text = cut_end_mark(visible_text(text, None))
    return (cut_next_question(text, first_trigger_end(text) or 0) if has_next_question(text) else text).strip()


def content_key(reply: str) -> Hashable:
    """Return what distinguishes a reply: its equations in their order (RFT, §3.3), or else its words."""
    equations = tuple("".join(equation.split()) for equation in _EQUATION.findall(reply))
    return equations or tuple(words_of(reply))
