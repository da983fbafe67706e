"""Complexity-based prompting: the most complex examples, and a vote of the most complex chains (Fu et al. 2022)."""

from __future__ import annotations

from functools import partial

from reasoning.answer import Answer
from reasoning.errors import UsageError
from reasoning.kinds import Items
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import (
    SHIPPED_KINDS,
    DemonstrationPool,
    DemonstrationSource,
    WorkedExample,
    with_examples,
)
from reasoning.strategies.sampling.self_consistency import SelfConsistency
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique

STEPWISE = Prompt(
    objective="Answer the question step by step, with one step on each line and the answer on the last line.",
    input="Question: {problem}",
)


def in_lines(example: WorkedExample, trigger: str = "") -> Demonstration | None:
    """Show a question and its reasoning with one step per line, so that the steps of a reply can be counted.

    Args:
        example: the worked example.
        trigger: a sentence below the question; empty for none.
    """
    if not example.rationale:
        return None
    question = f"Question: {example.question}\n{trigger}".rstrip()
    return Demonstration(question, f"The answer is {example.answer}.", "\n".join(example.lines))


@technique(
    name="complex_cot",
    title="Complexity-based prompting",
    authors="Fu et al.",
    year=2022,
    arxiv="2210.00720",
    calls="samples",
    rounds="1",
    default_kinds=(*SHIPPED_KINDS, Items),
    requires=("demonstrations", "sampling if samples > 1"),
    use_when="questions take many steps and there are worked examples to choose from (GSM8K, code-davinci-002: 61.0 -> "
    "66.6 greedy, 74.6 -> 82.9 with 50 samples); the gain is mostly the examples', 0.1 to 1.4 points the vote's",
    avoid_when="questions are easy, where long examples hurt slightly; the context is short, since eight long examples "
    "take 2,000 to 3,000 tokens (arXiv 2210.00720); or the model is small, and things of the examples turn up in its "
    "chains (seen with 0.5B)",
    aliases=("complexity", "complexity_based"),
    version=2,
)
class ComplexCoT(Strategy):
    """Show the worked examples with the most steps, sample many chains, and let those with the most steps vote.

    Complexity is the number of steps, which are lines, not of characters. `samples=1` is the
    paper's greedy form. Chains that are truncated or have no answer are never among the most
    complex; ties go to the earlier chains. Free texts vote by equality like all other answers; for
    them use `universal_self_consistency(cot(shots=8, demonstrations=Pool(select='complex')))`,
    which reads all samples.

    The shipped examples for numbers have 9 or 10 steps, as the paper's have about nine; those for
    options, yes or no and texts have 7 to 10. Lists, and labels that name feelings, have only short
    examples, so that for them this is few-shot chain of thought.

    "Question:", one step a line and the last line "The answer is …" are the paper's form. Chat
    models are also told to write one step per line, in our words. The paper's "Let's think step by
    step" before each chain is left out unless `trigger` gives it.

    Args:
        shots: number of demonstrations; 8 in the paper.
        samples: number of chains.
        most_complex: chains that vote: a number, from 1 to `samples`, or a share of the samples,
            between 0 and 1. The paper finds 30 to 40 of 50 best.
        temperature: temperature of the chains, if there are several. The default is that of
            self-consistency; the paper's is unknown to us.
        trigger: a sentence behind each question, such as the paper's "Let's think step by step".
        demonstrations: source of the examples; a pool selects by its own rule.

    Source:
        Fu et al. (2022), "Complexity-Based Prompting for Multi-Step Reasoning", arXiv 2210.00720.
    """

    shots: int = 8
    samples: int = 50
    most_complex: int | float = 0.6
    temperature: float = 0.7
    trigger: str = ""
    demonstrations: DemonstrationSource = None
    prompt: Prompt = STEPWISE

    def __post_init__(self) -> None:
        self.check_parameters(shots=1, samples=1, temperature=0)
        is_number = self.most_complex >= 1 and float(self.most_complex).is_integer()
        if not is_number and not 0 < self.most_complex < 1:
            raise UsageError(
                f"{self!r}: most_complex must be a number of chains from 1, or a share of the samples between 0 and 1, "
                f"got {self.most_complex}"
            )
        if 1 < self.samples < self.most_complex:
            raise UsageError(
                f"{self!r}: most_complex must be at most samples ({self.samples}), got {self.most_complex}"
            )

    @property
    def voters(self) -> int:
        """The number of chains that vote."""
        chains = self.most_complex * self.samples if self.most_complex < 1 else self.most_complex
        return max(1, round(chains))

    def calls_range(self) -> tuple[int, int]:
        return self.samples, self.samples

    async def solve(self, problem: Problem, session: Session) -> Answer:
        pool = (
            self.demonstrations
            if isinstance(self.demonstrations, DemonstrationPool)
            else DemonstrationPool(self.demonstrations, "complex")
        )
        show = partial(in_lines, trigger=self.trigger)
        asked = self.prompt.replace(input=f"{self.prompt.input}\n{self.trigger}") if self.trigger else self.prompt
        prompt = with_examples(asked, problem, self.shots, show, pool)
        chain = ChainOfThought(few_shot=prompt)
        if self.samples == 1:
            return await chain.solve(problem, session)
        vote = SelfConsistency(chain, self.samples, self.temperature, most_complex=self.voters)
        return await vote.solve(problem, session)
