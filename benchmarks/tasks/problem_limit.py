"""The number of problems of a run: the limit that was given, or the task's own default."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from reasoning.benchmarks.tasks.task import Task
from reasoning.errors import UsageError
from reasoning.tables import pluralize

USUAL_LIMIT = 20
"""The number of problems of a run without a limit. A file or list of the user runs whole."""


@dataclass(frozen=True)
class ProblemLimit:
    """The number of problems of a run.

    Attributes:
        count: the largest number of problems.
        total: the number of problems of the task; `math.inf` if they are generated without an end, None
            if it is not known before they are loaded.
        is_cut: whether the default, and not the user, left problems out.
        option: how a limit is written: "--limit " on the command line, "limit=" in Python.
    """

    count: int
    total: float | None = None
    is_cut: bool = False
    option: str = "limit="

    @classmethod
    def choose(
        cls, task: Task, limit: int | None, seed: int, option: str = "limit=", usual: int = USUAL_LIMIT
    ) -> ProblemLimit:
        """Return the limit of a run of this task.

        Args:
            task: the task.
            limit: the number that was given: 0 for all problems, None for the task's default, which is
                all problems if they are the user's own.
            seed: the seed, with which the problems are counted if the task does not know their number.
            option: how a limit is written.
            usual: the default of tasks that are not the user's own.

        Raises:
            UsageError: the limit is negative, or all of an endless task's problems are wanted.
            InputError: the problems cannot be read.
        """
        if limit is not None and not (isinstance(limit, int) and limit >= 0):
            raise UsageError(f"{option.strip(' =')} must be at least 1, or 0 for all problems, got {limit!r}")
        own = getattr(task, "is_own", False)
        if limit or (limit is None and not own):
            # A task that was counted for nothing would have to be loaded.
            total = None if limit else getattr(task, "size", None)
            count = limit or usual
            return cls(count, total, not limit and (total is None or total > count), option)
        total = getattr(task, "size", None)
        if total == math.inf:
            raise UsageError(f"the task {task.name!r} has no last problem, since it generates them; give {option}N")
        return cls(len(task.load(sys.maxsize, seed)) if total is None else int(total), total, False, option)

    def describe(self, problems: int) -> str:
        """Return the number of a run's problems, and of how many they are if the default left some out."""
        if self.is_cut and problems == self.count and self.total == math.inf:
            return f"{problems:,} generated problems"
        if self.is_cut and problems == self.count and self.total is not None:
            return f"{problems:,} of {self.total:,} problems"
        return pluralize(problems, "problem")

    def hint(self, problems: int | None = None) -> str:
        """Return which problems the default left out and how to run them; empty if it left out none.

        Args:
            problems: the number of problems of the run; None before it is known.
        """
        if not self.is_cut or problems not in (None, self.count):
            return ""
        if self.total == math.inf:
            return f"{self.count:,} generated problems; {self.option}N for more"
        if self.total is None:
            return f"at most {self.count:,} problems; {self.option}0 for all"
        return f"{self.count:,} of {self.total:,} problems; {self.option}0 for all"
