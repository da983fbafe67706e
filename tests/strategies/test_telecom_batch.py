"""The batch chain: many pieces of feedback, issues merged in code, one recommendation for each category, none lost."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from reasoning import Chain
from reasoning.chain.lint import lint_folder
from reasoning.chain.scaffold import create_chain, resolve_folder
from reasoning.errors import CallFailed, InputError, PromptRefused, UnknownName
from reasoning.messages import Message
from reasoning.registry import bundled_chains
from reasoning.strategies.domain.telecom_feedback import batch
from reasoning.testing import ScriptedLLM

BATCH = "telecom_feedback/batch.toml"
SORTED = {"signal": "network", "billed": "Billing", "agent": "Customer Service", "router": "device"}


def say(messages: tuple[Message, ...]) -> str:
    """Answer as a model that reads the last turn."""
    asked = messages[-1].content
    if "Feedback: " in asked:
        words = asked.partition("Feedback: ")[2].partition("\n")[0]
        return "; ".join(f"{part.strip()} (negative)" for part in words.split(",")) if words != "hello" else "none"
    if "JSON list" in asked:
        return f"1. Look into {asked.partition('Category: ')[2].partition(chr(10))[0]} problems\n2. Call the customers"
    issues = asked.partition("Issues: ")[2].partition("\n")[0].split("; ")
    named = {issue: next((c for word, c in SORTED.items() if word in issue.lower()), "other") for issue in issues}
    return json.dumps(named)


def load() -> Chain:
    return Chain.load(BATCH)


def test_the_chain_is_sound_and_a_copy_of_the_template_has_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    chain, findings = lint_folder(resolve_folder(BATCH))
    assert (chain.name, findings) == ("telecom_batch", [])
    create_chain(tmp_path / "mine", "telecom_feedback")
    copy, findings = lint_folder(tmp_path / "mine" / "batch.toml")
    assert findings == []
    assert [step.prompt for step in copy.steps] == [step.prompt for step in chain.steps]
    for missing in ("telecom_feedback/none.toml", "telecom_feedback/../claims"):
        with pytest.raises(UnknownName):
            resolve_folder(missing)
        with pytest.raises(InputError, match="no chain"):
            Chain.load(missing)


def test_the_prompts_of_the_steps_are_those_of_the_chain_for_one_feedback() -> None:
    single = Chain.load(bundled_chains()["telecom_feedback"])
    assert load().step("found").prompt == single.step("issues").prompt
    assert load().step("categories").prompt == single.step("categories").prompt


def test_hundreds_of_pieces_become_a_table() -> None:
    feedbacks = [f"No signal, Billed twice{'!' * (n % 3)}, router {n % 7} broken" for n in range(300)] + ["hello"] * 20
    llm = ScriptedLLM(say)
    answer = load().run(feedbacks=feedbacks, llm=llm)
    rows = {row["category"]: row for row in answer.value}
    assert list(rows) == ["network", "billing", "device"]
    assert [rows[name]["issues"] for name in rows] == [300, 300, 300]
    assert rows["billing"]["examples"] == "Billed twice (negative) × 300"
    assert rows["network"]["recommendation"] == "Look into network problems; Call the customers"
    # One call for each feedback, one for each batch of issues, one for each category.
    assert llm.calls == len(feedbacks) + 1 + 3
    assert sum(row["issues"] for row in answer.value) == 900


def test_no_issue_is_lost_when_a_model_sorts_none_or_one_wrongly() -> None:
    def careless(messages: tuple[Message, ...]) -> str:
        asked = messages[-1].content
        if "Feedback: " in asked or "JSON list" in asked or "actions" in asked:
            return say(messages)
        return "{}"

    feedbacks = [f"thing {n} is bad" for n in range(50)]
    answer = load().run(feedbacks=feedbacks, llm=ScriptedLLM(careless))
    assert [(row["category"], row["issues"]) for row in answer.value] == [("other", 50)]


def test_a_feedback_that_no_model_reads_stands_for_itself_and_a_refused_one_too() -> None:
    def refuse(messages: tuple[Message, ...]) -> str | Exception:
        asked = "".join(turn.content for turn in messages)
        if "Feedback: rude words" in asked:
            return PromptRefused("content filter")
        if "Feedback: gibberish" in asked:
            return "Sorry, I cannot read this."
        return say(messages)

    feedbacks = ["No signal", "rude words", "gibberish; of a customer"]
    answer = load().run(feedbacks=feedbacks, llm=ScriptedLLM(refuse))
    found = [issue for issues in answer.steps["found"] for issue in issues]
    assert found == ["No signal (negative)", "rude words (neutral)", "gibberish; of a customer (neutral)"]
    assert sum(row["issues"] for row in answer.value) == 3


def test_an_outage_ends_the_run_and_it_resumes_without_new_calls_for_what_is_known(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from reasoning import Journal

    journal = Journal(tmp_path / "journal.sqlite")
    down = True

    def unreliable(messages: tuple[Message, ...]) -> str | Exception:
        return CallFailed("outage") if down and "router" in messages[-1].content else say(messages)

    feedbacks = ["No signal", "Billed twice", "router dead"]
    llm = ScriptedLLM(unreliable, journal=journal)
    assert load().run(feedbacks=feedbacks, llm=llm).state == "failed"
    paid = llm.calls
    down = False
    answer = load().run(feedbacks=feedbacks, llm=llm)
    assert (answer.state, sum(row["issues"] for row in answer.value)) == ("answered", 3)
    assert llm.calls - paid == 1 + 1 + 3  # the lost feedback, one batch, three categories


def test_issues_with_the_same_words_and_sentiment_are_one() -> None:
    found = [
        ("Slow internet (negative)", "slow  internet (negative)"),
        ("The internet is slow (negative)",),
        ("slow internet (positive)",),
        ("not slow internet (negative)",),
    ]
    assert batch.merge_issues(found) == [
        {"issue": "Slow internet (negative)", "count": 2},  # once for each feedback
        {"issue": "slow internet (positive)", "count": 1},
        {"issue": "not slow internet (negative)", "count": 1},
    ]


def test_batches_hold_every_issue_once() -> None:
    merged = [{"issue": f"thing {n}; or so (a; b) (negative)", "count": 1} for n in range(45)]
    texts = batch.split_batches(merged)
    assert [len(text.split("; ")) for text in texts] == [20, 20, 5]
    assert Counter("; ".join(texts).split("; ")).most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    "reply",
    [
        '["Add a mast", "Call back soon"]',
        '```json\n{"actions": ["Add a mast", "Call back soon"]}\n```',
        "Here are my recommendations:\n\n1. **Add a mast**\n2. Call back soon\n\nLet me know!",
        "| # | Action |\n|---|---|\n| 1 | Add a mast |\n| 2 | Call back soon |",
        "- Add a mast\n- Call back soon\n- add a mast",
        '{"network": ["Add a mast", "Call back soon"]}',
    ],
)
def test_actions_in_every_form(reply: str) -> None:
    assert batch.parse_actions(reply, {}) == ["Add a mast", "Call back soon"]
    assert batch.check_actions(["Add a mast", "Call back soon"]) is None


@pytest.mark.parametrize("reply", ["I'm sorry, I can't help with that.", "Just be nice.", "OK", "[]"])
def test_no_actions(reply: str) -> None:
    assert batch.parse_actions(reply, {}) is None
    assert batch.check_actions([]) is not None


def test_praise_has_a_row_and_no_recommendation() -> None:
    groups = [{"category": "network", "issues": [{"issue": "fast (positive)", "count": 4}]}]
    assert batch.list_complaints(groups) == []
    assert batch.make_table(groups, [], [])[0] == {
        "category": "network",
        "issues": 4,
        "complaints": 0,
        "examples": "fast (positive) × 4",
        "recommendation": "",
    }
