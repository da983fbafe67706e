"""The worked problems that are shipped: each says the same thing in every form that it has."""

import pytest

from reasoning.errors import UsageError
from reasoning.kinds import Choice, Json, Number, Text, YesNo
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.tools.interpreter import Interpreter
from strategies.demonstrations import Worked, shipped, with_examples

NAMES = ("number", "choice", "yesno", "text")
ALL = [pytest.param(name, worked, id=f"{name}-{worked.answer}") for name in NAMES for worked in shipped(name)]


def kind(name: str, worked: Worked):
    return {"number": Number(), "yesno": YesNo(), "text": Text()}.get(name) or Choice(worked.options)


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter() as interpreter:
        yield interpreter


def test_there_are_enough_and_they_are_balanced():
    assert {name: len(shipped(name)) for name in NAMES} == {"number": 8, "choice": 5, "yesno": 6, "text": 4}
    assert sorted(worked.answer for worked in shipped("choice")) == ["A", "B", "C", "D", "E"]
    answers = [worked.answer for worked in shipped("yesno")]
    assert answers.count("yes") == answers.count("no") == 3
    assert {"0", "9.4"} <= {worked.answer for worked in shipped("number")}
    assert len({worked.question for name in NAMES for worked in shipped(name)}) == 23


@pytest.mark.parametrize(("name", "worked"), ALL)
def test_the_kind_reads_the_answer_that_it_would_show(name, worked):
    value = kind(name, worked).parse(f"{worked.rationale}\nThe answer is {worked.answer}.")
    assert kind(name, worked).show(value) == worked.answer
    assert kind(name, worked).score(value, worked.answer)


@pytest.mark.parametrize(("name", "worked"), ALL)
def test_the_program_gives_the_answer(name, worked, interpreter):
    assert 1 < len(worked.program.splitlines()) <= 14
    assert worked.program.splitlines()[-1].startswith("ans = ")
    run = interpreter.run(worked.program, result="ans")
    assert run.error is None
    said = int(run.value) if isinstance(run.value, float) and run.value.is_integer() else run.value
    assert kind(name, worked).score(kind(name, worked).parse(str(said)), worked.answer)


@pytest.mark.parametrize(("name", "worked"), ALL)
def test_the_steps_end_with_the_question_and_its_answer(name, worked):
    assert 2 <= len(worked.steps) <= 4
    assert worked.question.endswith(worked.steps[-1].question)
    final = worked.steps[-1].answer
    if name == "number":
        assert Number().same(Number().parse(final), float(worked.answer))
    else:
        assert worked.answer in final.replace(".", " ").replace('"', " ").split()


@pytest.mark.parametrize(("name", "worked"), ALL)
def test_the_rationale_is_short_and_leads_to_the_answer(name, worked):
    assert len(worked.rationale.split()) <= 60
    assert "answer is" not in worked.rationale
    if name == "number":
        assert Number().same(Number().parse(worked.rationale), float(worked.answer))


def show(worked: Worked) -> Demonstration:
    return Demonstration(worked.question, worked.answer)


def test_a_prompt_gets_the_first_ones_of_the_kind_as_a_problem_would_show_them():
    problem = Problem("Which?", options=["x", "y"])
    examples = with_examples(Prompt(), problem, 2, show).examples
    first = shipped("choice")[0]
    assert [one.output for one in examples] == [worked.answer for worked in shipped("choice")[:2]]
    assert examples[0].input == Problem(first.question, options=first.options).values()["problem"]
    assert examples[0].input.startswith(first.question)
    assert all(option in examples[0].input for option in first.options)


def test_a_prompt_with_examples_of_its_own_keeps_them():
    own = Prompt(examples=(Demonstration("a", "b"),))
    assert with_examples(own, Problem("How many?", Number()), 4, show) is own
    assert with_examples(Prompt(), Problem("How many?", Number()), 0, show).examples == ()


def test_more_than_there_are_is_an_error_that_says_what_to_do():
    with pytest.raises(
        UsageError, match="shots=9: only 8 worked problems are shipped for answers of the kind 'number'"
    ):
        with_examples(Prompt(), Problem("How many?", Number()), 9, show)
    with pytest.raises(
        UsageError, match="no worked problem is shipped for answers of the kind 'json'; give the prompt"
    ):
        with_examples(Prompt(), Problem("What?", Json()), 1, show)
