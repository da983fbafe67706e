"""A part of a task whose problems were loaded in another process."""

from __future__ import annotations

from dataclasses import dataclass

from reasoning.benchmarks.tasks.task import Task
from reasoning.problem import Example


@dataclass(frozen=True)
class SentTask:
    """Problems of a task with its description, so that neither its files nor its packages are needed.

    Attributes:
        pinned: the version of the task.
        examples: the problems.

    The others are those of `Task`.
    """

    name: str
    split: str
    kind: str
    scorer: str
    source: str
    licence: str
    canary: str
    contamination: str
    seeded: bool
    pinned: str
    examples: tuple[Example, ...] = ()

    @classmethod
    def of(cls, task: Task) -> SentTask:
        """Return the description of a task, without problems."""
        return cls(
            *(task.name, task.split, task.kind, task.scorer, task.source, task.licence, task.canary),
            *(task.contamination, task.seeded, task.version()),
        )

    def version(self) -> str:
        return self.pinned

    def load(self, limit: int, seed: int) -> list[Example]:
        return list(self.examples[:limit])
