"""Contrastive chain of thought: wrong explanations that are made here, and a region that ends before one."""

from __future__ import annotations

import operator
import re
from collections import Counter
from fractions import Fraction

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import InputError, UsageError
from reasoning.kinds.label import Label
from reasoning.strategies.demonstrations import WorkedExample, shipped_examples
from reasoning.strategies.demonstrations.contrastive import contrastive_demonstration, shuffle_values
from reasoning.strategies.demonstrations.worked_example import shipped_sets
from reasoning.testing import ScriptedLLM
from tests import call_counts

APPLES = Problem("Tom has 9 apples and gives 4 away. How many are left?", kinds.Number())
KINDS = {"number": kinds.Number(), "yesno": kinds.YesNo(), "text": kinds.Text(), "choice": kinds.Choice(["x", "y"])}
KINDS |= {"spatial": kinds.Text(), "sentiment": Label(("positive", "negative", "neutral"))}
MADE = [
    pytest.param(name, worked, made.output, id=f"{name}-{place}")
    for name in shipped_sets()
    if name.rpartition("_")[2] in KINDS
    for place, worked in enumerate(shipped_examples(name), 1)
    if (made := contrastive_demonstration(worked, KINDS[name.rpartition("_")[2]])) is not None
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


# The ends of the right and of the wrong explanation of each shipped question with yes or no, in their order.
ENDS = [
    ("That is less than an hour.", "That is more than an hour."),
    ("so the pile is not taller.", "so the pile is taller."),
    ("is part of the weekend.", "is not part of the weekend."),
    ("face down.", "face up."),
    ("so the eggs fit.", "so the eggs do not fit."),
    ("Nobody can watch something live before being born.", "Someone of 16 years can watch something live."),
    ("so now it is on.", "so now it is still off."),
    ("52 Sundays, which is less than 53.", "53 Sundays."),
    ("so two hours are enough.", "so two hours are not enough."),
    ("so a whale must come up earlier.", "so a whale need not come up earlier."),
]


def wrong_parts(output: str) -> tuple[str, str]:
    chain, _, wrong = output.partition("Wrong explanation: ")[2].partition("\n\nWrong answer: ")
    return chain, wrong


@pytest.mark.parametrize(("name", "worked", "output"), MADE)
def test_a_wrong_explanation_ends_in_its_wrong_answer(name: str, worked: WorkedExample, output: str) -> None:
    chain, wrong = wrong_parts(output)
    kind = kinds.Choice(worked.options) if worked.options else KINDS[name.rpartition("_")[2]]
    assert not kind.score(kind.parse(f"The answer is {wrong}."), worked.answer)
    assert chain != worked.rationale
    *_, last = chain.splitlines() if "\n" in chain else chain.split(". ")
    if name.endswith("number"):
        assert kind.same(kind.parse(last), kind.parse(wrong))
    elif worked.options:
        assert kind.parse(chain) == wrong
        before = chain.splitlines()[-2] if "\n" in chain else chain.split(". ")[-2]
        texts = [worked.options[kind.labels.index(label)] for label in (wrong, kind.target(worked.answer))]
        assert last_place(texts[0], before) > last_place(texts[1], before)
    elif name.endswith(("text", "spatial", "sentiment")):
        assert last_place(wrong, last) > last_place(worked.answer, last)


def last_place(option: str, text: str) -> int:
    """Where a text names an option last, in one of its words that say something; -1 for nowhere."""
    words = [word for word in option.split() if word not in ("a", "an", "of", "on", "in", "the", "below", "at")]
    pattern = "|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words)
    return max((match.start() for match in re.finditer(pattern, text)), default=-1)


def test_a_wrong_explanation_of_yes_or_no_turns_the_conclusion_round() -> None:
    worked = shipped_examples("yesno")
    assert len(worked) == len(ENDS)
    for one, (right, wrong) in zip(worked, ENDS, strict=True):
        assert one.rationale.endswith(right)
        assert one.wrong_rationale.endswith(wrong)
        assert {one.answer, one.wrong_answer} == {"yes", "no"}


@pytest.mark.parametrize("name", ["yesno", "text", "choice", "sentiment"])
def test_written_ones_calculate_right_with_the_wrong_things(name: str) -> None:
    for worked in shipped_examples(name):
        assert worked.wrong_rationale
        assert "answer is" not in worked.wrong_rationale
        for left, right in re.findall(r"((?:\d[\d.]* [-+*/] )+\d[\d.]*) = (\d+(?:\.\d+)?)", worked.wrong_rationale):
            numbers, signs = re.findall(r"\d+(?:\.\d+)?", left), re.findall(r"[-+*/]", left)
            total = Fraction(numbers[0])
            for sign, number in zip(signs, numbers[1:], strict=True):
                does = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
                total = does[sign](total, Fraction(number))
            assert total == Fraction(right), left


def test_most_of_the_shipped_examples_can_be_contrasted() -> None:
    made = Counter(param.values[0] for param in MADE)
    assert all(made[name] == len(shipped_examples(name)) for name in KINDS if name != "spatial")
    assert made["complex_number"] == 8


@pytest.mark.parametrize("answer", ["B", "b", "(B)", "Tom"])
def test_a_wrong_option_is_the_one_in_which_the_explanation_ends(answer: str) -> None:
    chain = "In the house live Rex and Tom. The one that barks is Tom. That is option B."
    worked = WorkedExample("Which one barks?", answer, chain, options=("Rex", "Tom"))
    made = contrastive_demonstration(worked, kinds.Choice(worked.options))
    assert made is not None
    assert wrong_parts(made.output) == (
        "In the house live Tom and Tom. The one that barks is Rex. That is option A.",
        "A",
    )


@pytest.mark.parametrize(
    ("worked", "kind"),
    [
        # Before, the wrong answer was 19, the last number.
        (
            WorkedExample(
                "Which month?", "July", "October is month 10. 10 + 9 = 19, and 19 - 12 = 7. Month 7 is July."
            ),
            kinds.Text(),
        ),
        # The shuffled chain still ends in the right answer, or in nothing that is an option.
        (WorkedExample("How many?", "5", "There are 9 and 4 go, so 9 - 4 = 5. Only 3 of 7 came."), kinds.Number()),
        (
            WorkedExample("How many?", "B", "9 - 4 = 5, and 2 are his. So 5 are left. That is option B.", ("7", "5")),
            kinds.Choice(["7", "5"]),
        ),
        # No explanation of yes, no or a label names it.
        (WorkedExample("Is 9 more than 4?", "yes", "9 is a number. 4 is a number. 9 is more than 4."), kinds.YesNo()),
        (WorkedExample("Review: fine.", "good", "It has 9 stars, and 4 are many."), Label(("good", "bad"))),
    ],
)
def test_explanations_that_do_not_end_in_a_wrong_answer_are_passed_over(
    worked: WorkedExample, kind: kinds.Kind
) -> None:
    assert contrastive_demonstration(worked, kind) is None


def test_a_written_one_of_ones_own_is_shown_as_it_is() -> None:
    mine = {"question": "Is 9 more than 4?", "answer": "yes", "rationale": "9 is more than 4."}
    written = {**mine, "wrong_rationale": "4 is more than 9.", "wrong_answer": "no"}
    llm = ScriptedLLM(["Answer: yes"])
    problem = Problem("Is 8 more than 3?", kinds.YesNo())
    strategies.get(f"contrastive_cot(shots=1, demonstrations={[written]!r})").run(problem, llm)
    assert "Wrong explanation: 4 is more than 9.\n\nWrong answer: no" in llm.prompts[0]
    with pytest.raises(UsageError, match="no worked example is given"):
        strategies.get(f"contrastive_cot(shots=1, demonstrations={[mine]!r})").run(problem, llm)
    with pytest.raises(InputError, match="wrong_rationale and wrong_answer must be given together"):
        WorkedExample.from_record({**mine, "wrong_answer": "no"})
    same = WorkedExample.from_record({**written, "wrong_answer": "Yes"})
    assert contrastive_demonstration(same, kinds.YesNo()) is None


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
    with pytest.raises(UsageError, match="is shipped for answers of kind 'label'"):
        strategies.get("contrastive_cot").run(Problem("Which?", Label(("bus", "tram"))), llm)


def test_a_used_up_budget_is_a_clear_state() -> None:
    answer = strategies.get("contrastive_cot").run(APPLES, ScriptedLLM([]), budget=Budget(calls=0))
    assert (answer.state, answer.usage.calls) == ("unparsed", 0)
