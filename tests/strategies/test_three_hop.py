"""Three hops to an implied feeling: each is voted on, and the next reads the reply that won."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reasoning import Budget, Problem, connect, kinds, strategies
from reasoning.errors import AuthenticationFailed, BudgetExhausted, CallFailed, UsageError
from reasoning.kinds.label import Label
from reasoning.messages import Message
from reasoning.testing import Reply, ScriptedLLM
from tests import call_counts

SENTIMENT = Label(("positive", "negative", "neutral"))
SENTENCE = "The waiter refilled our glasses before we asked."
WAITER = Problem("What is the sentiment?", SENTIMENT, context=SENTENCE, inputs={"target": "the waiter"}, id="waiter")
GOOD: dict[str, list[Reply]] = {
    "aspect": ["He sees what guests need. The answer is attentiveness."],
    "opinion": ["He acts unasked. The answer is good."],
    "polarity": ["Who says so is pleased. The answer is positive."],
    "label": ["positive"],
}


def hop(turns: tuple[Message, ...]) -> str:
    asked = turns[-1].content
    if asked.startswith("Somebody describes"):
        return "label"
    return "polarity" if "The opinion of it:" in asked else "opinion" if "The aspect of" in asked else "aspect"


def script(**instead: list[Reply]) -> Callable[[tuple[Message, ...]], Reply]:
    """Each hop's replies in turn, the last one again and again."""
    rest = {name: list(replies) for name, replies in {**GOOD, **instead}.items()}

    def reply(turns: tuple[Message, ...]) -> Reply:
        replies = rest[hop(turns)]
        return replies.pop(0) if len(replies) > 1 else replies[0]

    return reply


@pytest.mark.parametrize(("spec", "calls"), [("three_hop", 16), ("three_hop(samples=1)", 4), ("thor(samples=3)", 10)])
def test_the_calls_are_those_of_the_formula(spec: str, calls: int) -> None:
    llm = ScriptedLLM(script(), latency=0.01, max_n=1)
    strategy = strategies.get(spec)
    answer = strategy.run(WAITER, llm)
    assert answer.value == "positive"
    assert llm.calls == call_counts.calls(strategy) == calls
    assert llm.rounds == call_counts.rounds(strategy)
    assert strategy.calls_range() == (calls, calls)
    assert llm.peak_concurrency == (calls - 1) // 3


def test_each_hop_reads_the_replies_before_it_whole_and_the_label_the_last_one_only() -> None:
    llm = ScriptedLLM(script())
    answer = strategies.get("three_hop(samples=2)").run(WAITER, llm)
    aspect, opinion, polarity, label = llm.prompts  # n = 2
    said = [str(GOOD[name][0]) for name in ("aspect", "opinion", "polarity")]
    assert SENTENCE in aspect
    assert "of the waiter" in aspect
    assert SENTENCE in opinion
    assert said[0] in opinion
    assert said[0] in polarity
    assert said[1] in polarity
    assert said[2] in label
    assert said[0] not in label
    assert [request.sampling["temperature"] for request in llm.requests] == [0.7, 0.7, 0.7, 0]
    assert list(answer.steps.values()) == said
    assert WAITER.question not in aspect


def test_one_reply_a_hop_is_greedy() -> None:
    llm = ScriptedLLM(script())
    strategies.get("three_hop(samples=1)").run(WAITER, llm)
    assert [request.sampling["temperature"] for request in llm.requests] == [0, 0, 0, 0]


def test_the_first_reply_with_the_winning_tag_goes_on() -> None:
    aspects: list[Reply] = [
        "Drinks. The answer is the price.",
        "He hurries. The answer is service.",
        "He is kind. The answer is the Service.",
    ]
    llm = ScriptedLLM(script(aspect=aspects))
    answer = strategies.get("three_hop(samples=3)").run(WAITER, llm)
    assert answer.steps["aspect"] == aspects[1]
    assert "Drinks." not in llm.prompts[1]


def test_the_confidence_is_that_of_the_third_hop() -> None:
    votes: list[Reply] = [f"The answer is {one}." for one in ("positive", "neutral", "positive", "positive")]
    answer = strategies.get("three_hop(samples=4)").run(WAITER, ScriptedLLM(script(polarity=votes)))
    assert (answer.value, answer.confidence) == ("positive", 0.75)
    assert answer.votes is not None
    other = strategies.get("three_hop(samples=4)").run(WAITER, ScriptedLLM(script(polarity=votes, label=["neutral"])))
    assert (other.value, other.confidence) == ("neutral", None)  # the vote was for another


def test_options_are_shown_where_the_polarity_is_asked() -> None:
    problem = Problem(SENTENCE, options=("positive", "negative", "neutral"), inputs={"target": "the waiter"})
    llm = ScriptedLLM(script())
    assert strategies.get("three_hop(samples=1)").run(problem, llm).value == "A"
    assert ["(A) positive" in prompt for prompt in llm.prompts] == [False, False, True, True]
    assert SENTENCE in llm.prompts[0]  # without a context the question is the sentence


@pytest.mark.parametrize("stage", ["aspect", "opinion"])
def test_a_hop_without_a_tag_goes_on_with_its_first_reply(stage: str) -> None:
    llm = ScriptedLLM(script(**{stage: ["I don't know."]}))
    answer = strategies.get("three_hop(samples=2)").run(WAITER, llm)
    assert answer.value == "positive"
    assert llm.calls == 7
    assert answer.steps[stage] == "I don't know."


def test_an_unreadable_label_leaves_it_to_the_third_hop_and_then_there_is_no_answer() -> None:
    answer = strategies.get("three_hop(samples=2)").run(WAITER, ScriptedLLM(script(label=["Well, well."])))
    assert (answer.value, answer.confidence) == ("positive", 1.0)
    assert "the vote of the third hop decides" in str(answer.trace.to_json())  # type: ignore[union-attr]
    vague: list[Reply] = ["It depends."]
    answer = strategies.get("three_hop(samples=2)").run(WAITER, ScriptedLLM(script(polarity=vague, label=vague)))
    assert answer.state == "unparsed"  # not neutral
    denied: list[Reply] = ["It is not positive."]
    answer = strategies.get("three_hop(samples=1)").run(WAITER, ScriptedLLM(script(polarity=denied, label=denied)))
    assert answer.state == "unparsed"


def test_nothing_said_is_no_feeling() -> None:
    silent: list[Reply] = [" "]
    for spec in ("three_hop(samples=1)", "three_hop(samples=2)"):
        llm = ScriptedLLM(script(aspect=silent, opinion=silent, polarity=silent, label=["neutral"]))
        assert strategies.get(spec).run(WAITER, llm).state == "unparsed"
        assert not any(hop(request.messages) == "label" for request in llm.requests)
    some: list[Reply] = [CallFailed("lost"), "It depends."]
    llm = ScriptedLLM(script(polarity=some), max_n=1)
    assert strategies.get("three_hop(samples=2)").run(WAITER, llm).value == "positive"
    assert "It depends." in llm.prompts[-1]  # and not the empty text of the call that failed


def test_without_a_target_it_is_the_subject() -> None:
    for inputs in ({}, {"target": " "}):
        llm = ScriptedLLM(script())
        strategies.get("three_hop(samples=1)").run(replace(WAITER, inputs=inputs), llm)
        assert "aspect of its subject may" in llm.prompts[0]


def test_failed_calls() -> None:
    strategy = strategies.get("three_hop(samples=3)")
    lost: list[Reply] = [CallFailed("lost"), GOOD["opinion"][0]]
    answer = strategy.run(WAITER, ScriptedLLM(script(opinion=lost), max_n=1))
    assert answer.value == "positive"  # two of three replies
    answer = strategy.run(WAITER, ScriptedLLM(script(opinion=[CallFailed("lost")])))
    assert answer.state == "failed"
    assert answer.steps["aspect"] == GOOD["aspect"][0]


def test_a_label_call_that_fails_leaves_it_to_the_third_hop() -> None:
    strategy = strategies.get("three_hop(samples=2)")
    answer = strategy.run(WAITER, ScriptedLLM(script(label=[CallFailed("lost")])))
    assert (answer.value, answer.confidence) == ("positive", 1.0)
    assert "there is no label (lost): the vote of the third hop decides" in str(answer.trace.to_json())  # type: ignore[union-attr]
    vague = strategy.run(WAITER, ScriptedLLM(script(polarity=["It depends."], label=[CallFailed("lost")])))
    assert (vague.state, vague.reason) == ("failed", "lost")
    assert vague.steps["polarity"] == "It depends."
    with pytest.raises(AuthenticationFailed):
        strategy.run(WAITER, ScriptedLLM(script(label=[AuthenticationFailed("no key")])))


@pytest.mark.parametrize(
    ("calls", "steps", "text", "valid"),
    [
        (1, ["aspect"], "aspect", None),
        (2, ["aspect"], "aspect", None),
        (3, ["aspect", "opinion"], "opinion", None),
        (5, ["aspect", "opinion", "polarity"], "polarity", 1),
        (6, ["aspect", "opinion", "polarity"], "polarity", 2),
    ],
)
def test_what_there_is_where_the_budget_ends_it(calls: int, steps: list[str], text: str, valid: int | None) -> None:
    strategy = strategies.get("three_hop(samples=2)")
    answer = strategy.run(WAITER, ScriptedLLM(script(), max_n=1), budget=Budget(calls=calls))
    assert answer.state == "unparsed"
    assert (list(answer.steps), answer.text) == (steps, GOOD[text][0])
    assert (answer.votes and answer.votes.valid) == valid


def test_it_serves_labels_only_and_can_be_wrapped() -> None:
    with pytest.raises(UsageError, match="three_hop gives answers of the kinds Label, Choice"):
        strategies.get("three_hop").run(Problem("How many?", kinds.Number()), ScriptedLLM([]))
    answer = strategies.get("sc(three_hop(samples=2), samples=3)").run(WAITER, ScriptedLLM(script()))
    assert answer.votes is not None
    assert answer.votes.valid == 3


def test_a_budget_that_ends_in_the_middle() -> None:
    strategy = strategies.get("three_hop(samples=2)")
    answer = strategy.run(WAITER, ScriptedLLM(script(), max_n=1), budget=Budget(calls=3))
    assert answer.state == "unparsed"
    assert "calls" in answer.reason
    assert answer.usage.calls >= 2
    with pytest.raises(BudgetExhausted):
        strategy.run(WAITER, ScriptedLLM(script(), max_n=1, budget=Budget(calls=3)))


@pytest.mark.model
def test_a_real_model_runs_to_the_end(smollm: Path) -> None:
    pytest.importorskip("xllamacpp")
    llm = connect(f"local:{smollm}", journal=False, max_tokens=8)
    answer = strategies.get("three_hop(samples=2)").run(WAITER, llm)
    assert answer.usage.calls == 7
    assert answer.state in ("answered", "unparsed")
