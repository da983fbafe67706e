"""Contrastive chain of thought: wrong explanations that are made here, and a region that ends before one."""

from __future__ import annotations

from collections import Counter

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.kinds.label import Label
from reasoning.strategies.demonstrations import WorkedExample, shipped_examples
from reasoning.strategies.demonstrations.contrastive import contrastive_demonstration, shuffle_values
from reasoning.testing import ScriptedLLM
from tests import call_counts

APPLES = Problem("Tom has 9 apples and gives 4 away. How many are left?", kinds.Number())
KINDS = {"number": kinds.Number(), "yesno": kinds.YesNo(), "text": kinds.Text(), "choice": kinds.Choice(["x", "y"])}
MADE = [
    pytest.param(name, worked, made.output, id=f"{name}-{place}")
    for name, kind in KINDS.items()
    for place, worked in enumerate(shipped_examples(name), 1)
    if (made := contrastive_demonstration(worked, kind)) is not None
]


@pytest.mark.parametrize(
    ("spec", "calls"),
    [("contrastive_cot", 1), ("contrastive(shots=2)", 1), ("sc(contrastive_cot, samples=5)", 5)],
)
def test_one_call_in_one_turn(spec: str, calls: int) -> None:
    llm = ScriptedLLM(lambda messages: "9 - 4 = 5.\n\nAnswer: 5")
    strategy = strategies.get(spec)
    assert strategy.run(APPLES, llm).value == 5
    assert llm.calls == call_counts.calls(strategy) == calls
    assert llm.rounds == call_counts.rounds(strategy)
    [turn] = llm.requests[0].messages
    assert turn.role == "user"
    assert turn.content.endswith(f"Question: {APPLES.question}\n\nExplanation:")
    assert llm.requests[0].sampling["stop"] == ["\nWrong explanation", "\nWrong Explanation"]


def test_each_example_has_a_right_and_a_wrong_explanation() -> None:
    llm = ScriptedLLM(["Answer: 5"])
    strategies.get("contrastive_cot(shots=3)").run(APPLES, llm)
    for label in ("Explanation: ", "\nAnswer: ", "Wrong explanation: ", "Wrong answer: "):
        assert llm.prompts[0].count(label) == 3
    first = shipped_examples("number")[0]
    assert first.rationale in llm.prompts[0]
    assert llm.prompts[0].index(first.rationale) < llm.prompts[0].index("Wrong explanation: ")


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("9 - 4 = 5.\n\nAnswer: 5\n\nWrong explanation: 9 + 4 = 13.\n\nWrong answer: 13", 5),
        ("9 - 4 = 5.\nAnswer: 5\n**Wrong Explanation:** 13\nAnswer: 13", 5),
        ("9 - 4 = 5.\nAnswer: 5\nWrong answer: 13", 5),
        ("9 - 4 leaves 5\nwrong explanation: 13", 5),
        ("9 - 4 = 5.\nAnswer: 5\n### Wrong Explanation\n9 + 4 = 13\nAnswer: 13", 5),
        ("Each wrong answer takes 4 of the 9, and one is wrong: 9 - 4 = 5.\nAnswer: 5", 5),
        ("I write no wrong explanation. 9 - 4 is five.\nAnswer: 5", 5),
        ("Wrong explanation: 9 + 4 = 13. Answer: 13", None),
        ("Answer: it cannot be determined", None),
        ("", None),
    ],
)
def test_only_what_stands_before_the_wrong_explanation_is_read(reply: str, value: int | None) -> None:
    answer = strategies.get("contrastive_cot").run(APPLES, ScriptedLLM([reply]))
    assert answer.value == value
    assert answer.state == ("unparsed" if value is None else "answered")


@pytest.mark.parametrize(("name", "worked", "output"), MADE)
def test_what_is_wrong_is_wrong_and_made_of_the_same_words(name: str, worked: WorkedExample, output: str) -> None:
    chain = output.partition("Wrong explanation: ")[2].partition("\n\nWrong answer: ")[0]
    wrong = output.partition("Wrong answer: ")[2]
    kind = kinds.Choice(worked.options) if worked.options else KINDS[name]
    assert kind.parse(wrong) is not None
    assert not kind.score(kind.parse(wrong), worked.answer)
    assert chain != worked.rationale
    if name != "choice":  # there the letter of the option changes
        assert Counter(chain) == Counter(worked.rationale)


@pytest.mark.parametrize("answer", ["B", "b", "(B)", "a dog"])
def test_a_wrong_option_is_another_one_however_the_right_one_is_written(answer: str) -> None:
    worked = WorkedExample(
        "Which one barks?", answer, "The 2 of them have 4 legs. Option B barks.", options=("a cat", "a dog")
    )
    made = contrastive_demonstration(worked, kinds.Choice(worked.options))
    assert made is not None
    assert made.output.endswith("Wrong answer: A")


def test_most_of_the_shipped_examples_can_be_contrasted() -> None:
    made = Counter(param.values[0] for param in MADE)
    assert all(made[name] >= 7 for name in KINDS)


def test_equations_move_as_one_and_nothing_moves_where_all_are_equal() -> None:
    assert shuffle_values("Tom had 9, gave 4, 9 - 4 = 5.") == "Tom had 4, gave 9 - 4 = 5, 9."
    assert shuffle_values("It is 3. 1 + 2 = 3.") == "It is 3. 1 + 2 = 3."
    assert shuffle_values("Ann gave Bob one.") == "Ann gave Bob one."


def test_examples_without_enough_to_shuffle_are_passed_over() -> None:
    mine = [
        {"question": "One?", "answer": "1", "rationale": "It is one."},
        {"question": "Five?", "answer": "5", "rationale": "There are 9 and 4 go, so 9 - 4 = 5."},
    ]
    llm = ScriptedLLM(["Answer: 5"])
    strategies.get(f"contrastive_cot(shots=1, demonstrations={mine!r})").run(APPLES, llm)
    assert "Five?" in llm.prompts[0]
    assert "One?" not in llm.prompts[0]
    feelings = Problem("Review: fine.", Label(("positive", "negative")))
    with pytest.raises(UsageError, match="are shipped for answers of kind 'label'"):
        strategies.get("contrastive_cot").run(feelings, llm)


def test_a_used_up_budget_is_a_clear_state() -> None:
    answer = strategies.get("contrastive_cot").run(APPLES, ScriptedLLM([]), budget=Budget(calls=0))
    assert (answer.state, answer.usage.calls) == ("unparsed", 0)
