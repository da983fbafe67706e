"""Chain of thought: zero-shot in two stages or one (Kojima et al. 2022), and few-shot (Wei et al. 2022)."""

from __future__ import annotations

from functools import partial
from typing import Literal

from reasoning.answer import Answer
from reasoning.branches import FirstCall
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.thought.answer_extraction import ANSWER_TOKENS, extract_answer, stated_answer
from reasoning.strategy import technique

TWO_STAGES = Prompt(input="{problem}\n\n{trigger}")
ONE_STAGE = Prompt(input="{problem}\n\n{trigger} {instruction}")
FEW_SHOT = Prompt(input="{problem}")


def with_rationale(example: WorkedExample) -> Demonstration:
    """Show a question, the reasoning and the answer, in the form that every kind parses first."""
    return Demonstration(example.question, f"The answer is {example.answer}.", example.rationale)


@technique(
    name="cot",
    title="Chain of thought",
    authors="Wei et al.; Kojima et al.",
    year=2022,
    arxiv="2201.11903, 2205.11916",
    calls="1 if shots > 0 else (1 if stages == 1 else 1 + e)",
    rounds="1 if shots > 0 else (1 if stages == 1 else 1 + e)",
    counts="e: 1 if the reasoning states no answer and the answer stage follows, else 0",
    requires=("demonstrations if shots > 0",),
    use_when="the answer takes several steps of arithmetic, symbols or common sense (PaLM-540B, GSM8K: 17.9 without, "
    "56.9 with it and eight examples)",
    avoid_when="the question asks for a fact or a sentiment (CSQA: 72.6 without, 64.6 with; arXiv 2205.11916), or the "
    "model is small, where chains are fluent and wrong (arXiv 2201.11903, models of 2022), or is a reasoning model, "
    "which would reason twice",
    aliases=("chain_of_thought",),
)
class ChainOfThought(FirstCallStrategy):
    """Let the model write its reasoning before its answer.

    Zero-shot (`shots=0`) it has the paper's two stages: the reasoning, then the answer, with the
    reasoning kept word for word. Chat models often state the answer in the first stage. An explicit
    "the answer is …" or a box is accepted, and the second stage is skipped, as in the code of
    Plan-and-Solve. `stages=1` asks for both in one turn. Few-shot (`shots > 0`) shows worked
    examples as chat turns and makes one call.

    Args:
        trigger: the sentence that makes the model reason; `{trigger}` in the zero-shot prompts.
        stages: 1 asks for reasoning and answer in one turn; 2 asks for the answer if the reasoning
            states none.
        answer_tokens: maximum tokens of the second reply, which states an answer of one line; the paper
            takes as few.

    Source:
        Kojima et al. (2022), "Large Language Models are Zero-Shot Reasoners", arXiv 2205.11916;
        Wei et al. (2022), "Chain-of-Thought Prompting Elicits Reasoning in Large Language Models",
        arXiv 2201.11903.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> llm = ScriptedLLM(["3 boxes of 8 pens are 24 pens. 24 - 4 = 20.", "20"])
        >>> problem = Problem("A box holds 8 pens. Ann buys 3 and loses 4 pens. How many are left?", kinds.Number())
        >>> answer = strategies.ChainOfThought().run(problem, llm)
        >>> answer.value, llm.calls
        (20, 2)
    """

    shots: int = 0
    stages: Literal[1, 2] = 2
    trigger: str = "Let's think step by step."
    demonstrations: DemonstrationSource = None
    answer_tokens: int = ANSWER_TOKENS
    few_shot: Prompt = FEW_SHOT
    one_stage: Prompt = ONE_STAGE
    two_stages: Prompt = TWO_STAGES

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, answer_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return (1, 1) if self.shots > 0 or self.stages == 1 else (1, 2)

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    def first_call(self, problem: Problem) -> FirstCall:
        few_shot = with_examples(self.few_shot, problem, self.shots, with_rationale, self.demonstrations)
        if few_shot.examples:
            return FirstCall(few_shot.render(problem), problem.parse, stage="reasoning")
        if self.stages == 1:
            return FirstCall(self.one_stage.render(problem, trigger=self.trigger), problem.parse, stage="reasoning")
        prompt = self.two_stages.render(problem, trigger=self.trigger)
        return FirstCall(prompt, partial(stated_answer, problem), stage="reasoning")

    async def continue_from(self, call: FirstCall, reply: Completion, problem: Problem, session: Session) -> Answer:
        return await extract_answer(problem, session, call.messages, reply.text, self.answer_tokens)
