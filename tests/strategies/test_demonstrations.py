"""The worked problems that are shipped, and how they and those of a user come into a prompt."""

from __future__ import annotations

import ast
import json
import operator
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from reasoning import strategies
from reasoning.errors import InputError, SpecError, UnknownName, UsageError
from reasoning.kinds import Choice, Items, Json, Number, Text, YesNo
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.sandbox.interpreter import Interpreter
from reasoning.strategies.demonstrations import DemonstrationPool, WorkedExample, shipped_examples, with_examples
from reasoning.strategies.demonstrations.worked_example import shipped_sets
from reasoning.testing import ScriptedLLM
from reasoning.voting import count_steps

SETS = ("number", "choice", "yesno", "text", "spatial", "sentiment", "items")
OF_A_KIND = SETS[:4]
COMPLEX = tuple(f"complex_{name}" for name in OF_A_KIND)
SPATIAL = ("spatial_number", "spatial_choice", "spatial_yesno")
INCREMENTAL = ("last_letters", "scan")
FEELINGS = ("positive", "negative", "neutral")
ALL = [
    pytest.param(name, one, id=f"{name}-{place}")
    for name in (*SETS, *COMPLEX, *SPATIAL, *INCREMENTAL)
    for place, one in enumerate(shipped_examples(name), 1)
]
WITH_PROGRAM = [one for one in ALL if one.values[0] not in ("sentiment", *COMPLEX)]
HOW_MANY = Problem("How many?", Number())


def kind(name: str, worked: WorkedExample):
    kinds = {"number": Number(), "yesno": YesNo(), "sentiment": Label(FEELINGS), "items": Items(sep=",")}
    return (
        kinds.get(name) or kinds.get(name.partition("_")[2]) or (Choice(worked.options) if worked.options else Text())
    )


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter() as interpreter:
        yield interpreter


# What is shipped.


def test_there_are_enough_and_they_are_balanced():
    assert tuple(shipped_sets()) == (*SETS, *COMPLEX, *SPATIAL, *INCREMENTAL)
    assert all(len(shipped_examples(name)) >= 5 for name in SPATIAL)
    assert all(len(shipped_examples(name)) == 8 for name in COMPLEX)  # as many as complex chain of thought shows
    assert all(len(shipped_examples(name)) >= 4 for name in INCREMENTAL)
    assert all(len(shipped_examples(name)) >= 8 for name in SETS)
    answers = {name: [worked.answer for worked in shipped_examples(name)] for name in SETS}
    assert sorted(answers["choice"][:5]) == ["A", "B", "C", "D", "E"]
    assert all(answers["choice"].count(label) <= 2 for label in "ABCDE")
    assert answers["yesno"].count("yes") == answers["yesno"].count("no")
    assert {answers["sentiment"].count(label) for label in FEELINGS} == {3}
    assert {"0", "9.4"} <= set(answers["number"])
    questions = [worked.question for name in shipped_sets() for worked in shipped_examples(name)]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize(("name", "worked"), ALL)
def test_the_kind_reads_the_answer_that_it_would_show(name, worked):
    value = kind(name, worked).parse(f"{worked.rationale}\nThe answer is {worked.answer}.")
    assert kind(name, worked).show(value) == worked.answer
    assert kind(name, worked).score(value, worked.answer)


@pytest.mark.parametrize(("name", "worked"), WITH_PROGRAM)
def test_the_program_gives_the_answer(name, worked, interpreter):
    assert 1 < len(worked.program.splitlines()) <= 14
    assert worked.program.splitlines()[-1].startswith("ans = ")
    run = interpreter.run(worked.program, result="ans")
    assert run.error is None
    said = int(run.value) if isinstance(run.value, float) and run.value.is_integer() else run.value
    assert kind(name, worked).score(kind(name, worked).parse(str(said)), worked.answer)


@pytest.mark.parametrize(("name", "worked"), [one for one in ALL if one.values[0] in OF_A_KIND + INCREMENTAL])
def test_the_steps_end_with_the_question_and_its_answer(name, worked):
    assert 2 <= len(worked.steps) <= 6
    assert worked.question.endswith(worked.steps[-1].question)
    final = worked.steps[-1].answer
    if name == "number":
        assert Number().same(Number().parse(final), float(worked.answer))
    else:
        assert f" {worked.answer} " in f" {final} ".replace(".", " ").replace('"', " ").replace(":", "")


@pytest.mark.parametrize(("name", "worked"), [one for one in ALL if one.values[0] in INCREMENTAL])
def test_each_step_of_an_incremental_set_extends_the_answer_before_it(name, worked):
    *before, last = [re.findall(r"[a-z]+|[A-Z ]+", step.answer.strip('".'))[-1].strip() for step in worked.steps]
    assert last == worked.answer
    assert all(answer in last for answer in before)
    assert all(earlier.question != later.question for earlier, later in pairwise(worked.steps))


@pytest.mark.parametrize(("name", "worked"), ALL)
def test_the_rationale_is_short_and_ends_in_the_answer(name, worked):
    assert len(worked.rationale.split()) <= (130 if len(worked.lines) > 6 else 60)
    assert "answer is" not in worked.rationale
    last = worked.lines[-1]
    if name.endswith("number"):
        assert Number().same(Number().parse(last), float(worked.answer))
    elif name.endswith("choice"):
        assert last == f"That is option {worked.answer}."
    elif not name.endswith("yesno"):  # there the program decides
        assert re.search(rf"\b{worked.answer}\b", last) or worked.answer == "bottom right"


@pytest.mark.parametrize(("name", "worked"), ALL)
def test_every_calculation_is_right(name, worked):
    told = [worked.rationale, worked.symbols, *(step.answer for step in worked.steps)]
    for text in (sentence for one in told for sentence in one.split(". ")):
        for run in re.findall(r"[\d(][\d.() +*/=-]*[\d)]", text):
            sides = [value(ast.parse(side.strip(), mode="eval").body) for side in run.split("=")] if "=" in run else []
            assert len(set(sides)) <= 1, f"{run!r} in {text!r}"


def value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant):
        return Fraction(str(node.value))
    assert isinstance(node, ast.BinOp)
    does = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
    return does[type(node.op)](value(node.left), value(node.right))


@pytest.mark.parametrize("worked", [one for name in ("spatial", *SPATIAL) for one in shipped_examples(name)])
def test_symbols_are_shorter_than_words_name_the_same_things_and_end_in_the_answer(worked):
    assert worked.symbols.endswith(worked.answer)
    assert len(worked.symbols.split()) <= len(worked.rationale.split())
    things = set(re.findall(r"[a-z]{3,}|[A-Z][a-z]+", worked.symbols.partition(";")[0].partition(",")[0]))
    assert all(thing.lower() in worked.question.lower() for thing in things)


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_ones_have_about_nine_steps_of_which_each_uses_what_is_known(name):
    for worked in shipped_examples(name):
        assert 7 <= count_steps(worked.rationale) <= 10
        assert len(worked.lines) == worked.rationale.count("\n") + 1
    counts = [count_steps(worked.rationale) for worked in shipped_examples(name)]
    assert sum(counts) / len(counts) >= (9 if name == "complex_number" else 8)


@pytest.mark.parametrize("worked", shipped_examples("complex_number"), ids=lambda worked: worked.answer)
def test_every_number_of_a_complex_chain_is_given_or_was_worked_out(worked):
    known = {Fraction(found) for found in re.findall(r"\d+(?:\.\d+)?", worked.question)}
    known |= {Fraction(60), Fraction(3, 5), Fraction(1, 4)}  # minutes of an hour, 60%, 25%
    known |= {Fraction(words) for words in (2, 3, 4, 5, 8, 10)}  # "twice", "a tenth", the tins that are tried
    for line in worked.lines:
        for run in re.findall(r"[\d(][\d.() +*/=-]*\d", line):
            left, equals, result = run.rpartition(" = ")
            if equals:
                assert {Fraction(found) for found in re.findall(r"\d+(?:\.\d+)?", left)} <= known, line
                known.add(Fraction(result))
    assert Fraction(worked.answer) in known


def test_some_take_many_steps():
    assert sorted(count_steps(worked.rationale) for worked in shipped_examples("number"))[-4:] >= [6, 7, 7, 7]
    assert len(shipped_examples("number")[-1].lines) == count_steps(shipped_examples("number")[-1].rationale)


# How they come into a prompt.


def show(worked: WorkedExample) -> Demonstration:
    return Demonstration(worked.question, worked.answer)


def shown(problem: Problem, shots: int, given: object = None) -> list[str]:
    return [one.output for one in with_examples(Prompt(), problem, shots, show, given).examples]


def test_a_prompt_gets_the_first_ones_of_the_kind_as_a_problem_would_show_them():
    problem = Problem("Which?", options=["x", "y"])
    examples = with_examples(Prompt(), problem, 2, show).examples
    first = shipped_examples("choice")[0]
    assert [one.output for one in examples] == [worked.answer for worked in shipped_examples("choice")[:2]]
    assert examples[0].input == Problem(first.question, options=first.options).values()["problem"]
    assert examples[0].input.startswith(first.question)
    assert all(option in examples[0].input for option in first.options)


def test_a_prompt_with_examples_of_its_own_keeps_them():
    own = Prompt(examples=(Demonstration("a", "b"),))
    assert with_examples(own, HOW_MANY, 4, show) is own
    assert with_examples(Prompt(), HOW_MANY, 0, show).examples == ()


def test_more_than_there_are_is_an_error_that_says_what_to_do():
    count = len(shipped_examples("number"))
    with pytest.raises(
        UsageError, match=f"shots=99: only {count} worked examples are shipped for answers of kind 'number'"
    ):
        shown(HOW_MANY, 99)
    with pytest.raises(UsageError, match="no worked example is shipped for answers of kind 'json'; give the prompt"):
        shown(Problem("What?", Json()), 1)
    with pytest.raises(UsageError, match="only 1 worked examples are given"):
        shown(HOW_MANY, 2, [WorkedExample("1 + 1?", "2")])
    with pytest.raises(UsageError, match="at least 1 with demonstrations"):
        shown(HOW_MANY, 0, "number")


def test_what_a_technique_cannot_show_is_passed_over():
    given = [
        WorkedExample("a?", "1"),
        WorkedExample("b?", "2", symbols="b -> 2"),
        WorkedExample("c?", "3", symbols="c -> 3"),
    ]
    prompt = with_examples(
        Prompt(), HOW_MANY, 2, lambda one: Demonstration(one.question, one.answer) if one.symbols else None, given
    )
    assert [one.input for one in prompt.examples] == ["b?", "c?"]


@pytest.mark.parametrize("feeling", [Label(FEELINGS), Choice(labels=("positive", "negative"))])
def test_labels_that_name_feelings_get_the_examples_of_feelings(feeling):
    labels = feeling.options or feeling.labels
    got = shown(Problem("Review: fine.", feeling), 4)
    assert set(got) <= set(labels)
    assert got == [worked.answer for worked in shipped_examples("sentiment") if worked.answer in labels][:4]
    assert shown(Problem("Which?", Choice(labels=("A", "B"))), 1) == ["C"]


def test_four_ways_to_select():
    pens = Problem("A pen and a notebook cost $5. What does each of 2 pens and 3 notebooks cost?", Number())
    answers = [worked.answer for worked in shipped_examples("number")]
    assert shown(pens, 3, DemonstrationPool()) == answers[:3]
    assert shown(pens, 3, DemonstrationPool(select="similar"))[-1] == "9.4"
    everything = [*shipped_examples("number"), *shipped_examples("complex_number")]
    most = sorted(everything, key=lambda worked: -len(worked.lines))[:3]
    assert shown(pens, 3, DemonstrationPool(select="complex")) == [worked.answer for worked in most]
    drawn = shown(pens, 6, DemonstrationPool(select="random", seed=1))
    assert len(set(drawn)) == 6
    assert drawn == shown(HOW_MANY, 6, DemonstrationPool(select="random", seed=1))
    assert drawn != shown(pens, 6, DemonstrationPool(select="random", seed=2))


def test_complexity_is_a_number_of_steps_and_not_of_characters():
    long = WorkedExample("a?", "1", rationale="One step, but told with " + "very " * 50 + "many words.")
    steep = WorkedExample("b?", "2", rationale="Go.\nOn.\nStop.")
    assert shown(HOW_MANY, 2, DemonstrationPool([long, steep], "complex")) == ["2", "1"]


def test_a_problem_is_never_shown_its_own_solution():
    asked = Problem(shipped_examples("number")[2].question, Number())
    for select in ("first", "random", "similar", "complex"):
        assert "9.4" not in shown(asked, len(shipped_examples("number")) - 1, DemonstrationPool(select=select))


@pytest.mark.parametrize("select", ["first", "random", "similar", "complex"])
def test_a_worked_problem_that_stands_in_a_pool_twice_is_shown_once(select):
    long = WorkedExample("Count  the\nants.", "2", rationale="One.\nTwo.\nThree.")
    short, other = (
        WorkedExample("Count the ants.", "2", rationale="Two."),
        WorkedExample("Count the bees.", "4", rationale="a\nb"),
    )
    pool = DemonstrationPool([long, other, short, long], select)
    ranked = pool.ranked(Problem("Count the wasps.", Number()))
    assert sorted(one.answer for one in ranked) == ["2", "4"]
    if select in ("first", "complex"):
        assert ranked == [long, other]  # at the place of the first of them
    with pytest.raises(UsageError, match="only 2 worked examples are given"):
        strategies.get("cot(shots=3)").replace(demonstrations=pool).run(HOW_MANY, ScriptedLLM([]))
    same = [WorkedExample("Which?", "A", options=("1", "2")), WorkedExample("Which?", "A", options=("3", "4"))]
    assert DemonstrationPool(same, select).ranked(HOW_MANY) != []
    assert len(DemonstrationPool(same, select).ranked(HOW_MANY)) == 2


def test_a_set_a_file_or_a_list(tmp_path: Path):
    lines = tmp_path / "mine.jsonl"
    lines.write_text(
        '{"question": "1 + 1?", "answer": 2}\n\n{"question": "2 + 2?", "answer": "4", "rationale": "So."}\n'
    )
    tables = tmp_path / "mine.toml"
    tables.write_text('[[number]]\nquestion = "3?"\nanswer = "3"\n[[text]]\nquestion = "x?"\nanswer = "x"\n')
    assert shown(HOW_MANY, 2, str(lines)) == ["2", "4"]
    assert shown(HOW_MANY, 1, str(tables)) == ["3"]
    assert shown(Problem("What?"), 1, str(tables)) == ["x"]
    assert shown(Problem("Where?"), 1, "spatial") == [shipped_examples("spatial")[0].answer]
    assert shown(HOW_MANY, 1, [{"question": "5?", "answer": "5", "options": ["5", "6"]}]) == ["5"]
    lines.write_text('{"question": "9?", "answer": "9"}\n{"question": "1 + 1?", "answer": "2"}\n' + " " * 50)
    assert shown(HOW_MANY, 1, str(lines)) == ["9"]  # it has changed


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ('{"question": "1?"}', InputError, r"mine.jsonl:1: 'answer' is missing"),
        ('{"question": "1?", "answer": "1"}\n{oops', InputError, r"mine.jsonl:2: not JSON"),
        ("[1]", InputError, r"mine.jsonl:1: must be a JSON object"),
        ('{"question": "1?", "answer": null}', InputError, r"mine.jsonl:1: 'answer' is missing"),
        (
            '{"question": "1?", "answer": "1", "rationale": ["a", "b"]}',
            InputError,
            r"'rationale' must be a text, got \['a'",
        ),
        ('{"question": "1?", "answer": "A", "options": "ABC"}', InputError, r"options must be a list of texts"),
        (
            '{"question": "1?", "answer": "1", "steps": [{"question": "a", "answer": null}]}',
            InputError,
            r"steps must be obj",
        ),
        ("\udce9", InputError, r"mine.jsonl:1: not UTF-8"),
        ('{"question": "1?", "answer": "1", "steps": [3]}', InputError, r"mine.jsonl:1: steps must be objects"),
        ('{"question": "1?", "answer": "1", "reason": "x"}', UnknownName, r"unknown field 'reason' in .*mine.jsonl:1"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_where(tmp_path: Path, text: str, error: type[Exception], words: str):
    file = tmp_path / "mine.jsonl"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(error, match=words):
        shown(HOW_MANY, 1, str(file))


def test_what_is_wrong_with_tables_or_a_name(tmp_path: Path):
    file = tmp_path / "mine.toml"
    for text, words in (
        ("number = 3", "'number' must be a list of worked examples"),
        ("[[number", "mine.toml: "),
        ('[[text]]\nquestion = "x?"\nanswer = "x"\n[[json]]\nquestion = "y?"\nanswer = "y"', "only text, json"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=words):
            shown(HOW_MANY, 1, str(file))
    with pytest.raises(UnknownName, match=r"unknown set or file of demonstrations 'spatal'; did you mean 'spatial'\?"):
        shown(HOW_MANY, 1, "spatal")
    with pytest.raises(UnknownName, match=r"unknown way to select 'simlar'; did you mean 'similar'\?"):
        DemonstrationPool(select="simlar")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spec",
    [
        "cot(shots=2, demonstrations='sentiment')",
        "vanilla(shots=1, demonstrations=[{'question': '1?', 'answer': '1'}])",
        "cot(shots=2, demonstrations=Pool(source=None, select='random', seed=3))",
        "cot(shots=1, demonstrations=Pool(source=[{'question': '1?', 'answer': '1'}], select='similar', seed=0))",
        "least_to_most(demonstrations=Pool(source='number', select='similar', seed=0))",
    ],
)
def test_demonstrations_stand_in_a_spec(spec: str):
    strategy = strategies.get(spec)
    assert repr(strategy) == spec
    assert strategies.get(repr(strategy)) == strategy


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("cot(shots=2, demonstrations=Pool(select='simlar'))", UnknownName, r"at column 29.*did you mean 'similar'"),
        ("cot(shots=2, demonstrations=Pool(pick='first'))", UnknownName, r"parameter 'pick' of Pool at column 39"),
        ("cot(shots=2, demonstrations=Pool(open('x')))", UnknownName, r"'open' at column 34"),
        ("cot(shots=2, demonstrations=3)", SpecError, r"demonstrations must be"),
    ],
)
def test_what_is_wrong_with_a_pool_in_a_spec(spec: str, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        strategies.get(spec)


@pytest.mark.parametrize("name", ["vanilla", "cot", "least_to_most", "complex_cot", "contrastive_cot"])
def test_every_few_shot_technique_takes_those_of_the_user(name: str, tmp_path: Path):
    mine = {
        "question": "Ann has 2 pens and Bob 3. How many?",
        "answer": "5",
        "rationale": "Ann has 2 pens and Bob has 3. That is 2 + 3 = 5.",
    }
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({**mine, "steps": [{"question": "How many?", "answer": "2 + 3 = 5."}]}))
    llm = ScriptedLLM(lambda messages: "The answer is 1.")
    strategies.get(f"{name}(shots=1, demonstrations={str(file)!r})").run(HOW_MANY, llm)
    assert mine["question"] in llm.prompts[0]
    with pytest.raises(UsageError, match="only 1 worked examples are given"):
        strategies.get(f"{name}(shots=2, demonstrations={str(file)!r})").run(HOW_MANY, llm)
