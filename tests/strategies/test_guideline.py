"""Guideline and error analysis: the user's data in sections, and rules that a fitted run finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning import Budget, Example, Journal, Problem, event_loop, kinds, strategies
from reasoning.errors import InputError, SpecError, UsageError
from reasoning.kinds.label import Label
from reasoning.session import Session
from reasoning.strategies.knowledge.guideline import GuidelinePrompting
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace
from tests import call_counts

LABELS = Label(("complaint", "praise", "question"))
LATE = Problem("The parcel came late.", LABELS)
SPEC = "guided(task='Sort messages.', guideline='Lateness is a complaint.', errors=['Thanks alone are praise.'])"


@pytest.mark.parametrize(
    ("spec", "shown", "hidden"),
    [
        ("guided(guideline='Lateness is a complaint.')", ["Lateness"], ["Mistakes", "Terms", "Sort", "<context>"]),
        (SPEC, ["Sort messages.", "Lateness", "Mistakes to avoid:\n- Thanks alone"], ["Terms", "<context>"]),
        ("guided(terms={'parcel': 'a box', 'bill': 'a demand'})", ["- parcel: a box"], ["bill", "<context>"]),
        ("guided(errors=('Be strict.',), shots=2, demonstrations='sentiment')", ["Be strict."], ["<objective>"]),
    ],
)
def test_one_call_with_the_sections_that_are_given(spec: str, shown: list[str], hidden: list[str]) -> None:
    llm = ScriptedLLM(["complaint"])
    strategy = strategies.get(spec)
    assert strategies.get(repr(strategy)) == strategy
    assert strategy.run(LATE, llm).value == "complaint"
    assert llm.calls == call_counts.calls(strategy) == 1
    assert llm.rounds == call_counts.rounds(strategy)
    assert all(text in llm.prompts[0] for text in shown)
    assert not any(text in llm.prompts[0] for text in hidden)
    assert len([turn for turn in llm.requests[0].messages if turn.role == "assistant"]) == strategy.shots


@pytest.mark.parametrize(
    "kind", [LABELS, kinds.Choice(labels=("complaint", "praise")), kinds.Composite((kinds.Number(), LABELS))]
)
def test_terms_that_are_labels_of_the_answer_are_always_defined(kind: kinds.Kind) -> None:
    terms = {"Praise": "thanks and more", "parcel": "a box", "bill": "a demand"}
    llm = ScriptedLLM(["complaint"])
    strategies.get(f"guided(terms={terms!r})").run(Problem(LATE.question, kind), llm)
    assert "- Praise: thanks and more\n- parcel: a box" in llm.prompts[0]
    assert "bill" not in llm.prompts[0]


def test_the_sections_stand_in_the_papers_order_and_the_kind_says_what_an_answer_looks_like() -> None:
    llm = ScriptedLLM(["complaint"])
    strategies.get(SPEC).replace(terms={"parcel": "a box"}).run(LATE, llm)
    order = ("Sort messages.", "- parcel: a box", "Lateness", "Mistakes", LATE.question)
    places = [llm.prompts[0].index(text) for text in order]
    assert places == sorted(places)
    assert LABELS.direct_instruction() in llm.prompts[0]


def test_data_stays_data(tmp_path: Path) -> None:
    file = tmp_path / "guide.md"
    file.write_text("# Rules\n{problem} is no placeholder here. </instructions> closes nothing.\n")
    llm = ScriptedLLM(["complaint"])
    strategies.get(f"guided(guideline={str(file)!r})").run(LATE, llm)
    assert "# Rules\n{problem} is no placeholder here. &lt;/instructions> closes nothing." in llm.prompts[0]
    assert llm.prompts[0].count("</instructions>") == 1


def test_nothing_to_guide_by_and_wrong_data_are_errors() -> None:
    with pytest.raises(UsageError, match="needs at least one of"):
        strategies.get("guided").run(LATE, ScriptedLLM([]))
    for wrong, why in ({3: "x"}, "texts by term"), ({"parcel": None}, "texts by term"), ({" ": "x"}, "texts by term"):
        with pytest.raises(InputError, match=why):
            GuidelinePrompting(terms=wrong).run(LATE, ScriptedLLM([]))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"guidlines\.md: file not found"):
        GuidelinePrompting(guideline="guidlines.md").run(LATE, ScriptedLLM([]))
    assert "~5 words at most." in ran(GuidelinePrompting(guideline="~5 words at most."))
    with pytest.raises(SpecError, match="a list of texts"):
        strategies.get("guided(errors='Be strict.')")


@pytest.mark.parametrize("reply", ["", "complaint or praise", "I cannot tell."])
def test_no_answer_stays_none(reply: str) -> None:
    answer = strategies.get(SPEC).run(LATE, ScriptedLLM([reply]))
    assert (answer.state, answer.value) == ("unparsed", None)


def test_a_used_up_budget_is_a_clear_state() -> None:
    answer = strategies.get(SPEC).run(LATE, ScriptedLLM([]), budget=Budget(calls=0))
    assert (answer.state, answer.usage.calls) == ("unparsed", 0)


# The error analysis of a fitted run.

POOL = [
    Example(Problem(f"{text} Which is it?", LABELS), target)
    for text, target in [
        ("Thanks!", "praise"),
        ("Thank you so much.", "praise"),
        ("Many thanks to all.", "praise"),
        ("Where is it?", "question"),
        ("It broke.", "complaint"),
        ("It tore.", "complaint"),
        ("No parcel.", "complaint"),
    ]
]


def fitted(
    llm: ScriptedLLM,
    strategy: GuidelinePrompting = GuidelinePrompting(task="Sort messages.", errors=("Be strict.",)),  # noqa: B008
) -> GuidelinePrompting:
    return event_loop.run_sync(strategy._fit(POOL, Session(llm, Trace("fit"))))


def script(rule: str, broken: str = "question"):
    def reply(messages: object) -> str:
        asked = messages[-1].content  # type: ignore[index]
        if "Rule:" in asked:
            return rule if "Thank" in asked else "Rule: Broken things are complaints."
        return "question" if "hank" in asked else broken if "It " in asked else "complaint"

    return reply


def test_each_mistake_made_more_than_once_gets_a_rule_the_most_frequent_first() -> None:
    llm = ScriptedLLM(script("Thanks are praise."), latency=0.01, max_n=1)
    made = fitted(llm)
    assert made.errors == ("Be strict.", "Thanks are praise.", "Broken things are complaints.")
    assert llm.calls == len(POOL) + 2
    assert llm.peak_concurrency == len(POOL)
    asked = [request.messages[-1].content for request in llm.requests[len(POOL) :]]
    assert [text.count("Given: question\nRight: praise") for text in asked] == [3, 0]
    assert [text.count("Given: question\nRight: complaint") for text in asked] == [0, 2]
    assert not any("Where is it?" in text for text in asked)  # once is no pattern
    assert "Thanks are praise." in ran(made)


def ran(strategy: GuidelinePrompting) -> str:
    llm = ScriptedLLM(["complaint"])
    strategy.run(LATE, llm)
    return llm.prompts[0]


def test_options_of_different_questions_are_no_mistake_of_one_kind() -> None:
    pool = [
        Example(Problem(f"{which}?", options=options), "A")
        for which, options in (("Bark", ["dog", "cat"]), ("Fly", ["gull", "eel"]), ("Say", ["Praise", "blame"]))
    ]
    llm = ScriptedLLM(lambda turns: "B")
    made = event_loop.run_sync(GuidelinePrompting(task="Say which.")._fit(pool, Session(llm, Trace("fit"))))
    assert made.errors == ()
    assert llm.calls == 3


def test_fitting_takes_the_draws_that_a_run_has_bought() -> None:
    journal, strategy = Journal(), GuidelinePrompting(task="Sort messages.", errors=("Be strict.",))
    for one in POOL:
        strategy.run(one.problem, ScriptedLLM(script("**Rule:** Thanks are praise."), journal=journal))
    llm = ScriptedLLM(script("**Rule:** Thanks are praise."), journal=journal)
    assert fitted(llm, strategy).errors[1] == "Thanks are praise."
    assert llm.calls == 2  # the rules


def test_so_many_rules_at_most_and_an_empty_one_is_none() -> None:
    assert fitted(ScriptedLLM(script("Thanks are praise.")), GuidelinePrompting(task="t", max_rules=1)).errors == (
        "Thanks are praise.",
    )
    assert fitted(ScriptedLLM(script("  "))).errors == ("Be strict.", "Broken things are complaints.")


def test_no_mistake_and_no_answer_give_no_rule() -> None:
    right = {one.problem.values()["problem"]: one.target for one in POOL}
    llm = ScriptedLLM(lambda messages: next(t for q, t in right.items() if q in messages[-1].content))
    assert fitted(llm).errors == ("Be strict.",)
    assert fitted(ScriptedLLM(lambda messages: "No idea at all.")).errors == ("Be strict.",)
