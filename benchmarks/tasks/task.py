"""What a task is: where problems with known answers come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reasoning.problem import Example

BY_KIND = "as the kind of answer compares"
"""The scorer of most tasks."""
GENERATED = "made from a seed, so no model has seen the problems"
UNKNOWN = "not known: whether models have seen the problems depends on where they have been published"


class Task(Protocol):
    """A source of examples.

    Attributes:
        name: the word for it on the command line and in results.
        split: which part of a data set it is; empty where there are no parts.
        kind: the kind of its answers, for people.
        scorer: how an answer is found to be right, for people.
        source: where the problems come from, for people.
        licence: of the problems.
        canary: where a text marks the problems, so that they can be kept out of training corpora; empty for none known.
            It says where and never repeats the text, which may stand with the problems alone.
        contamination: whether models may have learned the problems, for people.
        seeded: whether other seeds give other problems.
    """

    @property
    def name(self) -> str: ...

    @property
    def split(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def scorer(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def licence(self) -> str: ...

    @property
    def canary(self) -> str: ...

    @property
    def contamination(self) -> str: ...

    @property
    def seeded(self) -> bool: ...

    def version(self) -> str:
        """What pins the problems beside name and seed: a package's version, a file's hash. Quick to find out."""
        ...

    def load(self, limit: int, seed: int) -> list[Example]:
        """The first `limit` examples, each with an id; fewer where there are no more.

        Example `i` is the same whatever the limit.

        Raises:
            UsageError: the problems cannot be had; says what can be done.
        """
        ...


def kind_names(examples: Sequence[Example]) -> str:
    """The kinds of their answers, for people."""
    return ", ".join(dict.fromkeys(example.problem.kind.name for example in examples))
