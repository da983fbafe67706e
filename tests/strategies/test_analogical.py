"""Analogical prompting: distinct problems of the model's own, and only the last section is read."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import AuthenticationFailed, CallFailed
from reasoning.messages import Completion
from reasoning.testing import ScriptedLLM
from tests import call_counts

DICE = Problem("Three dice are thrown. In how many of the 216 cases do exactly two match?", kinds.Number())
RECALLED = (
    "Q: Two coins are tossed. In how many cases do both match?",
    "Q: Four cards lie in a row. How many orders are there?",
    "Q: A wheel has 6 fields and is turned twice. How often is the second larger?",
)


def reply(
    *recalled: str, end: str = "## Solve the initial problem\nChoose the pair: 6 * 5 * 3 = 90. The answer is 90."
) -> str:
    return "## Relevant problems\n" + "".join(f"{one}\nA: It is {{}}. The answer is 2.\n" for one in recalled) + end


GOOD = reply(*RECALLED)
COPY = reply(RECALLED[0], RECALLED[1], f"Q: {DICE.question}")


@pytest.mark.parametrize(
    ("spec", "replies", "r"),
    [
        ("analogical", [GOOD], 0),
        ("analogical", [COPY, GOOD], 1),
        ("analogical(exemplars=2, repairs=2)", [reply(RECALLED[0], RECALLED[0]), reply(RECALLED[0]), GOOD], 2),
        ("analogical(repairs=0)", [COPY], 0),
    ],
)
def test_problems_that_are_alike_are_asked_for_again(spec: str, replies: list[str], r: int) -> None:
    llm = ScriptedLLM(replies)
    strategy = strategies.get(spec)
    assert strategy.run(DICE, llm).value == 90
    assert llm.calls == call_counts.calls(strategy, r=r) == 1 + r
    assert llm.rounds == call_counts.rounds(strategy, r=r)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (COPY, "Problem 3 is almost the same as the initial problem."),
        (reply(*RECALLED[:2], RECALLED[0].upper().replace("Q:", "Q 3:")), "Problem 3 is almost the same as problem 1."),
        (reply(RECALLED[0]), "Only 1 of 3 problems were recalled."),
    ],
)
def test_the_complaint_says_which(text: str, complaint: str) -> None:
    llm = ScriptedLLM([text, GOOD])
    strategies.get("analogical").run(DICE, llm)
    assert llm.requests[1].messages[-2] == ("assistant", text)
    assert llm.requests[1].messages[-1].content.startswith(complaint)


def test_the_prompt_asks_for_so_many_problems_and_the_form_of_the_answer() -> None:
    llm = ScriptedLLM([GOOD, GOOD])
    strategies.get("analogical").run(DICE, llm)
    assert "Recall 3 relevant problems" in llm.prompts[0]
    assert kinds.Number().instruction() in llm.prompts[0]
    assert "tutorial" not in llm.prompts[0]
    assert llm.requests[0].sampling["max_tokens"] == 2048
    strategies.get("analogical(tutorial=True)").run(DICE, llm)
    assert llm.prompts[1].index("tutorial") < llm.prompts[1].index("Relevant problems")


@pytest.mark.parametrize(
    "text",
    [
        reply(*RECALLED, end=""),  # never reaches the problem
        reply(*RECALLED, end="## Solve the initial problem\n"),
        reply(*RECALLED, end="## Solve the initial problem\nI cannot determine this."),
        Completion(reply(*RECALLED, end=""), finish_reason="length"),
        "",
    ],
)
def test_the_answers_of_the_recalled_problems_are_never_read(text: str | Completion) -> None:
    answer = strategies.get("analogical(repairs=0)").run(DICE, ScriptedLLM([text]))
    assert (answer.state, answer.value) == ("unparsed", None)


@pytest.mark.parametrize(
    "heading", ["## Solve the initial problem", "**3. Solve the Initial Problem:**", "Solve the initial problem"]
)
def test_a_heading_begins_a_line_and_prose_with_its_words_is_none(heading: str) -> None:
    end = f"{heading}\n6 * 5 * 3 = 90. The answer is 90.\n\nThese examples helped to solve the initial problem."
    answer = strategies.get("analogical").run(DICE, ScriptedLLM([reply(*RECALLED, end=end)]))
    assert (answer.value, answer.text[-8:]) == (90, "problem.")
    prose = reply(*RECALLED, end="Now I could solve the initial problem. The answer is 7.")
    assert strategies.get("analogical(repairs=0)").run(DICE, ScriptedLLM([prose])).state == "unparsed"


def test_what_stays_alike_is_noted_and_the_answer_read() -> None:
    answer = strategies.get("analogical").run(DICE, ScriptedLLM([COPY, COPY]))
    assert answer.value == 90
    assert "almost the same" in str(answer.trace.to_json())


def test_a_budget_that_ends_before_the_second_reply() -> None:
    answer = strategies.get("analogical").run(DICE, ScriptedLLM([COPY, GOOD]), budget=Budget(calls=1))
    assert (answer.state, answer.usage.calls) == ("unparsed", 1)
    assert "budget" in answer.reason


def test_a_repair_that_never_comes_to_the_problem_leaves_the_answer_that_is_there() -> None:
    answer = strategies.get("analogical").run(DICE, llm := ScriptedLLM([COPY, reply(*RECALLED, end="")]))
    assert (answer.value, answer.text, llm.calls) == (90, COPY, 2)
    unread = strategies.get("analogical").run(DICE, ScriptedLLM([reply(end=""), reply(*RECALLED, end="")]))
    assert (unread.state, unread.text) == ("unparsed", reply(*RECALLED, end=""))


def test_a_repair_whose_call_fails_leaves_the_reply_that_is_there() -> None:
    answer = strategies.get("analogical").run(DICE, ScriptedLLM([COPY, CallFailed("gone")]))
    assert (answer.value, answer.text) == (90, COPY)
    assert "the reply is parsed as it is, since the call failed: gone" in str(answer.trace.to_json())
    with pytest.raises(AuthenticationFailed):
        strategies.get("analogical").run(DICE, ScriptedLLM([COPY, AuthenticationFailed("no key")]))
    assert strategies.get("analogical").run(DICE, ScriptedLLM([CallFailed("gone")])).state == "failed"
