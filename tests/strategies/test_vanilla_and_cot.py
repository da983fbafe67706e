"""The baseline and chain of thought."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import CallFailed, UsageError
from reasoning.kinds.code import Code
from reasoning.testing import ScriptedLLM
from tests import call_counts

EGGS = Problem("A crate holds 6 trays of 12 eggs; 5 break. How many are left?", kinds.Number(), id="eggs")
PETS = Problem("Which one barks?", options=("a cat", "a dog", "a fish"))


def test_vanilla_asks_once_for_a_bare_answer_at_the_end_of_the_users_turn() -> None:
    llm = ScriptedLLM(["67"])
    answer = strategies.get("vanilla").run(EGGS, llm)
    assert answer.value == 67
    assert llm.calls == call_counts.calls(strategies.get("vanilla")) == 1
    assert llm.rounds == call_counts.rounds(strategies.get("vanilla"))
    (turn,) = llm.requests[0].messages
    assert turn.role == "user"
    assert turn.content.startswith(EGGS.question)
    assert turn.content.endswith(kinds.Number().direct_instruction())
    assert llm.requests[0].sampling == {"temperature": 0.0, "max_tokens": 64}


def test_options_are_shown_and_read() -> None:
    llm = ScriptedLLM(["(B)"])
    assert strategies.get("vanilla").run(PETS, llm).value == "B"
    assert "(B) a dog" in llm.prompts[0]


def test_few_shot_vanilla_shows_answers_without_rationales() -> None:
    llm = ScriptedLLM(["67"])
    strategies.get("vanilla(shots=3)").run(EGGS, llm)
    assert [turn.role for turn in llm.requests[0].messages] == ["user", "assistant"] * 3 + ["user"]
    assert all(len(turn.content) < 12 for turn in llm.requests[0].messages if turn.role == "assistant")
    assert llm.requests[0].static_prefix == 6


def test_zero_shot_cot_asks_the_answer_stage_with_the_rationale_in_view() -> None:
    llm = ScriptedLLM(["6 trays of 12 are 72; then 5 break.", "67"])
    strategy = strategies.get("cot")
    answer = strategy.run(EGGS, llm)
    assert answer.value == 67
    assert llm.calls == call_counts.calls(strategy, e=1) == 2
    assert llm.rounds == call_counts.rounds(strategy, e=1)
    first, second = (request.messages for request in llm.requests)
    assert first[-1].content.endswith("Let's think step by step.")
    assert second[:1] == first
    assert second[1] == ("assistant", "6 trays of 12 are 72; then 5 break.")
    assert second[2].content == kinds.Number().trigger()


def test_a_stated_answer_is_taken_and_the_second_stage_not_asked() -> None:
    llm = ScriptedLLM([r"72 - 5 = 67, so \boxed{67}."])
    strategy = strategies.get("cot")
    assert strategy.run(EGGS, llm).value == 67
    assert llm.calls == call_counts.calls(strategy, e=0) == 1
    assert llm.rounds == call_counts.rounds(strategy, e=0)


@pytest.mark.parametrize("again", ["Therefore, the answer is", " Therefore, the answer is:", "…"])
def test_an_answer_stage_that_repeats_its_prompt_is_no_answer(again: str) -> None:
    answer = strategies.get("cot").run(Problem("Who?", kinds.Text()), ScriptedLLM(["Somebody.", again]))
    assert answer.state == "unparsed"
    more = strategies.get("cot").run(Problem("Who?", kinds.Text()), ScriptedLLM(["Hm.", f"{again} Ada."]))
    assert more.value in ("Ada", "… Ada")


@pytest.mark.parametrize(("kind", "said"), [(kinds.Text(whole=True), "Storms came."), (Code(), "x = 1")])
def test_the_beginning_of_a_sentence_is_no_part_of_a_text_or_of_code(kind: kinds.Kind, said: str) -> None:
    assert Problem("Well?", kind).parse(said, after="Therefore, the answer is").value.strip() == said


def test_one_stage_cot_asks_for_the_form_of_the_answer_at_once() -> None:
    llm = ScriptedLLM(["I am not sure."])
    strategy = strategies.get("cot(stages=1)")
    assert strategy.run(EGGS, llm).state == "unparsed"
    assert llm.calls == call_counts.calls(strategy) == 1
    assert llm.rounds == call_counts.rounds(strategy)
    assert llm.prompts[0].endswith(kinds.Number().instruction())


def test_few_shot_cot_shows_rationales_and_makes_one_call() -> None:
    llm = ScriptedLLM(["72 - 5 = 67. The answer is 67."])
    strategy = strategies.get("cot(shots=4)")
    answer = strategy.run(EGGS, llm)
    assert (answer.value, llm.calls, call_counts.calls(strategy)) == (67, 1, 1)
    assert llm.rounds == call_counts.rounds(strategy)
    replies = [turn.content for turn in llm.requests[0].messages if turn.role == "assistant"]
    assert len(replies) == 4
    assert all("The answer is" in reply and len(reply) > 40 for reply in replies)


def test_a_reply_that_was_cut_off_counts_only_if_it_had_stated_its_answer() -> None:
    from reasoning.messages import Completion

    cut = Completion("First, 6 times 12 is 72 and then", finish_reason="length")
    assert strategies.get("cot(shots=1)").run(EGGS, ScriptedLLM([cut])).state == "unparsed"


def test_more_demonstrations_than_there_are() -> None:
    with pytest.raises(UsageError, match="shots=99: only 12 worked examples are shipped"):
        strategies.get("cot(shots=99)").run(EGGS, ScriptedLLM([]))


def test_demonstrations_of_ones_own_replace_ours() -> None:
    from reasoning import Demonstration

    strategy = strategies.get("cot")
    mine = strategy.few_shot.replace(examples=(Demonstration("1 + 1?", "The answer is 2.", "One and one."),))
    llm = ScriptedLLM(["The answer is 67."])
    strategy.replace(few_shot=mine).run(EGGS, llm)
    assert [turn.content for turn in llm.requests[0].messages][:2] == ["1 + 1?", "One and one.\nThe answer is 2."]


def test_a_failed_call_is_no_wrong_answer() -> None:
    answer = strategies.get("cot").run(EGGS, ScriptedLLM([CallFailed("the server is gone")]))
    assert answer.state == "failed"
    assert answer.reason == "the server is gone"
    assert answer.usage.calls == 0


def test_the_trace_and_the_usage_hold_every_call() -> None:
    answer = strategies.get("cot").run(EGGS, ScriptedLLM(["Hmm.", "67"]))
    assert answer.trace is not None
    assert [event.name for event in answer.trace.events] == ["reasoning", "answer"]  # type: ignore[union-attr]
    assert answer.usage == answer.trace.usage
    assert answer.usage.calls == 2
