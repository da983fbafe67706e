"""Synthetic prompting: the model makes up its own worked examples (Shao et al. 2023, arXiv 2302.00618)."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import ClassVar, Literal

from reasoning.answer import Answer
from reasoning.errors import BudgetExhausted
from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.problem import Example, Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample
from reasoning.strategies.demonstrations.generated.synthesis import Synthesis, most_complex
from reasoning.strategies.demonstrations.pools import distinct_problems, other_examples
from reasoning.strategies.programs.pal import PAL, WRITE
from reasoning.strategies.thought.cot import FEW_SHOT, ChainOfThought
from reasoning.strategy import Strategy, technique
from reasoning.tables import pluralize

TOPICS = Prompt(
    input="Write a list of 50 nouns, one on each line: single words for things, places and people that a short "
    "problem can be about, such as {nouns}. Take other words than these."
)
BACKWARD = Prompt(
    objective="Make up problems. For a topic and a number of steps, first write the reasoning of a problem about that "
    "topic: exactly that many steps, each with its number. Then write the question that this reasoning answers.",
    output_format='The reasoning, then a line that begins with "Question:". The question names its topic, gives '
    "everything that is needed to answer it, and does not give the answer.{options}",
    input="Topic: {topic}\nSteps: {steps}",
)


@technique(
    name="synthetic",
    title="Synthetic prompting",
    authors="Shao et al.",
    year=2023,
    arxiv="2302.00618",
    calls="1 + o",
    rounds="1 + o",
    counts="o: 1 if chains are programs and the closest option is asked for, else 0",
    kinds=(Number, Choice, YesNo, Text),
    requires=("a few worked examples", "clustering", "interpreter if chains == 'program'"),
    use_when="there are only two to eight worked examples, and the model is strong enough to make up more (PAL with "
    "the same four: GSM8K 73.1 -> 75.3, Repeat Copy 81.3 -> 84.4, Colored Objects 94.4 -> 97.3; text-davinci-003)",
    avoid_when="questions can be had for nothing, since auto_cot then takes far fewer calls; or the model does not "
    "keep to topics and numbers of steps: questions that only imitate the examples bring nothing (GSM8K 72.7, PAL "
    "alone 73.1; arXiv 2302.00618)",
    aliases=("synthetic_prompting",),
)
class SyntheticPrompting(Strategy):
    """Show worked examples that the model made up from a few seeds, the most complex one of each cluster.

    `fit` repeats two steps. Backward: for a topic word and a number of steps the model writes
    numbered reasoning of that length, and then the question that it answers. Forward: `samples` chains
    answer the question, with the seeds as demonstrations; if more than half agree, the shortest
    agreeing chain is kept, and the backward one is dropped. Then the questions are clustered, and the
    example with the most steps of each of `k` clusters is a demonstration. A question that is a
    duplicate, repeats five words or does not mention its topic is dropped. The answer is one call:
    that of `pal`, whose program is run, or that of few-shot `cot`. From the pool of `fit` only the kind
    of answer is taken.

    Changes: the paper has 1,000 iterations and topic words, and no early end. Topics are taken in turn.
    Numbers stand behind the steps of a program. Prompts are in our words. Questions are compared by
    TF-IDF (the paper: all-mpnet-base-v2). For a choice the model also writes the options.

    Args:
        k: number of clusters, and so the most demonstrations; 8 in the paper.
        demonstrations: what `fit` has made, or a file with it.
        chains: "program" as in most of the paper's tasks, or "text".
        seed_examples: the worked examples to begin with; None for the shipped ones of the kind.
        seed_shots: number of them that are used; 2, 4 or 8 in the paper.
        iterations: the most questions to make up.
        topics: the most topic words to ask for, 50 in a call.
        samples: forward chains per question.
        extra_steps: the most steps above the longest seed's; None is 4 for numbers, else 2.
        enough: examples per cluster after which no more are made; 0 for no early end.
        batch: questions that are made at once; later batches show them as demonstrations.
        temperature: the temperature of `fit`; the answer has 0.
        seed: the seed of topics, lengths, demonstrations and clusters.
        embeddings: the model that embeds the questions; None is TF-IDF.

    Source:
        Shao et al. (2023), "Synthetic Prompting: Generating Chain-of-Thought Demonstrations for Large
        Language Models", arXiv 2302.00618.
    """

    fit_reads_targets: ClassVar[bool] = False
    k: int = 8
    demonstrations: DemonstrationSource = None
    chains: Literal["program", "text"] = "program"
    seed_examples: DemonstrationSource = None
    seed_shots: int = 4
    iterations: int = 64
    topics: int = 100
    samples: int = 3
    extra_steps: int | None = None
    enough: int = 3
    batch: int = 8
    temperature: float = 0.7
    seed: int = 0
    embeddings: str | None = None
    topic_words: Prompt = TOPICS
    backward: Prompt = BACKWARD
    write: Prompt = WRITE
    few_shot: Prompt = FEW_SHOT

    def __post_init__(self) -> None:
        positive = dict.fromkeys(("k", "iterations", "topics", "samples", "batch"), 1)
        self.check_parameters(**positive, seed_shots=2, extra_steps=0, enough=0, temperature=0, seed=0)

    @property
    def needs_fit(self) -> bool:
        return not self.demonstrations

    def calls_range(self) -> tuple[int, int]:
        return 1, 2 if self.chains == "program" else 1

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    def fit_calls_range(self, pool: int) -> tuple[int, int]:
        least = 1 + min(self.k * self.enough or self.iterations, self.iterations)
        return least, ceil(self.topics / 10) + self.iterations * (1 + self.samples * self.calls_range()[1])

    async def solve(self, problem: Problem, session: Session) -> Answer:
        self.check_fitted()
        return await self.solver(other_examples(self.demonstrations, problem)[: self.k]).solve(problem, session)

    def solver(self, examples: Sequence[WorkedExample]) -> Strategy:
        """Return the strategy that answers with some worked examples: few-shot PAL or chain of thought."""
        if self.chains == "program":
            return PAL(shots=len(examples), demonstrations=tuple(examples) or None, write=self.write)
        return ChainOfThought(len(examples), 1, demonstrations=tuple(examples) or None, few_shot=self.few_shot)

    async def _fit(self, pool: Sequence[Example], session: Session) -> SyntheticPrompting:
        """Return a copy with made-up demonstrations; if the budget runs out, with those of what it covered."""
        run = Synthesis(self, distinct_problems(pool)[0].kind, session)
        try:
            with session.stage("topics"):
                topics = await run.ask_topics()
            for start in range(0, self.iterations, self.batch):
                plans = [run.plan(number, topics) for number in range(start, min(start + self.batch, self.iterations))]
                with session.stage("backward"):
                    questions = await run.backward(plans)
                with session.stage("forward"):
                    await run.forward(questions)
                if await run.has_enough():
                    break
        except BudgetExhausted as error:
            run.stopped = error
            session.note(f"the synthesis was stopped, and what it has made is used: {error}")
        clusters = await run.clusters()
        session.note(f"{pluralize(len(clusters), 'demonstration')} of {run.summary()}")
        return self.replace(demonstrations=tuple(most_complex(members) for members in clusters))
