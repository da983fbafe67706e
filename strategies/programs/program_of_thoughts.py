"""Program of thoughts: the model writes a program, an interpreter computes (Chen et al. 2022, arXiv 2211.12588)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from reasoning.answer import Answer
from reasoning.kinds import Items
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import SHIPPED_KINDS, DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.programs.program_run import (
    CLOSEST,
    COMPUTED,
    FALLBACK,
    OPTION_TOKENS,
    REPAIR,
    ProgramRun,
    answer_from_run,
    read_result,
    write_and_run,
)
from reasoning.strategy import Strategy, technique

ASK = "# Python code that computes the answer and assigns it to the variable ans"
FEW_SHOT = Prompt(
    objective="Answer the question with a short Python program. Let Python do every calculation.",
    output_format="Python code only: one statement a line, meaningful variable names, the result in the variable ans.",
    input="{problem}",
    recap=ASK,
)
ZERO_SHOT = Prompt(
    input="{problem}",
    recap="Write a Python function solver() that works this out step by step and returns the answer. Define a "
    "variable with a meaningful name for each quantity. Reply with the code only.",
)
CONCLUDE = Prompt(
    input="{problem}\n\nA program has worked out:\n{result}",
    recap="Take that for right, and go on from there step by step to what is asked. {instruction}",
)


def as_program(example: WorkedExample) -> Demonstration | None:
    """Show a question and the program that answers it; return None without a program."""
    return (
        Demonstration(f"{example.question}\n\n{ASK}", f"```python\n{example.program}\n```") if example.program else None
    )


@technique(
    title="Program of thoughts",
    authors="Chen et al.",
    year=2022,
    arxiv="2211.12588",
    calls="1 + o if repairs == 0 else 1 + r + o",
    rounds="1 + o if repairs == 0 else 1 + r + o",
    counts="o: 1 if the closest option or the second stage is asked for, else 0; r: repairs",
    kinds=COMPUTED,
    default_kinds=(*SHIPPED_KINDS, Items),
    requires=("interpreter", "demonstrations if shots > 0"),
    use_when="the question is mainly arithmetic: models set calculations up better than they carry them out "
    "(code-davinci-002, GSM8K: 71.6, few-shot)",
    avoid_when="the answer needs knowledge or reading more than calculation, or is open text: a program only computes; "
    "or no suitable demonstrations exist: zero-shot is much worse (GSM8K: 56.9; arXiv 2211.12588)",
    aliases=("pot",),
    version=2,
)
class ProgramOfThoughts(Strategy):
    r"""Write a program, run it, and read the variable `ans`.

    The default is few-shot: straight-line code with one meaningful variable per quantity. `shots=0`
    is the paper's zero-shot form, a function `solver()` that returns the answer; a chat model
    writes all of it, without a logit bias against comments. If the named result is missing, the
    printed output is read, then the last assigned variable: small models forget the name they were
    given. Names that the papers had in scope (`math`, `solve_it`, …) are imported where they are
    used. A program that the interpreter cannot run gives `Unparsed` with the reason. A result of 0
    is an answer.

    `self_consistency(program_of_thoughts, samples=40, temperature=0.4)` is the paper's vote over
    executed values.

    Args:
        repairs: maximum number of times that a failing program is sent back with its error; 0 in
            the paper.
        second_stage: when a chain of thought continues from the result: "needed" if the kind cannot
            parse the result or it has several values, "always", or "never"; with "never" a choice
            asks for the closest option.
        option_tokens: maximum tokens of the reply that names the option closest to a result.

    Source:
        Chen et al. (2022), "Program of Thoughts Prompting: Disentangling Computation from Reasoning
        for Numerical Reasoning Tasks", arXiv 2211.12588.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> llm = ScriptedLLM(["total = 3 * 8\nans = total - 4"])
        >>> problem = Problem("A box holds 8 pens. Ann buys 3 and loses 4 pens. How many are left?", kinds.Number())
        >>> strategies.ProgramOfThoughts().run(problem, llm).value
        20
    """

    shots: int = 4
    repairs: int = 0
    second_stage: Literal["never", "needed", "always"] = "never"
    demonstrations: DemonstrationSource = None
    option_tokens: int = OPTION_TOKENS
    few_shot: Prompt = FEW_SHOT
    zero_shot: Prompt = ZERO_SHOT
    closest: Prompt = CLOSEST
    repair: Prompt = REPAIR
    conclude: Prompt = CONCLUDE

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, repairs=0, option_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2 + self.repairs

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        prompt = with_examples(self.few_shot, problem, self.shots, as_program, self.demonstrations)
        names = ("ans", "solver()") if prompt.examples else ("solver()", "ans")
        turns = (prompt if prompt.examples else self.zero_shot).render(problem)
        ran = await write_and_run(session, turns, (*names, *FALLBACK), repairs=self.repairs, repair=self.repair)
        if ran.error is None and (self.second_stage == "always" or self._needs_more(problem, ran)):
            with session.stage("second stage"):
                reply = await session.ask(self.conclude.render(problem, result=ran.value))
            return replace(problem.parse(reply), text=f"{ran.text}\n\n{reply.text}")
        return await answer_from_run(problem, ran, session, self.closest, self.option_tokens)

    def _needs_more(self, problem: Problem, ran: ProgramRun) -> bool:
        value = read_result(problem.kind, ran)
        multiple = isinstance(ran.value, list | dict) and len(ran.value) > 1 and not isinstance(problem.kind, Items)
        return self.second_stage == "needed" and (multiple or value is None)
