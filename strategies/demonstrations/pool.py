"""Pools of worked examples: their source, and the choice of examples for a problem."""

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
from reasoning.kinds import Choice, Code, Expression
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
    """A pool of worked examples to choose from; `Pool(…)` in a spec.

    Attributes:
        source: name of a shipped set, a file (see `read_examples`), or a list of `WorkedExample`s
            or of their fields. None is the shipped set for the problem's kind of answer; with
            select="complex", the one of long chains as well. Of a set such as "spatial", the part for
            the problem's kind of answer is taken if there is one ("spatial_number").
        select: "first" keeps their order. "random" shuffles by `seed`, alike for all problems.
            "similar" ranks by the words shared with the question, rare words counting more; a
            prompt shows the most similar one last. "complex" ranks by the number of steps, not of
            characters (Fu et al. 2022, arXiv 2210.00720). Ties keep their order.
        seed: seed for "random".

    Examples:
        >>> from reasoning import Problem
        >>> pens = {"question": "Two pens cost 4. What does one cost?", "answer": "2"}
        >>> emma = {"question": "Who wrote Emma?", "answer": "Austen"}
        >>> pool = DemonstrationPool([emma, pens], select="similar")
        >>> [example.answer for example in pool.ranked(Problem("Three pens cost 9. What does one cost?"))]
        ['2', 'Austen']
    """

    source: str | Sequence[WorkedExample | Mapping[str, Any]] | None = None
    select: Select = "first"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.select not in get_args(Select):
            raise UnknownName("way to select", str(self.select), get_args(Select))
        self._listed  # noqa: B018  # checks a list at once

    def __repr__(self) -> str:
        return f"Pool(source={self.source!r}, select={self.select!r}, seed={self.seed!r})"  # as in a spec

    @property
    def is_shipped(self) -> bool:
        """True if the source is a set that comes with this package."""
        return self.source is None or (isinstance(self.source, str) and self.source in shipped_sets())

    @classmethod
    def from_source(
        cls, source: DemonstrationPool | str | Sequence[WorkedExample | Mapping[str, Any]] | None
    ) -> DemonstrationPool:
        """Make a pool that takes the first examples of a source; return a pool unchanged."""
        return source if isinstance(source, DemonstrationPool) else cls(source)

    def ranked(self, problem: Problem) -> Sequence[WorkedExample]:
        """Return all examples for a problem, best first, without duplicates and without the problem itself.

        Of examples with the same question and options, the best one is kept.

        Raises:
            UnknownName: the source is neither a set nor a file.
            InputError: the file cannot be used.
        """
        cached = self.__dict__.get("_ranked")
        # Concurrent branches ask for the same problem.
        if cached is None or cached[0] is not problem:
            candidates = [
                example for example in self._all(problem) if example.question.strip() != problem.question.strip()
            ]
            cached = self.__dict__["_ranked"] = problem, _distinct(self._ordered(candidates, problem))
        return cached[1]

    def _ordered(self, candidates: list[WorkedExample], problem: Problem) -> list[WorkedExample]:
        if self.select == "random":
            return random.Random(self.seed).sample(candidates, len(candidates))
        if self.select == "similar":
            similarities = _similarities([example.question for example in candidates], problem.question)
            return [
                candidates[index]
                for index in sorted(range(len(candidates)), key=similarities.__getitem__, reverse=True)
            ]
        if self.select == "complex":
            return sorted(candidates, key=lambda example: -count_steps(example.rationale))
        return candidates

    @cached_property
    def _listed(self) -> Sequence[WorkedExample]:
        return (
            () if isinstance(self.source, str | None) else [WorkedExample.from_record(record) for record in self.source]
        )

    def _all(self, problem: Problem) -> Sequence[WorkedExample]:
        if self.source is None:
            complex_ones = shipped_examples(f"complex_{problem.kind.name}") if self.select == "complex" else ()
            return [*_for_kind(problem), *complex_ones]
        if not isinstance(self.source, str):
            return self._listed
        if of_kind := shipped_examples(f"{self.source}_{problem.kind.name}"):
            return of_kind
        if shipped := shipped_examples(self.source):
            # Names, as of the set "spatial", are no expressions and no code, though these kinds parse them.
            return () if isinstance(problem.kind, Code | Expression) and problem.kind.name != self.source else shipped
        path = Path(self.source)
        # "~" without a home folder.
        with suppress(RuntimeError):
            path = path.expanduser()
        if not path.is_file():
            raise UnknownName("set or file of demonstrations", self.source, shipped_sets())
        sets = read_examples(path)
        if len(sets) > 1 and problem.kind.name not in sets:
            has = ", ".join(sets)
            raise InputError(f"{path}: has no worked example for answers of kind {problem.kind.name!r}, only {has}")
        found = sets[problem.kind.name] if len(sets) > 1 else next(iter(sets.values()), ())
        if not found:
            raise InputError(
                f"{path}: must hold at least one worked example, got none; write [[demonstrations]] for each"
            )
        return found


def _distinct(ordered: Iterable[WorkedExample]) -> list[WorkedExample]:
    distinct: dict[tuple[str, tuple[str, ...]], WorkedExample] = {}
    for example in ordered:
        distinct.setdefault((" ".join(example.question.split()), example.options), example)
    return list(distinct.values())


def _for_kind(problem: Problem) -> Sequence[WorkedExample]:
    """Return the shipped set for a kind; if all its labels name feelings, the sentiment set with these labels."""
    kind, feelings = problem.kind, shipped_examples("sentiment")
    if isinstance(kind, Label) or (isinstance(kind, Choice) and not kind.options):
        labels = {label.casefold() for label in (kind.options if isinstance(kind, Label) else kind.labels)}
        if labels <= {example.answer for example in feelings}:
            return [example for example in feelings if example.answer in labels]
    return shipped_examples(kind.name)


def _similarities(texts: Sequence[str], other: str) -> list[float]:
    """Return the cosine similarity of each text's words to another text's, weighted by inverse document frequency."""
    bags = [set(_WORD.findall(text.lower())) for text in [*texts, other]]
    frequency = Counter(word for bag in bags for word in bag)
    weight = {word: math.log(1 + len(bags) / count) ** 2 for word, count in frequency.items()}
    norms = [math.sqrt(_sum(weight, bag)) or 1.0 for bag in bags]
    return [_sum(weight, bag & bags[-1]) / (norms[index] * norms[-1]) for index, bag in enumerate(bags[:-1])]


def _sum(weight: Mapping[str, float], words: Iterable[str]) -> float:
    # Exact, since the order of a set varies.
    return math.fsum(weight[word] for word in words)
