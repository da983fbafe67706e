"""The interface of a task: a source of problems with known answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reasoning.problem import Example

BY_KIND = "as the kind of answer compares"
"""The scorer of most tasks."""
GENERATED = "generated from a seed, so no model has seen the problems"
UNKNOWN = "unknown: whether models have seen the problems depends on where they were published"


class Task(Protocol):
    """A source of examples.

    Attributes:
        name: its name on the command line and in results.
        split: the part of a data set; empty if there are no parts.
        kind: the kind of its answers, for display.
        scorer: how answers are scored, for display.
        source: the origin of the problems, for display.
        licence: the licence of the problems.
        canary: the place of a text that marks the problems, so that they can be kept out of training
            corpora; empty if none is known. It never repeats the text, which may appear only with the
            problems.
        contamination: whether models may have learned the problems, for display.
        seeded: whether another seed gives other problems.
        is_own: (optional) whether the problems are the user's own, so that a run without a limit takes
            all of them; False by default.
        size: (optional) the number of problems; `math.inf` if they are generated without an end, None
            if it is unknown.
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
        """Return what pins the problems besides name and seed, such as a package's version or a file's hash. Fast."""
        ...

    def load(self, limit: int, seed: int) -> list[Example]:
        """Return the first `limit` examples, each with an id; fewer if there are no more.

        Example `i` does not depend on the limit.

        Raises:
            UsageError: the problems cannot be loaded; says what to do.
        """
        ...


def kind_names(examples: Sequence[Example]) -> str:
    """Return the names of the kinds of their answers, for display."""
    return ", ".join(dict.fromkeys(example.problem.kind.name for example in examples))
