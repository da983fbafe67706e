"""Active-Prompt: demonstrations for the questions about which the model is most uncertain (Diao et al. 2023)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from reasoning.answer import Answer
from reasoning.errors import UsageError
from reasoning.problem import Example, Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource
from reasoning.strategies.demonstrations.annotation import GOLD, annotate_first, annotator_by_name
from reasoning.strategies.demonstrations.pools import distinct_problems, other_examples
from reasoning.strategies.demonstrations.uncertainty import (
    Measure,
    SampledQuestion,
    most_uncertain_first,
    sample_questions,
    usable_measure,
)
from reasoning.strategies.sampling.self_consistency import SelfConsistency
from reasoning.strategies.thought.cot import FEW_SHOT, ChainOfThought
from reasoning.strategy import Strategy, technique
from reasoning.tables import pluralize

EXPLAIN = Prompt(
    objective="Write the reasoning that leads from a problem to its answer, which is known to be {answer}.",
    input="{problem}",
    recap="Reason from the problem alone, in a few short sentences with every calculation written out. Do not mention "
    "that the answer was known. {instruction}",
)


@technique(
    title="Active-Prompt",
    authors="Diao et al.",
    year=2023,
    arxiv="2302.12246",
    calls="samples",
    rounds="1",
    requires=("a pool of questions", "an annotator: gold answers, a person or another model", "sampling"),
    use_when="questions of one kind come often, and some can be annotated by a person or from gold answers (GSM8K, "
    "code-davinci-002: 78.0 with fixed examples and a vote, 82.2 with the most uncertain questions; text-davinci-002, "
    "mean of the tasks: 67.9 -> 74.9)",
    avoid_when="there are few questions to answer, since each question of the pool is sampled ten times; the pool has "
    "ill-posed questions, which are the most uncertain ones. What helps is the choice: as many annotated questions at "
    "random bring nothing over fixed examples (78.6 and 78.0; arXiv 2302.12246)",
    aliases=("active",),
)
class ActivePrompt(Strategy):
    """Show annotated questions about which the model was most uncertain, and take the majority of several chains.

    `fit` draws `pool_samples` answers to each question of a pool with a prompt of fixed examples, and
    measures how much they differ. The `shots` most uncertain questions are annotated with reasoning
    and an answer, and replace the fixed examples. Equally uncertain questions are taken at random.

    `annotator` says who annotates: "gold" takes the known answer with the model's own reasoning, of a
    sample that reached it or else asked for with the answer in view; a file has the annotations of
    a person, for which `reasoning annotate` asks; any other name is a model, whose annotations with
    a wrong answer are dropped if the right one is known. A question that cannot be annotated gives
    way to the next. The paper's authors annotate themselves; gold solutions do as well there.

    Samples without an answer count as one more answer, and are left out of the variance. If only two
    answers are possible, entropy replaces disagreement, which would be equal for most questions. The
    variance is normalised by the numbers in the question, as in the paper and not as in its code.

    Args:
        demonstrations: what `fit` has learned, or a file with it.
        shots: number of demonstrations; the paper has 7 for CSQA, 6 for StrategyQA, 4 for AQuA and letters.
        samples: number of chains that vote; 1 asks once, at the session's temperature.
        temperature: the sampling temperature, also of `fit`.
        uncertainty: "disagreement" (distinct answers), "entropy", or "variance" of numbers.
        pool_samples: number of answers to each question of the pool; more than 10 bring little.
        max_pool: maximum number of questions that are sampled; of more, some are drawn at random.
        annotator: "gold", a file (.toml or .jsonl), or the name of a model.
        seed_shots: number of fixed examples; 0 samples the pool with the paper's zero-shot variant.
        seed_examples: the fixed examples; None is the library's own for the kind of answer.
        seed: the seed of what is taken at random.

    Source:
        Diao et al. (2023), "Active Prompting with Chain-of-Thought for Large Language Models",
        arXiv 2302.12246.
    """

    demonstrations: DemonstrationSource = None
    shots: int = 8
    samples: int = 40
    temperature: float = 0.7
    uncertainty: Measure = "disagreement"
    pool_samples: int = 10
    max_pool: int = 1000
    annotator: str = GOLD
    seed_shots: int = 8
    seed_examples: DemonstrationSource = None
    seed: int = 0
    few_shot: Prompt = FEW_SHOT
    explain: Prompt = EXPLAIN

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["explain"])

    def __post_init__(self) -> None:
        self.check_parameters(shots=1, samples=1, temperature=0, pool_samples=2, max_pool=1, seed_shots=0)

    @property
    def needs_fit(self) -> bool:
        return not self.demonstrations

    def calls_range(self) -> tuple[int, int]:
        return self.samples, self.samples

    def fit_calls_range(self, pool: int) -> tuple[int, int]:
        questions = min(pool, self.max_pool)
        drawn = questions * self.pool_samples
        return drawn, drawn * (1 if self.seed_shots else 2) + questions

    async def solve(self, problem: Problem, session: Session) -> Answer:
        self.check_fitted()
        examples = tuple(other_examples(self.demonstrations, problem)[: self.shots])
        chain = self._chain(len(examples), examples) if examples else ChainOfThought(stages=1)
        if self.samples == 1:
            return await chain.solve(problem, session)
        return await SelfConsistency(chain, samples=self.samples, temperature=self.temperature).solve(problem, session)

    async def _fit(self, pool: Sequence[Example], session: Session) -> ActivePrompt:
        """Return a copy with the annotations of the most uncertain questions of the pool."""
        annotator = annotator_by_name(self.annotator, pool, self.explain, self._seed_prompt)
        ranked = await self.rank(pool, session)
        with session.stage("annotate"):
            examples = await annotate_first(ranked, self.shots, annotator, session)
        if not examples:
            raise UsageError(
                f"active_prompt: {annotator.about}: none of {pluralize(len(ranked), 'question')} could be annotated; "
                "give more questions, or another annotator"
            )
        session.note(f"{pluralize(len(examples), 'question')} annotated by {annotator.about}")
        return self.replace(demonstrations=tuple(examples))

    async def rank(self, pool: Sequence[Example], session: Session) -> list[SampledQuestion]:
        """Return the questions of a pool, those about which the model is most uncertain first.

        Args:
            pool: the questions.
            session: the session to sample with.

        Raises:
            UsageError: the questions ask for different kinds of answers, or every call failed.
        """
        distinct_problems(pool)
        distinct = list({" ".join(one.problem.values()["problem"].split()): one for one in pool}.values())
        chosen = random.Random(self.seed).sample(distinct, min(len(distinct), self.max_pool))
        measure = usable_measure(chosen[0].problem.kind, self.uncertainty)
        with session.stage("sample"):
            seed_prompt, settings = self._seed_prompt, (self.pool_samples, self.temperature, measure)
            sampled = await sample_questions(seed_prompt, chosen, session, *settings)
        ranked = most_uncertain_first(sampled, self.seed)
        if not ranked:
            raise UsageError(
                f"active_prompt: every call failed for {pluralize(len(chosen), 'question')} of the pool; try again, or "
                "check the model with `reasoning ask`"
            )
        low, high = ranked[-1].uncertainty, ranked[0].uncertainty
        session.note(f"{measure} of {pluralize(len(ranked), 'question')}: {low:.2f} to {high:.2f}")
        return ranked

    @property
    def _seed_prompt(self) -> ChainOfThought:
        return self._chain(self.seed_shots, self.seed_examples)

    def _chain(self, shots: int, examples: DemonstrationSource) -> ChainOfThought:
        return ChainOfThought(shots=shots, demonstrations=examples, few_shot=self.few_shot)
