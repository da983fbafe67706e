"""A record on its way to the files of a journal, and the caller that awaits it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from reasoning.errors import JournalError
from reasoning.journal.codec import Record

Done: TypeAlias = "asyncio.Future[None] | Future[None] | None"
"""The future of the caller, a coroutine or a thread; None if no caller waits."""


@dataclass(slots=True, eq=False)
class WriteJob:
    """A record to be written to files.

    Attributes:
        record: the record; None if the files are only tried.
        paths: the files.
        done: resolved when all files have the record.
        failures: the errors of the files that have not taken it.
    """

    record: Record | None
    paths: Sequence[Path]
    done: Done
    failures: dict[Path, JournalError] = field(default_factory=dict)

    @property
    def failure(self) -> JournalError | None:
        """The first error, or None."""
        return next(iter(self.failures.values()), None)


def resolve(jobs: Iterable[WriteJob]) -> None:
    """Tell the callers that their records are written, or why not."""
    for job in jobs:
        # A future that is done was cancelled by its caller.
        if job.done is None or job.done.done():
            continue
        if job.failure is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(JournalError(str(job.failure)))
