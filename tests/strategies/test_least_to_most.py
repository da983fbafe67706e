"""Least-to-most: decompose, then solve in order."""

from __future__ import annotations

from reasoning import Budget, Problem, kinds, strategies
from reasoning.testing import ScriptedLLM
from tests import call_counts

RUN = Problem(
    "Amy runs 3 km a day in week 1 and doubles that in week 2. How many km does she run in both weeks?", kinds.Number()
)


def test_each_sub_question_sees_the_answers_before_it() -> None:
    llm = ScriptedLLM(
        ["1. How many km in week 1?\n2. How many km in week 2?", "It is 21 km.", "It is 42 km.", "The answer is 63."]
    )
    strategy = strategies.get("least_to_most")
    answer = strategy.run(RUN, llm)
    assert answer.value == 63
    assert llm.calls == call_counts.calls(strategy, m=3) == 4
    assert llm.rounds == call_counts.rounds(strategy, m=3)
    decompose, first, second, last = (request.messages[-1].content for request in llm.requests)
    assert "Let's break down this problem:" in decompose
    assert first.rstrip().endswith("Q: How many km in week 1?\nA:")
    assert "A: It is 21 km." in second
    assert "It is 42 km." not in second
    assert "A: It is 42 km." in last
    assert "Q: How many km does she run in both weeks?" in last
    assert all(RUN.question in content for content in (first, second, last))


def test_the_original_question_is_not_asked_twice() -> None:
    llm = ScriptedLLM(["1. How many km in week 1?\n2. How many km does she run in both weeks?", "21", "63"])
    assert strategies.get("least_to_most").run(RUN, llm).value == 63
    assert llm.calls == call_counts.calls(strategies.get("least_to_most"), m=2)
    assert llm.rounds == call_counts.rounds(strategies.get("least_to_most"), m=2)


def test_no_decomposition_asks_the_question_itself() -> None:
    llm = ScriptedLLM(["I would rather not.", "The answer is 63."])
    assert strategies.get("least_to_most").run(RUN, llm).value == 63
    assert llm.calls == call_counts.calls(strategies.get("least_to_most"), m=1)
    assert llm.rounds == call_counts.rounds(strategies.get("least_to_most"), m=1)


def test_lists_in_several_forms_without_repetitions() -> None:
    from reasoning.strategies.reply_parsing import parse_items

    listed = (
        "Sure:\n- How many apples?\n* How many apples\n2) **What do they cost?**\nQ3: And with tax?\n\nThat is all."
    )
    assert parse_items(listed) == ["How many apples", "What do they cost?", "And with tax?"]


def test_the_number_of_steps_is_bounded() -> None:
    listing = "\n".join(f"{i}. Step number {i}?" for i in range(1, 30))
    llm = ScriptedLLM([listing, *["The answer is 1."] * 20])
    strategies.get("least_to_most(max_subproblems=4)").run(RUN, llm)
    assert llm.calls == 1 + 4
    assert RUN.question.endswith(llm.requests[-1].messages[-1].content.rpartition("Q: ")[2].removesuffix("\nA:"))


def test_a_step_that_runs_on_is_cut_at_the_next_question() -> None:
    llm = ScriptedLLM(["1. In week 1?", "21 km.\nQ: And what is 5?\nA: 99", "The answer is 63."])
    strategies.get("least_to_most").run(RUN, llm)
    assert "99" not in llm.prompts[-1]
    assert llm.requests[1].sampling["stop"] == ["\nQ:"]


def test_options_are_shown_at_the_last_step_only() -> None:
    problem = Problem("Tom has 2 pens and buys 3. How many has he?", options=("4", "5", "6"))
    llm = ScriptedLLM(["1. How many does he buy?", "3", "(B)"])
    assert strategies.get("least_to_most(shots=0)").run(problem, llm).value == "B"
    assert "(B) 5" not in llm.prompts[1]
    assert "(B) 5" in llm.prompts[2]


def test_one_pass_lists_and_answers_in_one_call() -> None:
    llm = ScriptedLLM(["Q: Week 1?\nA: 21\n\nThe answer is 63."])
    strategy = strategies.get("least_to_most(one_pass=True)")
    assert strategy.run(RUN, llm).value == 63
    assert llm.calls == call_counts.calls(strategy) == 1
    assert llm.rounds == call_counts.rounds(strategy)


def test_a_budget_that_ends_in_the_middle_leaves_the_sub_answers() -> None:
    llm = ScriptedLLM(["1. How many km in week 1?\n2. How many km in week 2?", "21 km.\nQ: And?", "It is 42 km."])
    answer = strategies.get("least_to_most").run(RUN, llm, budget=Budget(calls=3))
    assert (answer.state, answer.value) == ("unparsed", None)
    assert answer.steps == {"How many km in week 1?": "21 km.", "How many km in week 2?": "It is 42 km."}
    assert answer.text == "It is 42 km."
