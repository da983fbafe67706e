"""The three disjoint pools of a search: train (optimizers see it), selection (candidates race on it), test."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from reasoning.benchmarks.analysis.paired import MIN_CASES
from reasoning.benchmarks.chains.cases import Case
from reasoning.benchmarks.chains.runner import checked_cases
from reasoning.benchmarks.chains.suite import ChainSuite
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks.fitting_pool import choose_pool
from reasoning.errors import UsageError
from reasoning.problem import Example
from reasoning.strategies.demonstrations.near_duplicates import find_near_duplicates
from reasoning.tables import pluralize

_ALL = 10_000
"""The most problems of a file or split that are read."""


@dataclass(frozen=True)
class PoolSizes:
    """The largest numbers of examples in the pools.

    Raises:
        UsageError: a number is too small: a test of fewer than six cases can show nothing.
    """

    train: int = 30
    selection: int = 40
    test: int = 80

    def __post_init__(self) -> None:
        for name, least in (("train", 1), ("selection", 2), ("test", MIN_CASES)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise UsageError(f"the {name} pool must have at least {least} examples, got {value!r}")

    @property
    def total(self) -> int:
        """The number of examples in all pools."""
        return self.train + self.selection + self.test

    def shrunk(self, available: int) -> PoolSizes:
        """Return sizes in the same proportions whose total is available.

        Raises:
            UsageError: so few examples make no three pools.
        """
        if available >= self.total:
            return self
        share = available / self.total
        train, selection = max(1, int(share * self.train)), max(2, int(share * self.selection))
        test = available - train - selection
        if test < MIN_CASES:
            raise UsageError(
                f"a search needs at least {MIN_CASES + 3} examples, at least {MIN_CASES} of them for the final test, "
                f"got {available}; give another --task, or --pool TASK with examples to learn from"
            )
        return PoolSizes(train, selection, test)


@dataclass(frozen=True)
class Item:
    """One example of a pool.

    Attributes:
        id: its id, which is distinct among all pools.
        text: its text, by which near duplicates are found.
        family: its family; see `Example`.
        content: a problem with its target, or a case of a chain with its checks.
    """

    id: str
    text: str
    family: str
    content: Example | Case


@dataclass(frozen=True)
class Pools:
    """Three disjoint pools.

    Attributes:
        train: the examples that an optimizer may see.
        selection: the examples on which candidates race.
        test: the examples of the one comparison at the end.
        source: where they come from, for display.
        dropped: the number of near duplicates that were left out.
    """

    train: tuple[Item, ...]
    selection: tuple[Item, ...]
    test: tuple[Item, ...]
    source: str
    dropped: int = 0

    def __post_init__(self) -> None:
        ids = [item.id for pool in (self.train, self.selection, self.test) for item in pool]
        if len(set(ids)) < len(ids):
            raise UsageError("the pools of a search must be disjoint: two of their examples have the same id")
        for name, least in (("train", 1), ("selection", 2), ("test", MIN_CASES)):
            if len(getattr(self, name)) < least:
                raise UsageError(
                    f"the {name} pool must have at least {least} examples after near duplicates are left out, got "
                    f"{len(getattr(self, name))}; give another --task or --pool"
                )

    def __str__(self) -> str:
        dropped = f"; {pluralize(self.dropped, 'near duplicate')} left out" if self.dropped else ""
        sizes = f"{len(self.train)} train, {len(self.selection)} selection, {len(self.test)} test"
        return f"{sizes} from {self.source}{dropped}"

    def digests(self) -> dict[str, str]:
        """Return a digest of each pool, by name."""
        return {name: _digest(getattr(self, name)) for name in ("train", "selection", "test")}


def pools_of_task(task: Task, sizes: PoolSizes, seed: int = 0, given: Task | None = None) -> Pools:
    """Return the pools of a task.

    The test pool is what a run of the benchmark with this seed judges. The other two come from the given task, else
    from the training split, else from problems of another seed. A list or file without another source is divided at
    random.

    Args:
        task: the task.
        sizes: the largest sizes; a small file has smaller pools in the same proportions.
        seed: the seed of problems and of the division.
        given: the user's own source of train and selection.

    Raises:
        UsageError: there are too few examples.
    """
    has_other = given is not None or getattr(task, "size", None) == math.inf or "train" in getattr(task, "splits", ())
    if has_other:
        judged = task.load(sizes.test, seed)
        pool = choose_pool(task, judged, seed, sizes.train + sizes.selection, given)
        learned, source, dropped = (
            list(pool.examples),
            f"{task.name} (test), {pool.source} (train, selection)",
            pool.dropped,
        )
        cut = max(2, round(len(learned) * sizes.selection / (sizes.train + sizes.selection)))
        parts = (learned[cut:], learned[:cut], judged)
    else:
        examples = sorted(task.load(_ALL, seed), key=lambda one: _rank(str(one.problem.id), seed))
        fitting = sizes.shrunk(len(examples))
        ends = (fitting.test, fitting.test + fitting.selection, fitting.total)
        parts = (examples[ends[1] : ends[2]], examples[ends[0] : ends[1]], examples[: ends[0]])
        source, dropped = task.name, 0
    train, selection, test = ([_item(example) for example in part] for part in parts)
    # Generated problems of two seeds may share an id.
    train, selection = _renamed(train, test, "train"), _renamed(selection, test, "selection")
    return _disjoint(train, selection, test, source, dropped)


def pools_of_suite(suite: ChainSuite, sizes: PoolSizes, seed: int = 0) -> Pools:
    """Return the pools of a chain's test cases, divided at random.

    Raises:
        UsageError: there are too few cases with checks.
    """
    cases = sorted(checked_cases(suite.cases), key=lambda case: _rank(case.id, seed))
    fitting = sizes.shrunk(len(cases))
    items = [Item(case.id, " ".join(str(value) for value in case.inputs.values()), "", case) for case in cases]
    ends = (fitting.test, fitting.test + fitting.selection, fitting.total)
    return _disjoint(
        items[ends[1] : ends[2]], items[ends[0] : ends[1]], items[: ends[0]], f"the cases of {suite.chain.name}"
    )


def _item(example: Example) -> Item:
    return Item(str(example.problem.id), example.problem.values()["problem"], str(example.family), example)


def _renamed(items: list[Item], others: Sequence[Item], prefix: str) -> list[Item]:
    taken = {item.id for item in others}
    return [replace(item, id=f"{prefix}-{item.id}") if item.id in taken else item for item in items]


def _disjoint(train: list[Item], selection: list[Item], test: list[Item], source: str, dropped: int = 0) -> Pools:
    """Return the pools without near duplicates of an example in a later pool."""

    def without(pool: list[Item], others: list[Item]) -> list[Item]:
        near = find_near_duplicates([item.text for item in pool], [item.text for item in others])
        return [item for index, item in enumerate(pool) if index not in near]

    kept_selection = without(selection, test)
    kept_train = without(train, [*test, *kept_selection])
    lost = len(train) + len(selection) - len(kept_train) - len(kept_selection)
    return Pools(tuple(kept_train), tuple(kept_selection), tuple(test), source, dropped + lost)


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"tuning {seed} {name}".encode("utf-8", "replace")).digest()


def _digest(pool: Sequence[Item]) -> str:
    parts: list[Any] = [(item.id, item.text, _target(item)) for item in pool]
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _target(item: Item) -> str:
    return item.content.digest if isinstance(item.content, Case) else repr(item.content.target)
