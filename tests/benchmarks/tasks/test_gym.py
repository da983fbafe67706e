"""reasoning-gym's problems: seeded, stable, safe to score, and nothing of the process changed."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.gym import GSM_SYMBOLIC
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Number, Text

pytestmark = pytest.mark.skipif(find_spec("reasoning_gym") is None, reason="reasoning-gym is not installed")


def load(name: str, limit: int = 3, seed: int = 7) -> list[Any]:
    return tasks.get(name).load(limit, seed)


@pytest.mark.parametrize(
    "name", ["gsm_symbolic", "gym:chain_sum", "gym:acre", "gym:list_functions", "gym:ab", "gym:family_relationships"]
)
def test_a_problem_depends_on_seed_and_number_alone(name: str) -> None:
    few, many = load(name, 3), load(name, 9)
    assert many[:3] == few
    assert len({example.problem.question for example in many}) > 5
    assert few[0].problem.id == f"{name.removeprefix('gym:')}-7-0001"


def test_other_seeds_give_other_problems_also_the_next_one() -> None:
    questions = [{example.problem.question for example in load("gym:chain_sum", 60, seed)} for seed in (7, 8)]
    assert len(questions[0] & questions[1]) <= 3


def test_problems_are_the_same_in_another_process_and_beyond_a_block() -> None:
    code = "from reasoning.benchmarks import tasks; print(tasks.get('gym:products').load(502, 1)[-1].problem.question)"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == load("gym:products", 502, 1)[-1].problem.question
    assert run.stderr == ""


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("gsm_symbolic", "final answer"),
        ("gym:gcd", "final answer"),
        ("gym:maze", "final answer"),
        ("gym:simple_geometry", "your answer"),
        ("gym:decimal_arithmetic", "Only reply"),
        ("gym:chain_sum", "State the final answer"),
        ("gym:decimal_chain_sum", "State the final answer"),
        ("gym:number_format", "Your output should be"),
        ("gym:rectangle_count", "Your output should be"),
    ],
)
def test_what_dictates_the_form_of_a_number_is_cut_off(name: str, gone: str) -> None:
    tasks.gym.offered()  # imports the package, with a placeholder for what needs a C compiler
    from reasoning_gym import create_dataset

    raw = create_dataset(tasks.get(name).dataset, seed=1, size=3)  # type: ignore[union-attr, attr-defined]
    assert all(gone in entry["question"] for entry in raw)
    for example in load(name, 20):
        assert isinstance(example.problem.kind, Number)
        assert gone not in example.problem.question
        assert "units" not in example.problem.question or "unit" in name
        assert len(example.problem.question) > 15
        assert example.score(example.problem.kind.target(example.target))


def test_a_question_without_the_words_on_its_form_is_still_a_question() -> None:
    for name, text in {
        "gym:chain_sum": r"Solve the following arithmetic problem: [\d +-]+ =",
        "gym:number_format": r"Your task is to pick .* options\.\s+Now, pick the (?:larg|small)est number .*",
        "gym:rectangle_count": r"Your task is to count .*\(max 2\) are shown with '█'\.\s+Now, it's your turn\. .*",
    }.items():
        for example in load(name, 5):
            assert re.fullmatch(text, example.problem.question, re.DOTALL)


def test_the_kind_is_decided_by_answers() -> None:
    assert isinstance(load("gym:calendar_arithmetic", 1)[0].problem.kind, Text)  # half of its answers are numbers
    assert isinstance(load("gym:base_conversion", 1)[0].problem.kind, Text)
    assert isinstance(load("gym:chain_sum", 1)[0].problem.kind, Number)


def test_the_list_of_tasks_needs_not_make_a_problem_to_tell_the_kind() -> None:
    assert GSM_SYMBOLIC.answers == load("gsm_symbolic", 1)[0].problem.kind.name
    code = "import sys\nfrom reasoning.benchmarks.cli.task_table import task_table\ntask_table()\n"
    listed = code + "print('reasoning_gym' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_texts_are_scored_by_the_set() -> None:
    (example,) = load("gym:word_sorting", 1)
    assert example.score(example.target)
    assert not example.score("nothing of it")
    assert not example.score(None)
    assert not example.score(10**5000)
    (puzzle,) = load("gym:rush_hour", 1)
    assert puzzle.target == "any right solution"
    assert not puzzle.score("A+1")


def test_a_scorer_that_evaluates_gets_plain_arithmetic_only(tmp_path: Path) -> None:
    (example,) = load("gym:countdown", 1)
    assert example.score(example.target)
    assert example.score(f"( {example.target} )")
    mark = tmp_path / "mark"
    for attack in (
        f"__import__('pathlib').Path({str(mark)!r}).touch()",
        f"[].append(open({str(mark)!r}, 'w'))",
        "9**9**9**9",
        "9**9**9",
        "1+" * 5000 + "1",
        "(" * 5000,
    ):
        assert not example.score(attack)
    (spiral,) = load("gym:spiral_matrix", 1)
    assert spiral.score(spiral.target)
    assert not spiral.score(f"[open({str(mark)!r}, 'w')]")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gym:polynomial_multiplication", "scored by evaluating what the model wrote"),
        ("gym:simple_integration", "scored by evaluating what the model wrote"),
        ("gym:sudoku", "has several lines"),
        ("gym:codeio", "runs unvetted programs"),
        ("gym:composite", "mixes other sets"),
    ],
)
def test_what_is_not_offered_says_why(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(name)


def test_settings_make_other_problems_and_another_task() -> None:
    task = tasks.get("gym:chain_sum(max_terms=8,min_terms=5)")
    assert task.name == "gym:chain_sum(max_terms=8, min_terms=5)" == tasks.get(task.name).name
    assert task.version() == f"{tasks.get('gym:chain_sum').version()}, max_terms=8, min_terms=5"
    terms = [len(re.findall(r"\d+", example.problem.question.partition("?")[0])) for example in task.load(20, 1)]
    assert min(terms) >= 5
    assert max(terms) <= 8
    assert task.load(2, 1) != tasks.get("gym:chain_sum").load(2, 1)
    assert isinstance(tasks.get("gym:spell_backward(min_word_len=4)").load(1, 0)[0].problem.kind, Text)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gym:chain_sum(min_term=5)", "unknown setting 'min_term' of gym:chain_sum; did you mean 'min_terms'"),
        ("gym:chain_sum(seed=5)", "unknown setting 'seed'"),
        ("gym:chain_sum(min_terms=9, max_terms=2)", "does not take these settings"),
        ("gym:chain_sum(min_terms='many')", "does not take these settings"),
        ("gym:chain_sum(5)", r"written as in gym:chain_sum\(min_terms=5"),
        ("gym:chain_sum(min_terms=print())", r"written as in gym:chain_sum\(min_terms=5"),
        ("gym:chain_sum(min_terms=5", r"written as in gym:chain_sum\(min_terms=5"),
        ("gym:chain_sun(min_terms=5)", "did you mean 'gym:chain_sum'"),
    ],
)
def test_settings_that_make_no_sense(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(name)


def test_every_set_that_is_listed_loads_dictates_no_form_of_a_number_and_the_others_say_why() -> None:
    from reasoning.benchmarks.gym_refusals import not_offered
    from reasoning.benchmarks.tasks.gym import offered

    form = re.compile(r"(?i)your (?:final )?(?:answer|output)|final answer|(?:respond|reply|answer) (?:only )?with")
    for name in offered():
        [example] = load(f"gym:{name}", 1)
        assert not (isinstance(example.problem.kind, Number) and form.search(example.problem.question)), name
    for name in not_offered():
        with pytest.raises(UsageError, match="is not offered: "):
            load(f"gym:{name}")


def test_the_nearest_set_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'gym:chain_sum'"):
        load("gym:chain_sun")


@pytest.mark.skipif(find_spec("pycosat") is not None, reason="pycosat is installed")
def test_only_the_puzzle_that_needs_the_solver_misses_it() -> None:
    with pytest.raises(UsageError, match="pip install pycosat"):
        load("gym:zebra_puzzles")
    assert "pycosat" not in sys.modules


def test_nothing_global_stays_changed(capsys: pytest.CaptureFixture[str]) -> None:
    load("gym:ab", 1)
    import numpy as np

    before, before_numpy = random.getstate(), np.random.get_state()[1].copy()  # type: ignore[union-attr]
    filters = list(warnings.filters)
    for name in ("gym:ab", "gym:list_functions", "gym:bf"):
        for example in load(name):
            example.score(example.target)
    assert random.getstate() == before
    assert (np.random.get_state()[1] == before_numpy).all()  # type: ignore[union-attr]
    assert warnings.filters == filters
    assert capsys.readouterr() == ("", "")
