"""Relations of pairs: every form of a reply, batches that keep their numbers, and one more call for what is missing."""

from __future__ import annotations

import re

import pytest

from reasoning import event_loop
from reasoning.messages import Message
from reasoning.session import Session
from reasoning.strategies.verification.relations import RELATE, Pair, ask_relations, parse_relations
from reasoning.testing import Reply, ScriptedLLM
from reasoning.trace import Trace

FORMS = [
    "1: entailment\n2: neutral\n3: contradiction",
    "Sure! Here are the relations:\n\n1. **Entailment**\n2. **Neutral**\n3. **Contradiction**\n\nLet me know!",
    "| Number | Relation |\n|---|---|\n| 1 | entailment |\n| 2 | neutral |\n| 3 | contradiction |",
    '```json\n{"1": "entailment", "2": "neutral", "3": "contradiction"}\n```',
    '[{"number": 1, "relation": "entailment"}, {"number": 2, "relation": "neutral"}, '
    '{"number": 3, "relation": "contradiction"}]',
    "1: entailment, 2: neutral, 3: contradiction",
    "**1.** The premise says the same: entailment\n**2.** About the same thing, but neutral\n"
    "**3.** Both cannot be true: contradiction",
    "1. Ships float.\n   Relation: entailment\n2. Steel is 8 times as dense.\n   neutral\n3. No ship floats.\n"
    "   contradiction",
    "Sentence 1 → entails\nSentence 2 → neutral\nSentence 3 → contradicts",
    "(1) entailment\n(2) neutral\n(3) contradiction",
    "- 1: entailed\n- 2: unrelated\n- 3: contradictory",
    "1) \\text{entailment}\n2) \\text{neutral}\n3) \\text{contradiction}",
]


@pytest.mark.parametrize("reply", FORMS)
def test_a_relation_is_read_in_every_form(reply: str) -> None:
    assert parse_relations(reply, 3) == {1: "entailment", 2: "neutral", 3: "contradiction"}


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("", {}),
        ("I cannot tell.", {}),
        ("entailment", {}),
        ("1: it depends\n2: no entailment\n3: not a contradiction", {}),
        ("1: neutral\n1: entailment\n7: contradiction\n0: neutral", {1: "neutral"}),
        ("1: neither entailment nor contradiction: neutral", {1: "neutral"}),
        ("2: contradiction", {2: "contradiction"}),
    ],
)
def test_what_is_not_stated_is_missing(reply: str, found: dict[int, str]) -> None:
    assert parse_relations(reply, 3) == found


@pytest.mark.parametrize("text", ["1: " * 30_000, "1 neutral " * 10_000, "|" * 100_000, "1" * 100_000, " " * 100_000])
def test_long_replies_take_linear_time(text: str) -> None:
    parse_relations(text, 3)


def ask(script: object, groups: list[dict[int, str]], size: int) -> tuple[dict[Pair, str], ScriptedLLM, Trace]:
    llm = ScriptedLLM(script, max_n=1, latency=0.05)  # type: ignore[arg-type]
    trace = Trace("relations")
    found = event_loop.run_sync(ask_relations(groups, RELATE, size, Session(llm, trace)))
    return dict(found), llm, trace


def numbered(prompt: str) -> list[str]:
    return re.findall(r"^\d+\. (.*)$", prompt, re.MULTILINE)


def test_every_ordered_pair_within_a_group_is_asked_about() -> None:
    groups = [{0: "alpha", 1: "beta", 2: "gamma"}, {3: "delta", 4: "omega"}]

    def reply(turns: tuple[Message, ...]) -> Reply:
        sentences = numbered(turns[-1].content)
        return "\n".join(f"{number}: neutral" for number, _ in enumerate(sentences, 1))

    found, llm, trace = ask(reply, groups, 20)
    assert set(found) == {(a, b) for a in range(3) for b in range(3) if a != b} | {(3, 4), (4, 3)}
    assert (llm.calls, llm.rounds, llm.peak_concurrency) == (5, 1, 5)
    assert sorted(numbered(request.messages[-1].content) for request in llm.requests) == sorted([
        ["beta", "gamma"], ["alpha", "gamma"], ["alpha", "beta"], ["omega"], ["delta"],
    ])  # fmt: skip
    assert "neutral" not in str(trace.events[-1])[:30]


def test_only_missing_pairs_are_asked_about_again_and_ids_stay() -> None:
    group = {10: "alpha", 11: "beta", 12: "gamma", 13: "delta"}
    calls = 0

    def reply(turns: tuple[Message, ...]) -> Reply:
        nonlocal calls
        calls += 1
        text = turns[-1].content
        if not text.startswith("Premise: alpha"):
            return "1: neutral\n2: neutral" if len(numbered(text)) == 2 else "1: neutral"
        if numbered(text) == ["beta", "gamma"]:
            return "2: contradiction"
        if numbered(text) == ["delta"]:
            return "1: entailment"
        assert numbered(text) == ["beta"]
        return "1: entailment"

    found, llm, _ = ask(reply, [group], 2)
    assert found[Pair(10, 11)] == "entailment"
    assert found[Pair(10, 12)] == "contradiction"
    assert found[Pair(10, 13)] == "entailment"
    assert llm.calls == 8 + 1
    assert llm.rounds == 2


def test_pairs_that_stay_open_are_neutral_and_the_trace_says_so() -> None:
    found, llm, trace = ask(lambda turns: "Who knows?", [{0: "alpha", 1: "beta"}], 20)
    assert set(found.values()) == {"neutral"}
    assert llm.calls == 4
    assert "2 of 2 pairs have no stated relation" in str(trace.events[-1])


def test_no_pair_costs_no_call() -> None:
    found, llm, _ = ask(lambda turns: "", [{0: "alpha"}], 20)
    assert (found, llm.calls) == ({}, 0)
