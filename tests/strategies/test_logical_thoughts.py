"""Logical thoughts: each step argued about, revised where it does not stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reasoning import Budget, Problem, connect, kinds, strategies
from reasoning.errors import AuthenticationFailed, BudgetExhausted, CallFailed, UnknownName
from reasoning.messages import Completion, Message
from reasoning.strategies.reply_parsing import format_numbered, new_steps, parse_numbered
from reasoning.strategies.verification.logical_thoughts import step_stands
from reasoning.testing import ScriptedLLM
from tests import call_counts

BOXES = Problem("Three boxes hold 8 pens each. 10 % more are bought. How many pens are there?", kinds.Number())
DRAFT = "#1. 3 x 8 = 24 pens.\n#2. 24 + 10 % = 26 pens.\n#3. The answer is 26."
STAGES = {
    "think step by step": "draft",
    "is true because": "defence",
    "is false because": "refutation",
    "reviewers disagree": "verdict",
    "absurdity": "negation",
    "Write this one step anew": "revision",
    "Go on with the steps": "continuation",
    "Therefore, the answer": "answer",
}


def stage(turns: tuple[Message, ...]) -> str:
    said = turns[0].content + turns[-1].content
    return [name for words, name in STAGES.items() if words in said][-1]


def player(**replies: str | Exception | Callable[[str], str | Exception]) -> Callable[..., str | Exception]:
    """A model that finds fault with "24 + 10 %" only; `replies` change what it says at a stage."""
    usual: dict[str, str | Callable[[str], str]] = {
        "draft": DRAFT,
        "defence": "it follows.",
        "refutation": "ten percent of 24 is 2.4.",
        "verdict": lambda said: f"I see.\nVERDICT: {'FALSE' if '. 24 + 10 % = 26' in said else 'TRUE'}",
        "negation": lambda said: f"Hm.\nVERDICT: {'FALSE' if '. 24 + 10 % = 26' in said else 'TRUE'}",
        "revision": "#2. 24 x 1.10 = 26.4 pens.",
        "continuation": "#3. The answer is 26.4.",
        "answer": lambda said: "26.4." if "26.4" in said else "26.",
    }

    def reply(turns: tuple[Message, ...]) -> str | Exception:
        name = stage(turns)
        said = "\n".join(turn.content for turn in turns)
        given = {**usual, **replies}[name]
        return given(said) if callable(given) else given

    return reply


def stages(llm: ScriptedLLM) -> list[str]:
    return [stage(request.messages) for request in llm.requests]


def test_a_wrong_step_is_revised_and_the_rest_grown_anew() -> None:
    llm = ScriptedLLM(player(), latency=0.01)
    strategy = strategies.get("logical_thoughts")
    answer = strategy.run(BOXES, llm)
    assert answer.value == 26.4
    review = ["defence", "refutation", "verdict"]
    assert stages(llm) == ["draft", *review, *review, "revision", "continuation", *review, "answer"]
    assert llm.calls == call_counts.calls(strategy, s=3, r=1, a=1) == 13
    assert llm.rounds == call_counts.rounds(strategy, s=3, r=1, a=1) == 10
    assert answer.steps["chain"] == ["3 x 8 = 24 pens.", "24 x 1.10 = 26.4 pens.", "The answer is 26.4."]
    assert answer.steps["draft"][1] == "24 + 10 % = 26 pens."
    low, high = strategy.calls_range()
    assert low <= llm.calls <= high


@pytest.mark.parametrize(
    ("spec", "reply", "counts"),
    [
        ("lot", player(verdict="VERDICT: TRUE"), {"s": 3, "r": 0, "a": 1}),
        ("logicot(variant='negation')", player(), {"s": 3, "r": 1, "a": 1}),
        ("logical_thoughts(max_steps=1)", player(), {"s": 1, "r": 0, "a": 1}),
        ("logical_thoughts(variant='negation', max_steps=2)", player(), {"s": 2, "r": 1, "a": 1}),
        ("logical_thoughts", player(answer="I lost count."), {"s": 3, "r": 1, "a": 2}),
    ],
)
def test_the_number_of_calls_is_the_cards(spec: str, reply: Callable[..., str], counts: dict[str, int]) -> None:
    llm = ScriptedLLM(reply, latency=0.01, max_n=1)
    strategy = strategies.get(spec)
    answer = strategy.run(BOXES, llm)
    assert llm.calls == answer.usage.calls == call_counts.calls(strategy, **counts)
    assert llm.rounds == call_counts.rounds(strategy, **counts)
    assert {r.sampling["temperature"] for r in llm.requests if stage(r.messages) != "answer"} == {0.7}
    assert {r.sampling["temperature"] for r in llm.requests if stage(r.messages) == "answer"} == {0}


def test_both_reviews_are_written_at_once() -> None:
    llm = ScriptedLLM(player(), latency=0.01)
    strategies.get("lot").run(BOXES, llm)
    assert llm.peak_concurrency == 2


def test_what_each_prompt_holds() -> None:
    llm = ScriptedLLM(player())
    strategies.get("lot").run(BOXES, llm)
    by_stage: dict[str, list[str]] = {}
    for request in llm.requests:
        by_stage.setdefault(stage(request.messages), []).append("\n".join(turn.content for turn in request.messages))
    assert all(BOXES.question in said for group in by_stage.values() for said in group)
    first, second, third = by_stage["defence"]
    assert "(the problem alone)" in first
    assert "26" not in first  # later steps are not in view
    assert "#1. 3 x 8 = 24 pens.\n\nThe next step to look at:\n#2. 24 + 10 % = 26 pens." in second
    assert "Step #2 is true because" in second
    assert "24 x 1.10" in third  # the revised step is a premise now
    assert "24 + 10 %" not in third
    assert "ten percent of 24" not in first + second + third  # neither side sees the other
    assert "it follows." in by_stage["verdict"][1]
    assert "ten percent of 24 is 2.4." in by_stage["verdict"][1]
    [revision] = by_stage["revision"]
    assert "ten percent of 24 is 2.4." in revision
    assert "it follows." not in revision
    assert revision.endswith("beginning with #2.")
    [continuation] = by_stage["continuation"]
    assert "#2. 24 x 1.10 = 26.4 pens." in continuation
    assert "beginning with #3." in continuation
    [answer] = by_stage["answer"]
    assert "#3. The answer is 26.4." in answer
    assert "reviewer" not in answer


def test_a_revision_of_several_steps_keeps_its_last_one_and_repeated_steps_are_dropped() -> None:
    revision = "#1. 3 x 8 = 24 pens.\n#2. 24 x 1.10 = 26.4 pens."
    llm = ScriptedLLM(player(revision=revision, continuation=f"{revision}\n#3. The answer is 26.4."))
    answer = strategies.get("lot").run(BOXES, llm)
    assert answer.steps["chain"] == ["3 x 8 = 24 pens.", "24 x 1.10 = 26.4 pens.", "The answer is 26.4."]


@pytest.mark.parametrize(
    ("replies", "chain"),
    [
        ({"revision": "Say 24 x 1.10 = 26.4 pens instead."}, "Say 24 x 1.10 = 26.4 pens instead."),
        ({"revision": " "}, "24 + 10 % = 26 pens."),
        ({"verdict": "Who knows?"}, "24 + 10 % = 26 pens."),
    ],
)
def test_malformed_replies(replies: dict[str, str], chain: str) -> None:
    answer = strategies.get("lot").run(BOXES, ScriptedLLM(player(**replies)))
    assert answer.steps["chain"][1] == chain
    assert answer.state == "answered"


def test_a_revision_that_goes_on_keeps_the_step_that_it_was_asked_for() -> None:
    revision = "#2. 24 x 1.10 = 26.4 pens.\n#3. The answer is 26.4."
    answer = strategies.get("lot").run(BOXES, ScriptedLLM(player(revision=revision)))
    assert answer.steps["chain"] == ["3 x 8 = 24 pens.", "24 x 1.10 = 26.4 pens.", "The answer is 26.4."]


def test_a_step_that_was_cut_off_is_none() -> None:
    cut = Completion("#1. 3 x 8 = 24 pens.\n#2. 24 + 2.4 = 2", finish_reason="length")
    answer = strategies.get("lot").run(BOXES, ScriptedLLM(player(draft=cut, verdict="VERDICT: TRUE")))
    assert answer.steps["draft"] == ["3 x 8 = 24 pens."]


def test_a_continuation_without_steps_ends_the_chain() -> None:
    answer = strategies.get("lot").run(BOXES, ScriptedLLM(player(continuation="")))
    assert answer.steps["chain"] == ["3 x 8 = 24 pens.", "24 x 1.10 = 26.4 pens."]
    assert answer.value == 26.4


def test_a_draft_without_numbers_is_taken_by_lines_and_an_empty_one_is_unparsed() -> None:
    llm = ScriptedLLM(player(draft="3 x 8 = 24 pens.\n\n24 + 10 % = 26 pens.\n"))
    answer = strategies.get("lot").run(BOXES, llm)
    assert answer.steps["draft"] == ["3 x 8 = 24 pens.", "24 + 10 % = 26 pens."]
    assert answer.value == 26.4
    empty = ScriptedLLM(player(draft=" "))
    assert strategies.get("lot").run(BOXES, empty).state == "unparsed"
    assert empty.calls == 1


def test_where_the_chain_gives_no_answer_the_drafts_counts() -> None:
    def answered(said: str) -> str:
        return "not to be known" if "1.10" in said else "26."

    answer = strategies.get("lot").run(BOXES, ScriptedLLM(player(answer=answered)))
    assert answer.value == 26
    kept = ScriptedLLM(player(answer="hm", verdict="VERDICT: TRUE"))
    assert strategies.get("lot").run(BOXES, kept).state == "unparsed"
    assert stages(kept).count("answer") == 1  # the chain is the draft: asking again tells nothing new


def test_a_call_that_fails_on_the_way_leaves_the_draft() -> None:
    answer = strategies.get("lot").run(BOXES, ScriptedLLM(player(revision=CallFailed("lost"))))
    assert answer.value == 26
    assert answer.steps["chain"] == answer.steps["draft"]
    assert strategies.get("lot").run(BOXES, ScriptedLLM(player(draft=CallFailed("lost")))).state == "failed"
    late = strategies.get("lot").run(BOXES, ScriptedLLM(player(answer=CallFailed("lost"))))
    assert late.state == "failed"
    assert late.steps["chain"][1] == "24 x 1.10 = 26.4 pens."  # what was paid for is there
    with pytest.raises(AuthenticationFailed):
        strategies.get("lot").run(BOXES, ScriptedLLM(player(verdict=AuthenticationFailed("no key"))))


def test_an_answer_of_several_lines_gets_the_usual_number_of_tokens() -> None:
    asked = {}
    for kind in (kinds.Number(), kinds.Items()):
        llm = ScriptedLLM(player(), max_tokens=700)
        strategies.get("lot").run(Problem(BOXES.question, kind), llm)
        asked[type(kind)] = llm.requests[-1].sampling["max_tokens"]
    assert asked == {kinds.Number: 64, kinds.Items: 700}


def test_a_budget_that_ends_in_the_middle() -> None:
    llm = ScriptedLLM(player())
    answer = strategies.get("lot").run(BOXES, llm, budget=Budget(calls=6))
    assert answer.state == "unparsed"
    assert llm.calls <= 6
    assert answer.text == DRAFT
    assert answer.steps == {"draft": ["3 x 8 = 24 pens.", "24 + 10 % = 26 pens.", "The answer is 26."]}
    answer = strategies.get("lot").run(BOXES, ScriptedLLM(player()), budget=Budget(calls=12))
    assert answer.state == "unparsed"
    assert answer.text.endswith("#2. 24 x 1.10 = 26.4 pens.\n#3. The answer is 26.4.")
    assert answer.steps["chain"] == ["3 x 8 = 24 pens.", "24 x 1.10 = 26.4 pens.", "The answer is 26.4."]
    with pytest.raises(BudgetExhausted):
        strategies.get("lot").run(BOXES, ScriptedLLM(player(), budget=Budget(calls=6)))


@pytest.mark.parametrize(
    ("review", "verdict"),
    [
        ("…\nVERDICT: TRUE", True),
        ("…\n**Verdict:** false.", False),
        ("It is not the case that step 2 is true.\nVERDICT: FALSE", False),  # the code's rule would pass this
        ("VERDICT: FALSE at first.\nNo, VERDICT: TRUE", True),
        ("So step 2 is true and not is false.", True),
        ("Step 2 is false.", False),
        ("VERDICT: TRUE if the step stands, VERDICT: FALSE if it does not.", True),  # the prompt's words decide nothing
        ("**VERDICT: FALSE** if I may say so? No: VERDICT: FALSE.", False),
        ("I can't say.", True),
        ("", True),
    ],
)
def test_verdicts(review: str, verdict: bool) -> None:
    assert step_stands(review) is verdict


def test_steps_in_several_forms() -> None:
    assert new_steps("Sure!\n#1. One\nmore\n#2. Two\n### Step 3: Three\n**4.** Four") == [
        "One\nmore",
        "Two",
        "Three",
        "Four",
    ]
    assert new_steps("#1. c\n#2. d", ["a", "b"]) == ["c", "d"]  # counted anew
    assert new_steps("#1. c\n#2. d\n#3. e", ["a", "b"]) == ["c", "d", "e"]
    assert new_steps("#1. 3 x 8 = 24 pens\n#2. so 24\n#3. e", ["3 x 8 = 24 pens.", "So, 24"]) == ["e"]
    assert new_steps("#1. a\n#2. b", ["a", "b"]) == []
    assert new_steps("#3. c", ["a", "b"]) == ["c"]
    assert new_steps("c\nd", ["a"]) == ["c", "d"]
    assert new_steps(format_numbered(["a", "b"], "#")) == ["a", "b"]
    assert format_numbered([]) == ""
    assert parse_numbered("none here") == []
    assert parse_numbered("1.\n2. b") == [(2, "b")]
    assert parse_numbered("3.5 pens are no step") == []


def test_an_unknown_variant_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'negation'"):
        strategies.get("lot(variant='negations')")


@pytest.mark.model
@pytest.mark.parametrize("variant", ["argue_review", "negation"])
def test_a_real_model_comes_to_an_end(smollm: Path, variant: str) -> None:
    pytest.importorskip("xllamacpp")
    llm = connect(f"local:{smollm}", max_tokens=16, journal=False)
    strategy = strategies.get(f"lot(variant='{variant}', max_steps=1)")
    answer = strategy.run(BOXES, llm)
    assert answer.state in ("answered", "unparsed")
    low, high = strategy.calls_range()
    assert low <= answer.usage.calls <= high
