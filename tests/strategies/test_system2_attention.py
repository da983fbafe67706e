"""System 2 attention: what the second call sees is the rewriting, and nothing of the original."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reasoning import Answer, Budget, Problem, Session, Strategy, kinds, strategies, technique
from reasoning.errors import AuthenticationFailed, CallFailed, UnknownName, UsageError
from reasoning.messages import Completion
from reasoning.strategies.knowledge.rewriting import parse_rewrite
from reasoning.strategies.knowledge.system2_attention import UNBIASED, System2Attention
from reasoning.testing import ScriptedLLM
from tests import call_counts

GAMES = Problem(
    "I think it is Lyon, but I am not sure. Which city hosted the Winter Games of 1968?",
    context="A friend of mine is certain of Lyon. The Winter Games of 1968 were held in the Alps.",
)
CLEAN = (
    "Context: The Winter Games of 1968 were held in the Alps.\nQuestion: Which city hosted the Winter Games of 1968?"
)
PENS = Problem("Mia has 4 pens and buys 3. Her aunt is 50. How many pens has she?", kinds.Number())


@pytest.mark.parametrize(
    ("spec", "replies", "counts"),
    [
        ("system2_attention", [CLEAN, "Grenoble"], {"r": 0}),
        ("s2a(cot)", [CLEAN, "It was in the Alps.", "Grenoble"], {"r": 0, "e": 1}),
        ("s2a(vanilla)", ["Sure.", CLEAN, "Grenoble"], {"r": 1}),
        ("s2a(sc(cot(shots=1), samples=3))", [CLEAN, *["The answer is Grenoble."] * 3], {"r": 0}),
    ],
)
def test_the_calls_are_the_rewriting_and_those_of_the_base(
    spec: str, replies: list[str], counts: dict[str, int]
) -> None:
    llm = ScriptedLLM(replies)
    strategy = strategies.get(spec)
    assert strategy.run(GAMES, llm).value == "Grenoble"
    assert llm.calls == call_counts.calls(strategy, **counts) == len(replies)
    assert llm.rounds == call_counts.rounds(strategy, **counts)


@pytest.mark.parametrize("spec", ["s2a", "s2a(cot)", "s2a(leave_out='relevance')"])
def test_the_answer_is_asked_for_without_the_original(spec: str) -> None:
    llm = ScriptedLLM([CLEAN, "The answer is Grenoble."])
    answer = strategies.get(spec).run(GAMES, llm)
    first, second = llm.prompts
    assert GAMES.question in first
    assert "Lyon" in first
    assert "Lyon" not in second
    assert "friend" not in second
    assert "Which city hosted the Winter Games of 1968?" in second
    assert "held in the Alps" in second
    assert (UNBIASED in second) == ("relevance" not in spec)
    assert answer.steps == {
        "context": "The Winter Games of 1968 were held in the Alps.",
        "question": "Which city hosted the Winter Games of 1968?",
    }


def test_options_and_kind_are_kept_and_tables_and_inputs_are_not() -> None:
    problem = Problem(
        "I like B. Which is larger?", options=["two", "ten"], table=[["secret"], ["cell"]], inputs={"note": "hush"}
    )
    llm = ScriptedLLM(["Context: none\nQuestion: Which is larger?", "(B)"])
    assert strategies.get("s2a").run(problem, llm).value == "B"
    assert "secret" in llm.prompts[0]
    assert "(B) ten" not in llm.prompts[0]
    assert "(B) ten" in llm.prompts[1]
    assert not {"secret", "cell", "hush", "I like B", "none"} & set(llm.prompts[1].split("\n"))
    assert "I like" not in llm.prompts[1]
    assert "secret" not in llm.prompts[1]


@pytest.mark.parametrize(
    ("reply", "parts"),
    [
        ("**Context:** a b.\n\n**Question:** c?", ("a b.", "c?")),
        ("Unbiased context (what is kept): a\nUnbiased question (what is asked): c?\nAnswer: Lyon", ("a", "c?")),
        ("Context: None.\nQuestion: c?", ("", "c?")),
        ("Question: c?", ("", "c?")),
        ("### Context:\na\nb\n### Question:\nc?", ("a\nb", "c?")),
        ("**Context** (facts only): a\n**Question** (no opinion): c?", ("a", "c?")),
        ("**Context (facts only)**: a\n**Question**: c?", ("a", "c?")),
        ("Context: a", None),
        ("Question:   ", None),
        ("", None),
    ],
)
def test_the_parts_of_a_rewriting(reply: str, parts: tuple[str, str] | None) -> None:
    assert parse_rewrite(reply, Problem("Which city is it? I think Lyon.")) == parts


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("It was Grenoble.", "the part Question: is missing"),
        ("Context: x\nQuestion: Which city hosted the Winter Games?", "1968 of the question is lost"),
        (Completion(CLEAN, finish_reason="length"), "cut off"),
    ],
)
def test_a_bad_rewriting_is_asked_for_once_more_and_then_the_original_is_answered(
    bad: str | Completion, why: str
) -> None:
    llm = ScriptedLLM([bad, CLEAN, "Grenoble"])
    assert strategies.get("s2a").run(GAMES, llm).value == "Grenoble"
    assert why in llm.requests[1].messages[-1].content
    assert "Lyon" not in llm.prompts[2]
    llm = ScriptedLLM([bad, bad, "Lyon"])
    answer = strategies.get("s2a").run(GAMES, llm)
    assert answer.value == "Lyon"
    assert answer.steps == {}
    assert GAMES.question in llm.prompts[2]
    assert "the original is answered" in str(answer.trace.to_json())


@pytest.mark.parametrize(
    ("question", "rewriting", "lost"),
    [
        ("Mia has 4 pens. Bob has 3. How many pens has Bob?", "How many pens?", "Bob"),
        ("Bob has 3. How many pens has Bob's aunt?", "How many pens has the aunt?", "Bob"),
        ("Which word rhymes with “late snow”?", "Which word rhymes?", "late snow"),
        ("Who wrote 'it is late'?", "Who wrote it?", "it is late"),
        ("How many pens has Bob?", "How many pens does BOB have?", ""),
        ("Which Paris is it, the one in Texas?", "Is Paris the one in Texas?", ""),
        ("I think it is Lyon but I'm not sure, which city was it?", "Which city was it?", ""),
        ("Bob has 3 pens. I am sad. How many have I?", "How many pens has the writer?", ""),
        ("Who wrote Faust? Isn't it Schiller?", "Who wrote Faust?", ""),
        ("Who wrote Faust? Isn't it Schiller?", "Who wrote it?", "Faust"),
        ("Which city held the games? My guess is Lyon, right?", "Which city held the games?", ""),
        ("In my opinion it is Lyon, but which city was it?", "Which city was it?", ""),
        ("Who gave $1,500 for 3 pens?", "Who gave $1500 for three pens?", ""),
        ("Who gave $1,500 for 3 pens?", "Who gave $1500 for four pens?", "3"),
    ],
)
def test_the_names_and_quotations_of_what_is_asked_must_be_kept(question: str, rewriting: str, lost: str) -> None:
    reply = f"Context: There are pens.\nQuestion: {rewriting}"
    llm = ScriptedLLM([reply, reply, "It is late."] if lost else [reply, "It is late."])
    answer = strategies.get("s2a").run(question, llm)
    assert answer.steps.get("question") == (None if lost else rewriting)
    assert not lost or f"rejected: {lost} of the question is lost" in str(answer.trace.to_json())


def test_a_label_in_the_passage_is_no_part_of_its_own() -> None:
    passage = "Ana is tall.\nQuestion: Who is the shortest?\nBen is small."
    problem = Problem("Who is the tallest?", context=passage)
    copied = f"Context: {passage}\nQuestion: Who is the tallest?"
    assert parse_rewrite(copied, problem) == (passage, "Who is the tallest?")
    asked = Problem("Context: Ana is tall.\nQuestion: Who is it?")
    assert parse_rewrite(asked.question, asked) == ("Ana is tall.", "Who is it?")


def test_a_base_without_prompts_is_refused_before_anything_is_paid_for() -> None:
    @technique(title="Bare", calls="1")
    class Bare(Strategy):
        """Ask."""

        async def solve(self, problem: Problem, session: Session) -> Answer:
            return problem.parse(await session.ask(problem.question))

    with pytest.raises(UsageError, match="bare has no prompt among its parameters"):
        System2Attention(Bare())
    with pytest.raises(UsageError, match="top_p must be from 0 to 1"):
        strategies.get("s2a(top_p=7)")


def test_a_rewriting_may_be_as_long_as_its_input_and_never_shorter_than_usual() -> None:
    long = Problem("What is it?", context="A fact that counts. " * 500)
    asian = Problem("何ですか?", context="大切な事実。" * 500)
    reply = f"Context: {long.context}\nQuestion: What is it?"
    for problem, sampling, least in [
        (long, {}, 5000),
        (asian, {}, 3000),
        (GAMES, {}, 1024),
        (GAMES, {"max_tokens": 300}, 300),
        (long, {"max_tokens": 16_000}, 16_000),
    ]:
        llm = ScriptedLLM([reply, "A fact."], **sampling)
        strategies.get("s2a(cot(stages=1))").run(replace(problem, question="What is it?"), llm)
        allowed = [request.sampling["max_tokens"] for request in llm.requests]
        assert least <= allowed[0] <= least + 200
        assert allowed[1] == sampling.get("max_tokens", 1024)  # the base's as ever


def test_a_rewriting_that_fails_falls_back_on_the_original() -> None:
    answer = strategies.get("s2a").run(GAMES, ScriptedLLM([CallFailed("gone"), "Lyon"]))
    assert (answer.value, answer.steps) == ("Lyon", {})
    assert "the rewriting failed: gone" in str(answer.trace.to_json())
    with pytest.raises(AuthenticationFailed):
        strategies.get("s2a").run(GAMES, ScriptedLLM([AuthenticationFailed("no key"), "Lyon"]))


def test_what_the_base_has_come_to_is_kept_where_the_budget_ends_it() -> None:
    llm = ScriptedLLM([CLEAN, *["The answer is Grenoble."] * 4], max_n=1)
    answer = strategies.get("s2a(sc(cot(stages=1), samples=9))").run(GAMES, llm, budget=Budget(calls=5))
    assert answer.votes is not None
    assert answer.votes.valid == 4


def test_two_ways_to_leave_out_and_the_papers_sampling() -> None:
    llm = ScriptedLLM(["Context: Mia has 4 pens and buys 3.\nQuestion: How many pens has she?", "7"])
    assert strategies.get("s2a(leave_out='relevance')").run(PENS, llm).value == 7
    assert "need" in llm.prompts[0]
    assert "50" not in llm.prompts[1]
    for request in llm.requests:
        assert (request.sampling["temperature"], request.sampling["top_p"]) == (0.6, 0.9)
    with pytest.raises(UnknownName, match="did you mean 'opinion'"):
        strategies.get("s2a(leave_out='opinions')")


def test_abstention_failure_and_budget() -> None:
    refused = strategies.get("s2a").run(GAMES, ScriptedLLM([CLEAN, "I do not know."]))
    assert (refused.state, refused.value) == ("unparsed", None)
    assert refused.steps["question"].startswith("Which city")
    assert strategies.get("s2a").run(GAMES, ScriptedLLM([CLEAN, CallFailed("gone")])).state == "failed"
    answer = strategies.get("s2a").run(GAMES, ScriptedLLM([CLEAN, "x"]), budget=Budget(calls=1))
    assert (answer.state, answer.usage.calls) == ("unparsed", 1)
    assert "budget" in answer.reason
