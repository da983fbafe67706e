"""Chain of thought: zero-shot in two stages or one (Kojima et al. 2022), and few-shot (Wei et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

from reasoning.answer import Answer
from reasoning.branches import FirstCall
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.sandbox.program_in_text import find_program
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.thought.answer_extraction import ANSWER_TOKENS, extract_answer, stated_answer
from reasoning.strategies.thought.programs_in_reasoning import BEFORE_OUTPUT, MAX_PROGRAMS, run_programs
from reasoning.strategy import technique

TWO_STAGES = Prompt(input="{problem}\n\n{trigger}")
ONE_STAGE = Prompt(input="{problem}\n\n{trigger} {instruction}")
FEW_SHOT = Prompt(input="{problem}")
GO_ON = Prompt(
    input="The program has run. Its output is:\n{output}",
    recap="Go on from there, with this output. {instruction}",
)


def with_rationale(example: WorkedExample) -> Demonstration:
    """Show a question, the reasoning and the answer, in the form that every kind parses first."""
    return Demonstration(example.question, f"The answer is {example.answer}.", example.rationale)


@technique(
    name="cot",
    title="Chain of thought",
    authors="Wei et al.; Kojima et al.",
    year=2022,
    arxiv="2201.11903, 2205.11916",
    calls="(1 if shots > 0 or stages == 1 else 1 + e) + (g if run_programs else 0)",
    rounds="(1 if shots > 0 or stages == 1 else 1 + e) + (g if run_programs else 0)",
    counts="e: 1 if the reasoning states no answer and the answer stage follows, else 0; g: programs that run",
    requires=("demonstrations if shots > 0", "interpreter if run_programs"),
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

    Some models write a program into their reasoning and then make up its output (a 0.5B model of
    code in 12 of 48 word problems). The trace and the limits of a run say so. `run_programs=True`
    runs each program in the sandbox, and the model continues from the real output or the error;
    this is our extension.

    Args:
        run_programs: whether the reasoning is cut off after a block of Python, which then runs.
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
    run_programs: bool = False
    few_shot: Prompt = FEW_SHOT
    one_stage: Prompt = ONE_STAGE
    two_stages: Prompt = TWO_STAGES
    go_on: Prompt = GO_ON

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, answer_tokens=1)

    @property
    def free_text_prompts(self) -> frozenset[str]:
        is_used = self.stages == 1 and not self.shots and not self.run_programs
        return frozenset(["go_on"] if is_used else ["go_on", "one_stage"])

    def calls_range(self) -> tuple[int, int]:
        most = 1 if self.shots > 0 or self.stages == 1 else 2
        return 1, most + (MAX_PROGRAMS if self.run_programs else 0)

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    def first_call(self, problem: Problem) -> FirstCall:
        few_shot = with_examples(self.few_shot, problem, self.shots, with_rationale, self.demonstrations)
        if few_shot.examples:
            call = FirstCall(few_shot.render(problem), problem.parse, stage="reasoning")
        elif self.stages == 1:
            call = FirstCall(self.one_stage.render(problem, trigger=self.trigger), problem.parse, stage="reasoning")
        else:
            prompt = self.two_stages.render(problem, trigger=self.trigger)
            call = FirstCall(prompt, partial(stated_answer, problem), stage="reasoning")
        if self.run_programs:
            return call._replace(resolve=partial(_unless_program, call.resolve), params=BEFORE_OUTPUT)
        return call

    async def continue_from(self, call: FirstCall, reply: Completion, problem: Problem, session: Session) -> Answer:
        if not self.run_programs or find_program(reply.text) is None:
            return await extract_answer(problem, session, call.messages, reply.text, self.answer_tokens)
        turns, reply, chain = await run_programs(problem, call.messages, reply, session, self.go_on)
        answer: Answer | None = problem.parse(reply) if self.shots > 0 or self.stages == 1 else None
        answer = answer or stated_answer(problem, reply)
        answer = answer or await extract_answer(problem, session, turns, reply.text, self.answer_tokens)
        return replace(answer, text="\n\n".join([*chain, answer.text]))


def _unless_program(resolve: Callable[[Completion], Answer | None], reply: Completion) -> Answer | None:
    """Return the answer that a reply settles, or None if it has a program that must run first."""
    return resolve(reply) if find_program(reply.text) is None else None
