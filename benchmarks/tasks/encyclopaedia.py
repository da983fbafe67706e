"""A task of questions that are answered from the pages of a generated encyclopaedia, and from nothing else.

The questions are of the kinds of HotpotQA (Yang et al. 2018, arXiv 1809.09600): bridges and comparisons.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from reasoning.benchmarks.tasks.encyclopaedia_pages import write_pages
from reasoning.benchmarks.tasks.encyclopaedia_questions import Question, ask
from reasoning.benchmarks.tasks.encyclopaedia_world import PAGES, World, make_world
from reasoning.benchmarks.tasks.task import BY_KIND, GENERATED
from reasoning.errors import UnknownName
from reasoning.problem import AnyOf, Example, Problem
from reasoning.retrieval import Corpus

QUESTIONS = 60
"""The questions about one encyclopaedia; the next ones are about another."""
_HOPS = {"easy": "one hop", "medium": "two hops", "hard": "two hops with comparisons, exceptions, ambiguous names"}


@dataclass(frozen=True)
class Encyclopaedia:
    """Questions about invented rivers, towns, people, works, companies and buildings.

    No model can know the answers, and no question contains its answer: they are found in the pages of the problem's
    corpus, which has 120, 200 or 300 of them, a quarter with names that resemble those of others. A baseline that
    does not search can only guess: at yes or no, and at one of four options.

    The levels are splits. "easy" asks for a fact of one page; "medium" for a fact of a page that another page names;
    "hard" compares two such facts, asks which of four leads elsewhere, or begins at a name that two things have.

    Attributes:
        split: "easy", "medium" or "hard".
    """

    split: str = "medium"

    name = "encyclopaedia"
    kind = "text, yesno, choice"
    scorer = f"{BY_KIND}; any of several accepted answers"
    licence = "Apache-2.0"
    canary = ""
    contamination = GENERATED
    seeded = True
    size = math.inf

    splits = tuple(_HOPS)

    @property
    def source(self) -> str:
        return f"generated from a seed: {_HOPS[self.split]} over {PAGES[self.split]} invented pages to search in"

    def with_split(self, split: str) -> Encyclopaedia:
        """Return the task with another level.

        Raises:
            UnknownName: there is no such level.
        """
        if split not in self.splits:
            raise UnknownName("split", split, self.splits, f"of {self.name}")
        return replace(self, split=split)

    def version(self) -> str:
        return "1"

    def load(self, limit: int, seed: int) -> list[Example]:
        examples: list[Example] = []
        for number in range(math.ceil(limit / QUESTIONS)):
            corpus, questions = encyclopaedia(self.split, seed, number)
            examples += [
                _example(question, corpus, f"encyclopaedia-{self.split}-{seed}-{number * QUESTIONS + index:04d}")
                for index, question in enumerate(questions, 1)
            ]
        return examples[:limit]


ENCYCLOPAEDIA = Encyclopaedia()


@lru_cache(maxsize=8)
def encyclopaedia(level: str, seed: int, number: int = 0) -> tuple[Corpus, list[Question]]:
    """Return an encyclopaedia and the questions about it.

    Args:
        level: the level of the task.
        seed: the seed.
        number: the number of the encyclopaedia of that seed, from 0.
    """
    chance = random.Random(f"encyclopaedia {level} {seed} {number}")
    world: World = make_world(level, chance)
    corpus = Corpus(f"encyclopaedia {level}-{seed}-{number}", write_pages(world, chance))
    return corpus, list(islice(ask(world, level, chance), QUESTIONS))


def _example(question: Question, corpus: Corpus, name: str) -> Example:
    problem = Problem(question.text, question.kind, id=name, corpus=corpus)
    [first, *others] = question.answers
    return Example(problem, AnyOf(question.answers) if others else first)
