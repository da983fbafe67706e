"""Universal self-consistency: the model says which of its answers agrees most with the others (Chen et al. 2023)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer
from reasoning.errors import ContextOverflow
from reasoning.kinds import Number
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import with_headings
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique
from reasoning.voting import VoteSample

PICK = Prompt(
    objective="Several responses to one question are given. Find the one that agrees best with the majority.",
    instructions="Compare what the responses say in the end, not how they say it. Do not answer the question yourself.",
    input="The question:\n\n{problem}\n\n{responses}",
    recap='Which response do most of the others agree with? End with a last line: "The most consistent '
    'response is Response" and its number, from 1 to {n}.',
)

_CHOSEN = re.compile(r"most consistent response is\W{0,5}(?:response\W{0,5})?(\d{1,6})", re.IGNORECASE)
_NAMED = re.compile(r"\bresponse #?(\d{1,6})\b", re.IGNORECASE)


@technique(
    title="Universal self-consistency",
    authors="Chen et al.",
    year=2023,
    arxiv="2311.17311",
    calls="samples * base + c",
    rounds="base + c",
    counts="c: 1 where the samples differ and the choice is asked, else 0; and those of the base strategy",
    requires=("sampling",),
    use_when="answers are free text that no rule can compare: summaries, explanations, code, open questions",
    avoid_when="answers can be compared by a rule (numbers, options): counting is as good there and costs no call; or "
    "the samples together are longer than the model's context (arXiv 2311.17311)",
    aliases=("usc",),
)
class UniversalSelfConsistency(Strategy):
    """Draw several answers, then let the model choose the one that is most consistent with the others.

    One further call at temperature 0 shows all answers that could be read, numbered in draw order, whole. Samples that
    are all one answer to the kind need no call. Where no number of a response can be read from the choice, or the
    samples do not fit into the context, the vote over equal answers decides; of equals, the one that was drawn first.
    `votes` counts equal answers in any case. The paper draws 8. The draws are those of `self_consistency`.
    """

    base: Strategy = ChainOfThought()  # a frozen value
    samples: int = 8
    temperature: float = 0.7
    pick: Prompt = PICK

    prompt_includes_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, temperature=0)

    def calls_range(self) -> tuple[int, int]:
        least, most = self.base.calls_range()
        return self.samples * least, self.samples * most + 1

    def rounds_range(self) -> tuple[int, int] | None:
        base = self.base.rounds_range()
        return None if base is None else (base[0], base[1] + 1)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        draws = await draw_samples(self.base, problem, session, self.samples, temperature=self.temperature)
        most = majority_answer(draws, problem)
        if most.votes is None:  # all have failed
            return most
        session.note(f"equal answers: {most.votes}")
        session.keep_partial(most)
        if len(most.votes.candidates) < 2:
            return most
        with session.stage("choice"):
            chosen = await self._choice([draw for draw in draws if draw.counts], problem, session)
        return replace(chosen.answer, text=chosen.text, votes=most.votes) if chosen and chosen.answer else most

    async def _choice(self, readable: list[VoteSample], problem: Problem, session: Session) -> VoteSample | None:
        """The draw that the model chooses; None where the vote must decide."""
        numbered: dict[float | None, VoteSample] = dict(enumerate(readable, 1))
        shown = with_headings("Response", (one.text for one in readable))
        try:
            turns = self.pick.render(problem, responses=shown, n=len(readable))
            chosen = numbered.get(_number((await session.ask(turns, temperature=0)).text))
        except ContextOverflow as error:
            session.note(f"the vote decides: {error}")
            return None
        if chosen is None:
            session.note("the vote decides: the choice names no response")
        return chosen


def _number(text: str) -> float | None:
    """The number that a choice states, or else the only response that its last line names, or else a stated answer."""
    named = _CHOSEN.findall(text)[-1:] or list(set(_NAMED.findall(text.strip().rpartition("\n")[2])))
    stated: float | None = Number().parse(text, stated_only=True)
    return int(named[0]) if len(named) == 1 else stated
