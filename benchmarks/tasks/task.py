"""What a task is: where problems with known answers come from."""

from __future__ import annotations

from typing import Protocol

from reasoning.problem import Example


class Task(Protocol):
    """A source of examples.

    Attributes:
        name: the word for it on the command line and in results.
        source: where the problems come from, for people.
        licence: of the problems.
        seeded: whether other seeds give other problems.
    """

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def licence(self) -> str: ...

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
