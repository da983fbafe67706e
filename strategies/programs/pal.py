"""Program-aided language models: the reasoning is a function, its return value the answer (Gao et al. 2022)."""

from __future__ import annotations

import textwrap

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


def as_function(example: WorkedExample) -> Demonstration | None:
    """Show a question and the function that returns its answer; return None without a program."""
    if not example.program:
        return None
    *body, last = example.program.strip().splitlines()
    end = [f"return {last.removeprefix('ans = ')}"] if last.startswith("ans = ") else [last, "return ans"]
    docstring = example.question.partition("\n")[0].replace("\\", "").replace('"', "'")
    function_body = textwrap.indent("\n".join([f'"""{docstring}"""', *body, *end]), "    ")
    return Demonstration(f"{example.question}\n\n{ASK}", f"```python\ndef solution():\n{function_body}\n```")


@technique(
    name="pal",
    title="Program-aided language models",
    authors="Gao et al.",
    year=2022,
    arxiv="2211.10435",
    calls="1 + o if repairs == 0 else 1 + r + o",
    rounds="1 + o if repairs == 0 else 1 + r + o",
    counts="o: 1 if the closest option is asked for, else 0; r: repairs",
    kinds=COMPUTED,
    default_kinds=(*SHIPPED_KINDS, Items),
    requires=("interpreter", "demonstrations if shots > 0"),
    use_when="the steps are simple but the numbers are not (GSM-hard: 20.1 with chain of thought, 61.5 with PAL; "
    "code-davinci-002), or things must be counted, sorted or dated (object counting: 73.0 -> 96.7)",
    avoid_when="the model writes poor code (text-davinci-001 does better with chain of thought), or the answer needs "
    "knowledge or reading more than calculation",
    aliases=("program_aided",),
    version=2,
)
class PAL(Strategy):
    r"""Write a function `solution()`, run it, and parse its return value.

    The steps are as small as in a chain of thought, in code with meaningful names; the model
    computes nothing itself. If a chat model writes no such function, the result is read from the
    variables `answer` and `ans`, then from the last printed or assigned value.
    `self_consistency(pal, samples=40)` is the paper's majority over executed values. A list or a set
    that the function returns answers a list of items.

    Args:
        shots: number of demonstrations; 8 in the paper for word problems.
        repairs: maximum number of times that a failing program is sent back with its error; 0 in
            the paper.
        option_tokens: maximum tokens of the reply that names the option closest to a result.

    Source:
        Gao et al. (2022), "PAL: Program-aided Language Models", arXiv 2211.10435.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> llm = ScriptedLLM(["def solution():\n    pens = 3 * 8\n    return pens - 4"])
        >>> problem = Problem("A box holds 8 pens. Ann buys 3 and loses 4 pens. How many are left?", kinds.Number())
        >>> strategies.PAL().run(problem, llm).value
        20
    """

    shots: int = 8
    repairs: int = 0
    demonstrations: DemonstrationSource = None
    option_tokens: int = OPTION_TOKENS
    write: Prompt = WRITE
    closest: Prompt = CLOSEST
    repair: Prompt = REPAIR

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, repairs=0, option_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2 + self.repairs

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        prompt = with_examples(self.write, problem, self.shots, as_function, self.demonstrations)
        ran = await write_and_run(session, prompt.render(problem), RESULTS, repairs=self.repairs, repair=self.repair)
        return await answer_from_run(problem, ran, session, self.closest, self.option_tokens)
