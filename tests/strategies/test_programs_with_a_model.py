"""Every program technique to its end on a real model, with few tokens: what a small model writes mostly fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reasoning import Problem, connect, kinds, strategies
from reasoning.engine.llm import LLM

HIVES = Problem("Ann has 3 hives with 40 jars each. How many jars?", kinds.Number())
ODD = Problem("Which is odd?", options=["4", "7"])
RUNS = [
    ("pot(shots=1, repairs=1)", HIVES),
    ("pot(shots=0, second_stage='needed')", HIVES),
    ("pal(shots=1, repairs=1)", ODD),
    ("faithful_cot(repairs=1)", HIVES),
    ("math_prompter(repeats=2, rounds=1)", HIVES),
    ("chain_of_code(max_lines=2, repairs=1)", HIVES),
    ("structured_cot(samples=2, repairs=1)", Problem("Write a function double(n).", kinds.Code())),
    ("self_consistency(pal(shots=1), samples=3)", HIVES),
]


@pytest.fixture(scope="module")
def llm(smollm: Path) -> Iterator[LLM]:
    with connect(f"local:{smollm}", journal=False, max_tokens=40) as llm:
        yield llm


@pytest.mark.model
@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.parametrize(("spec", "problem"), RUNS, ids=[spec for spec, _ in RUNS])
def test_it_ends_in_one_of_the_states_within_its_calls(spec: str, problem: Problem, llm: LLM) -> None:
    strategy = strategies.get(spec)
    answer = strategy.run(problem, llm)
    assert answer.state in ("answered", "unparsed")
    least, most = strategy.calls_range()
    assert least <= answer.usage.calls <= most
    assert answer.value is not None or answer.reason
