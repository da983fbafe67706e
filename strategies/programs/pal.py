"""Program-aided language models: the reasoning is a function, and its value the answer (Gao et al. 2022)."""

from __future__ import annotations

import textwrap

from reasoning.answer import Answer
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.programs.program_run import (
    CLOSEST,
    COMPUTED,
    FALLBACK,
    REPAIR,
    answer_from_run,
    write_and_run,
)
from reasoning.strategy import Strategy, technique

ASK = "# solution in Python:"
WRITE = Prompt(
    objective="Solve each problem by writing a Python function solution() that returns the answer.",
    instructions="Write one step a line, and give each quantity a variable that says what it is. Let Python work "
    "everything out: do not put in a result that you have computed yourself.",
    output_format="Python code only: the function solution(), without parameters.",
    input="{problem}\n\n" + ASK,
)
RESULTS = ("solution()", "answer()", "answer", "ans", *FALLBACK)


def as_function(worked: WorkedExample) -> Demonstration | None:
    """A question, and the function that returns its answer, with the question as its docstring."""
    if not worked.program:
        return None
    *body, last = worked.program.strip().splitlines()
    end = [f"return {last.removeprefix('ans = ')}"] if last.startswith("ans = ") else [last, "return ans"]
    said = worked.question.partition("\n")[0].replace("\\", "").replace('"', "'")
    inside = textwrap.indent("\n".join([f'"""{said}"""', *body, *end]), "    ")
    return Demonstration(f"{worked.question}\n\n{ASK}", f"```python\ndef solution():\n{inside}\n```")


@technique(
    name="pal",
    title="Program-aided language models",
    authors="Gao et al.",
    year=2022,
    arxiv="2211.10435",
    calls="1 + o if repairs == 0 else 1 + r + o",
    rounds="1 + o if repairs == 0 else 1 + r + o",
    counts="o: 1 where an option must be found for a result that equals none of them, else 0; r: repairs",
    kinds=COMPUTED,
    requires=("interpreter", "demonstrations if shots > 0"),
    use_when="the steps are plain but the numbers are not (GSM-hard: 20.1 with chain of thought, 61.5 with it; "
    "code-davinci-002), or things must be counted, sorted or dated (object counting: 73.0 and 96.7)",
    avoid_when="the model writes poor code (text-davinci-001 does better with chain of thought), or the answer needs "
    "knowledge or reading more than calculation",
    aliases=("program_aided",),
)
class PAL(Strategy):
    """Write a function `solution()`, run it, read what it returns.

    The steps are as small as in a chain of thought, in code with names that speak; the model never works anything out.
    Where a chat model writes no such function, the variables `answer` and `ans` are read, then what was printed or
    assigned last. `self_consistency(pal, samples=40)` is the paper's majority over executed values.

    Args:
        shots: 8 in the paper for word problems.
        repairs: how often a program that fails is shown its error and written again; 0 in the paper.
    """

    shots: int = 8
    repairs: int = 0
    demonstrations: DemonstrationSource = None
    write: Prompt = WRITE
    closest: Prompt = CLOSEST
    repair: Prompt = REPAIR

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, repairs=0)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2 + self.repairs

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        prompt = with_examples(self.write, problem, self.shots, as_function, self.demonstrations)
        ran = await write_and_run(session, prompt.render(problem), RESULTS, repairs=self.repairs, repair=self.repair)
        return await answer_from_run(problem, ran, session, self.closest)
