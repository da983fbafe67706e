"""Symbolic tasks, generated from a seed, so that no model has memorised them.

Last letters and coin flips are from Wei et al. 2022 (arXiv 2201.11903, §5), piles of bricks are the brick
world of Hu et al. 2023 (arXiv 2305.10276, §3).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from reasoning.benchmarks.tasks.task import BY_KIND, GENERATED
from reasoning.kinds import Items, Kind, Text, YesNo
from reasoning.problem import Example, Problem

_FIRST = (
    *("Amara", "Bruno", "Chidi", "Dalia", "Emil", "Farah", "Goran", "Hanna", "Ivo", "Jarek", "Keiko", "Liora"),
    *("Mateo", "Nadia", "Oskar", "Pilar", "Quinn", "Rashid", "Sofia", "Tomas", "Uma", "Viktor", "Wanda", "Yusuf"),
)
_LAST = (
    *("Abbott", "Bergman", "Castro", "Dvorak", "Eriksen", "Fontaine", "Garcia", "Hussein", "Ishikawa", "Jansen"),
    *("Kovacs", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quigley", "Romano", "Schmidt", "Tanaka"),
)
_COLOURS = ("red", "blue", "green", "yellow", "white", "black", "purple", "orange", "brown", "pink", "grey", "silver")


@dataclass(frozen=True)
class Symbolic:
    """A generated task.

    Attributes:
        name: the name of the task.
        answers: the kind of its answers.
        make: returns question and answer, given a random generator.
    """

    name: str
    answers: Kind
    make: Callable[[random.Random], tuple[str, str]]

    seeded = True
    size = math.inf
    split = ""
    scorer = BY_KIND
    source = "generated from a seed"
    licence = "Apache-2.0"
    canary = ""
    contamination = f"{GENERATED}; such tasks are public since 2022"

    @property
    def kind(self) -> str:
        return self.answers.name

    def version(self) -> str:
        return "1"

    def load(self, limit: int, seed: int) -> list[Example]:
        return [self._example(number, seed) for number in range(1, limit + 1)]

    def _example(self, number: int, seed: int) -> Example:
        question, answer = self.make(random.Random(f"{self.name} {seed} {number}"))
        return Example(Problem(question, self.answers, id=f"{self.name}-{seed}-{number:04d}"), answer)


def _last_letters(chance: random.Random, words: int = 4) -> tuple[str, str]:
    names = chance.sample(_FIRST + _LAST, words)
    question = f'Join the last letters of the words of "{" ".join(names)}", in their order, into one word.'
    return question, "".join(name[-1] for name in names)


def _coin_flip(chance: random.Random, people: int = 4) -> tuple[str, str]:
    flips = [chance.random() < 0.5 for _ in range(people)]
    statements = [
        f"{name} {'turns it over' if flip else 'leaves it as it is'}."
        for name, flip in zip(chance.sample(_FIRST, people), flips, strict=True)
    ]
    question = f"A coin lies heads up. {' '.join(statements)} Does the coin lie heads up now?"
    return question, "no" if sum(flips) % 2 else "yes"


def _bricks(chance: random.Random, bricks: int = 6) -> tuple[str, str]:
    # The pile begins at the bottom.
    pile = chance.sample(_COLOURS, bricks)
    statements = [f"The {above} brick lies on the {below} brick." for below, above in pairwise(pile)]
    wanted = chance.randrange(bricks - 2)
    question = (
        f"{' '.join(chance.sample(statements, len(statements)))} You want the {pile[wanted]} brick. "
        "Which bricks must you lift off first, the topmost first? Give their colours."
    )
    return question, ", ".join(pile[:wanted:-1])


LAST_LETTERS = Symbolic("last_letters", Text(), _last_letters)
"""Join the last letters of four names; the paper's out-of-domain length."""
COIN_FLIP = Symbolic("coin_flip", YesNo(), _coin_flip)
"""Decide whether a coin lies heads up after four people; the paper's out-of-domain length."""
BRICKS = Symbolic("bricks", Items(sep=","), _bricks)
"""List the bricks on top of a wanted one in a pile of six; told in any order, as in the paper's harder setting."""
