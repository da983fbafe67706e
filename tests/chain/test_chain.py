"""Chains: wiring, validation, repair, stopping as a step, running on."""

from __future__ import annotations

import pytest

from reasoning import Chain, Journal, Problem, Prompt, Step, kinds
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM
from tests import call_counts

ISSUES = Step("issues", Prompt(input="List the issues: {feedback}"), returns=kinds.Items())
SHORT = Step("short", Prompt(input="Shorten: {issues}"))
CHAIN = Chain(ISSUES, SHORT, name="feedback")


def test_steps_feed_each_other_with_values_and_not_with_raw_text() -> None:
    llm = ScriptedLLM(["  slow data ;  high bill;; ", "all bad"])
    answer = CHAIN.run("It is slow.", llm)
    assert answer.value == "all bad"
    assert answer.steps == {"issues": ("slow data", "high bill"), "short": "all bad"}
    assert llm.prompts == ["user: List the issues: It is slow.", "user: Shorten: slow data; high bill"]
    assert llm.calls == call_counts.calls(CHAIN, r=0) == 2


def test_the_only_input_is_the_question_and_several_are_named() -> None:
    assert CHAIN.input_names == {"feedback"}
    two = Chain(Step("a", Prompt(input="{x} {y}")))
    with pytest.raises(UsageError, match="needs the input 'x'"):
        two.run("?", ScriptedLLM([]))
    llm = ScriptedLLM(["The answer is 1."])
    assert two.run(Problem("?", inputs={"x": "1", "y": "2"}), llm).state == "answered"
    assert llm.prompts == ["user: 1 2"]


def test_independent_steps_run_side_by_side() -> None:
    diamond = Chain(
        Step("left", Prompt(input="left {text}")),
        Step("right", Prompt(input="right {text}")),
        Step("both", Prompt(input="{left} + {right}")),
    )
    llm = ScriptedLLM(lambda turns: f"<{turns[-1].content}>", latency=0.01)
    answer = diamond.run("t", llm)
    assert llm.peak_concurrency == 2
    assert list(answer.steps) == ["left", "right", "both"]
    assert "left t" in answer.value
    assert "right t" in answer.value


def refuse_bad(value: object, values: object) -> str | None:
    return "Leave out the word bad." if "bad" in str(value) else None


def test_a_refused_reply_is_sent_back_with_the_complaint() -> None:
    chain = Chain(Step("word", Prompt(input="{q}"), check=refuse_bad))
    llm = ScriptedLLM(["bad", "good"])
    answer = chain.run("?", llm)
    assert answer.value == "good"
    assert llm.calls == call_counts.calls(chain, r=1) == 2
    again = llm.requests[1].messages
    assert again[1] == ("assistant", "bad")
    assert "Leave out the word bad." in again[2].content


def test_a_step_that_stays_refused_ends_the_chain_and_keeps_what_came_before() -> None:
    chain = Chain(ISSUES, Step("word", Prompt(input="{issues}"), check=refuse_bad, max_repairs=2))
    journal = Journal()
    answer = chain.run("?", ScriptedLLM(["a; b", "bad", "bad", "bad"], journal=journal))
    assert answer.state == "unparsed"
    assert answer.reason == "step 'word': Leave out the word bad."
    assert answer.steps == {"issues": ("a", "b")}
    again = ScriptedLLM([], journal=journal)
    assert chain.run("?", again).reason == answer.reason
    assert again.calls == 0


def test_a_value_that_stays_refused_may_be_mended_and_it_is_noted() -> None:
    chain = Chain(Step("word", Prompt(input="{q}"), check=refuse_bad, fallback=lambda value, values: "fine"))
    answer = chain.run("?", ScriptedLLM(["bad", "bad"]))
    assert answer.value == "fine"
    assert answer.trace is not None
    assert "fallback: fine" in str(answer.trace.to_json())


def test_json_that_is_no_json_is_complained_about_in_words_that_help() -> None:
    chain = Chain(Step("data", Prompt(input="{q}"), returns=kinds.Json()))
    llm = ScriptedLLM(["no braces here", 'Sure: ```json\n{"a": 1}\n```'])
    assert chain.run("?", llm).value == {"a": 1}
    assert "JSON" in llm.requests[1].messages[-1].content


def test_an_empty_input_needs_no_call() -> None:
    chain = Chain(
        Step("issues", Prompt(input="{q}"), returns=kinds.Items(empty="none")),
        Step("sorted", Prompt(input="{issues}"), returns=kinds.Json(), if_empty={}),
    )
    llm = ScriptedLLM(["none"])
    answer = chain.run("?", llm)
    assert answer.value == {}
    assert llm.calls == 1


def test_one_step_can_be_replaced_and_run_alone() -> None:
    changed = CHAIN.with_step("short", prompt=Prompt(input="In one word: {issues}"))
    llm = ScriptedLLM(["a", "b"])
    changed.run("?", llm)
    assert llm.prompts[1] == "user: In one word: a"
    with pytest.raises(UsageError, match="no step 'shorts'; did you mean 'short'"):
        CHAIN.with_step("shorts")


def test_wiring_that_cannot_work_is_refused_when_it_is_made() -> None:
    with pytest.raises(UsageError, match="must be unique, got 'a' twice"):
        Chain(Step("a", Prompt(input="{q}")), Step("a", Prompt(input="{q}")))
    with pytest.raises(UsageError, match="'a' depends on 'b'"):
        Chain(Step("a", Prompt(input="{b}")), Step("b", Prompt(input="{a}")))
    with pytest.raises(UsageError, match="at least one step"):
        Chain()
