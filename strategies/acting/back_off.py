"""Back-off: a second strategy answers where the first is not sure (Yao et al. 2022, arXiv 2210.03629, section 3.2)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.acting.react import ReAct
from reasoning.strategies.sampling.self_consistency import SelfConsistency
from reasoning.strategy import Strategy, technique


@technique(
    name="back_off",
    title="Back-off",
    authors="Yao et al.",
    year=2022,
    arxiv="2210.03629",
    calls="first + b * second",
    rounds="first + b * second",
    counts="b: 1 if the first strategy has no answer or too few votes, else 0; and those of the two strategies",
    requires=("what the two strategies require",),
    use_when="two ways fail on different problems, and the first says when: an agent that ends without an answer, a "
    "vote without a majority (PaLM-540B, FEVER: ReAct 60.9, vote over chains of thought 60.4, the vote with ReAct as "
    "back-off 64.6)",
    avoid_when="the first strategy is wrong with confidence, which no back-off sees; or latency matters: the second "
    "begins when the first has ended",
)
class BackOff(Strategy):
    """Answer with the first strategy; let the second answer if the first is not sure.

    The first is not sure if it has no answer, such as a `react` without `Finish`, or if it votes and
    the winner has fewer than `majority` of all samples. Samples without an answer count among them,
    as in the paper: of 21 samples 11 must agree. The two back-offs of the paper are

    - `back_off(react, self_consistency(cot(shots=4), samples=21))`, the default but for the shots, and
    - `back_off(self_consistency(cot(shots=4), samples=21), react)`.

    If the second strategy has no answer, that of the first remains; the paper does not say. A failed
    call is no answer and no reason to back off: the problem can be solved again.

    Args:
        first: the strategy that answers first.
        second: the strategy that answers if the first is not sure.
        majority: the share of all samples that the winner of a vote needs; 0 looks at no vote.

    Source:
        Yao et al. (2022), "ReAct: Synergizing Reasoning and Acting in Language Models", arXiv
        2210.03629, section 3.2.

    Examples:
        >>> from reasoning import strategies
        >>> strategies.get("back_off(sc(cot, samples=21), react)").calls_range()
        (21, 56)
    """

    first: Strategy = ReAct()
    second: Strategy = SelfConsistency(samples=21)
    majority: float = 0.5

    def __post_init__(self) -> None:
        self.check_parameters(majority=(0, 1))

    def calls_range(self) -> tuple[int, int]:
        (least, most), more = self.first.calls_range(), self.second.calls_range()[1]
        return least, most + more

    def rounds_range(self) -> tuple[int, int] | None:
        first, second = self.first.rounds_range(), self.second.rounds_range()
        return None if first is None or second is None else (first[0], first[1] + second[1])

    async def solve(self, problem: Problem, session: Session) -> Answer:
        with session.stage("first"):
            answer = await session.solve(self.first, problem)
        if isinstance(answer, Failed) or (doubt := self._doubt(answer)) is None:
            return answer
        session.note(f"back-off to {self.second}: {doubt}")
        # What the budget leaves of it if it runs out in the second strategy.
        session.keep_partial(replace(answer, steps={"first": answer.value, **answer.steps}))
        with session.stage("second"):
            other = await session.solve(self.second, problem)
        if isinstance(other, Unparsed) and isinstance(answer, Answered):
            session.note(f"the first answer remains, since the second strategy has none: {other.reason}")
            return answer
        return other

    def _doubt(self, answer: Answer) -> str | None:
        """Return why the first strategy is not sure, or None."""
        if not isinstance(answer, Answered):
            return answer.reason
        if answer.votes is None or not answer.votes.candidates:
            return None
        votes, samples = len(answer.votes.candidates[0].draws), answer.votes.drawn or answer.votes.total
        return None if votes >= self.majority * samples else f"{votes} of {samples} samples agree"
