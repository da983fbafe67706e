"""Which worked problems a prompt shows: from where, and how they are chosen for a problem."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from reasoning.errors import InputError, UnknownName
from reasoning.kinds import Choice
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.strategies.demonstrations.worked_example import (
    WorkedExample,
    read_examples,
    shipped_examples,
    shipped_sets,
)
from reasoning.voting import count_steps

Select = Literal["first", "random", "similar", "complex"]

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class DemonstrationPool:
    """Worked problems to choose from.

    Attributes:
        source: the name of a set that is shipped, a file (see `worked.read`), or a list of `WorkedExample` or of their
            fields; None is the set that is shipped for the problem's kind of answer.
        select: "first", in their order; "random", by `seed` and the same for all problems; "similar", whose words are
            most like the question's (rare words count more), which a prompt shows last; "complex", with the most steps
            (Fu et al. 2022, arXiv 2210.00720), not the most characters. Ties go to the earlier one.
        seed: for "random".
    """

    source: str | Sequence[WorkedExample | Mapping[str, Any]] | None = None
    select: Select = "first"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.select not in get_args(Select):
            raise UnknownName("way to select", str(self.select), get_args(Select))
        self._listed  # noqa: B018  # what is wrong with a list is said here

    def __repr__(self) -> str:
        return f"Pool(source={self.source!r}, select={self.select!r}, seed={self.seed!r})"  # the word of a spec

    @classmethod
    def from_source(
        cls, given: DemonstrationPool | str | Sequence[WorkedExample | Mapping[str, Any]] | None
    ) -> DemonstrationPool:
        """A pool as it is; a source as the pool that takes the first ones of it."""
        return given if isinstance(given, DemonstrationPool) else cls(given)

    def ranked(self, problem: Problem) -> Sequence[WorkedExample]:
        """All that there are for a problem, those to show first in front; none twice, and never the problem itself.

        Those with the same question and options are one: the one in front.

        Raises:
            UnknownName, InputError: a source that is neither a set nor a file, or a file that cannot be used.
        """
        last = self.__dict__.get("_ranked")
        if last is None or last[0] is not problem:  # branches ask for the same problem at once
            known = [worked for worked in self._all(problem) if worked.question.strip() != problem.question.strip()]
            last = self.__dict__["_ranked"] = problem, _distinct(self._ordered(known, problem))
        return last[1]

    def _ordered(self, known: list[WorkedExample], problem: Problem) -> list[WorkedExample]:
        if self.select == "random":
            return random.Random(self.seed).sample(known, len(known))
        if self.select == "similar":
            alike = _likeness([worked.question for worked in known], problem.question)
            return [known[at] for at in sorted(range(len(known)), key=alike.__getitem__, reverse=True)]
        if self.select == "complex":
            return sorted(known, key=lambda worked: -count_steps(worked.rationale))
        return known

    @cached_property
    def _listed(self) -> Sequence[WorkedExample]:
        return () if isinstance(self.source, str | None) else [WorkedExample.from_record(one) for one in self.source]

    def _all(self, problem: Problem) -> Sequence[WorkedExample]:
        if self.source is None:
            return _for_kind(problem)
        if not isinstance(self.source, str):
            return self._listed
        if found := shipped_examples(self.source):
            return found
        path = Path(self.source)
        with suppress(RuntimeError):  # "~" of nobody
            path = path.expanduser()
        if not path.is_file():
            raise UnknownName("set or file of demonstrations", self.source, shipped_sets())
        sets = read_examples(path)
        if len(sets) > 1 and problem.kind.name not in sets:
            has = ", ".join(sets)
            raise InputError(f"{path}: has no worked problem for answers of the kind {problem.kind.name!r}, only {has}")
        return sets[problem.kind.name] if len(sets) > 1 else next(iter(sets.values()), ())


def _distinct(ordered: Iterable[WorkedExample]) -> list[WorkedExample]:
    found: dict[tuple[str, tuple[str, ...]], WorkedExample] = {}
    for one in ordered:
        found.setdefault((" ".join(one.question.split()), one.options), one)
    return list(found.values())


def _for_kind(problem: Problem) -> Sequence[WorkedExample]:
    """The set that is shipped for a kind; labels that name feelings get that set, as far as it has only them."""
    kind, feelings = problem.kind, shipped_examples("sentiment")
    if isinstance(kind, Label) or (isinstance(kind, Choice) and not kind.options):
        labels = {label.casefold() for label in (kind.options if isinstance(kind, Label) else kind.labels)}
        if labels <= {worked.answer for worked in feelings}:
            return [worked for worked in feelings if worked.answer in labels]
    return shipped_examples(kind.name)


def _likeness(texts: Sequence[str], to: str) -> list[float]:
    """The cosine of the words of each text and those of another, each word weighted by how few texts have it."""
    bags = [set(_WORD.findall(text.lower())) for text in [*texts, to]]
    having = Counter(word for bag in bags for word in bag)
    weight = {word: math.log(1 + len(bags) / count) ** 2 for word, count in having.items()}
    size = [math.sqrt(_sum(weight, bag)) or 1.0 for bag in bags]
    return [_sum(weight, bag & bags[-1]) / (size[at] * size[-1]) for at, bag in enumerate(bags[:-1])]


def _sum(weight: Mapping[str, float], words: Iterable[str]) -> float:
    return math.fsum(weight[word] for word in words)  # exact: a set has no order
