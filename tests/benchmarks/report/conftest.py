"""Results folders that a test describes by letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.kinds import Number
from reasoning.messages import Usage
from reasoning.problem import Example, Problem

STATES = {"r": ("answered", True), "w": ("answered", False), "u": ("unparsed", False), "f": ("failed", None)}


def result(problem: str, spec: str, letter: str, epoch: int = 0, **more: Any) -> Result:
    """Return a result: r for right, w for wrong, u for unparsed, f for failed."""
    state, correct = STATES[letter]
    value = {"r": "1", "w": "2"}.get(letter)
    given = {"value": value, "rule": "trigger" if value else "", "reason": "" if value else "nothing found"}
    return Result(problem, spec, "print", state, correct, **{**given, "epoch": epoch, **more})


@pytest.fixture
def kept() -> Callable[..., ResultsFolder]:
    """Return a function that makes a results folder from one word per strategy.

    Each letter is the result of one problem; "." is a problem that was not run, and "," begins the next epoch.
    """

    def make(usage: dict[str, Usage] | None = None, **words: str) -> ResultsFolder:
        store = ResultsFolder(None, {"task": "ones", "model": "m"}, {"free": False})
        longest = max((len(epoch) for word in words.values() for epoch in word.split(",")), default=0)
        store.add_examples([Example(Problem("One?", Number(), id=f"p{k}"), "1") for k in range(longest)])
        store.register_strategies(words)
        for spec, word in words.items():
            for epoch, letters in enumerate(word.split(",")):
                for place, letter in enumerate(letters):
                    if letter != ".":
                        used = (usage or {}).get(spec, Usage(1, 10, 10, 0, None, 1.0))
                        store.add(result(f"p{place}", spec, letter, epoch, usage=used), None)
        return store

    return make
