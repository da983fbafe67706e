"""Tree of thoughts on the game of 24: equations read exactly, and the recorded run of the paper."""

from __future__ import annotations

import gzip
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.messages import Message
from reasoning.strategies.search.equations import format_numbers, parse_equation
from reasoning.strategies.search.game24 import Game24, GameState
from reasoning.strategies.search.tree_search import best
from reasoning.testing import ScriptedLLM
from tests import call_counts

RECORDING = Path(__file__).parents[2] / "../shared/replay/tot_game24_bfs5.jsonl.gz"
PUZZLE = Problem("4 5 6 10", kinds.Calculation())


def fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, text.split()))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("4 + 5 = 9 (left: 6 9 10)", "4 + 5 = 9 (left: 6 9 10)"),
        ("5 + 4 = 9", "4 + 5 = 9 (left: 6 9 10)"),
        ("1. **4 × 5 = 20** (left: 20)", "4 * 5 = 20 (left: 6 10 20)"),  # what is left is worked out here
        ("- 10/4 = 2.5", "10 / 4 = 2.5 (left: 2.5 5 6)"),
        ("10 / 6 = 1.67 (left: 1.67 4 5)", "10 / 6 = 5/3 (left: 5/3 4 5)"),
        ("10 / 6 ≈ 1.666", "10 / 6 = 5/3 (left: 5/3 4 5)"),
        ("4 - 10 = -6", "4 - 10 = -6 (left: -6 5 6)"),
        ("Step 1: 6 - 5 = 1", "6 - 5 = 1 (left: 1 4 10)"),
        ("10 / 6 = 1.7", None),  # too few digits to be sure
        ("4 * 5 = 21", None),
        ("4 + 4 = 8", None),  # there is one 4
        ("4 + 7 = 11", None),
        ("4 + 5 + 6 = 15", None),
        ("4 = 4", None),
        ("= 4", None),
        ("Possible next steps:", None),
        ("", None),
        ("4 + 5 = 9" + " = 9" * 100_000, "4 + 5 = 9 (left: 6 9 10)"),
        ("(" * 100_000 + "4 + 5 = 9", None),
        ("__import__('os') + 5 = 9", None),
    ],
)
def test_equations(line: str, text: str | None) -> None:
    found = parse_equation(line, fractions("4 5 6 10"))
    assert (found.text if found else None) == text


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("5/3 * 9 = 15", "-1 15"),
        ("(5/3) * 9 = 15", "-1 15"),
        ("1.67 * 9 = 15.03", "-1 15"),  # right for the number as it was written
        ("9 - (-1) = 10", "5/3 10"),
        ("9 + -1 = 8", "5/3 8"),
        ("-1 * 9 = -9", "-9 5/3"),
        ("9 / -1 = -9", "-9 5/3"),
        ("1.67 * 9 = 16", None),
    ],
)
def test_fractions_and_negative_numbers(line: str, left: str | None) -> None:
    found = parse_equation(line, fractions("5/3 9 -1"))
    assert (format_numbers(found.left) if found else None) == left
    assert parse_equation("4 / 0 = 4", fractions("4 0")) is None


def player(turns: tuple[Message, ...]) -> str:
    """Knows one way, and proposes nonsense too."""
    said = turns[-1].content
    if said.startswith("Numbers: 4 5 6 10\nSteps:"):
        return "The answer is (10 - 6) + (4 * 5) = 24"
    if said.startswith("Numbers: 4 5 6 10\nAnswer:"):
        return "All are there.\nsure"
    if said.startswith("Numbers:"):
        known = {
            "4 5 6 10": "Sure:\n4 * 5 = 20 (left: 6 10 20)\n4 * 6 = 25 (left: 5 10 25)\n4 + 5 = 9\n7 + 1 = 8",
            "6 10 20": "10 - 6 = 4 (left: 4 20)\n6 + 10 = 16 (left: 16 20)",
            "6 9 10": "10 - 9 = 1 (left: 1 6)",
            "4 20": "4 + 20 = 24 (left: 24)\n20 - 4 = 16 (left: 16)\n20 + 4 = 24 (left: 24)",
        }
        return known.get(said.splitlines()[0].removeprefix("Numbers: "), "I see none.")
    return "It works.\nsure" if said in ("6 10 20", "4 20", "24") else "No.\nImpossible."


def test_a_puzzle_from_the_first_proposal_to_the_checked_expression() -> None:
    llm = ScriptedLLM(player, latency=0.01)
    strategy = strategies.get("tree_of_thoughts")
    answer = strategy.run(PUZZLE, llm)
    assert answer.value == "(10 - 6) + (4 * 5)"
    assert answer.steps == {"first_ranked": answer.value, "kept": (answer.value,)}
    assert PUZZLE.kind.score(answer.value, "4 * 5 + 10 - 6")
    # expanded: the start, two pairs of levels 1 and 2 and three of level 2, of which one is left with 24
    assert llm.calls == call_counts.calls(strategy, x=1 + 2 + 3 + 1, j=2 + 3 + 2 + 1)
    assert llm.rounds == call_counts.rounds(strategy, g=4, w=4)
    assert llm.peak_concurrency >= 3
    first, *others = [request.messages for request in llm.requests]
    assert first[-1].content == "Numbers: 4 5 6 10\nPossible next steps:"
    assert "24" in first[0].content
    judged = [turns[-1].content for turns in others if turns[0].content.startswith("Judge")]
    assert judged == ["6 10 20", "6 9 10", "4 20", "16 20", "1 6", "24", "16"]  # no way there is shown to the judge
    expression = next(turns[-1].content for turns in others if "Steps:" in turns[-1].content)
    assert expression.endswith("4 * 5 = 20 (left: 6 10 20)\n10 - 6 = 4 (left: 4 20)\n4 + 20 = 24 (left: 24)")


def test_the_answer_is_the_first_that_passes_the_check_not_the_first_ranked() -> None:
    task = Game24()
    wrong, right, other = "(4 * 5) + (10 - 5)", "(4 * 5) + (10 - 6)", "4 * 6"
    read = [PUZZLE.parse(f"The answer is {expression}") for expression in (wrong, right, other)]
    assert task.choose(PUZZLE, [(one, 60.0) for one in read]).value == right
    assert task.choose(PUZZLE, [(read[0], 60.0), (read[2], 1.0)]).value == wrong
    for text in ("4 * 5 + 6 - 2", "24", "4 * 5 + 10 - 6 + 0", "4 * 6", "6 * 4 * (10 - 5) / 5"):
        answer = PUZZLE.parse(f"The answer is {text}")
        assert answer.value is None or not task.is_right(PUZZLE, answer)  # type: ignore[arg-type]


def test_an_expression_that_cannot_be_read_leaves_the_path_without_an_answer() -> None:
    def silent(turns: tuple[Message, ...]) -> str:
        return "I would rather not." if "Steps:" in turns[-1].content else player(turns)

    answer = strategies.get("tot").run(PUZZLE, ScriptedLLM(silent))
    assert answer.state == "unparsed"
    assert "not combined into an expression" in answer.reason
    assert "4 + 20 = 24 (left: 24)" in answer.text


def test_labels_are_summed_and_others_do_not_count() -> None:
    task = Game24()
    assert task.value(["1 + 23 = 24\nsure", "Likely.", "impossible"]) == 21.001
    assert task.value(["who knows", ""]) == 0
    assert task.value([]) == 0


def test_the_numbers_come_from_an_input_or_the_question() -> None:
    task = Game24()
    asked = Problem("Make 24 of them.", kinds.Calculation(), inputs={"numbers": "1, 2, 3, 4"})
    assert task.start(asked) == GameState((), fractions("1 2 3 4"))
    assert task.fits(asked)
    assert not task.fits(Problem("4 5 6 10"))
    assert not task.fits(Problem("Make 24 of 4 5 6 10", kinds.Calculation()))
    with pytest.raises(UsageError, match="needs at least two numbers"):
        strategies.get("tot(task='game24')").run("How are you?", ScriptedLLM([]))


# --- the recorded run: GPT-4 on 100 puzzles, five states kept of each level


@pytest.fixture(scope="module")
def recorded() -> list[dict[str, Any]]:
    if not RECORDING.exists():
        pytest.skip("the recording is not here")
    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_our_selection_keeps_the_recorded_states_of_every_level(recorded: list[dict[str, Any]]) -> None:
    assert len(recorded) == 100
    for puzzle in recorded:
        assert len(puzzle["steps"]) == 4
        for level in puzzle["steps"]:
            assert best(level["new_ys"], level["values"], 5) == level["select_new_ys"]
        assert puzzle["samples"] == puzzle["steps"][-1]["select_new_ys"]


def test_any_of_five_is_right_in_69_and_the_first_ranked_in_62(recorded: list[dict[str, Any]]) -> None:
    task = Game24()
    solved = {"any": 0, "first": 0, "chosen": 0}
    for puzzle in recorded:
        problem = Problem(puzzle["question"], kinds.Calculation())
        assert task.fits(problem)
        finals = [kept.strip().rpartition("\n")[2] for kept in puzzle["samples"]]
        read = [problem.parse(final if final.startswith("Answer: ") else "") for final in finals]
        right = [one.state == "answered" and task.is_right(problem, one) for one in read]  # type: ignore[arg-type]
        assert right == puzzle["sample_correct"]
        answer = task.choose(problem, [(one, 0.0) for one in read])
        solved["any"] += any(right)
        solved["first"] += right[0]
        solved["chosen"] += answer.state == "answered" and task.is_right(problem, answer)  # type: ignore[arg-type]
    assert solved == {"any": 69, "first": 62, "chosen": 69}


def test_no_recorded_way_to_a_right_answer_has_an_illegal_equation(recorded: list[dict[str, Any]]) -> None:
    ways = accepted = proposed = 0
    for puzzle in recorded:
        start = fractions(puzzle["question"])
        for way, right in zip(puzzle["samples"], puzzle["sample_correct"], strict=True):
            left = start
            for line in way.splitlines()[:3] if right else ():
                found = parse_equation(line, left)
                assert found is not None, line
                left = found.left
            ways += right
        first = [line.strip() for line in puzzle["steps"][0]["new_ys"]]
        proposed += len(first)
        accepted += sum(parse_equation(line, start) is not None for line in first)
    assert ways == 119
    assert accepted / proposed > 0.99
