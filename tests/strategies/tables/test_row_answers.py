"""Answers about rows: matched by row number, in the forms of chat models, and asked for once more where they lack."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from reasoning import Problem
from reasoning.answer import Answer
from reasoning.messages import Completion, Conversation, Message
from reasoning.session import Session
from reasoning.strategies.tables.row_answers import ask_rows, parse_row_answers, to_cells
from reasoning.strategy import Strategy, technique
from reasoning.testing import ScriptedLLM


@pytest.mark.parametrize(
    "reply",
    [
        "1 | yes\n2 | no\n7 | 3 km",
        "Sure! Here are the answers:\n\n1: yes\n2: no\n7: 3 km\n\nLet me know!",
        "| row_id | town | answer |\n|---|---|---|\n| 1 | Oslo | **yes** |\n| 2 | Rome | no |\n| 7 | Pisa | 3 km |",
        "**1** | yes\n**2** | no\n**7** | 3 km",
        "- row 1: yes\n- row 2: no\n- row 7: `3 km`",
        "1. yes\n2. no\n7. 3 km",
        "1) yes\n2) no\n7) 3 km",
        "row_id 1 -> yes\nrow_id 2 -> no\nrow_id 7 -> 3 km",
        '```json\n{"1": "yes", "2": "no", "7": "3 km"}\n```',
        '[{"row_id": 1, "answer": "yes"}, {"row_id": 2, "answer": "no"}, {"row_id": 7, "answer": "3 km"}]',
        "1 | yes\n1 | no\n2 | no\n7 | 3 km\n8 | more",
    ],
)
def test_answers_are_read_in_the_forms_of_chat_models(reply: str) -> None:
    assert parse_row_answers(reply, [1, 2, 7]) == {1: "yes", 2: "no", 7: "3 km"}


def test_a_short_or_renumbered_reply_shifts_nothing() -> None:
    # With the numbers 51 to 53, a list from 1 answers none of them.
    assert parse_row_answers("1. yes\n2. no\n3. yes", [51, 52, 53]) == {}
    assert parse_row_answers("51 | yes\n53 | no", [51, 52, 53]) == {51: "yes", 53: "no"}
    assert parse_row_answers("yes\nno\nyes", [1, 2, 3]) == {}
    assert parse_row_answers("1.5 | 2.5", [1, 2]) == {}


@pytest.mark.parametrize(
    "reply", ["1 | " * 25_000, "| " * 50_000, "row " * 25_000, "{" * 100_000, "1 | " + "x" * 100_000]
)
def test_hostile_replies_are_read_within_limits(reply: str) -> None:
    assert all(len(answer) <= 500 for answer in parse_row_answers(reply, range(1, 51)).values())


def test_answers_are_numbers_if_all_are_and_truth_is_in_lower_case() -> None:
    assert to_cells({1: "1,200", 2: "3", 3: "n/a"}, [1, 2, 3, 4]) == (1200, 3, None, None)
    assert to_cells({1: "1,200", 2: "none of them"}, [1, 2]) == ("1,200", "none of them")
    assert to_cells({1: "Yes", 2: "NO", 3: "Oslo"}, [1, 2, 3]) == ("yes", "no", "Oslo")
    assert to_cells({}, [1]) == (None,)


@technique(title="Ask rows", calls=(0, 99))
class AskRows(Strategy):
    """Ask about rows."""

    rows: int = 3
    rows_per_call: int = 50

    async def solve(self, problem: Problem, session: Session) -> Answer:
        def to_prompt(rows: Sequence[int]) -> Conversation:
            return Conversation((Message("user", " ".join(map(str, rows))),))

        found = await ask_rows(session, to_prompt, range(1, self.rows + 1), self.rows_per_call)
        return problem.parse(f"The answer is {sorted(found.items())}")


def test_rows_are_asked_about_in_chunks_at_once_and_only_those_without_an_answer_again() -> None:
    def reply(messages: tuple[Message, ...]) -> str | Completion:
        rows = re.findall(r"\d+", messages[-1].content)
        if len(rows) == 1:
            return f"{rows[0]} | late"
        # The reply is cut off within the answer of its last row.
        return Completion("\n".join(f"{row} | a{row}" for row in rows if row != "3"), "length")

    llm = ScriptedLLM(reply, latency=0.02)
    answer = AskRows(rows=5, rows_per_call=4).run(Problem("?"), llm)
    asked = [[int(number) for number in re.findall(r"\d+", prompt)] for prompt in llm.prompts]
    assert asked == [[1, 2, 3, 4], [5], [3, 4]]
    assert llm.peak_concurrency == 2
    assert answer.value == "[(1, 'a1'), (2, 'a2'), (5, 'late')]"
    assert answer.trace is not None
    assert "asked again: 3, 4" in str(answer.trace.to_json())
    assert "still no answer for rows 3, 4" in str(answer.trace.to_json())
