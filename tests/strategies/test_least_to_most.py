"""Least-to-most: decompose, then solve in order."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.strategies.demonstrations import shipped_examples
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


@pytest.mark.parametrize("shots", [0, 2])
def test_a_reply_that_asks_nothing_is_followed_by_chain_of_thought(shots: int) -> None:
    llm = ScriptedLLM(["I would rather not.", "21 + 42 = 63. The answer is 63."])
    strategy = strategies.get(f"least_to_most(shots={shots})")
    assert strategy.run(RUN, llm).value == 63
    assert llm.calls == call_counts.calls(strategy, m=1) == llm.rounds
    cot = ScriptedLLM(["The answer is 63."])
    strategies.get("cot(shots=2)" if shots else "cot(stages=1)").run(RUN, cot)
    assert llm.requests[1].messages == cot.requests[0].messages


def test_chain_of_thought_takes_the_reasoning_of_examples_from_their_steps() -> None:
    example = {
        "question": "2 bags of 3?",
        "answer": "6",
        "steps": [{"question": "2 bags of 3?", "answer": "2 * 3 = 6."}],
    }
    llm = ScriptedLLM(["No.", "The answer is 63."])
    strategies.LeastToMost(demonstrations=[example]).run(RUN, llm)
    assert "2 * 3 = 6.\nThe answer is 6." in [message.content for message in llm.requests[1].messages]


def test_a_list_of_the_question_alone_is_one_step() -> None:
    llm = ScriptedLLM(["1. How many km does she run in both weeks?", "21 + 42 = 63. The answer is 63."])
    assert strategies.get("least_to_most").run(RUN, llm).value == 63
    assert llm.calls == 2
    assert "Q: How many km does she run in both weeks?\n" in llm.prompts[1]


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
    last, instruction, cue = llm.requests[-1].messages[-1].content.rpartition("Q: ")[2].split("\n")
    assert RUN.question.endswith(last)
    assert (instruction, cue) == (RUN.kind.instruction(), "A:")


def test_a_step_that_runs_on_is_cut_at_the_next_question() -> None:
    llm = ScriptedLLM(
        ["1. In week 1?", "21 km.\nQ: And what is 5?\nA: 99", "The answer is 63.\nQ: 2?\nA: The answer is 7."]
    )
    assert strategies.get("least_to_most").run(RUN, llm).value == 63
    assert "99" not in llm.prompts[-1]
    assert llm.requests[1].sampling["stop"] == ["\nQ:"]


@pytest.mark.parametrize("shots", [0, 1, 2])
def test_options_and_instruction_are_shown_with_the_last_question_only(shots: int) -> None:
    problem = Problem("Tom has 2 pens and buys 3. How many has he?", options=("4", "5", "6"))
    llm = ScriptedLLM(["1. How many does he buy?", "He buys 3.", "2 + 3 = 5. The answer is (B)."])
    assert strategies.get(f"least_to_most(shots={shots})").run(problem, llm).value == "B"
    *earlier, last = ["\n".join(message.content for message in request.messages) for request in llm.requests]
    for text in earlier:
        assert "(B)" not in text
        assert "option" not in text
        assert problem.kind.instruction() not in text
    asked = f"Q: How many has he?\n(A) 4\n(B) 5\n(C) 6\n{problem.kind.instruction()}\nA:"
    assert last.endswith(asked)
    assert last.count("(B) 5\n") == 1
    assert last.count("(B)") == 1 + shots


def test_demonstrations_end_with_the_cue_of_the_problem() -> None:
    llm = ScriptedLLM(["1. How many km in week 1?", "7 * 3 = 21 km.", "The answer is 63."])
    strategies.get("least_to_most(shots=2)").run(RUN, llm)
    for request, cue in zip(llm.requests, ("break down this problem:", "\nA:", "\nA:"), strict=True):
        assert all(message.content.endswith(cue) for message in request.messages if message.role == "user")
    llm = ScriptedLLM(["The answer is 63."])
    strategies.get("least_to_most(one_pass=True)").run(RUN, llm)
    shown = [message.content for message in llm.requests[0].messages if message.role == "user"]
    assert len(shown) == 2
    assert all(content.endswith("break down this problem:") for content in shown)
    assert RUN.kind.instruction() in shown[-1]


@pytest.mark.parametrize("name", ["last_letters", "scan"])
def test_incremental_examples_show_how_an_answer_extends_the_one_before(name: str) -> None:
    problem = Problem("Which?", kinds.Text())
    llm = ScriptedLLM(["1. What first?", "x", "The answer is xy."])
    strategies.get(f"least_to_most(demonstrations={name!r}, shots=2)").run(problem, llm)
    example = shipped_examples(name)[1]
    earlier, step, last = example.steps[-3] if len(example.steps) > 2 else None, *example.steps[-2:]
    replies = [message.content for message in llm.requests[1].messages if message.role == "assistant"]
    assert replies[1] == step.answer
    asked = [message.content for message in llm.requests[1].messages if message.role == "user"][1]
    assert last.question not in asked.partition(example.question)[2]
    if earlier:
        assert f"Q: {earlier.question}\nA: {earlier.answer}\n\nQ: {step.question}\nA:" in asked


def test_twelve_words_take_eleven_steps() -> None:
    words = ["ink", "ash", "oak", "fir", "elm", "ivy", "fig", "yew", "hop", "may", "rye", "oat"]
    problem = Problem(f'What do the last letters of "{" ".join(words)}" make?', kinds.Text())
    parts = [" ".join(words[:n]) for n in range(2, 13)]
    listing = "\n".join(f'{n}. What do the last letters of "{part}" make?' for n, part in enumerate(parts, 1))
    made = ["".join(word[-1] for word in part.split()) for part in parts]
    llm = ScriptedLLM(
        [listing, *(f'Put together, they make "{letters}".' for letters in made[:-1]), f"The answer is {made[-1]}."]
    )
    strategy = strategies.get("least_to_most(demonstrations='last_letters', shots=2, max_subproblems=12)")
    answer = strategy.run(problem, llm)
    assert answer.value == made[-1]
    assert llm.calls == 12
    assert f'make "{made[-2]}".' in llm.prompts[-1]


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
