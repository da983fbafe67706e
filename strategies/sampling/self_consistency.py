"""Self-consistency: sample several chains, take the answer that most of them reach (Wang et al. 2022)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.session import Session, together
from reasoning.strategy import Strategy, technique
from reasoning.voting import majority
from strategies.thought.cot import ChainOfThought


@technique(
    title="Self-consistency",
    authors="Wang et al.",
    year=2022,
    arxiv="2203.11171",
    calls="samples * base",
    counts="and those of the base strategy",
    needs=("sampling",),
    use_when="answers can be compared, a single chain is often but not always right, and several times the tokens "
    "are worth some points; most of the gain is there with 5 to 10 samples",
    avoid_when="all chains share one error (a wrong reading of the question): the vote only makes it look sure; or the "
    "model is near 0 or near 100 %",
    aliases=("sc",),
)
class SelfConsistency(Strategy):
    """Solve with the base strategy `samples` times, independently, and take the majority.

    Samples that could not be read do not vote, nor do failed calls; ties go to the candidate that was drawn first.
    The confidence is the winner's share of the votes. The paper draws 40 at temperature 0.7 from a few-shot chain of
    thought; any strategy can be the base here, and its first draws leave as one request where the model takes `n`.
    """

    base: Strategy = ChainOfThought()  # a frozen value
    samples: int = 40
    temperature: float = 0.7

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, temperature=0)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        lanes = session.lanes(self.samples, "sample", temperature=self.temperature)
        answers = await together([lane.solve(self.base, problem) for lane in lanes])
        if all(isinstance(answer, Failed) for answer in answers):
            return answers[0]
        vote = majority([answer.value for answer in answers], problem.kind)
        session.note(f"votes: {vote}")
        if vote.value is None:
            return Unparsed(f"none of {self.samples} samples could be read", text=answers[0].text, votes=vote)
        winner = next(
            answer for answer in answers if isinstance(answer, Answered) and problem.kind.same(answer.value, vote.value)
        )
        return replace(winner, confidence=vote.share, votes=vote)
