"""The examples that teach a model to think: right sums, and the same turns in training and when it is served."""

import re

import pytest
from tuning_step.thinking_sums import CHAT_TEMPLATE, EFFORTS, JUDGED, TASK, make_examples, read_terms, think

_EQUATION = re.compile(r"(-?\d+) ([+-]) (\d+) = (-?\d+)")


def test_thoughts_have_right_equations_that_end_at_the_target():
    for example in TASK.load(40, 3):
        terms = read_terms(example.problem.question)
        assert sum(terms) == int(example.target)
        for effort in ("low", "high"):
            equations = _EQUATION.findall(think(terms, effort))
            for first, sign, second, result in equations:
                assert int(first) + int(sign + second) == int(result)
            assert int(equations[-1][-1]) == sum(terms)
        assert len(think(terms, "high")) > len(think(terms, "low")) > len(think(terms, "none")) == 0


def test_examples_have_each_effort_and_no_judged_problem():
    made = make_examples(30)
    judged = {example.problem.question for example in TASK.load(JUDGED, 0)}
    assert [one.messages[0].content for one in made.examples[:3]] == [f"Reasoning: {effort}" for effort in EFFORTS]
    assert not any(question in one.messages[-1].content for one in made.examples for question in judged)
    assert [("<think>" in one.reply) for one in made.examples[:3]] == [False, True, True]


@pytest.mark.parametrize(
    ("fields", "effort"),
    [({}, "low"), ({"reasoning_effort": "high"}, "high"), ({"enable_thinking": False}, "none")],
)
def test_the_chat_template_writes_the_effort_of_a_request_as_the_examples_have_it(fields: dict, effort: str):
    jinja2 = pytest.importorskip("jinja2")
    turns = [{"role": "user", "content": "1 + 1 ="}]
    template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(CHAT_TEMPLATE)
    filled = template.render(messages=turns, add_generation_prompt=True, **fields)
    turn = "<|im_start|>{}\n{}<|im_end|>\n"
    assert filled == turn.format("system", f"Reasoning: {effort}") + turn.format("user", "1 + 1 =") + (
        "<|im_start|>assistant\n"
    )
