"""Chain of code: an interpreter runs the lines that it can, the model simulates the others (Li et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar, cast

from reasoning.answer import Answer
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.sandbox.execution import ExecutionResult, PlainData
from reasoning.session import Session
from reasoning.strategies.programs.delta_state import parse_condition, parse_delta_state, parse_iterable
from reasoning.strategies.programs.line_stepper import Header, Judge, LineStepper, Simulator, StepperError
from reasoning.strategies.programs.program_run import (
    CLOSEST,
    COMPUTED,
    OPTION_TOKENS,
    REPAIR,
    answer_from_run,
    write_and_run,
)
from reasoning.strategies.reply_parsing import continue_with
from reasoning.strategy import Strategy, technique

T = TypeVar("T")

ASK = "# Python program that sets answer"
_WORKED = {
    "How many of these can one eat raw: an apple, a stone, a carrot, a nail, a plum?": """
things = ["an apple", "a stone", "a carrot", "a nail", "a plum"]
count = 0
for thing in things:
    count += can_be_eaten_raw(thing)
answer = count
""",
    "A hall has 18 rows of 24 seats, and 5/8 of the seats are taken. How many are free?": """
seats = 18 * 24
taken = seats * 5 / 8
answer = seats - taken
""",
    "Ida wrote: 'Wonderful, the train is late again.' She wrote it in the month after February. Did she mean it as "
    "praise, and was it spring where she lives, in Norway?": """
sentence = "Wonderful, the train is late again."
months = ["January", "February", "March", "April"]
month = months[months.index("February") + 1]
praise = is_meant_as_praise(sentence)
spring = is_in_spring(month, "Norway")
answer = praise and spring
""",
}
WRITE = Prompt(
    objective="Answer a question by a Python program that sets the variable answer.",
    instructions="What Python can work out, write in Python: counting, calculating, dates, sorting, text. Where a step "
    "takes knowledge or judgement, call a function whose name says what it finds out, such as is_fruit(word), and do "
    "not define it: somebody will say what it returns. Put in no result that you have worked out yourself.",
    output_format="Python code only, one statement a line.",
    input="{problem}\n\n" + ASK,
    examples=tuple(Demonstration(f"{question}\n\n{ASK}", f"```python{code}```") for question, code in _WORKED.items()),
)
_SEEN = "{problem}\n\nThe program:\n{code}\n\nThe variables before the line:\n{state}\n\nThe line:\n{line}"
SIMULATE = Prompt(
    objective="Stand in for Python: say what one line of a program does that Python itself cannot run, because it "
    "takes knowledge or judgement.",
    output_format="One short sentence at most, then one line: delta state: D, where D is a Python dict of the "
    "variables that the line changes and their new values. If the line is the header of an if or a while, the only "
    "entry is its condition, with True or False; of a for, what it goes through, as a list.",
    input=_SEEN,
    examples=(
        Demonstration(
            _SEEN.format(
                problem="How many of these animals can fly: a dog, a gull?",
                code='count = 0\nfor animal in ["a dog", "a gull"]:\n    count += can_fly(animal)\nanswer = count',
                state="count = 0\nanimal = 'a gull'",
                line="count += can_fly(animal)",
            ),
            "delta state: {'count': 1}",
            "A gull can fly, so 1 is added.",
        ),
        Demonstration(
            _SEEN.format(
                problem="How many of these tools cut: a saw, a hammer?",
                code='count = 0\nfor tool in ["a saw", "a hammer"]:\n    if can_cut(tool):\n        count += 1\n'
                "answer = count",
                state="count = 1\ntool = 'a hammer'",
                line="if can_cut(tool):",
            ),
            "delta state: {'can_cut(tool)': False}",
            "A hammer drives nails and does not cut.",
        ),
        Demonstration(
            _SEEN.format(
                problem="Is the capital of Kenya spelled with seven letters?",
                code='city = capital_of("Kenya")\nanswer = len(city) == 7',
                state="(none)",
                line="city = capital_of('Kenya')",
            ),
            "delta state: {'city': 'Nairobi'}",
        ),
    ),
)
AGAIN = Prompt(input="That holds no dict that could be read. Write only the line: delta state: {…}")

AGAIN_HEADER = Prompt(
    input="That does not say what {expression} is. Write only the line: delta state: {…}, with {expression} as its "
    "only entry and {wanted} as the value."
)


@technique(
    name="chain_of_code",
    title="Chain of code",
    authors="Li et al.",
    year=2023,
    arxiv="2312.04474",
    calls="1 + l + o if repairs == 0 else 1 + r + l + o",
    rounds="1 + l + o if repairs == 0 else 1 + r + l + o",
    counts="l: simulated lines and headers, each one reply, or two if the first cannot be parsed; o: 1 if the closest "
    "option is asked for, else 0; r: repairs",
    kinds=COMPUTED,
    requires=("interpreter",),
    use_when="a question mixes calculation with knowledge or judgement: counting the fruits in a list, dates of known "
    "events (BIG-Bench Hard: 72 with chain of thought, 84 with it)",
    avoid_when="nothing can be computed: chain of thought is as good with one call; or everything can: then "
    "`program_of_thoughts` does the same",
    aliases=("coc",),
    version=2,
)
class ChainOfCode(Strategy):
    """Write a program that may call undefined functions; the model simulates the lines that cannot run.

    A line that fails in the interpreter, for any reason, goes to the model with the question, the
    program and the variables. The variables in its reply are set, and the interpreter continues.
    State and control flow stay in the interpreter: see `LineStepper`. Of the header of a branch or a
    loop the model says the value: see `delta_state.parse_condition`. An unreadable reply is asked
    for once more; then a line is left out, with a note in the trace, and a header ends the program,
    which is `Unparsed` with the reason. The prompts and the demonstrations are ours; the marker
    "delta state:" is the paper's. If the program sets no `answer`, the model is asked
    for it with the final state.

    Args:
        max_lines: maximum number of lines that the model simulates; each iteration of a loop
            counts.
        repairs: maximum number of times that a program that does not finish is sent back with the
            reason; 0 in the paper.
        option_tokens: maximum tokens of the reply that names the option closest to a result.

    Source:
        Li et al. (2023), "Chain of Code: Reasoning with a Language Model-Augmented Code Emulator",
        arXiv 2312.04474.
    """

    max_lines: int = 20
    repairs: int = 0
    option_tokens: int = OPTION_TOKENS
    write: Prompt = WRITE
    simulate: Prompt = SIMULATE
    again: Prompt = AGAIN
    again_header: Prompt = AGAIN_HEADER
    closest: Prompt = CLOSEST
    repair: Prompt = REPAIR

    def __post_init__(self) -> None:
        self.check_parameters(max_lines=0, repairs=0, option_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2 + self.repairs + 2 * self.max_lines * (self.repairs + 1)

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        async def run(code: str) -> ExecutionResult:
            stepper = LineStepper(session.tools.interpreter, *self._simulator(problem, code, session))
            try:
                await stepper.run(code)
                if (ran := await stepper.result("answer")).value is None:
                    await stepper.simulate("answer = ...  # what the question asks for")
                    ran = await stepper.result("answer")
            except StepperError as error:
                return ExecutionResult(error=str(error))
            return ran

        ran = await write_and_run(
            session, self.write.render(problem), (), repairs=self.repairs, repair=self.repair, run=run
        )
        return await answer_from_run(problem, ran, session, self.closest, self.option_tokens)

    def _simulator(self, problem: Problem, code: str, session: Session) -> tuple[Simulator, Judge]:
        """Return the functions that ask the model for the effect of a line and for the value of a header."""
        lines_left = self.max_lines

        async def ask(
            line: str, state: Mapping[str, str], parse: Callable[[str], T | None], again: Prompt, **values: str
        ) -> T | None:
            nonlocal lines_left
            lines_left -= 1
            if lines_left < 0:
                raise StepperError(
                    f"more than {self.max_lines} lines are none that Python can run, the next is: {line:.80}"
                )
            variables = "\n".join(f"{name} = {value}" for name, value in state.items()) or "(none)"
            turns = self.simulate.render(problem, code=code, state=variables, line=line)
            with session.stage(f"simulate {line}"):
                reply = (await session.ask(turns)).text
                if (parsed := parse(reply)) is None:
                    parsed = parse((await session.ask(continue_with(turns, reply, again, **values))).text)
                if parsed is None:
                    session.note(f"neither reply says what {line:.80} does")
            return parsed

        async def simulate_line(line: str, state: Mapping[str, str]) -> Mapping[str, PlainData]:
            return await ask(line, state, parse_delta_state, self.again) or {}

        async def judge(header: Header, state: Mapping[str, str]) -> PlainData:
            parse: Callable[..., bool | list[PlainData] | None] = parse_iterable if header.is_loop else parse_condition
            read = partial(parse, expression=header.expression)
            wanted = "a list" if header.is_loop else "True or False"
            value = await ask(header.line, state, read, self.again_header, expression=header.expression, wanted=wanted)
            if value is None:
                raise StepperError(f"the model does not say what {header.expression:.80} is, in: {header.line:.80}")
            return cast("PlainData", value)

        return simulate_line, judge
