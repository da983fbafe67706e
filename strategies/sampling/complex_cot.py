"""Complexity-based prompting: the most complex examples, and a vote among the most complex chains (Fu et al. 2022)."""

from __future__ import annotations

from reasoning.answer import Answer
from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationPool, DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.sampling.self_consistency import SelfConsistency
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique

STEPWISE = Prompt(
    objective="Answer the question step by step, with one step on each line and the answer on the last line.",
    input="Question: {problem}",
)


def in_lines(worked: WorkedExample) -> Demonstration | None:
    """A question and its reasoning, one step a line, so that the steps of a reply can be counted."""
    if not worked.rationale:
        return None
    return Demonstration(f"Question: {worked.question}", f"The answer is {worked.answer}.", "\n".join(worked.lines))


@technique(
    name="complex_cot",
    title="Complexity-based prompting",
    authors="Fu et al.",
    year=2022,
    arxiv="2210.00720",
    calls="samples",
    rounds="1",
    requires=("demonstrations", "sampling if samples > 1"),
    use_when="questions take many steps and there are worked examples to choose from (GSM8K, code-davinci-002: 61.0 -> "
    "66.6 greedy, 74.6 -> 82.9 with 50 samples); the examples do most of it, the filter of the vote 0.1 to 1.4 points",
    avoid_when="questions are easy, where long examples hurt somewhat, or the window is short: eight long examples "
    "take 2 to 3 thousand tokens (arXiv 2210.00720)",
    aliases=("complexity", "complexity_based"),
)
class ComplexCoT(Strategy):
    """Show the worked problems with the most steps, draw many chains, and let those with the most steps vote.

    Complexity is a number of steps, which are lines, and not of characters. `samples=1` is the paper's greedy form.
    Chains without an answer, or cut off, take no place among the most complex; of equals the earlier ones vote. Chat
    models are told to write one step a line, besides being shown; the paper's "Let's think step by step" before each
    chain is left out. Free texts are voted on by equality as everything else: for them there is
    `universal_self_consistency(cot(shots=8, demonstrations=Pool(select='complex')))`, in which all draws are read.

    Args:
        shots: examples; the paper shows 8.
        samples: chains.
        most_complex: chains that vote; the paper finds 30 to 40 of 50 best. At most `samples`.
        temperature: of the chains, where there are several; self-consistency's, the paper's is not known to us.
        demonstrations: where the examples are chosen from; a pool chooses by its own rule.
    """

    shots: int = 8
    samples: int = 50
    most_complex: int = 30
    temperature: float = 0.7
    demonstrations: DemonstrationSource = None
    prompt: Prompt = STEPWISE

    def __post_init__(self) -> None:
        self.check_parameters(shots=1, samples=1, most_complex=1, temperature=0)
        if 1 < self.samples < self.most_complex:
            raise UsageError(f"{self!r}: of {self.samples} samples at most so many can vote; lower most_complex")

    def calls_range(self) -> tuple[int, int]:
        return self.samples, self.samples

    async def solve(self, problem: Problem, session: Session) -> Answer:
        pool = (
            self.demonstrations
            if isinstance(self.demonstrations, DemonstrationPool)
            else DemonstrationPool(self.demonstrations, "complex")
        )
        prompt = with_examples(self.prompt, problem, self.shots, in_lines, pool)
        chain = ChainOfThought(few_shot=prompt)
        if self.samples == 1:
            return await chain.solve(problem, session)
        vote = SelfConsistency(chain, self.samples, self.temperature, most_complex=self.most_complex)
        return await vote.solve(problem, session)
