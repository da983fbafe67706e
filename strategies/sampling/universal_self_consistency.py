"""Universal self-consistency: the model says which of its answers agrees most with the others (Chen et al. 2023)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.errors import ContextOverflow
from reasoning.kinds import Number
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategy import Strategy, technique
from reasoning.voting import Draw, vote
from strategies.sampling.draws import drawn
from strategies.sampling.votes import voted
from strategies.thought.cot import ChainOfThought

PICK = Prompt(
    objective="Several responses to one question are given. Find the one that agrees best with the majority.",
    instructions="Compare what the responses say in the end, not how they say it. Do not answer the question yourself.",
    input="The question:\n\n{problem}\n\n{responses}",
    recap='Which response do most of the others agree with? End with a last line: "The most consistent '
    'response is Response" and its number, from 1 to {n}.',
)

_HEADING = re.compile(r"^(?=[ \t]*Response \d)", re.IGNORECASE | re.MULTILINE)
_CHOSEN = re.compile(r"most consistent response is\W{0,5}(?:response\W{0,5})?(\d{1,6})", re.IGNORECASE)
_NAMED = re.compile(r"\bresponse #?(\d{1,6})\b", re.IGNORECASE)


@technique(
    title="Universal self-consistency",
    authors="Chen et al.",
    year=2023,
    arxiv="2311.17311",
    calls="samples * base + c",
    waves="base + c",
    counts="c: 1 where the samples differ and the choice is asked, else 0; and those of the base strategy",
    ranges={"c": (0, 1)},
    needs=("sampling",),
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

    reads_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, temperature=0)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        def ended(some: list[Draw]) -> None:  # the budget: those that are there vote
            session.so_far(voted(some, problem))

        draws = await drawn(self.base, problem, session, self.samples, temperature=self.temperature, finished=ended)
        answers = [draw.answer for draw in draws if draw.answer is not None]  # each has one
        if all(isinstance(answer, Failed) for answer in answers):
            return answers[0]
        found = vote(draws, problem.kind)
        session.note(f"equal answers: {found}")
        if found.value is None:
            return Unparsed(found.why, text=answers[0].text, votes=found)
        most = replace(answers[found.candidates[0].speaker], confidence=found.share, votes=found)
        session.so_far(most)
        chosen: int | None = None
        if len(found.candidates) > 1:
            with session.stage("choice"):
                chosen = await self._choice(draws, problem, session)
        return most if chosen is None else replace(answers[chosen], votes=found)

    async def _choice(self, draws: list[Draw], problem: Problem, session: Session) -> int | None:
        """The index of the draw that the model chooses; None where the vote must decide."""
        readable = [at for at, draw in enumerate(draws) if isinstance(draw.answer, Answered)]
        responses = "\n\n".join(
            f"Response {number}:\n{_HEADING.sub('| ', draws[at].text.strip())}" for number, at in enumerate(readable, 1)
        )
        turns = self.pick.for_(problem, responses=responses, n=len(readable))
        try:
            reply = await session.ask(turns, temperature=0)
        except ContextOverflow as error:
            session.note(f"the vote decides: {error}")
            return None
        number = _number(reply.text)
        if number is None or number not in range(1, len(readable) + 1):
            session.note("the vote decides: the choice names no response")
            return None
        return readable[int(number) - 1]


def _number(text: str) -> float | None:
    """The number that a choice states, or else the only response that its last line names, or else a stated answer."""
    if chosen := _CHOSEN.findall(text):
        return int(chosen[-1])
    named = {int(number) for number in _NAMED.findall(text.strip().rpartition("\n")[2])}
    if len(named) == 1:
        return named.pop()
    stated: float | None = Number().parse(text, stated_only=True)
    return stated
