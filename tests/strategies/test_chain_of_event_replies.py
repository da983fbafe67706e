"""Chain of event: the forms in which chat models write events, groups and summaries."""

from __future__ import annotations

import time

import pytest

from reasoning import Problem, strategies
from reasoning.strategies.decomposition.event_groups import parse_groups
from reasoning.strategies.decomposition.events import Event, parse_events
from reasoning.testing import ScriptedLLM

EVENTS = [Event(f"document {number}", str(number), f"event {number}") for number in range(1, 8)]


def groups(text: str) -> list[list[int]]:
    return [[int(event.description) for event in group] for group in parse_groups(text, EVENTS) if len(group) > 1]


@pytest.mark.parametrize(
    "text",
    [
        "1, 3, 6\n2, 5",
        "Event 1, Event 3 and Event 6\nEvent 2 and Event 5",
        "Events 1, 3, and 6 report the sinking of 12 May.\nEvents 2 & 5 report the rescue of 40 people.",
        "1 = 3 = 6\n2 = 5",
        "1 ≡ 3 ≡ 6\n2 <-> 5",
        "#1, #3, #6\n#2, #5",
        "1 + 3 + 6\n2 / 5",
        "[[1,3,6],[2,5]]",
        "```json\n[[1, 3, 6], [2, 5]]\n```",
        "```json\n[\n  [\n    1,\n    3,\n    6\n  ],\n  [\n    2,\n    5\n  ]\n]\n```",
        '{"groups": [[1, 3, 6], [2, 5]]}',
        '{"ferry sinks": ["1", "3", "6"], "rescue": ["2", "5"]}',
        '[{"event": "a ferry sinks", "numbers": [1, 3, 6]}, {"event": "a rescue", "numbers": [2, 5]}]',
        "[1, 3, 6]\n[2, 5]",
        "(1, 3, 6), (2, 5)",
        "{1, 3, 6}; {2, 5}",
        "1, 3, 6; 2, 5",
        "Same events: [1, 3, 6], [2, 5]",
        "**1, 3, 6**\n**2, 5**",
        "- **Event 1**, **Event 3**, **Event 6**: a ferry sinks\n- **Event 2**, **Event 5**: a rescue",
        "1. **A ferry sinks:** 1, 3, 6\n2. **A rescue:** 2, 5",
        "**Group 1:** Events 1, 3, 6 (the ferry)\n**Group 2:** Events 2, 5 (the rescue)",
        "### Group 1\n1, 3, 6\n\n### Group 2\n2, 5",
        "| Event | Numbers |\n|---|---|\n| a ferry sinks | 1, 3, 6 |\n| a rescue | 2, 5 |",
        "| 1, 3, 6 | a ferry sinks |\n| 2, 5 | a rescue |",
        "A ferry sinks (1, 3, 6)\nA rescue (events 2, 5)",
        "A ferry sinks → 1, 3, 6\nA rescue – 2, 5",
        "1 is the same as 3 and 6.\n2 is the same event as 5.",
        "\\(1, 3, 6\\)\n$\\{2, 5\\}$",
        "１, ３, ６\n２, ５",
        "1、3、6\n2、5",
        "1, 3 und 6\n2 und 5",
        "```json\n[[\n  1,\n  3,\n  6\n], [\n  2,\n  5\n]]\n```",
        "Sure! Here are the groups:\n\n1, 3, 6\n2, 5\n\nThe remaining events (4 and 7) are reported once.",
        "1, 3, 6\n2, 5\nEvents 4 and 7 are each reported only once.",
        "1, 3, 6: the ferry did not sink at once\n2, 5: no other rescue",
    ],
)
def test_groups(text: str) -> None:
    assert groups(text) == [[1, 3, 6], [2, 5]]


@pytest.mark.parametrize(
    "text",
    [
        "1\n2\n3\n4\n5\n6\n7",
        "1. 40 people were saved.\n2. The ferry sank on 3 May 2024.",
        "3 documents report the sinking.",
        "1–3",
        "On 1 May and 3 June there was nothing.",
        "1, 300, 4000",
        "12:30 and 1.5 km",
        "They all differ.",
        "Events 1, 3 and 6 are not the same.",
        "1 and 3 are different events.",
        "I'm sorry, I cannot compare them.",
        "[1] a source",
        "",
    ],
)
def test_lines_that_group_nothing(text: str) -> None:
    assert groups(text) == []


def test_a_count_before_the_groups_takes_no_event_from_them() -> None:
    assert groups("2 groups:\n2, 5") == [[2, 5]]
    assert groups("Event 1 is told twice.\n1, 3") == [[1, 3]]
    assert groups("[\n  1,\n  3\n]") == [[1, 3]]


TOLD = [("Monday, the Ines sank", "a ferry sank"), ("40 people were saved", "a rescue")]


@pytest.mark.parametrize(
    "text",
    [
        "Monday, the Ines sank | a ferry sank\n40 people were saved | a rescue",
        "Events:\n- Monday, the Ines sank | a ferry sank\n- 40 people were saved | a rescue",
        "1. **Monday, the Ines sank** | a ferry sank\n2. **40 people were saved** | a rescue",
        "**1. Monday, the Ines sank | a ferry sank**\n**2. 40 people were saved | a rescue**",
        "**Event 1:** Monday, the Ines sank | a ferry sank\n**Event 2:** 40 people were saved | a rescue",
        "1. Monday, the Ines sank\n   - **General:** a ferry sank\n"
        "2. 40 people were saved\n   - In general words: a rescue",
        "| # | Event | General |\n|---|---|---|\n| 1 | Monday, the Ines sank | a ferry sank |\n"
        "| 2 | 40 people were saved | a rescue |",
        "| Event | General words |\n|:---|:---|\n| Monday, the Ines sank | a ferry sank |\n"
        "| 40 people were saved | a rescue |",
        "- Monday, the Ines sank → a ferry sank\n- 40 people were saved → a rescue",
        '```json\n[{"event": "Monday, the Ines sank", "general": "a ferry sank"}, '
        '{"event": "40 people were saved", "general": "a rescue"}]\n```',
        '{"events": [["Monday, the Ines sank", "a ferry sank"], ["40 people were saved", "a rescue"]]}',
        "Sure! Here are the events:\n\n1) Monday, the Ines sank | a ferry sank\n2) 40 people were saved | a rescue\n\n"
        "Let me know if you need more.",
    ],
)
def test_events(text: str) -> None:
    assert [(event.description, event.general) for event in parse_events(text, "x", 8)] == TOLD


@pytest.mark.parametrize(
    "text", ["None.", "- none", "There is no event.", "[]", "I cannot help with that.", "**Events:**"]
)
def test_replies_without_an_event(text: str) -> None:
    assert parse_events(text, "x", 8) == []


@pytest.mark.parametrize(
    "reply",
    [
        "Summary: A ferry sank.",
        "**Summary:** A ferry sank.",
        "## Summary\n\nA ferry sank.",
        "**Summary**\nA ferry sank.",
    ],
)
def test_summaries(reply: str) -> None:
    llm = ScriptedLLM(["- it sank | a ferry sank", reply])
    answer = strategies.get("chain_of_event").run(Problem("What happened?", inputs={"Gazette": "It sank."}), llm)
    assert answer.value == "A ferry sank."


@pytest.mark.parametrize(
    "text",
    [
        "1, " * 50_000,
        "1 " * 50_000,
        "(1, 2" * 20_000,
        "[" * 100_000,
        "| " * 50_000,
        "1 and " * 20_000,
        ":" * 100_000,
        "1;," * 30_000,
    ],
)
def test_reading_takes_linear_time(text: str) -> None:
    started = time.process_time()
    parse_groups(text, EVENTS)
    parse_events(text, "x", 8)
    assert time.process_time() - started < 20  # squares would take hours
