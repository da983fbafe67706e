"""The pool of examples from which strategies learn before a run: never the problems that the run judges."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.benchmarks.tasks.task import Task
from reasoning.errors import UsageError
from reasoning.problem import Example
from reasoning.strategies.demonstrations.near_duplicates import find_near_duplicates
from reasoning.tables import pluralize

USUAL_POOL = 100
"""The number of examples in a pool without `--pool-size`. Papers take more (Active-Prompt: 1,000); ten samples of each
of 100 questions are 1,000 calls already."""
_OTHER_SEED = 1_000_003
"""The difference between the seeds of a pool and of judged problems. Neighbouring seeds may share problems."""
_LOADED = 10_000
"""The number of problems of a split or file from which a pool is drawn. More would take long to read."""


@dataclass(frozen=True)
class FittingPool:
    """Examples to learn from.

    Attributes:
        examples: the examples, each with an id.
        source: the task that they come from, with its split or seed, for display.
        dropped: the number of examples that were left out as near duplicates of judged problems.
    """

    examples: tuple[Example, ...]
    source: str
    dropped: int = 0

    def __str__(self) -> str:
        dropped = f"; {pluralize(self.dropped, 'near duplicate')} of judged problems left out" if self.dropped else ""
        return f"{pluralize(len(self.examples), 'example')} of {self.source}{dropped}"


def choose_pool(
    task: Task, judged: Sequence[Example], seed: int, size: int = USUAL_POOL, given: Task | None = None
) -> FittingPool:
    """Return a pool of examples that are not judged.

    They come from the given task, else from the task's training split, else from its other problems:
    those of another seed if problems are generated without an end, those beyond the judged ones
    otherwise. Examples with other kinds of answers than the judged ones are left out, and so are near
    duplicates of judged problems; see `find_near_duplicates`.

    Args:
        task: the task of the run.
        judged: the problems that the run judges.
        seed: the seed of the run; it also decides which examples are drawn.
        size: the largest number of examples.
        given: the user's own choice.

    Raises:
        UsageError: no example is left, or the size is less than 1.
    """
    if size < 1:
        raise UsageError(f"the size of the pool must be at least 1, got {size}")
    source = _training_split(given or task)
    is_endless = getattr(source, "size", None) == math.inf
    if is_endless:
        seed += _OTHER_SEED
        name = f"{source.name} (seed {seed})"
        # Endless tasks make their problems one by one, so that no more are made than may be needed.
        candidates = source.load(2 * size, seed)
    else:
        name = f"{source.name} ({source.split})" if source.split else source.name
        candidates = sorted(source.load(max(_LOADED, size), seed), key=lambda example: _rank(example, seed))
    kinds = {type(example.problem.kind) for example in judged}
    of_kind = [example for example in candidates if not kinds or type(example.problem.kind) in kinds]
    # The judged problems of the same list are no duplicates worth a word.
    ids = () if is_endless or source is not task else {example.problem.id for example in judged}
    others = [example for example in of_kind if example.problem.id not in ids]
    kept, dropped = _without_duplicates(others, judged, size)
    if not kept:
        raise UsageError(_explain_empty(given, task, candidates, of_kind, judged))
    return FittingPool(tuple(kept), name, dropped)


def overlaps(pool: Iterable[Example], judged: Iterable[Example]) -> bool:
    """Return whether an example of a pool is a judged problem or a near duplicate of one."""
    return bool(find_near_duplicates([_text(one) for one in pool], [_text(one) for one in judged]))


def _training_split(task: Task) -> Task:
    """Return the training split of a data set that has one, else the task itself."""
    source: Any = task
    if task.split != "train" and "train" in getattr(task, "splits", ()):
        return source.with_split("train")  # type: ignore[no-any-return]
    return task


def _rank(example: Example, seed: int) -> bytes:
    """Return the place of an example in an order that depends on it and the seed alone."""
    return hashlib.sha256(f"pool {seed} {_text(example)}".encode("utf-8", "replace")).digest()


def _without_duplicates(
    candidates: Sequence[Example], judged: Sequence[Example], size: int
) -> tuple[list[Example], int]:
    """Return the first examples that are no near duplicates of judged ones, and the number of those passed over."""
    judged_texts, kept, dropped = [_text(example) for example in judged], list[Example](), 0
    for start in range(0, len(candidates), size):
        part = candidates[start : start + size]
        near = find_near_duplicates([_text(example) for example in part], judged_texts)
        for index, example in enumerate(part):
            if len(kept) == size:
                return kept, dropped
            if index in near:
                dropped += 1
            else:
                kept.append(example)
    return kept, dropped


def _text(example: Example) -> str:
    # Problems of one question may differ in their passage, table or options only.
    return example.problem.values()["problem"]


def _explain_empty(
    given: Task | None,
    task: Task,
    candidates: Sequence[Example],
    of_kind: Sequence[Example],
    judged: Sequence[Example],
) -> str:
    name = (given or task).name
    if candidates and not of_kind:
        of_pool = ", ".join(Counter(example.problem.kind.name for example in candidates))
        of_judged = ", ".join(Counter(example.problem.kind.name for example in judged))
        why = f"answers of {name} are of kind {of_pool}, those of the judged problems of kind {of_judged}"
    else:
        count = pluralize(len(candidates), "problem")
        why = f"of the {count} of {name} all are judged, or near duplicates of judged ones"
    remedy = "give another --pool" if given else "give --pool TASK, or a smaller --limit that leaves some for the pool"
    return f"a strategy must learn from examples that are not judged, but {why}; {remedy}"
