"""Last letters and coin flips: right by their own questions, fresh by the seed."""

from __future__ import annotations

import re

from reasoning.benchmarks import tasks
from reasoning.kinds import Text, YesNo


def test_last_letters_are_right() -> None:
    examples = tasks.get("last_letters").load(50, 3)
    for example in examples:
        names = re.findall(r'"(.+)"', example.problem.question)[0].split()
        assert example.target == "".join(name[-1] for name in names)
        assert len(set(names)) == 4
        assert example.problem.kind == Text()


def test_coins_are_right_and_fair() -> None:
    examples = tasks.get("coin_flip").load(200, 3)
    for example in examples:
        turned = example.problem.question.count("turns it over")
        assert example.score(turned % 2 == 0)
        assert example.problem.kind == YesNo()
    assert 60 < sum(example.target == "yes" for example in examples) < 140


def test_a_seed_makes_others_and_a_limit_the_same() -> None:
    task = tasks.get("coin_flip")
    assert task.load(9, 1)[:4] == task.load(4, 1)
    assert task.load(4, 1) != task.load(4, 2)


def test_bricks_are_right() -> None:
    for example in tasks.get("bricks").load(50, 3):
        under = dict(re.findall(r"The (\w+) brick lies on the (\w+) brick", example.problem.question))
        wanted = re.findall(r"You want the (\w+) brick", example.problem.question)[0]
        lifted, top = [], next(iter(set(under) - set(under.values())))
        while top != wanted:
            lifted.append(top)
            top = under[top]
        assert len(under) == 5
        assert len(lifted) >= 2
        assert example.score(tuple(lifted))
        assert not example.score(tuple(lifted[::-1]))
        assert example.score(example.problem.kind.parse(f"grey//red\nThe answer is {', '.join(lifted)}."))
