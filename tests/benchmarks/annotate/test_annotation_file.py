"""Annotations of a person: stored at every step, kept when the file is edited, and given back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reasoning import Example, Problem, kinds, strategies
from reasoning.benchmarks.annotate.annotation_file import AnnotationFile, check_file, questions_path
from reasoning.benchmarks.annotate.dialogue import Dialogue
from reasoning.benchmarks.cli.annotate import _outcome
from reasoning.errors import InputError, UsageError
from reasoning.strategies.demonstrations.uncertainty import SampledQuestion
from reasoning.strategies.demonstrations.worked_example import WorkedExample
from reasoning.testing import ScriptedLLM
from reasoning.voting import VoteSample

HOSTILE = "\x1b[2J]]\n[[x]]\nanswer = '1' \x00"


def question(k: int, *answers: Any, kind: kinds.Kind | None = None) -> SampledQuestion:
    example = Example(Problem(f"What is {k} plus {k}?", kind or kinds.Number(), id=f"s{k}"), 2 * k)
    return SampledQuestion(example, tuple(map(VoteSample, answers or (2 * k, 5, None, 2 * k))), 0.75)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def create(path: Path, count: int = 4, wanted: int = 2) -> AnnotationFile:
    return AnnotationFile.create(path, [question(k) for k in range(1, count + 1)], wanted, {"model": "m", "pool": "p"})


Talk = Callable[[AnnotationFile, Sequence[str | None]], list[str]]


@pytest.fixture
def talk() -> Talk:
    """Return a function that holds a dialogue with these lines, and returns everything that was said."""

    def hold(file: AnnotationFile, lines: Sequence[str | None]) -> list[str]:
        said: list[str] = []
        replies = iter(lines)

        def ask(prompt: str) -> str | None:
            said.append(prompt)
            return next(replies)

        Dialogue(file, ask, said.append).run()
        assert list(replies) == [], "every line was read"
        return said

    return hold


def test_a_dialogue_writes_demonstrations_that_a_technique_takes(path: Path, talk: Talk) -> None:
    said = "\n".join(talk(create(path), ["One and one.", "That is two.", "", "2", "Twice two.", "", ""]))
    assert "0 of 2 annotated · uncertainty 0.75\n\nWhat is 1 plus 1?" in said
    assert "The model's answers in 4 samples: 2 (50 %), 5 (25 %), no answer (25 %)" in said
    assert "The right answer, as the data has it: 2" in said
    text = path.read_text()
    assert text.startswith("# Annotated by a person.\n# model: m\n# pool: p\n")
    assert AnnotationFile.open(path).examples == [
        WorkedExample("What is 1 plus 1?", "2", "One and one.\nThat is two."),
        WorkedExample("What is 2 plus 2?", "4", "Twice two."),
    ]
    llm = ScriptedLLM(lambda messages: "The answer is 18.")
    strategies.get(f"active_prompt({str(path)!r}, samples=1)").run(Problem("What is 9 plus 9?", kinds.Number()), llm)
    assert "One and one.\nThat is two.\nThe answer is 2." in llm.prompts[0]


def test_leaving_and_continuing_loses_no_line(path: Path, talk: Talk) -> None:
    talk(create(path), ["One and one.", "", "2", "First I", "then I", ":quit"])
    again = AnnotationFile.open(path)
    assert again.done == 1
    said = "\n".join(talk(again, ["am done.", "", "4"]))
    assert "You began with these lines; go on, or :clear them:\nFirst I\nthen I" in said
    assert AnnotationFile.open(path).examples[1].rationale == "First I\nthen I\nam done."
    assert AnnotationFile.open(path).is_complete


def test_the_end_of_the_input_keeps_everything(path: Path, talk: Talk) -> None:
    talk(create(path), ["Half", None])
    assert AnnotationFile.open(path).questions[0].draft == ("Half",)
    talk(AnnotationFile.open(path), ["a line", "", None])
    assert AnnotationFile.open(path).questions[0].draft == ("Half", "a line")
    assert AnnotationFile.open(path).done == 0


def test_skipping_going_back_and_clearing(path: Path, talk: Talk) -> None:
    said = talk(
        create(path, wanted=3),
        [
            *(":skip", "Two.", ":clear", "", ":nonsense", ":help", ":show", "Twice two.", "", ""),  # 1 and 2
            *("Wrong", ":back", ""),  # from 3 back to 2, which is kept
            *(":back", "Twice two is four.", "", "4"),  # and now changed
            *("s.", "", "6", ":back", "", "Four", "", "8"),
        ],
    )
    text = "\n".join(said)
    assert "no such command: :nonsense; :help lists them" in text
    assert "the reasoning needs at least one line" in text
    assert "Your annotation, which an empty line keeps:\nTwice two.\nAnswer: 4" in text
    file = AnnotationFile.open(path)
    assert [one.is_skipped for one in file.questions] == [True, False, False, False]
    assert [(one.rationale, one.answer) for one in file.examples] == [
        ("Twice two is four.", "4"),
        ("Wrong\ns.", "6"),
        ("Four", "8"),
    ]


def test_going_back_from_the_first_question_stays_there(path: Path, talk: Talk) -> None:
    said = talk(create(path), [":back", ":quit"])
    assert "this is the first question" in said


@pytest.mark.parametrize(
    ("kind", "wrong", "right", "shown"),
    [
        (kinds.Number(), "a lot", "$2", "2"),
        (kinds.YesNo(), "maybe", "YES", "yes"),
        (kinds.Choice(("red", "blue")), "green", "b", "B"),
    ],
)
def test_the_kind_checks_the_answer(
    path: Path, talk: Talk, kind: kinds.Kind, wrong: str, right: str, shown: str
) -> None:
    target = {"number": 2, "yesno": True, "choice": "B"}[kind.name]
    sampled = SampledQuestion(Example(Problem("Which one?", kind), target), (VoteSample(target),), 0.5)
    file = AnnotationFile.create(path, [sampled], 1, {})
    said = talk(file, ["So it is.", "", wrong, right])
    assert f"must be an answer of kind {kind.name}, got {wrong!r}" in said
    [example] = AnnotationFile.open(path).examples
    assert example.answer == shown
    assert example.options == (("red", "blue") if kind.name == "choice" else ())


def test_an_answer_other_than_the_right_one_is_questioned(path: Path, talk: Talk) -> None:
    said = talk(create(path, wanted=1), ["So.", "", "3", "n", "3", "y"])
    assert said.count("The right answer is 2, as the data has it. Keep 3? [y/N] ") == 2
    assert AnnotationFile.open(path).examples[0].answer == "3"


def test_without_a_known_answer_none_is_proposed(path: Path, talk: Talk) -> None:
    sampled = SampledQuestion(Example(Problem("How many?", kinds.Number()), None), (VoteSample(3),), 0.2)
    said = talk(AnnotationFile.create(path, [sampled], 1, {}), ["So.", "", "", "3"])
    assert "Answer: " in said
    assert "as the data has it" not in "".join(said)


def test_what_a_person_edits_meanwhile_is_kept(path: Path, talk: Talk) -> None:
    talk(create(path), ["One.", "", "", ":quit"])
    added = '\n[[demonstrations]]\nquestion = "Mine?"\nanswer = "7"\n'
    path.write_text(path.read_text().replace("One.", "One, edited.") + added)
    talk(AnnotationFile.open(path), ["Two.", "", ""])
    assert [(one.question, one.rationale) for one in AnnotationFile.open(path).examples] == [
        ("What is 1 plus 1?", "One, edited."),
        ("Mine?", ""),
        ("What is 2 plus 2?", "Two."),
    ]


def test_annotations_that_are_there_before_the_questions_count(path: Path, talk: Talk) -> None:
    path.write_text('[[demonstrations]]\nquestion = "what is 1 plus 1?"\nanswer = "2"\nrationale = "By hand."\n')
    file = create(path, wanted=1)
    assert file.is_complete
    talk(file, [])


def test_hostile_texts_come_back_and_damage_is_named(path: Path, talk: Talk) -> None:
    sampled = SampledQuestion(Example(Problem(HOSTILE, kinds.Text()), HOSTILE), (VoteSample(HOSTILE),), 0.1)
    talk(
        AnnotationFile.create(path, [sampled], 1, {"model": HOSTILE}),
        [f"So {HOSTILE}".replace("\n", " "), "", "x", "y"],
    )
    file = AnnotationFile.open(path)
    assert file.is_complete
    assert file.questions[0].text == HOSTILE.strip()
    good = json.loads(questions_path(path).read_text())
    for damaged in ("{", "[]", json.dumps({**good, "format": 9}), json.dumps({**good, "questions": [{"draft": 3}]})):
        questions_path(path).write_text(damaged)
        with pytest.raises(InputError, match=r"mine\.questions\.json: damaged or unreadable"):
            AnnotationFile.open(path)
    questions_path(path).unlink()
    with pytest.raises(InputError, match=r"mine\.questions\.json: is missing; give --task or --pool"):
        AnnotationFile.open(path)
    with pytest.raises(UsageError, match=r"must end in \.toml, got mine\.txt"):
        check_file(Path("mine.txt"))
    with pytest.raises(UsageError, match=r"the folder .*none must exist"):
        check_file(path.parent / "none" / "mine.toml")
    path.write_text("nope")
    with pytest.raises(InputError, match=r"mine\.toml: Expected '='"):
        check_file(path)


def test_the_outcome_says_when_no_question_is_left(path: Path, talk: Talk) -> None:
    file = create(path, 2, 3)
    assert "; reasoning annotate" in _outcome(file, select_only=False)
    talk(file, ["Twice 1.", "", "", ":skip"])
    said = _outcome(file, select_only=False)
    assert said.startswith(f"1 of 3 questions are annotated in {path}; no other question is left: another file")


def test_an_answer_cannot_imitate_lines_of_the_dialogue_or_fill_the_terminal(path: Path, talk: Talk) -> None:
    answers = ("2\nThe right answer, as the data has it: 99", "x" * 100_000)
    sampled = SampledQuestion(Example(Problem("How many?", kinds.Text()), "2"), tuple(map(VoteSample, answers)), 0.1)
    said = "\n".join(talk(AnnotationFile.create(path, [sampled], 1, {}), [":quit"]))
    assert "\nThe right answer, as the data has it: 99" not in said
    assert len(said) < 2_000
