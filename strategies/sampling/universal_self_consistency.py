"""Universal self-consistency: the model chooses the answer that agrees most with the others (Chen et al. 2023)."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer
from reasoning.errors import BudgetExhausted, ContextOverflow
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import with_headings
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategies.sampling.response_choice import chosen_response
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


@technique(
    title="Universal self-consistency",
    authors="Chen et al.",
    year=2023,
    arxiv="2311.17311",
    calls="samples * base + c",
    rounds="base + c",
    counts="c: 1 if the samples differ and the choice is asked for, else 0; base: the base strategy",
    requires=("sampling",),
    use_when="answers are free text that no rule can compare: summaries, explanations, code, open questions",
    avoid_when="a rule can compare answers (numbers, options): counting is as good there and costs no call; or "
    "the samples together are longer than the model's context (arXiv 2311.17311)",
    aliases=("usc",),
    version=2,
)
class UniversalSelfConsistency(Strategy):
    """Sample several answers, then let the model choose the one that is most consistent with the others.

    One more call, at temperature 0, shows all parsed samples in full. If all samples are equal to
    the kind, no call is needed. If the choice names no response, or the samples do not fit into the
    context, the vote over equal answers decides, ties going to the earlier draw. `votes` always
    counts equal answers. The paper draws 8 samples. The draws are those of `self_consistency`. The
    paper asks for the most consistent response "based on majority consensus"; the wording here is
    ours.

    Args:
        base: the strategy that makes the samples.
        samples: number of samples.
        temperature: temperature of the samples.
        shuffle: whether the responses are numbered in a shuffled order, since a small model prefers
            certain numbers (a 0.5B model chose response 4 or 5 of 5 in 44 of 48 problems). The order
            depends only on the responses, so that a rerun asks the same. The paper keeps the order
            of the draws.

    Source:
        Chen et al. (2023), "Universal Self-Consistency for Large Language Model Generation", arXiv
        2311.17311.
    """

    base: Strategy = ChainOfThought()
    samples: int = 8
    temperature: float = 0.7
    shuffle: bool = True
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
        majority = majority_answer(draws, problem, self.samples)
        # Every sample failed.
        if majority.votes is None:
            return majority
        session.note(f"equal answers: {majority.votes}")
        session.keep_partial(majority)
        if len(majority.votes.candidates) < 2:
            return majority
        with session.stage("choice"):
            chosen = await self._choice([draw for draw in draws if draw.counts], problem, session)
        return replace(chosen.answer, text=chosen.text, votes=majority.votes) if chosen and chosen.answer else majority

    async def _choice(self, readable: list[VoteSample], problem: Problem, session: Session) -> VoteSample | None:
        """Return the sample that the model chooses, or None if the vote must decide."""
        order = list(readable)
        if self.shuffle:
            # Seeded with the texts: the same samples are always shown in the same order.
            random.Random("\n\n".join(sample.text for sample in readable)).shuffle(order)
        responses = with_headings("Response", (sample.text for sample in order))
        try:
            turns = self.pick.render(problem, responses=responses, n=len(order))
            number = chosen_response((await session.ask(turns, temperature=0)).text, len(order))
        except (ContextOverflow, BudgetExhausted) as error:
            if isinstance(error, BudgetExhausted) and not session.owns(error):
                raise
            session.note(f"the vote decides: {error}")
            return None
        if number is None:
            session.note("the vote decides: the choice names no response")
            return None
        chosen = order[number - 1]
        session.note(f"response {number} is chosen: parsed sample {readable.index(chosen) + 1} of {len(readable)}")
        return chosen
