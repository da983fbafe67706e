"""Kinds, tasks, providers and values in specs that other distributions add through entry points."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reasoning
from reasoning import Problem, kinds, plugins, strategies
from reasoning.benchmarks import tasks
from reasoning.errors import UnknownName, UsageError
from reasoning.testing import ScriptedLLM

MODULE = '''
from dataclasses import dataclass
from reasoning import Client, Completion, Example, Problem
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.kinds import BaseKind, Number
from reasoning.strategies.demonstrations import DemonstrationPool

@dataclass(frozen=True)
class Grade(Number):
    """A grade from 1 to 6."""
    name = "grade"
    best: int = 1

@dataclass(frozen=True)
class OtherPool(DemonstrationPool):
    """A pool under another name."""

@dataclass(frozen=True)
class Misnamed(Number):
    name = "number"

SUMS = ExampleList((Example(Problem("1 + 1?", Number()), 2),))

def school(rest="all"):
    return ExampleList((Example(Problem(f"{rest}: 2 + 2?", Number()), 4),))

class Acme(Client):
    def __init__(self, model, key):
        self.model, self.key = f"acme:{model}", key
    async def complete(self, request, draws):
        return [Completion("The answer is 4.") for _ in draws]

def acme(rest, *, api_key, timeout):
    return Acme(rest, api_key)

def empty(rest, **more):
    return None
'''
ENTRY_POINTS = """
[reasoning.kinds]
grade = added_by_a_test:Grade
wrong = added_by_a_test:Misnamed
gone = added_by_a_test:Gone
number = added_by_a_test:Misnamed

[reasoning.tasks]
sums = added_by_a_test:SUMS
school = added_by_a_test:school
nothing = added_by_a_test:MODULE_NAME
gsm_symbolic = added_by_a_test:SUMS

[reasoning.providers]
acme = added_by_a_test:acme
empty = added_by_a_test:empty
local = added_by_a_test:acme

[reasoning.spec_values]
OtherPool = added_by_a_test:OtherPool
"""


@pytest.fixture(autouse=True)
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "added_by_a_test.py").write_text(MODULE + "MODULE_NAME = __name__\n")
    info = tmp_path / "added_by_a_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added-by-a-test\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins.entry_points.cache_clear()
    yield
    plugins.entry_points.cache_clear()
    sys.modules.pop("added_by_a_test", None)


def test_a_kind() -> None:
    grade = kinds.get("grade", best=2)
    assert kinds.to_json(grade) == {"kind": "grade", "best": 2}
    assert kinds.from_json({"kind": "grade", "best": 2}) == grade
    assert strategies.get("vanilla").run(Problem("?", grade), ScriptedLLM(["3"])).value == 3
    assert type(kinds.get("number")) is kinds.Number  # a name of ours cannot be taken over
    with pytest.raises(UnknownName, match="did you mean 'grade'"):
        kinds.get("grad")
    with pytest.raises(UnknownName, match="parameter 'bets' of the kind 'grade'"):
        kinds.get("grade", bets=1)


@pytest.mark.parametrize(("name", "what"), [("wrong", "name = 'wrong'"), ("gone", "AttributeError")])
def test_a_kind_that_cannot_be_used(name: str, what: str) -> None:
    with pytest.raises(UsageError, match=rf"the entry point '{name}' of reasoning.kinds \(added_by_a_test:.*{what}"):
        kinds.get(name)


def test_a_task() -> None:
    assert tasks.get("sums").load(1, 0)[0].target == 2
    assert tasks.get("school").load(1, 0)[0].problem.question == "all: 2 + 2?"
    assert tasks.get("school:primary").load(1, 0)[0].problem.question == "primary: 2 + 2?"
    assert type(tasks.get("gsm_symbolic")).__name__ == "GymTask"
    with pytest.raises(UsageError, match="nothing after a colon"):
        tasks.get("sums:3")
    with pytest.raises(UsageError, match=r"the entry point 'nothing' of reasoning.tasks .* must be a task"):
        tasks.get("nothing")
    with pytest.raises(UnknownName, match="did you mean 'school'"):
        tasks.get("schol")


def test_a_provider() -> None:
    llm = reasoning.connect("acme:large", journal=False, api_key="k")
    assert llm.name == "acme:large"
    assert strategies.get("vanilla").run(Problem("2 + 2?", kinds.Number()), llm).value == 4
    with pytest.raises(UsageError, match=r"the entry point 'empty' of reasoning.providers .* must return a Client"):
        reasoning.connect("empty:x", journal=False)
    assert type(reasoning.connect("local", journal=False).client).__module__.startswith("reasoning.")


def test_a_value_in_a_spec() -> None:
    strategy = strategies.get("cot(shots=1, demonstrations=OtherPool(select='similar'))")
    assert type(strategy.demonstrations).__name__ == "OtherPool"  # type: ignore[attr-defined]
