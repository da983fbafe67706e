"""Worked examples in a file: written, and read back without loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning import strategies
from reasoning.errors import UsageError
from reasoning.kinds import Number
from reasoning.problem import Problem
from reasoning.strategies.demonstrations.example_files import write_examples
from reasoning.strategies.demonstrations.worked_example import SolvedStep, WorkedExample, read_examples, shipped_sets
from reasoning.testing import ScriptedLLM

HOSTILE = (
    'a """ \'\'\' b \\ \\u00e9\r\n\x00\x1b[31m \u2028\u202e\x7f\x9b \U000e0001 x\r{problem}\n[[z]]\nquestion = "y"'
)


def test_every_shipped_example_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    for name, examples in shipped_sets().items():
        write_examples(file, examples, name=name)
        assert read_examples(file) == {name: examples}


def test_hostile_texts_in_every_field_come_back_and_reach_no_terminal(tmp_path: Path) -> None:
    hostile = WorkedExample(
        *(HOSTILE, HOSTILE, HOSTILE, (HOSTILE, " spaces ", ""), HOSTILE),
        *((SolvedStep(HOSTILE, f" {HOSTILE}\n"),), HOSTILE, (HOSTILE, "\n"), HOSTILE, HOSTILE),
    )
    file = tmp_path / "mine.toml"
    write_examples(file, [hostile, WorkedExample("Q?", "a")], name="a b\n]]", comment="by a\x1b[2J model\n[[x]]")
    assert read_examples(file) == {"a b\n]]": (hostile, WorkedExample("Q?", "a"))}
    assert all(character.isprintable() or character == "\n" for character in file.read_text("utf-8"))


def test_lone_surrogates_and_white_space_around_texts_are_all_that_changes(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    write_examples(file, [WorkedExample(" Q\ud800? ", "1", " First.\n  Then.\n\n")])
    assert read_examples(file) == {"demonstrations": (WorkedExample("Q??", "1", "First.\n  Then."),)}


def test_the_file_can_be_read_by_people(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    pens = WorkedExample("What is 2 * 3?", "6", program="# twice\nans = 2 * 3", steps=(SolvedStep("Q", "A"),))
    write_examples(file, [pens], name="number", comment="Made from 40 questions.")
    assert file.read_text("utf-8") == (
        "# Made from 40 questions.\n\n"
        '[[number]]\nquestion = "What is 2 * 3?"\nanswer = "6"\n'
        'program = """\n# twice\nans = 2 * 3\n"""\n'
        'steps = [\n    {question = "Q", answer = "A"},\n]\n'
    )


def test_a_written_file_serves_as_demonstrations(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    write_examples(file, [WorkedExample("Two pens cost 4. What does one cost?", "2", "4 / 2 = 2.")])
    llm = ScriptedLLM(["The answer is 3."])
    problem = Problem("Three pens cost 9. What does one cost?", Number())
    assert strategies.get(f"cot(shots=1, demonstrations={str(file)!r})").run(problem, llm).value == 3
    assert "Two pens cost 4" in llm.prompts[0]


def test_nothing_to_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one worked example"):
        write_examples(tmp_path / "mine.toml", [])
