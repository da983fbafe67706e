"""The game of 24: make 24 from four numbers, each used once. All solvable puzzles are generated here."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, combinations_with_replacement, islice

from reasoning.kinds import Calculation
from reasoning.problem import Example, Problem

HIGHEST = 13
GOAL = Fraction(24)
QUESTION = "Use the numbers {numbers}, each exactly once, with + - * / and parentheses, to make 24."

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Game24:
    """The 1,362 solvable quadruples of 1 to 13, in an order from the seed.

    The target is one solution; any expression that uses the same numbers and equals 24 is right. The
    quadruples are those of the data set of Yao et al. 2023 (arXiv 2305.10601, §4.1), which sorts them by
    difficulty for people and takes numbers 901 to 1,000. The difficulty is not known here, so those
    hundred cannot be selected; a file of them can be used as `jsonl:FILE`.
    """

    name = "game24"
    split = ""
    kind = Calculation.name
    scorer = "any expression that uses each number once and equals 24"
    source = "all quadruples of 1 to 13 that make 24"
    licence = "Apache-2.0"
    canary = ""
    contamination = (
        "the same 1,362 puzzles whatever the seed; puzzles and solutions are public, so models may have seen them"
    )
    seeded = True
    size = 1362

    def version(self) -> str:
        return f"quadruples of 1 to {HIGHEST}, 1"

    def load(self, limit: int, seed: int) -> list[Example]:
        return list(islice(_examples(seed), limit))


GAME24 = Game24()


def _examples(seed: int) -> Iterator[Example]:
    quadruples = list(combinations_with_replacement(range(1, HIGHEST + 1), 4))
    random.Random(f"game24 {seed}").shuffle(quadruples)
    for numbers in quadruples:
        if (target := solution(numbers)) is not None:
            *first, last = map(str, numbers)
            question = QUESTION.format(numbers=f"{', '.join(first)} and {last}")
            inputs = {"numbers": " ".join(map(str, numbers))}
            name = f"game24-{'-'.join(map(str, numbers))}"
            yield Example(Problem(question, Calculation(), inputs=inputs, id=name), target)


def solution(numbers: Numbers, goal: Fraction = GOAL) -> str | None:
    """Return an expression that uses each number once and equals the goal exactly; None without a solution."""
    for left, right in _partitions(tuple(sorted(numbers))):
        expressions = _reachable(right)
        for a, first in _reachable(left).items():
            wanted = {"+": goal - a, "-": a - goal, "*": goal / a if a else None, "/": a / goal if a else None}
            for sign, b in wanted.items():
                if b in expressions:
                    return f"{first} {sign} {expressions[b]}"
    return None


@cache
def _reachable(numbers: Numbers) -> dict[Fraction, str]:
    """Return every value that the numbers can make, with an expression for it."""
    if len(numbers) == 1:
        return {Fraction(numbers[0]): str(numbers[0])}
    expressions: dict[Fraction, str] = {}
    for left, right in _partitions(numbers):
        for a, first in _reachable(left).items():
            for b, second in _reachable(right).items():
                expressions.setdefault(a + b, f"({first} + {second})")
                expressions.setdefault(a * b, f"({first} * {second})")
                expressions.setdefault(a - b, f"({first} - {second})")
                if b:
                    expressions.setdefault(a / b, f"({first} / {second})")
    return expressions


@cache
def _partitions(numbers: Numbers) -> list[tuple[Numbers, Numbers]]:
    """Return the ways to split numbers into two groups, in both orders."""
    indices = range(len(numbers))
    parts = [set(part) for size in range(1, len(numbers)) for part in combinations(indices, size)]
    split = [
        (tuple(numbers[i] for i in indices if i in part), tuple(numbers[i] for i in indices if i not in part))
        for part in parts
    ]
    return list(dict.fromkeys(split))
