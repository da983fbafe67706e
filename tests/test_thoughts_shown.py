"""Thoughts and their tokens in traces, tables, ledgers and pages."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

import reasoning as r
from reasoning import strategies
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.summary_table import numbers_table, summary_table
from reasoning.benchmarks.results.result import Result
from reasoning.display import answer_tree, trace_html
from reasoning.engine.ledger import Ledger, Spending
from reasoning.messages import Completion, Usage
from reasoning.pages.drawn_trace import draw_reply
from reasoning.testing import ScriptedLLM
from reasoning.tool_calls import record_blocks
from reasoning.trace import Trace

THOUGHT = Usage(1, 20, 50, seconds=1.0, reasoning_tokens=45)
HOSTILE = "I see \x1b[2J\u202e<script>alert(1)</script> 7"
BLOCKS = [{"type": "thinking", "thinking": "x", "signature": "secret signature"}]


def row(usage: Usage) -> StrategySummary:
    return StrategySummary("cot", 10, 5, 0, 0, usage, (0.2, 0.8))


def test_usage_adds_subtracts_and_says_what_was_thought() -> None:
    twice = THOUGHT + THOUGHT
    assert (twice.reasoning_tokens, (twice - THOUGHT).reasoning_tokens) == (90, 45)
    assert Usage.total([THOUGHT, Usage(1, 1, 1), THOUGHT]) == THOUGHT + Usage(1, 1, 1) + THOUGHT
    assert THOUGHT.with_seconds(2.0) == replace(THOUGHT, seconds=2.0)
    assert str(THOUGHT) == "1 call · 20 + 50 tokens (45 thought) · 1.0 s"
    assert "thought" not in str(Usage(1, 20, 50))


def test_a_table_has_a_column_only_if_something_was_thought() -> None:
    rows = [row(THOUGHT), row(Usage(1, 20, 50))]
    table = summary_table(rows, free=True)
    at = table.header.index("thought tokens")
    assert table.header[at - 1] == "completion tokens"
    assert [cells[at] for cells in table.rows] == ["45", "0"]
    assert any(line.startswith("thought tokens: ") for line in table.legend)
    numbers = numbers_table(rows)
    assert [cells[numbers.header.index("reasoning_tokens")] for cells in numbers.rows] == [45, 0]
    for plain in (summary_table(rows[1:], free=True), numbers_table(rows[1:])):
        assert not {"thought tokens", "reasoning_tokens"} & set(plain.header)
        assert not plain.legend


def test_a_trace_shows_thoughts_without_what_steers_a_terminal_and_without_signatures() -> None:
    said = Completion("The answer is 4.", usage=THOUGHT, reasoning=record_blocks(HOSTILE, BLOCKS))
    answer = strategies.get("cot").run(r.Problem("2 + 2?", r.kinds.Number()), ScriptedLLM([said]))
    assert answer.value == 4  # not the 7 that was thought
    assert answer.trace is not None
    page = trace_html(answer.trace)
    assert "<script>" not in page
    assert "secret signature" not in page
    assert "<details><summary class=dim>reasoning</summary>" in page
    out = StringIO()
    Console(file=out, width=200, color_system=None).print(answer_tree(answer))
    printed = out.getvalue()
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "secret signature" not in printed
    assert "50 tokens, 45 of them thought" in printed
    again = Trace.from_json(answer.trace.to_json())
    assert again.usage == answer.trace.usage


def test_the_report_gets_plain_thoughts_and_their_count() -> None:
    fields = draw_reply(
        {
            "text": "4",
            "reasoning": record_blocks("2 + 2", BLOCKS),
            "usage": {"completion_tokens": 50, "seconds": 1.0, "reasoning_tokens": 45},
        }
    )
    assert fields == ["4", 50, 1.0, "45 tokens thought", "2 + 2"]


def test_results_and_ledgers_of_earlier_versions_are_read(tmp_path: Path) -> None:
    result = Result("p", "cot", "f", "answered", True, usage=THOUGHT, spent=THOUGHT)
    data = result.to_json()
    assert Result.from_json(data) == result
    for name in ("usage", "spent"):
        del data[name]["reasoning_tokens"]
    assert Result.from_json(data).usage == replace(THOUGHT, reasoning_tokens=0)
    path = tmp_path / "spending.jsonl"
    ledger = Ledger(path, lambda usage: 0.0)
    account = ledger.account("a")
    account.end(account.begin(Usage(1, 5, 5)), Usage(1, 2, 2, reasoning_tokens=1))
    account.end(account.begin(Usage(1, 5, 5)), Usage(1, 2, 2))
    ledger.close()
    assert path.read_text("utf-8").count("reasoning_tokens") == 1
    assert Spending.read(path, lambda usage: 0.0).total().reasoning_tokens == 1
