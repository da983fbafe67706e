"""MathPrompter: a formula and a function must agree on random numbers (Imani et al. 2023, arXiv 2303.05398)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Unparsed
from reasoning.branches import gather
from reasoning.kinds import Choice, Number, YesNo
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.sandbox.execution import PlainData
from reasoning.session import Session
from reasoning.strategies.programs.implicit_imports import add_imports
from reasoning.strategies.programs.number_template import NumberTemplate, parse_formula, parse_function, same_result
from reasoning.strategies.programs.program_run import CLOSEST, ProgramRun, answer_from_run, format_result
from reasoning.strategy import Strategy, technique
from reasoning.voting import majority

ALGEBRA = Prompt(
    objective="Find the formula that answers a problem. Variables stand for the numbers in it.",
    input="{template}\n\nThe variables are {names}.",
    recap="Write the answer, {wanted}, as one expression of these variables in Python's notation, on one line that "
    "starts with 'Answer ='.",
)
PYTHON = Prompt(
    objective="Solve a problem with a Python function. Variables stand for the numbers in it.",
    input="{template}",
    recap="Write a Python function solution({names}) that returns the answer, {wanted}. Reply with the code only.",
)


@technique(
    name="math_prompter",
    title="MathPrompter",
    authors="Imani et al.",
    year=2023,
    arxiv="2303.05398",
    calls="2 * repeats * w + o",
    rounds="w + o",
    counts="w: rounds until there is a consensus (none where the question has no numbers); o: 1 where an option must "
    "be found for a result that equals none of them, else 0",
    kinds=(Number, Choice, YesNo),
    requires=("interpreter", "sampling"),
    use_when="a wrong answer costs more than none: it abstains where two ways of solving do not agree (SVAMP, one "
    "repeat, gpt-3.5-turbo: 63.9 right and 10.9 wrong, the rest abstained)",
    avoid_when="every question must get an answer, ten completions are too many, or the question has no numbers that "
    "could be others",
    aliases=("mathprompter",),
)
class MathPrompter(Strategy):
    """Solve a template twice, as a formula and as a function, and trust what agrees on random numbers.

    The numbers of the question become variables, by rule. In each of `repeats` the model writes a formula and a
    function, independently; both are evaluated in the interpreter on `draws` sets of random values, and accepted where
    all results agree. The accepted results for the question's own numbers vote. Where no result has more votes than any
    other, and two at least, another round is drawn; after `rounds` it abstains, with the votes. Programs that fail are
    not repaired: the other repeats take their place. The confidence is the winner's share of all repeats.

    Args:
        repeats: about 5 in the paper.
        rounds: at most; the paper goes on until there is a consensus.
        draws: random sets of values on which a pair must agree; a set on which one of them fails is drawn again.
    """

    repeats: int = 5
    rounds: int = 2
    draws: int = 5
    temperature: float = 0.7
    algebra: Prompt = ALGEBRA
    python: Prompt = PYTHON
    closest: Prompt = CLOSEST

    def __post_init__(self) -> None:
        self.check_parameters(repeats=1, rounds=1, draws=1, temperature=0)

    def calls_range(self) -> tuple[int, int]:
        return 0, 2 * self.repeats * self.rounds + 1

    def rounds_range(self) -> tuple[int, int]:
        return 0, self.rounds + 1

    async def solve(self, problem: Problem, session: Session) -> Answer:
        template = NumberTemplate.from_question(problem.values()["question_only"])
        if not template.values:
            return Unparsed("the question has no numbers for which others could stand")
        yes_no = isinstance(problem.kind, YesNo)
        judge, wanted = (problem.kind, "a comparison") if yes_no else (Number(), "a number")
        values = {"template": template.text, "names": template.names, "wanted": wanted}
        prompts = [prompt.render(problem, **values) for prompt in (self.algebra, self.python)]
        pairs: list[tuple[str, str]] = []
        results: list[PlainData] = []
        for number in range(1, self.rounds + 1):
            with session.stage(f"round {number}"):
                said = await gather(
                    [session.sample(turns, self.repeats, temperature=self.temperature) for turns in prompts]
                )
                drawn = [(formula.text, function.text) for formula, function in zip(*said, strict=True)]
                checked = await gather([self._accepted(template, *pair, session) for pair in drawn])
            pairs += drawn
            results += [None if value is None else judge.parse(format_result(value)) for value in checked]
            found = majority(results, judge)
            if not found.tied and found.candidates and len(found.candidates[0].draws) >= min(2, self.repeats):
                break
        else:
            return Unparsed(f"no consensus among {len(results)} repeats: {found}", text=pairs[0][0], votes=found)
        text = "\n\n".join(pairs[found.candidates[0].representative])
        answer = await answer_from_run(problem, ProgramRun(text, value=found.value), session, self.closest)
        return replace(answer, confidence=len(found.candidates[0].draws) / len(results), votes=found)

    async def _accepted(self, template: NumberTemplate, formula: str, function: str, session: Session) -> PlainData:
        """The result for the question's own numbers, where formula and function agree on random ones; else None."""
        sets = [list(template.values.values()), *template.sample_values(2 * self.draws)]
        results = await gather(
            [
                _evaluated(code, sets, session)
                for code in (parse_formula(formula, template), parse_function(function, template))
            ]
        )
        if None in results:
            return None
        (value, other), *random = zip(*results, strict=True)
        defined = [pair for pair in random if None not in pair][: self.draws]
        agree = (
            value is not None
            and len(defined) == self.draws
            and all(same_result(*pair) for pair in [(value, other), *defined])
        )
        session.note(f"{value!r} by the formula, {other!r} by the function: {'' if agree else 'not '}accepted")
        return value if agree else None


async def _evaluated(code: str | None, sets: list[list[int | float]], session: Session) -> list[PlainData] | None:
    """The results of a program for each set of values; None where it fails as a whole."""
    if code is None:
        session.note("nothing that can be evaluated")
        return None
    code = add_imports(code)
    ran = await session.tools.interpreter.arun(code, inputs={"sets": [*map(list[PlainData], sets)]}, result="results")
    session.note(f"{code}→ {ran.error or ran.value}")
    return ran.value if isinstance(ran.value, list) and len(ran.value) == len(sets) else None
