"""Automatic chain of thought: demonstrations made of unlabelled questions (Zhang et al. 2022, arXiv 2210.03493)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, ClassVar

from reasoning.branches import FirstCall, gather
from reasoning.errors import BudgetExhausted, CallFailed, UsageError
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.problem import Example, Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.demonstrations.chain_examples import chain_example, chain_fault, question_fault
from reasoning.strategies.demonstrations.clustering import cluster_problems
from reasoning.strategies.demonstrations.pools import distinct_problems, other_examples
from reasoning.strategies.thought.cot import TWO_STAGES, ChainOfThought
from reasoning.strategy import technique
from reasoning.tables import pluralize

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.strategies.demonstrations.generated.auto_cot_stream import AutoCoTStream

FEW_SHOT = Prompt(input="{problem}\n\n{trigger}")


@technique(
    name="auto_cot",
    title="Automatic chain of thought",
    authors="Zhang et al.",
    year=2022,
    arxiv="2210.03493",
    calls="1",
    rounds="1",
    requires=("a pool of questions", "clustering"),
    use_when="there are questions but no worked examples: on ten tasks it does as well as examples written by hand or "
    "slightly better (GSM8K 46.9 by hand, 47.9; MultiArith 91.7, 92.0; StrategyQA 65.4, 65.4; text-davinci-002)",
    avoid_when="there are good worked examples, since the gain over them is at most 2.7 points; or the model is so "
    "weak that most of its chains are wrong, and demonstrations repeat its mistakes (arXiv 2210.03493)",
    aliases=("automatic_cot",),
)
class AutoCoT(FirstCallStrategy):
    """Show chains of thought that the model wrote itself, one for each kind of question in a pool.

    `fit` sorts the questions of a pool into `k` clusters. In each it goes from the question closest
    to the centre outwards, lets the model think step by step, and keeps the first question whose
    chain is short and complete; for numbers the chain must end with its answer. Targets of the pool
    are never read. A cluster without such a question gives no demonstration. The calls are those of
    zero-shot `cot`, with the same draws. A demonstration may be wrong: clusters keep similar mistakes
    from being shown together. One that is almost the same as the question is not shown with it.

    Changes for chat models: headings, bold type and list marks are removed from a chain before it
    is put on one line; a formula belongs to the line above it when steps are counted; a chain with a
    program is not shown; a chain is complete if it was not cut off, whatever its last sign. Questions
    are compared by TF-IDF unless `embeddings` names a model; the paper has Sentence-BERT.

    Args:
        k: number of clusters, and so the most demonstrations; 8 in the paper, and 4 to 7 for some tasks.
        demonstrations: what `fit` has made, or a file with it.
        seed: the seed of the clusters.
        embeddings: the model that embeds the questions; None is TF-IDF, which costs no call.
        max_question_words: the most words of a question that is shown.
        max_steps: the most steps of a chain that is shown. The authors' code has 7 for last letters.
        trigger: the sentence that makes the model reason, in `fit` and in the answer.

    Source:
        Zhang et al. (2022), "Automatic Chain of Thought Prompting in Large Language Models",
        arXiv 2210.03493, and the code of the authors.
    """

    fit_reads_targets: ClassVar[bool] = False
    k: int = 8
    demonstrations: DemonstrationSource = None
    seed: int = 192
    embeddings: str | None = None
    max_question_words: int = 60
    max_steps: int = 5
    trigger: str = "Let's think step by step."
    few_shot: Prompt = FEW_SHOT
    zero_shot: Prompt = TWO_STAGES

    def __post_init__(self) -> None:
        self.check_parameters(k=1, seed=0, max_question_words=1, max_steps=1)

    @property
    def needs_fit(self) -> bool:
        return not self.demonstrations

    def fit_calls_range(self, pool: int) -> tuple[int, int]:
        return min(self.k, pool), 2 * pool

    def first_call(self, problem: Problem) -> FirstCall:
        self.check_fitted()
        examples = other_examples(self.demonstrations, problem)[: self.k]
        prompt = with_examples(self.few_shot, problem, len(examples), self._show, examples or None)
        return FirstCall(prompt.render(problem, trigger=self.trigger), problem.parse, stage="reasoning")

    def stream(self, llm: LLM | str) -> AutoCoTStream:
        """Return a service that answers batch after batch and learns from its own answers (Auto-CoT*, §5.4)."""
        from reasoning.strategies.demonstrations.generated.auto_cot_stream import AutoCoTStream

        return AutoCoTStream(self, llm)

    async def _fit(self, pool: Sequence[Example], session: Session) -> AutoCoT:
        """Return a copy with a demonstration for each cluster; clusters run concurrently, the questions of one in turn.

        If the budget runs out, the demonstrations found until then are kept.
        """
        problems = distinct_problems(pool)
        clusters = await cluster_problems(problems, self.k, self.seed, self.embeddings, session)
        faults, branches = Counter[str](), session.fork("cluster", range(len(clusters)))
        members = [[problems[index] for index in indices] for indices in clusters]
        found = await gather(list(map(self._first_accepted, members, branches, repeat(faults))))
        examples = tuple(one for one in found if isinstance(one, WorkedExample))
        stopped = next((one for one in found if isinstance(one, BudgetExhausted)), None)
        refused = "; ".join(f"{fault}: {times}" for fault, times in sorted(faults.items()))
        if not examples:
            raise stopped or UsageError(
                f"auto_cot: no question of {len(problems)} gives a demonstration ({refused}); give more questions, or "
                "raise max_tokens (for chains that were cut off), max_steps or max_question_words"
            )
        made = f"{pluralize(len(examples), 'demonstration')} from {pluralize(len(clusters), 'cluster')}"
        session.note(
            f"{made} of {pluralize(len(problems), 'question')}" + (f"; not shown: {refused}" if refused else "")
        )
        if stopped:
            session.note(f"the search was stopped, and what it has found is kept: {stopped}")
        return self.replace(demonstrations=examples)

    async def _first_accepted(
        self, problems: Sequence[Problem], session: Session, faults: Counter[str]
    ) -> WorkedExample | BudgetExhausted | None:
        """Return the demonstration of a cluster, whose problems come closest to its centre first."""
        zero_shot = ChainOfThought(trigger=self.trigger, two_stages=self.zero_shot)
        for number, problem in enumerate(problems, 1):
            fault = question_fault(problem, self.max_question_words)
            try:
                if fault is None:
                    with session.stage(f"question {number}"):
                        call = zero_shot.first_call(problem)
                        reply = await session.ask(call.messages, **call.params)
                        answer = call.resolve(reply) or await zero_shot.continue_from(call, reply, problem, session)
                        fault = chain_fault(problem, reply, answer, self.max_steps)
                    if fault is None:
                        return chain_example(problem, reply.text, answer.value)
            except BudgetExhausted as error:
                return error
            except CallFailed as error:
                if error.ends_run:
                    raise
                fault = "the call failed"
            session.note(f"question {number} is not shown: {fault}")
            faults[fault] += 1
        return None

    def _show(self, example: WorkedExample) -> Demonstration:
        asked = f"{example.question}\n\n{self.trigger}".rstrip()
        return Demonstration(asked, f"The answer is {example.answer}.", example.rationale)
