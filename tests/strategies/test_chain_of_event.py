"""Chain of event: events keep their document, support is counted in documents, and the shared ones are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reasoning import Budget, Journal, Problem, kinds, strategies
from reasoning.errors import AuthenticationFailed, CallFailed, UsageError
from reasoning.messages import Completion, Message
from reasoning.strategies.decomposition.event_groups import parse_groups
from reasoning.strategies.decomposition.events import documents_of, parse_events
from reasoning.testing import ScriptedLLM
from tests import call_counts

FERRY = {
    "Gazette": "The ferry Ines sank on Monday; all were saved. The minister resigned.",
    "Herald": "On Monday a ferry went down off Brest. Boats took the passengers off.",
    "Courier": "Rescuers saved 40 people from the Ines.",
}
EVENTS = {
    "Gazette": "- Monday, the Ines sank | a ferry sank\n- all were saved | passengers were rescued\n"
    "- the minister resigned | a politician left office",
    "Herald": "1. Monday, off Brest, a ferry went down | a ferry sank\n2. boats took passengers off | a rescue",
    "Courier": "rescuers saved 40 people | people were rescued",
}
SUMMARY = "A ferry sank off Brest on Monday. All passengers were rescued."
NEWS = Problem("What happened?", inputs=FERRY)


def script(group: str = "1, 4: the ferry\n2, 5, 6", summary: str = f"Summary: {SUMMARY}", **events: str):
    def reply(messages: object) -> str:
        asked = messages[-1].content  # type: ignore[index]
        if "Same events:" in asked:
            return group
        if "Summary:" in asked:
            return summary
        name = next(name for name, text in FERRY.items() if text in asked)
        return events.get(name, EVENTS[name])

    return reply


@pytest.mark.parametrize(
    ("problem", "replies", "counts", "calls"),
    [
        (NEWS, script(), {"d": 3, "g": 1, "s": 1}, 5),
        (Problem("What?", inputs={"Courier": FERRY["Courier"]}), script(), {"d": 1, "g": 0, "s": 1}, 2),
        (NEWS, script(Gazette="none", Herald="", Courier="There is no event."), {"d": 3, "g": 0, "s": 0}, 3),
        (Problem("What?", context="\n---\n".join(FERRY.values())), script(), {"d": 3, "g": 1, "s": 1}, 5),
    ],
)
def test_the_number_of_calls(problem: Problem, replies: object, counts: dict[str, int], calls: int) -> None:
    llm = ScriptedLLM(replies, latency=0.01, max_n=1)  # type: ignore[arg-type]
    strategy = strategies.get("chain_of_event")
    answer = strategy.run(problem, llm)
    assert llm.calls == call_counts.calls(strategy, **counts) == calls
    assert llm.rounds == call_counts.rounds(strategy, **counts)
    assert answer.value == (SUMMARY if counts["s"] else None)


def test_documents_are_read_side_by_side_and_by_themselves() -> None:
    llm = ScriptedLLM(script(), latency=0.02)
    strategies.get("coe").run(NEWS, llm)
    assert llm.peak_concurrency == 3
    for request, text in zip(llm.requests, FERRY.values(), strict=False):
        assert text in request.messages[-1].content
        assert sum(other in request.messages[-1].content for other in FERRY.values()) == 1


def test_events_keep_their_documents_and_only_shared_ones_are_told() -> None:
    llm = ScriptedLLM(script())
    answer = strategies.get("coe").run(NEWS, llm)
    group, summary = llm.prompts[3:]
    assert "1. a ferry sank\n2. passengers were rescued\n3. a politician left office\n4. a ferry sank" in group
    assert "Ines" not in group  # compared in general words
    assert "- [Gazette, Herald] Monday, the Ines sank / Monday, off Brest, a ferry went down" in summary
    assert "- [Gazette, Herald, Courier] all were saved" in summary
    assert "minister" not in summary
    assert not any(text in summary for text in FERRY.values())
    ferry, rescue = answer.steps["events"]
    assert ferry == {
        "event": "a ferry sank",
        "reports": [("Gazette", "Monday, the Ines sank"), ("Herald", "Monday, off Brest, a ferry went down")],
    }
    assert [source for source, _ in rescue["reports"]] == ["Gazette", "Herald", "Courier"]


def test_support_counts_documents_and_not_mentions() -> None:
    twice = "- it sank | a ferry sank\n- it went down | a ferry sank"
    llm = ScriptedLLM(script(group="1, 2\n3", Gazette=twice, Herald="- it rained | rain", Courier="none"))
    answer = strategies.get("coe").run(NEWS, llm)
    assert "no event is in 2 documents" in str(answer.trace.to_json())
    assert [[source for source, _ in one["reports"]] for one in answer.steps["events"]] == [["Gazette"], ["Herald"]]


def test_two_documents_need_no_support_and_the_best_supported_are_kept_in_order() -> None:
    two = Problem("What?", inputs={name: FERRY[name] for name in ("Gazette", "Herald")})
    llm = ScriptedLLM(script(group="1, 4\n2, 5"))
    answer = strategies.get("coe").run(two, llm)
    assert [one["event"] for one in answer.steps["events"]] == [
        "a ferry sank",
        "passengers were rescued",
        "a politician left office",
    ]
    answer = strategies.get("coe(events=3)").run(NEWS, ScriptedLLM(script()))
    assert len(answer.steps["events"]) == 2
    most = strategies.get("coe(events=1)").run(NEWS, ScriptedLLM(script(group="1, 2\n1, 3")))
    assert len(most.steps["events"]) == 1


def test_a_document_has_the_same_draws_wherever_it_stands_and_no_place_in_the_question() -> None:
    texts = {name: f"{name} tells of a ferry." for name in ("a", "question")}
    journal = Journal()
    first = Problem("What happened?", kinds.Text(), inputs=texts)
    strategies.get("coe").run(first, ScriptedLLM(lambda turns: "- x | a ferry sank", journal=journal))
    turned = replace(first, inputs=dict(reversed(texts.items())))
    again = ScriptedLLM(lambda turns: "- x | a ferry sank", journal=journal)
    strategies.get("coe").run(turned, again)
    assert not any(turns.endswith("Events:") and "Same" not in turns for turns in again.prompts)
    assert "What happened?" in again.prompts[-1]


def test_documents_without_an_event_are_named_and_the_summary_has_so_many_at_most() -> None:
    replies = {"one": "- a | w", "two": "Nothing.", "three": "- b | x", "four": "- c | y"}
    problem = Problem("Well?", kinds.Text(), inputs={name: f"{name}." for name in replies})

    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        return next((told for name, told in replies.items() if f"Document:\n{name}." in said), "none")

    answer = strategies.get("coe(events=1)").run(problem, ScriptedLLM(reply))
    assert "no event in: two" in str(answer.trace.to_json())  # type: ignore[union-attr]
    assert len(answer.steps["events"]) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a | b\n* c | d", [("a", "b"), ("c", "d")]),
        ("Here they are:\n1. a | b\n\n2) c", [("a", "b"), ("c", "c")]),
        ("a | b", [("a", "b")]),
        ("none", []),
        ("- None.", []),
        ("I see no event here.", []),
        ("", []),
        ("|||\n- | b", []),
        (
            "| When, where, who and what | general |\n| --- | --- |\n| Monday | a ferry sank |",
            [("Monday", "a ferry sank")],
        ),
        ("a | b\na | b\nc | b", [("a", "b"), ("c", "b")]),
    ],
)
def test_the_events_of_a_reply(text: str, told: list[tuple[str, str]]) -> None:
    assert [(one.description, one.general) for one in parse_events(text, "x", 8)] == told


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("1, 3", [[1, 3], [2], [4]]),
        ("- 1 and 3: in 2 documents\n2. 2, 4", [[1, 3], [2, 4]]),
        ("1, 3\n3, 4", [[1, 3], [2], [4]]),  # each number counts once
        ("1, 9, 77", [[1], [2], [3], [4]]),
        ("Same events: 1, 4", [[1, 4], [2], [3]]),
        ("The ferry: 1, 4\nEvents 2 and 3", [[1, 4], [2, 3]]),
        ("1: 1, 4", [[1, 4], [2], [3]]),
        ("They all differ.", [[1], [2, 4], [3]]),  # no number: those in the same words are the same
        ("", [[1], [2, 4], [3]]),
    ],
)
def test_the_groups_of_a_reply(text: str, groups: list[list[int]]) -> None:
    general = {1: "x", 2: "A ferry sank.", 3: "y", 4: "a ferry sank"}
    events = [one for n, said in general.items() for one in parse_events(f"- {n} | {said}", f"d{n}", 1)]
    assert [[int(one.description) for one in group] for group in parse_groups(text, events)] == groups


@pytest.mark.parametrize(
    ("summary", "value"),
    [
        (f"**Summary:** {SUMMARY}", SUMMARY),
        (f"Summary: (Monday) {SUMMARY}", f"(Monday) {SUMMARY}"),
        ("First line.\nSecond line.", "First line.\nSecond line."),
        ("Summary:", None),
        ("", None),
    ],
)
def test_the_whole_summary_is_the_answer(summary: str, value: str | None) -> None:
    answer = strategies.get("coe").run(NEWS, ScriptedLLM(script(summary=summary)))
    assert answer.value == value
    assert answer.state == ("answered" if value else "unparsed")
    assert len(answer.steps["events"]) == 2


def test_no_documents_or_too_many_are_refused_before_any_call() -> None:
    llm = ScriptedLLM([])
    with pytest.raises(UsageError, match=r"needs 1 to 20 documents, got 0: give inputs=\{name: text\}"):
        strategies.get("coe").run("What happened?", llm)
    with pytest.raises(UsageError, match="needs 1 to 2 documents, got 3"):
        strategies.get("coe(max_documents=2)").run(NEWS, llm)
    with pytest.raises(UsageError, match="gives answers of the kind Text"):
        strategies.get("coe").run(Problem("How many?", kinds.Number(), inputs=FERRY), llm)
    assert llm.requests == []
    assert list(documents_of(Problem("?", context="a\n\n-----\nb\n---\n\n"))) == ["document 1", "document 2"]


def lost(*names: str, error: Exception | None = None):
    """A model whose calls for some documents fail."""

    def reply(messages: object) -> str | Exception:
        asked = messages[-1].content  # type: ignore[index]
        gone = any(FERRY[name] in asked for name in names)
        return (error or CallFailed("gone")) if gone else script(group="1, 4")(messages)

    return reply


def test_a_document_whose_call_fails_is_left_out() -> None:
    llm = ScriptedLLM(lost("Herald"), latency=0.01, max_n=1)
    strategy = strategies.get("coe")
    answer = strategy.run(NEWS, llm)
    assert answer.value == SUMMARY
    assert llm.calls == call_counts.calls(strategy, d=2, g=1, s=1) == 4
    assert llm.rounds == call_counts.rounds(strategy, d=2, g=1, s=1)
    assert "the document is left out" in str(answer.trace.to_json())
    assert {source for one in answer.steps["events"] for source, _ in one["reports"]} == {"Gazette", "Courier"}
    assert strategy.run(NEWS, ScriptedLLM(lost("Herald", "Gazette"))).value == SUMMARY
    assert strategy.run(NEWS, ScriptedLLM(lost(*FERRY))).state == "failed"
    with pytest.raises(AuthenticationFailed):
        strategy.run(NEWS, ScriptedLLM(lost("Herald", error=AuthenticationFailed("no key"))))


def test_a_last_line_that_was_cut_off_is_no_event() -> None:
    one = Problem("What?", inputs={"Gazette": FERRY["Gazette"]})
    for text, told in (("- a | b\n- on Mond", ["a"]), ("- on Mond", []), ("- a | b\n", ["a"])):
        llm = ScriptedLLM([Completion(text, finish_reason="length"), f"Summary: {SUMMARY}"])
        steps = strategies.get("coe").run(one, llm).steps
        assert [event["reports"] for event in steps.get("events", ())] == [[("Gazette", event)] for event in told]


@pytest.mark.parametrize(("calls", "events"), [(3, 6), (4, 2)])
def test_a_budget_that_ends_behind_the_documents_leaves_their_events(calls: int, events: int) -> None:
    answer = strategies.get("coe").run(NEWS, ScriptedLLM(script()), budget=Budget(calls=calls))
    assert (answer.state, answer.value, answer.usage.calls) == ("unparsed", None, calls)
    assert len(answer.steps["events"]) == events
    assert answer.steps["events"][0]["event"] == "a ferry sank"
    assert answer.text.startswith("Monday, the Ines sank\n")


def without(stage: str, error: Exception | None = None):
    """A model whose call of a stage fails."""

    def reply(messages: object) -> str | Exception:
        asked = messages[-1].content  # type: ignore[index]
        return (error or CallFailed("gone")) if stage in asked else script(group="1, 4")(messages)

    return reply


def test_where_the_events_cannot_be_compared_those_in_the_same_general_words_are_the_same() -> None:
    llm = ScriptedLLM(without("Same events:"), max_n=1)
    strategy = strategies.get("coe")
    answer = strategy.run(NEWS, llm)
    assert answer.value == SUMMARY
    assert llm.calls == call_counts.calls(strategy, d=3, g=0, s=1) == 4
    [ferry] = answer.steps["events"]  # "a ferry sank", in two documents
    assert [source for source, _ in ferry["reports"]] == ["Gazette", "Herald"]
    assert "with the same general words are grouped, since the call failed: gone" in str(answer.trace.to_json())


def test_where_the_summary_fails_the_events_stand_for_it() -> None:
    llm = ScriptedLLM(without("Summary:"), max_n=1)
    strategy = strategies.get("coe")
    answer = strategy.run(NEWS, llm)
    assert answer.value == "Monday, the Ines sank"
    assert llm.calls == call_counts.calls(strategy, d=3, g=1, s=0) == 4
    assert len(answer.steps["events"]) == 1
    assert "the events replace their summary, since the call failed: gone" in str(answer.trace.to_json())
    two = Problem("What?", inputs={name: FERRY[name] for name in ("Gazette", "Herald")})
    answer = strategy.run(two, ScriptedLLM(without("Summary:")))
    lines = ["Monday, the Ines sank", "all were saved", "the minister resigned", "boats took passengers off"]
    assert answer.value == answer.text == "\n".join(lines)


@pytest.mark.parametrize("stage", ["Same events:", "Summary:"])
def test_an_error_that_ends_the_run_ends_it_at_every_stage(stage: str) -> None:
    with pytest.raises(AuthenticationFailed):
        strategies.get("coe").run(NEWS, ScriptedLLM(without(stage, AuthenticationFailed("no key"))))


def test_only_the_documents_are_left() -> None:
    def lone(messages: object) -> str | Exception:
        return script()(messages) if "Document:" in messages[-1].content else CallFailed("gone")  # type: ignore[index]

    answer = strategies.get("coe").run(NEWS, ScriptedLLM(lone))
    assert (answer.state, answer.value) == ("answered", "Monday, the Ines sank")
