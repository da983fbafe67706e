"""The game of 24: all puzzles that can be solved, and none besides."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from reasoning import strategies
from reasoning.benchmarks import tasks
from reasoning.benchmarks.results import example_json
from reasoning.benchmarks.tasks.game24 import Game24, solution
from reasoning.kinds.arithmetic import evaluate
from reasoning.strategies.search.game24 import Game24 as Played

PUBLISHED = Path(__file__).parents[3] / "../shared/replay/datasets/game24.jsonl"


def test_every_puzzle_has_a_right_target() -> None:
    examples = tasks.get("game24").load(5000, 3)
    assert len(examples) == 1362
    assert len({example.problem.id for example in examples}) == 1362
    for example in examples:
        worked = evaluate(example.target)
        assert worked is not None
        assert worked.value == 24
        assert " ".join(str(number) for number in sorted(worked.numbers)) == example.problem.inputs["numbers"]
        assert Played().fits(example.problem)
    assert not examples[0].score("4 * 6")
    again = example_json.from_json(json.loads(json.dumps(example_json.to_json(examples[0]))))
    assert again == examples[0]
    assert again.score(again.target)


def test_the_seed_gives_the_order_and_the_limit_only_the_length() -> None:
    task = Game24()
    assert task.load(5, 1) == task.load(20, 1)[:5]
    assert task.load(5, 1) != task.load(5, 2)
    assert {one.problem.id for one in task.load(5000, 1)} == {one.problem.id for one in task.load(5000, 2)}


@pytest.mark.parametrize(
    ("numbers", "solved"),
    [((1, 1, 1, 1), False), ((3, 3, 8, 8), True), ((1, 5, 5, 5), True), ((13, 13, 13, 13), False)],
)
def test_fractions_are_exact(numbers: tuple[int, ...], solved: bool) -> None:
    assert (solution(numbers) is not None) is solved
    assert solution((1, 2), Fraction(1, 2)) == "1 / 2"


def test_they_are_the_puzzles_of_the_paper() -> None:
    if not PUBLISHED.exists():
        pytest.skip("the data set is not here")
    rows = [json.loads(line)["question"] for line in PUBLISHED.read_text().splitlines()]
    ours = {example.problem.inputs["numbers"] for example in Game24().load(5000, 0)}
    assert {" ".join(map(str, sorted(map(int, row.split())))) for row in rows} == ours


def test_any_strategy_can_be_asked() -> None:
    from reasoning.testing import ScriptedLLM

    example = Game24().load(1, 0)[0]
    llm = ScriptedLLM([f"Let me see. The answer is {example.target} = 24."])
    answer = strategies.get("cot").run(example.problem, llm)
    assert example.score(answer.value)
    assert example.problem.question in llm.prompts[0]
