"""Thread of thought: two calls, both with the whole context."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.messages import Completion
from reasoning.testing import ScriptedLLM
from tests import call_counts

CONTEXT = "\n\n".join(
    f"Passage {i}: {text}"
    for i, text in enumerate(["Vending machines take coins.", "The Orle press began in Brno."], 1)
)
PRESS = Problem("Where was the Orle press founded?", context=CONTEXT)
NOTES = "Passage 1 is about machines and does not matter. Passage 2 says that the press began in Brno."


@pytest.mark.parametrize(
    ("spec", "replies"),
    [
        ("thread_of_thought", [NOTES, "Brno"]),
        ("thot(max_tokens=300)", [f"{NOTES} The answer is Brno.", "Brno."]),
        ("thread_of_thought(max_tokens=4000)", [NOTES, "in **Brno**"]),
    ],
)
def test_always_two_calls(spec: str, replies: list[str]) -> None:
    llm = ScriptedLLM(replies)
    strategy = strategies.get(spec)
    answer = strategy.run(PRESS, llm)
    assert "Brno" in answer.value
    assert llm.calls == call_counts.calls(strategy) == 2
    assert llm.rounds == call_counts.rounds(strategy)
    assert llm.requests[0].sampling["max_tokens"] == strategy.max_tokens


def test_both_calls_see_the_context_and_the_second_the_notes() -> None:
    llm = ScriptedLLM([NOTES, "Brno"])
    strategies.get("thread_of_thought").run(PRESS, llm)
    first, second = (request.messages for request in llm.requests)
    assert CONTEXT in first[-1].content
    assert "step by step" in first[-1].content
    assert second[: len(first)] == first
    assert second[-2] == ("assistant", NOTES)
    assert second[-1].content == kinds.Text().trigger()
    assert llm.requests[1].sampling["temperature"] == 0


def test_an_empty_second_reply_falls_back_on_the_last_sentence_of_the_notes() -> None:
    bridge = Problem(
        "How many bridges are there?", kinds.Number(), context="There are 3 in the south and 4 in the north."
    )
    answer = strategies.get("thot").run(bridge, ScriptedLLM(["3 are in the south. 3 + 4 makes 7 bridges.", "  "]))
    assert answer.value == 7
    assert "the last sentence of the notes" in str(answer.trace.to_json())
    answer = strategies.get("thot").run(bridge, ScriptedLLM(["3 are there. No idea about the rest.", ""]))
    assert answer.state == "unparsed"  # the sentence before does not count
    assert strategies.get("thot").run(bridge, ScriptedLLM(["", ""])).state == "unparsed"
    cut = Completion("3 are in the south. In the north there are 4", finish_reason="length")
    assert strategies.get("thot").run(bridge, ScriptedLLM([cut, ""])).state == "unparsed"


def test_an_abstention_stays_one() -> None:
    answer = strategies.get("thot").run(PRESS, ScriptedLLM([NOTES, "This cannot be determined from the context."]))
    assert (answer.state, answer.value) == ("unparsed", None)


def test_notes_that_were_cut_off_are_said_to_be() -> None:
    cut = Completion("Passage 1 is", finish_reason="length")
    answer = strategies.get("thot(max_tokens=3)").run(PRESS, ScriptedLLM([cut, "Brno"]))
    assert answer.value == "Brno"
    assert "truncated at 3 tokens" in str(answer.trace.to_json())


def test_a_budget_that_ends_between_the_calls() -> None:
    answer = strategies.get("thot").run(PRESS, ScriptedLLM([NOTES, "Brno"]), budget=Budget(calls=1))
    assert (answer.state, answer.value, answer.usage.calls) == ("unparsed", None, 1)
    assert NOTES in str(answer.trace.to_json())
