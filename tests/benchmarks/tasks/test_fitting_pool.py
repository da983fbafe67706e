"""The pool from which strategies learn: its source, its size, and that it is never judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reasoning import Example, Problem
from reasoning.benchmarks.tasks import get, get_pool
from reasoning.benchmarks.tasks.fitting_pool import choose_pool, overlaps
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.errors import UsageError
from reasoning.kinds import Number

FRUITS = ["apples", "pears", "plums", "figs", "dates", "limes", "kiwis", "grapes", "olives", "lemons"]


@dataclass(frozen=True)
class Fruits:
    """A data set with splits, or an endless one."""

    split: str = "test"
    size: float | None = 10
    splits: tuple[str, ...] = ("train", "test")
    name = "fruits"

    def with_split(self, split: str) -> Fruits:
        return replace(self, split=split)

    def load(self, limit: int, seed: int) -> list[Example]:
        where = "shop" if self.split == "train" else "market"
        fruits = FRUITS if self.size != math.inf else [f"{fruit} {seed}" for fruit in FRUITS]
        return [
            Example(Problem(f"How many {fruit} are in a {where} with 7 boxes of {fruit}?", Number(), id=f"{fruit}"), 7)
            for fruit in fruits[:limit]
        ]


def questions(examples: tuple[Example, ...]) -> set[str]:
    return {example.problem.question for example in examples}


def test_the_training_split_comes_first() -> None:
    task = Fruits()
    judged = task.load(3, 0)
    pool = choose_pool(task, judged, 0, 4)  # type: ignore[arg-type]
    assert (len(pool.examples), pool.source) == (4, "fruits (train)")
    assert all("shop" in question for question in questions(pool.examples))
    assert str(pool) == "4 examples of fruits (train)"


def test_a_larger_pool_begins_with_the_smaller_one_and_depends_on_the_seed() -> None:
    task, judged = Fruits(), Fruits().load(3, 0)
    small, large = (choose_pool(task, judged, 0, size).examples for size in (3, 8))  # type: ignore[arg-type]
    assert large[:3] == small
    assert choose_pool(task, judged, 1, 8).examples != large  # type: ignore[arg-type]


def test_the_other_problems_of_a_task_without_a_training_split() -> None:
    for task in (Fruits(splits=()), Fruits(split="train"), ExampleList(tuple(Fruits().load(10, 0)))):
        judged = task.load(6, 0)
        pool = choose_pool(task, judged, 0, 100)  # type: ignore[arg-type]
        assert questions(pool.examples) == questions(tuple(task.load(10, 0))) - questions(tuple(judged))
        assert not overlaps(pool.examples, judged)
        assert overlaps(pool.examples, task.load(7, 0))


def test_generated_problems_are_of_another_seed() -> None:
    task = Fruits(splits=(), size=math.inf)
    pool = choose_pool(task, task.load(10, 5), 5, 4)  # type: ignore[arg-type]
    assert pool.source == "fruits (seed 1000008)"
    assert [example.problem.id for example in pool.examples] == [f"{fruit} 1000008" for fruit in FRUITS[:4]]
    generated = get("last_letters")
    assert len(choose_pool(generated, generated.load(20, 0), 0, 30).examples) == 30


def test_near_duplicates_are_left_out_replaced_and_counted() -> None:
    task = Fruits()
    copies = task.load(4, 0)
    given = ExampleList(tuple(Example(Problem(one.problem.question.upper(), Number()), 7) for one in task.load(10, 0)))
    pool = choose_pool(task, copies, 0, 5, given)  # type: ignore[arg-type]
    assert len(pool.examples) == 5
    assert not overlaps(pool.examples, copies)
    whole = choose_pool(task, copies, 0, 10, given)  # type: ignore[arg-type]
    assert str(whole) == "6 examples of given; 4 near duplicates of judged problems left out"
    with pytest.raises(UsageError, match=r"of the 10 problems of given all are judged.*give another --pool"):
        choose_pool(task, task.load(10, 0), 0, 5, given)  # type: ignore[arg-type]


def test_a_size_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1, got 0"):
        choose_pool(Fruits(), Fruits().load(1, 0), 0, 0)  # type: ignore[arg-type]


def test_the_columns_of_the_judged_file_are_those_of_a_file_of_the_pool(tmp_path: Path) -> None:
    file = tmp_path / "pool.csv"
    file.write_text("Body,Result\nWhat is 1 + 2?,3\n")
    [example] = get_pool(str(file), "question=Body, answer=Result").load(5, 0)
    assert (example.problem.question, example.target) == ("What is 1 + 2?", "3")
    assert get_pool("last_letters", "question=Body, answer=Result").name == "last_letters"
