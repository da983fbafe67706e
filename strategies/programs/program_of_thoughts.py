"""Program of thoughts: the model writes a program, an interpreter computes (Chen et al. 2022, arXiv 2211.12588)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategy import Strategy, technique
from reasoning.tools.execution import Source
from reasoning.tools.program import program
from strategies.demonstrations import Worked, with_examples

ASK = "# Python code that computes the answer and assigns it to the variable ans"
AFTER_THE_CODE = "\n```\n\n"
"""Where the fence has been closed and prose would follow: chat models like to explain their program."""
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
CLOSEST = Prompt(input="{problem}\n\nA calculation gave: {result}\nWhich option is closest to it?", recap="{direct}")


def as_program(worked: Worked) -> Demonstration:
    """A question and the program that answers it."""
    return Demonstration(f"{worked.question}\n\n{ASK}", f"```python\n{worked.program}\n```")


@technique(
    title="Program of thoughts",
    authors="Chen et al.",
    year=2022,
    arxiv="2211.12588",
    calls="1 + o",
    counts="o: 1 where an option must be found for a result that equals none of them, else 0",
    ranges={"o": (0, 1)},
    serves=(Number, Choice, YesNo, Text),
    needs=("interpreter", "demonstrations if shots > 0"),
    use_when="the question is arithmetic at heart: models set calculations up better than they carry them out "
    "(code-davinci-002, GSM8K: 71.6, few-shot)",
    avoid_when="the answer needs knowledge or reading more than calculation, or is open text",
    aliases=("pot",),
)
class ProgramOfThoughts(Strategy):
    """Write a program, run it, read the variable `ans`.

    Few-shot by default: straight-line code with one meaningful variable for each quantity. `shots=0` is the paper's
    zero-shot form: a function `solver()` that returns the answer (a chat model writes it whole, rather than continuing
    an opened one, and needs no logit bias against comments). Where the named result is missing, what was printed is
    read, then the variable that was assigned last: small models forget the name that they were told. Programs run in
    the interpreter, never in this process; what it cannot run is `Unparsed` with the reason. A result of 0 is an
    answer.
    """

    shots: int = 4
    few_shot: Prompt = FEW_SHOT
    zero_shot: Prompt = ZERO_SHOT
    closest: Prompt = CLOSEST

    def __post_init__(self) -> None:
        self.check_parameters(shots=0)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        with session.stage("write"):
            if self.shots or self.few_shot.examples:
                prompt = with_examples(self.few_shot, problem, self.shots, as_program)
            else:
                prompt = self.zero_shot
            reply = await session.ask(prompt.for_(problem), stop=[AFTER_THE_CODE])
        code = program(reply.text)
        if code is None:
            return Unparsed("the reply holds no program", text=reply.text)
        with session.stage("run"):
            named = "ans" if self.shots or self.few_shot.examples else "solver()"
            ran = await session.tools.interpreter.arun(code, result=(named, "ans", Source.PRINTED, Source.ASSIGNED))
            session.note(f"{code}\n→ {ran.value!r}" if ran.error is None else f"{code}\n→ {ran.error}")
        if ran.error is not None:
            return Unparsed(f"the program failed: {ran.error}", text=reply.text)
        return await self._answer(problem, ran.value, reply.text, session)

    async def _answer(self, problem: Problem, result: Any, text: str, session: Session) -> Answer:
        value = None if result is None else problem.kind.parse(_shown(result))
        if value is not None:
            return Answered(value, how="program", text=text)
        if isinstance(problem.kind, Choice) and result is not None:
            with session.stage("closest option"):
                turns = self.closest.for_(problem, result=result)
                chosen = problem.read(await session.ask(turns, temperature=0, max_tokens=32))
            return replace(chosen, text=text)
        return Unparsed(f"the program's result {result!r} is no answer of the kind {problem.kind!r}", text=text)


def _shown(result: Any) -> str:
    """A program's result as a text that a kind can read; of several values the first."""
    if isinstance(result, dict) and result:
        result = next(iter(result.values()))
    if isinstance(result, list | tuple) and result:
        result = result[0]
    return str(int(result)) if isinstance(result, float) and result.is_integer() else str(result)
