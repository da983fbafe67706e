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
from reasoning.strategies.implicit_imports import add_imports
from reasoning.strategies.programs.number_template import NumberTemplate, parse_formula, parse_function, same_result
from reasoning.strategies.programs.program_run import CLOSEST, OPTION_TOKENS, ProgramRun, answer_from_run, format_result
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
    counts="w: rounds until there is a consensus (0 if the question has no numbers); o: 1 if the closest option is "
    "asked for, else 0",
    kinds=(Number, Choice, YesNo),
    requires=("interpreter", "sampling"),
    use_when="a wrong answer costs more than none: it abstains if two ways of solving disagree (SVAMP, one "
    "repeat, gpt-3.5-turbo: 63.9 right and 10.9 wrong, the rest abstained)",
    avoid_when="every question must get an answer, ten completions are too many, or the question has no numbers that "
    "could be varied",
    aliases=("mathprompter",),
    version=2,
)
class MathPrompter(Strategy):
    """Solve a template as a formula and as a function, and accept results that agree on random numbers.

    Rules turn the numbers of the question into variables v1, v2, … (A, B, … in the paper). In each
    of `repeats` the model writes a formula and a function, independently. Both are evaluated in the
    interpreter on `draws` sets of random values, and accepted if all results agree. The accepted
    results for the question's own numbers vote. If no result has more votes than every other one,
    and at least `min_votes`, another round is drawn. After `rounds` the technique abstains and
    reports the votes. Failing programs are not repaired: the other repeats take their place. The
    confidence is the winner's share of all repeats. The prompts are ours; the paper asks for a line
    that begins with "Answer =" and for a function that returns the answer, too.
    `formula.read_formula` says how the line is read.

    Args:
        repeats: pairs of formula and function per round; about 5 in the paper.
        rounds: maximum number of rounds; the paper continues until there is a consensus.
        draws: number of random sets of values on which a pair must agree. A set on which one of
            them fails is replaced.
        min_votes: votes that the winner needs, at most `repeats`. 1 is the paper's plurality: it
            answers more often, and also after a single accepted pair.
        option_tokens: maximum tokens of the reply that names the option closest to a result.

    Source:
        Imani et al. (2023), "MathPrompter: Mathematical Reasoning using Large Language Models",
        arXiv 2303.05398.
    """

    repeats: int = 5
    rounds: int = 2
    draws: int = 5
    min_votes: int = 2
    temperature: float = 0.7
    option_tokens: int = OPTION_TOKENS
    algebra: Prompt = ALGEBRA
    python: Prompt = PYTHON
    closest: Prompt = CLOSEST

    def __post_init__(self) -> None:
        self.check_parameters(repeats=1, rounds=1, draws=1, min_votes=1, temperature=0, option_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 0, 2 * self.repeats * self.rounds + 1

    def rounds_range(self) -> tuple[int, int]:
        return 0, self.rounds + 1

    async def solve(self, problem: Problem, session: Session) -> Answer:
        template = NumberTemplate.from_question(problem.values()["question_only"])
        if not template.values:
            return Unparsed("the question has no numbers that could be varied")
        yes_no = isinstance(problem.kind, YesNo)
        kind, wanted = (problem.kind, "a comparison") if yes_no else (Number(), "a number")
        values = {"template": template.text, "names": template.names, "wanted": wanted}
        prompts = [prompt.render(problem, **values) for prompt in (self.algebra, self.python)]
        pairs: list[tuple[str, str]] = []
        results: list[PlainData] = []
        for number in range(1, self.rounds + 1):
            with session.stage(f"round {number}"):
                replies = await gather(
                    [session.sample(turns, self.repeats, temperature=self.temperature) for turns in prompts]
                )
                round_pairs = [(formula.text, function.text) for formula, function in zip(*replies, strict=True)]
                accepted = await gather([self._accepted(template, *pair, session) for pair in round_pairs])
            pairs += round_pairs
            results += [None if value is None else kind.parse(format_result(value)) for value in accepted]
            consensus = majority(results, kind)
            if (
                not consensus.tied
                and consensus.candidates
                and len(consensus.candidates[0].draws) >= min(self.min_votes, self.repeats)
            ):
                break
        else:
            return Unparsed(
                f"no consensus among {len(results)} repeats: {consensus}", text=pairs[0][0], votes=consensus
            )
        text = "\n\n".join(pairs[consensus.candidates[0].representative])
        answer = await answer_from_run(
            problem, ProgramRun(text, value=consensus.value), session, self.closest, self.option_tokens
        )
        return replace(answer, confidence=len(consensus.candidates[0].draws) / len(results), votes=consensus)

    async def _accepted(self, template: NumberTemplate, formula: str, function: str, session: Session) -> PlainData:
        """Return the result for the question's own numbers if formula and function agree on random ones, else None."""
        sets = [list(template.values.values()), *template.sample_values(2 * self.draws)]
        results = await gather(
            [
                _evaluate(code, sets, session)
                for code in (parse_formula(formula, template), parse_function(function, template))
            ]
        )
        if None in results:
            return None
        (formula_value, function_value), *on_random_values = zip(*results, strict=True)
        defined = [pair for pair in on_random_values if None not in pair][: self.draws]
        agree = (
            formula_value is not None
            and len(defined) == self.draws
            and all(same_result(*pair) for pair in [(formula_value, function_value), *defined])
        )
        session.note(
            f"{formula_value!r} by the formula, {function_value!r} by the function: {'' if agree else 'not '}accepted"
        )
        return formula_value if agree else None


async def _evaluate(code: str | None, sets: list[list[int | float]], session: Session) -> list[PlainData] | None:
    """Return a program's result for each set of values, or None if it fails as a whole."""
    if code is None:
        session.note("no expression to evaluate")
        return None
    code = add_imports(code)
    ran = await session.tools.interpreter.arun(code, inputs={"sets": [*map(list[PlainData], sets)]}, result="results")
    session.note(f"{code}→ {ran.error or ran.value}")
    return ran.value if isinstance(ran.value, list) and len(ran.value) == len(sets) else None
