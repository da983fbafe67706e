"""Every few-shot technique with every kind: the answers that it shows are parsed, by the problem's kind, as meant."""

from __future__ import annotations

from datetime import date

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.kinds.label import Label
from reasoning.strategies.demonstrations import DemonstrationPool, WorkedExample
from reasoning.strategies.demonstrations.rendering import in_kind
from reasoning.testing import ScriptedLLM

TECHNIQUES = [
    "vanilla(shots=5)",
    "cot(shots=5)",
    "cot(shots=5, demonstrations='spatial')",
    "complex_cot(samples=1, shots=5)",
    "chain_of_symbol",
    "contrastive_cot",
    "least_to_most(one_pass=True, shots=1)",
    "guideline(guideline='Be short.', shots=3)",
]
SPATIAL = ("chain_of_symbol", "cot(shots=5, demonstrations='spatial')")
OPTIONS = ["p", "q", "r", "s", "t"]
KINDS = [
    kinds.Number(),
    kinds.Number(percent=True),
    kinds.YesNo(),
    kinds.Text(),
    kinds.Text(whole=True),
    kinds.Choice(OPTIONS),
    kinds.Choice(OPTIONS, labels=["1", "2", "3", "4", "5"]),
    kinds.Choice(OPTIONS, labels=["a", "b", "c", "d", "e"]),
    kinds.Choice(labels=("positive", "negative", "neutral")),
    kinds.Choice(labels=("entailment", "contradiction")),
    Label(("Positive", "Negative", "Neutral")),
    Label(("bus", "tram")),
    kinds.Items(),
    kinds.Items(sep=","),
    kinds.Items(sep="|"),
    kinds.Date(),
    kinds.Expression(),
    kinds.Json(),
    kinds.Composite([kinds.Number(), kinds.YesNo()]),
]


def gold(question: str, kind: kinds.Kind) -> WorkedExample:
    """The shipped example whose question a demonstration shows."""
    sets = [DemonstrationPool(), DemonstrationPool(select="complex"), DemonstrationPool("spatial")]
    examples = [one for pool in sets for one in pool.ranked(Problem("", kind))]
    return next(one for one in examples if one.question in question)


def served(spec: str, kind: kinds.Kind) -> bool:
    """Return whether demonstrations of a technique are shipped for a kind."""
    if isinstance(kind, Label) or (isinstance(kind, kinds.Choice) and not kind.options):
        labels = kind.options if isinstance(kind, Label) else kind.labels
        # Feelings have no sub-questions.
        return labels[0].lower() == "positive" and spec not in SPATIAL and not spec.startswith("least_to_most")
    if isinstance(kind, kinds.Items):
        # Lists have neither sub-questions nor wrong explanations.
        return not spec.startswith(("least_to_most", "contrastive"))
    return isinstance(kind, kinds.Number | kinds.YesNo | kinds.Text | kinds.Choice)


def shown(spec: str, kind: kinds.Kind) -> list[tuple[str, str]]:
    """The questions and replies of the demonstrations that a technique sends."""
    llm = ScriptedLLM(lambda messages: "…")
    strategies.get(spec).run(Problem("Which one?", kind), llm)
    turns = llm.requests[0].messages
    if len(turns) == 1 or turns[-1].content.count("Wrong explanation: "):
        parts = turns[-1].content.split("Question: ")[1:-1]
        return [(part, part.partition("\nAnswer: ")[2].partition("\n")[0]) for part in parts]
    asked = [turn for turn in turns if turn.role != "system"]
    return [(question.content, reply.content) for question, reply in zip(asked[:-1:2], asked[1::2], strict=True)]


@pytest.mark.parametrize("kind", KINDS, ids=repr)
@pytest.mark.parametrize("spec", TECHNIQUES)
def test_what_a_demonstration_answers_is_its_own_gold_answer_to_the_kind_of_the_problem(
    spec: str, kind: kinds.Kind
) -> None:
    if not served(spec, kind):
        with pytest.raises(UsageError, match="worked example"):
            shown(spec, kind)
        return
    demonstrations = shown(spec, kind)
    assert demonstrations
    for question, reply in demonstrations:
        example = gold(question, kind)
        # A choice of a demonstration has its own options, with the labels of the problem.
        own = kinds.Choice(example.options, labels=kind.labels[: len(example.options)]) if example.options else kind
        target: object = example.items if isinstance(kind, kinds.Items) and example.items else example.answer
        if example.options:
            target = own.labels[kinds.Choice(example.options).labels.index(example.answer)]
        value = own.parse(reply)
        if isinstance(kind, kinds.Text) and kind.whole:
            assert reply.rstrip(".").endswith(example.answer)
        else:
            assert value is not None
            assert own.score(value, target), (reply, target)


@pytest.mark.parametrize(
    ("example", "kind", "answer"),
    [
        (WorkedExample("a?", "x, y", items=("x", "y")), kinds.Items(), "x; y"),
        (WorkedExample("a?", "x, y"), kinds.Items(sep=","), "x, y"),
        (WorkedExample("a?", "1,200"), kinds.Number(), "1,200"),
        (WorkedExample("a?", "GOOD"), Label(("good", "bad")), "good"),
        (WorkedExample("a?", "2024-02-27"), kinds.Date(), "2024-02-27"),
        (WorkedExample("a?", "a few apples"), kinds.Number(), None),
        (WorkedExample("a?", "east"), kinds.YesNo(), None),
        (WorkedExample("a?", "fair"), Label(("good", "bad")), None),
    ],
)
def test_an_answer_is_shown_as_the_kind_shows_it(example: WorkedExample, kind: kinds.Kind, answer: str | None) -> None:
    rendered = in_kind(example, kind)
    assert (rendered.answer if rendered else None) == answer


def test_the_answer_of_a_file_may_be_a_list() -> None:
    tins = WorkedExample.from_record({"question": "Which tins?", "answer": ["red", "green"]})
    assert (tins.answer, tins.items) == ("red, green", ("red", "green"))
    llm = ScriptedLLM(["…"])
    mine = [{"question": "Which tins?", "answer": ["red", "green"]}]
    strategies.get(f"vanilla(shots=1, demonstrations={mine!r})").run(Problem("Which?", kinds.Items(sep="/")), llm)
    assert llm.requests[0].messages[-2].content == "red/ green"


def test_an_example_of_ones_own_that_is_not_of_the_kind_is_shown_as_it_stands() -> None:
    mine = [{"question": "When?", "answer": str(date(2024, 2, 27).year) + " or so"}]
    llm = ScriptedLLM(["…"])
    strategies.get(f"vanilla(shots=1, demonstrations={mine!r})").run(Problem("How many?", kinds.Number()), llm)
    assert llm.requests[0].messages[-2].content == "2024 or so"


def test_labels_of_the_problem_stand_in_the_reasoning_too() -> None:
    llm = ScriptedLLM(["…"])
    kind = kinds.Choice(OPTIONS, labels=["1", "2", "3", "4", "5"])
    strategies.get("contrastive_cot(shots=1)").run(Problem("Which?", kind), llm)
    assert "(3) 40" in llm.prompts[0]
    assert "That is option 3.\n\nAnswer: 3" in llm.prompts[0]
    assert "That is option 2.\n\nWrong answer: 2" in llm.prompts[0]
    assert "option C" not in llm.prompts[0]
