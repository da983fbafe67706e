"""The search task for the game of 24 (Yao et al. 2023): a thought is an equation between two of the numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, NamedTuple

from reasoning.answer import Answered, Unparsed
from reasoning.errors import UsageError
from reasoning.kinds import Calculation
from reasoning.kinds.arithmetic import evaluate
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.search.equations import format_numbers, parse_equation
from reasoning.strategies.search.search_task import SearchTask, parse_label

STEP = Prompt(
    objective="Combine numbers, two of them at a time, by + - * or /, until one is left. It should be 24.",
    output_format="Possible next steps, one a line, each with the numbers that are there after it.",
    examples=(
        Demonstration(
            "Numbers: 3 5 7 12\nPossible next steps:",
            "3 + 5 = 8 (left: 7 8 12)\n12 - 7 = 5 (left: 3 5 5)\n7 - 5 = 2 (left: 2 3 12)\n"
            "3 * 7 = 21 (left: 5 12 21)\n12 / 3 = 4 (left: 4 5 7)\n3 * 12 = 36 (left: 5 7 36)\n"
            "12 - 5 = 7 (left: 3 7 7)\n5 * 7 = 35 (left: 3 12 35)\n5 + 7 = 12 (left: 3 12 12)",
        ),
    ),
    input="Numbers: {left}\nPossible next steps:",
)
ANSWER = Prompt(
    objective="Write the steps of a calculation as one expression, with each of the given numbers exactly once.",
    examples=(
        Demonstration(
            "Numbers: 2 6 7 11\nSteps:\n11 - 7 = 4 (left: 2 4 6)\n2 * 6 = 12 (left: 4 12)\n4 + 12 = 16 (left: 16)",
            "The answer is (11 - 7) + (2 * 6)",
        ),
        Demonstration(
            "Numbers: 1 3 5 12\nSteps:\n5 - 3 = 2 (left: 1 2 12)\n1 * 2 = 2 (left: 2 12)\n2 * 12 = 24 (left: 24)",
            "The answer is (5 - 3) * 1 * 12",
        ),
    ),
    input="Numbers: {numbers}\nSteps:\n{steps}",
)
RATE = Prompt(
    objective="Judge whether numbers, each used exactly once with + - * / and parentheses, can reach 24.",
    output_format="A few attempts, then on the last line one word: sure, likely or impossible. Likely means that none "
    "was found, but the numbers are of the right size.",
    examples=(
        Demonstration("8 16", "8 + 16 = 24\nsure"),
        Demonstration(
            "7 13", "7 + 13 = 20\n13 - 7 = 6\n7 * 13 = 91\nNone is 24, and no other way is left.\nimpossible"
        ),
        Demonstration("3 5 9", "3 * 5 + 9 = 15 + 9 = 24\nsure"),
        Demonstration("6 7 9", "6 + 7 + 9 = 22\n(9 - 7) * 6 = 12\n6 * 7 - 9 = 33\nThe size is right.\nlikely"),
        Demonstration("12 12 13", "12 + 12 + 13 = 37\n13 - 12 + 12 = 13\n12 * 13 is far too big.\nimpossible"),
        Demonstration("24", "24 is there, and nothing is left.\nsure"),
        Demonstration("9", "Only 9 is left, and it is not 24.\nimpossible"),
        Demonstration("1 2 4", "(1 + 2) * 4 = 12\n1 + 2 * 4 = 9\nAll of them are too small.\nimpossible"),
    ),
    input="{left}",
)
REVIEW = Prompt(
    objective="Check an answer: does it use each number exactly once and no other, and is its value 24?",
    output_format="The check, then on the last line one word: sure or impossible.",
    examples=(
        Demonstration("Numbers: 3 5 9 1\nAnswer: 3 * 5 + 9 * 1", "3, 5, 9 and 1 are there once. 15 + 9 = 24.\nsure"),
        Demonstration("Numbers: 2 2 6 8\nAnswer: 6 * 8 / 2", "One 2 is missing.\nimpossible"),
        Demonstration("Numbers: 4 5 5 7\nAnswer: 4 * 5 + 7 - 5", "All are there. 20 + 7 - 5 = 22.\nimpossible"),
    ),
    input="Numbers: {numbers}\nAnswer: {answer}",
)

GOAL = Fraction(24)
VERDICT_VALUES = {"sure": 20.0, "likely": 1.0, "impossible": 0.001}

_NUMBER_LIST = re.compile(r"\d{1,4}(?:[\s,;]{1,4}\d{1,4}){1,9}")


class GameState(NamedTuple):
    """A state: the equations so far, the remaining numbers, and at the end the whole expression."""

    steps: tuple[str, ...]
    left: tuple[Fraction, ...]
    answer: str = ""


@dataclass(frozen=True, repr=False)
class Game24(SearchTask[GameState]):
    """Make 24 from four numbers: three equations, then the expression that combines them.

    The numbers are the problem's input `numbers`, or else its question. An equation counts if it
    uses two of the remaining numbers and is right; its result may be rounded but is kept exact. The
    remaining numbers are computed here, whatever the reply says, and `5 + 4` equals `4 + 5`. All
    arithmetic uses fractions.
    """

    name: ClassVar[str] = "game24"
    step: Prompt = STEP
    expression: Prompt = ANSWER
    rate: Prompt = RATE
    review: Prompt = REVIEW

    def fits(self, problem: Problem) -> bool:
        return isinstance(problem.kind, Calculation) and len(_numbers(problem)) > 1

    def start(self, problem: Problem) -> GameState:
        if len(numbers := _numbers(problem)) < 2:
            raise UsageError(
                f"game24 needs at least two numbers, got {problem.question[:80]!r}; "
                "give them as Problem(…, inputs={'numbers': '4 5 6 10'})"
            )
        return GameState((), numbers)

    def propose(self, problem: Problem, state: GameState) -> Conversation | None:
        if state.left == (GOAL,):
            return self.expression.render(
                problem, numbers=format_numbers(_numbers(problem)), steps="\n".join(state.steps)
            )
        return self.step.render(problem, left=format_numbers(state.left)) if len(state.left) > 1 else None

    def parse_proposals(self, problem: Problem, state: GameState, replies: Sequence[str]) -> list[GameState]:
        if state.left == (GOAL,):
            answers = (Calculation().parse(reply) for reply in replies)
            return [state._replace(answer=answer) for answer in answers if answer]
        equations = [parse_equation(line, state.left) for reply in replies for line in reply.splitlines()]
        return [GameState((*state.steps, equation.text), equation.left) for equation in equations if equation]

    def judge(self, problem: Problem, state: GameState) -> Sequence[Conversation]:
        if state.answer:
            numbers = format_numbers(_numbers(problem))
            return [self.review.render(problem, numbers=numbers, answer=state.answer)]
        return [self.rate.render(problem, left=format_numbers(state.left))]

    def value(self, replies: Sequence[str]) -> float:
        return sum(VERDICT_VALUES.get(parse_label(reply, tuple(VERDICT_VALUES)) or "", 0.0) for reply in replies)

    def is_finished(self, problem: Problem, state: GameState) -> bool:
        return bool(state.answer)

    def show(self, problem: Problem, state: GameState) -> str:
        return "\n".join([*state.steps, f"The answer is {state.answer}"] if state.answer else state.steps)

    def answer_of(self, problem: Problem, state: GameState) -> Answered | Unparsed:
        if not state.answer:
            return Unparsed("the equations were not combined into an expression", text=self.show(problem, state))
        return super().answer_of(problem, state)

    def is_right(self, problem: Problem, answer: Answered) -> bool:
        """Return whether the expression is exactly 24 and uses each number once."""
        evaluated = evaluate(str(answer.value))
        return (
            evaluated is not None and evaluated.value == GOAL and sorted(evaluated.numbers) == sorted(_numbers(problem))
        )


def _numbers(problem: Problem) -> tuple[Fraction, ...]:
    text = problem.inputs.get("numbers", problem.question).strip()
    return tuple(map(Fraction, re.findall(r"\d+", text))) if _NUMBER_LIST.fullmatch(text) else ()
