"""Guideline and error analysis: the user's data in sections, and rules that a fitted run finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from reasoning import Budget, Example, Journal, Problem, event_loop, kinds, strategies
from reasoning.errors import BudgetExhausted, InputError, SpecError, UsageError
from reasoning.kinds.label import Label
from reasoning.messages import Message
from reasoning.session import Session
from reasoning.strategies.knowledge.error_analysis import read_rule
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
        (
            "guided(errors=('Be strict.',), shots=2, demonstrations=[{'question': 'Great!', 'answer': 'praise'}, "
            "{'question': 'Where?', 'answer': 'question'}])",
            ["Be strict."],
            ["<objective>"],
        ),
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


def script(rule: str, broken: str = "question", learns: bool = True) -> Callable[[Sequence[Message]], str]:
    """Return a model that obeys the rules that its prompt shows, or ignores them."""

    def reply(messages: Sequence[Message]) -> str:
        asked, told = messages[-1].content, messages[0].content
        if "Rule:" in asked:
            return rule if "Thank" in asked else "Rule: Broken things are complaints."
        if "hank" in asked:
            return "praise" if learns and "Thanks are praise." in told else "question"
        if "It " in asked:
            return "complaint" if learns and "Broken things are complaints." in told else broken
        return "question" if "Where" in asked else "complaint"

    return reply


def test_each_mistake_made_more_than_once_gets_a_rule_the_most_frequent_first() -> None:
    llm = ScriptedLLM(script("Thanks are praise."), latency=0.01, max_n=1)
    made = fitted(llm)
    assert made.errors == ("Be strict.", "Thanks are praise.", "Broken things are complaints.")
    # The round that removes all mistakes is followed by no other.
    assert llm.calls == 2 * len(POOL) + 2
    assert llm.peak_concurrency == len(POOL)
    asked = [request.messages[-1].content for request in llm.requests[len(POOL) : -len(POOL)]]
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
    assert llm.calls == 2 + len(POOL)  # the rules, and the examples with them
    again = ScriptedLLM([], journal=journal)
    assert fitted(again, strategy) == fitted(llm, strategy)
    assert again.calls == 0


def test_so_many_rules_at_most_and_an_empty_one_is_none() -> None:
    one = fitted(ScriptedLLM(script("Thanks are praise.")), GuidelinePrompting(task="t", max_rules=1, max_rounds=1))
    assert one.errors == ("Thanks are praise.",)
    assert fitted(ScriptedLLM(script("  "))).errors == ("Be strict.", "Broken things are complaints.")


def test_no_mistake_and_no_answer_give_no_rule() -> None:
    right = {one.problem.values()["problem"]: one.target for one in POOL}
    llm = ScriptedLLM(lambda messages: next(t for q, t in right.items() if q in messages[-1].content))
    assert fitted(llm).errors == ("Be strict.",)
    assert fitted(ScriptedLLM(lambda messages: "No idea at all.")).errors == ("Be strict.",)


def notes(strategy: GuidelinePrompting, llm: ScriptedLLM, pool: Sequence[Example] = POOL) -> list[str]:
    trace = Trace("fit")
    event_loop.run_sync(strategy._fit(pool, Session(llm, trace)))
    return [str(event) for event in trace.events if "development score" in str(event)]


def test_rounds_are_repeated_while_the_score_rises() -> None:
    llm = ScriptedLLM(script("Thanks are praise."))
    strategy = GuidelinePrompting(task="t", max_rules=1)
    assert fitted(llm, strategy).errors == ("Thanks are praise.", "Broken things are complaints.")
    assert llm.calls == 3 * len(POOL) + 2
    said = notes(strategy, ScriptedLLM(script("Thanks are praise.")))
    assert [text[text.index("score ") + 6 :][:5] for text in said] == ["0.286", "0.714", "1.000"]
    once = fitted(ScriptedLLM(script("Thanks are praise.")), strategy.replace(max_rounds=1))
    assert once.errors == ("Thanks are praise.",)


def test_rules_that_do_not_raise_the_score_are_dropped() -> None:
    llm = ScriptedLLM(script("Thanks are praise.", learns=False))
    assert fitted(llm).errors == ("Be strict.",)
    assert llm.calls == 2 * len(POOL) + 2


def test_a_rule_that_is_there_already_ends_the_rounds() -> None:
    strategy = GuidelinePrompting(task="t", errors=("Thanks are praise.", "Broken things are complaints."))
    llm = ScriptedLLM(script("Thanks are praise.", learns=False))
    assert fitted(llm, strategy) == strategy
    assert llm.calls == len(POOL) + 2


def test_a_budget_that_ends_in_a_later_round_keeps_the_best_so_far() -> None:
    strategy = GuidelinePrompting(task="t", max_rules=1)
    llm = ScriptedLLM(script("Thanks are praise."))
    made = strategy.fit(POOL, llm, budget=Budget(calls=2 * len(POOL) + 1 + 3))
    assert made.errors == ("Thanks are praise.",)
    with pytest.raises(BudgetExhausted):
        strategy.fit(POOL, ScriptedLLM(script("Thanks are praise.")), budget=Budget(calls=len(POOL) + 3))
    journal = Journal()
    first = ScriptedLLM(script("Thanks are praise."), journal=journal)
    with pytest.raises(BudgetExhausted):
        strategy.fit(POOL, first, budget=Budget(calls=len(POOL) + 3))
    rest = ScriptedLLM(script("Thanks are praise."), journal=journal)
    assert strategy.fit(POOL, rest).errors == ("Thanks are praise.", "Broken things are complaints.")
    assert first.calls + rest.calls == 3 * len(POOL) + 2


# Spans: the mark-up, the definitions and the buckets of the paper.

NOTE = kinds.Spans(["problem", "test"])


def marked(text: str) -> Example:
    plain = text.replace("<problem>", "").replace("</problem>", "").replace("<test>", "").replace("</test>", "")
    return Example(Problem("Mark all.", NOTE, plain), text)


SPANS = [
    marked("No <problem>chest pain</problem>."),
    marked("Some <problem>back pain</problem> today."),
    marked("The <test>pulse</test> is high."),
    marked("The <test>pressure</test> is low."),
    marked("She lives in Rome."),
    marked("He lives in Paris."),
    marked("<test>X-ray</test> of <problem>fracture</problem>."),
    marked("<test>Scan</test> of <problem>tumour</problem>."),
]


def test_mistakes_in_spans_are_grouped_by_bucket_and_label() -> None:
    replies = {
        "chest": "No chest <problem>pain</problem>.",
        "back": "Some back <problem>pain</problem> today.",
        "pulse": "The pulse is high.",
        "pressure": "The pressure is low.",
        "Rome": "She lives in <problem>Rome</problem>.",
        "Paris": "He lives in <problem>Paris</problem>.",
        "X-ray": "<problem>X-ray</problem> of <problem>fracture</problem>.",
        "Scan": "<problem>Scan</problem> of <problem>tumour</problem>.",
    }
    asked: list[str] = []

    def reply(messages: Sequence[Message]) -> str:
        text = messages[-1].content
        if "Rule:" in text:
            asked.append(text)
            return f"Rule {len(asked)}"
        return next(answer for word, answer in replies.items() if word in text)

    llm = ScriptedLLM(reply)
    strategy = GuidelinePrompting(task="Mark the entities.", terms={"test": "an examination"}, max_rounds=1)
    assert event_loop.run_sync(strategy._fit(SPANS, Session(llm, Trace("fit")))) == strategy
    assert "- test: an examination" in llm.prompts[0]
    assert "<problem>…</problem>" in llm.prompts[0]
    assert sorted(text.partition("Mistake: ")[2].partition("\n")[0] for text in asked) == [
        '"Rome" was marked as problem, right is no mark',
        '"X-ray" was marked as problem, right is "X-ray" as test',
        '"pain" was marked as problem, right is "chest pain"',
        '"pulse" was not marked, right is test',
    ]
    assert all(text.count("Mistake: ") == 2 for text in asked)


def test_the_score_of_spans_is_the_exact_f1() -> None:
    def reply(messages: Sequence[Message]) -> str:
        text, told = messages[-1].content, messages[0].content
        if "Rule:" in text:
            return "Tests are marked."
        [answer] = [one.target for one in SPANS if str(one.problem.context) in text]
        return str(answer) if "Tests are marked." in told else str(answer).replace("test>", "b>")

    said = notes(GuidelinePrompting(task="Mark."), ScriptedLLM(reply), SPANS)
    # 4 of 8 spans are found, and no other: precision 1, recall 0.5.
    assert [text[text.index("score ") + 6 :][:5] for text in said] == ["0.667", "1.000"]


def test_demonstrations_of_marked_texts_are_shown_as_they_stand() -> None:
    shown = [{"question": one.problem.values()["problem"], "answer": one.target} for one in SPANS[:4]]
    llm = ScriptedLLM(["She has <problem>fever</problem>."])
    strategy = GuidelinePrompting(task="Mark.", shots=3, demonstrations=shown)
    answer = strategy.run(marked("She has <problem>fever</problem>.").problem, llm)
    assert [span.text for span in answer.value] == ["fever"]
    assert [turn.content for turn in llm.requests[0].messages if turn.role == "assistant"] == [
        one["answer"] for one in shown[:3]
    ]


def test_a_fit_says_in_a_notebook_what_the_rounds_have_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[str] = []

    @contextmanager
    def progress(llm: object, describe: Callable[[], str]) -> Iterator[None]:
        yield
        described.append(describe())

    monkeypatch.setattr("reasoning.strategy.base.notebook_progress", progress)
    GuidelinePrompting(task="t", max_rules=1).fit(POOL, ScriptedLLM(script("Thanks are praise.")))
    assert described == ["round 2 of 3: development score 1.000 with 1 new rule"]


@pytest.mark.parametrize(
    "reply",
    [
        "Mark the whole phrase.",
        "Rule: Mark the whole phrase.",
        "**Rule:** Mark the whole phrase.",
        "### Rule\n\n> Mark the whole phrase.\n\nThis rule prevents all three mistakes.",
        "The rule that would have prevented the mistake is:\n\n“Mark the whole phrase.”\n\nI hope this helps!",
        "Sure! Here is the rule:\n- **Mark the whole phrase.**",
        "Sure! Here it is:\n\n```text\nRule 1: Mark the whole phrase.\n```",
        "The ends differ in all cases.\n\nNew rule: Mark the\nwhole phrase.",
    ],
)
def test_a_rule_is_read_as_chat_models_write_it(reply: str) -> None:
    assert read_rule(reply) == "Mark the whole phrase."


@pytest.mark.parametrize(
    "reply", ["", "Rule:", "**Rule**", "I cannot determine a rule.", "```\n```", "Here is the rule:"]
)
def test_what_is_no_rule(reply: str) -> None:
    assert read_rule(reply) == ""


def test_a_rule_may_have_a_colon_and_speak_of_rules() -> None:
    for rule in ("Mark drugs: never the dose.", "The rule of thumb is to mark whole phrases."):
        assert read_rule(rule) == rule
    for piece in ("rule ", "Rule:", ": ", "#", "\n", "* "):
        read_rule((piece * 100_000)[:100_000])
