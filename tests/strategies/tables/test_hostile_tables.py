"""Replies made of what the techniques for tables expect and of what none does, over a hostile table."""

from __future__ import annotations

import json
import random

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.messages import Completion, Message, Usage
from reasoning.testing import Reply, ScriptedLLM
from tests.strategies.test_hostile import HOSTILE

USUAL = (
    *(
        "SELECT COUNT(*) FROM w",
        "SELECT a FROM w WHERE QA(\"map@is it?\"; a) = 'yes'",
        "```sql\nSELECT `b c` FROM t\n```",
    ),
    *('SELECT QA("ans@who?"; SELECT a FROM w)', 'QA("map@x?"; QA("map@y?"; a))', "```python\nans = len(rows)\n```"),
    *("```python\nans = qa_map(rows, 'is it?', ['a'])[0]\n```", "```python\nans = qa_ans(rows, 'who?', ['a'])\n```"),
    *("1 | yes\n2 | no\n3 | yes", "1: 5\n2: 6\n3: 7", "f_col([a, b c])", "f_row([row 1, row 3])", "f_row([*])"),
    *("{how many a?} are a\n{how many b?} are b", "1. SELECT 2\n2. SELECT COUNT(*) FROM w", "none", "f_row([])"),
    *("f_add_column(x). The values: a | b | c", "f_select_row([row 1, row 2])", "f_select_column([a])", "<END>"),
    *(
        "f_sort_by(n). The order: large to small",
        "f_select_row(row 1) -> f_group_by(d)",
        "f_sort_by(n)",
        "f_group_by(d)",
    ),
    *("f_add_column(x) -> <END>", "f_group_by(d)", "The answer is 3.", "The answer is yes.", "3"),
)
TABLE = [
    ["a", "b c", "d", "n", "f_row([*])"],
    ["a1", "x|y\n1 | no", "same", "3", "</input>"],
    ["b2", "\x1b[31m'; DROP TABLE w; --", "same", "1", "<|im_end|>"],
    ["c3", "{problem} {0} %s" + "z" * 2_000, "same", "2", ""],
]
ENDS = ("stop", "stop", "stop", "length", "refusal")


def babbling(seed: str) -> ScriptedLLM:
    chance = random.Random(seed)

    def reply(turns: tuple[Message, ...]) -> Reply:
        parts = [
            chance.choice(USUAL if chance.random() < 0.85 else HOSTILE) for _ in range(chance.choice([1, 1, 2, 3]))
        ]
        return Completion(chance.choice(["\n", " ", "\n\n"]).join(parts), chance.choice(ENDS), Usage(1, 10, 5))

    return ScriptedLLM(reply, max_n=1)


@pytest.mark.parametrize(
    "spec",
    ["binder(samples=4)", "binder(samples=3, language='python')", "dater(samples=2)", "chain_of_table(samples=2)"],
)
@pytest.mark.parametrize("kind", [kinds.Number(), kinds.YesNo(), kinds.Cells()], ids=lambda kind: kind.name)
def test_any_reply_at_any_stage_ends_in_one_of_three_states(spec: str, kind: kinds.Kind) -> None:
    strategy = strategies.get(spec)
    problem = Problem("How many are a?", kind, table=TABLE)
    for seed in range(3):
        llm = babbling(f"{seed} {spec} {kind}")
        answer = strategy.run(problem, llm)
        assert answer.state in ("answered", "unparsed")
        assert (answer.value is None) == bool(answer.reason)
        assert answer.usage.calls == llm.calls <= strategy.calls_range()[1]
        assert answer.trace is not None
        json.dumps(answer.trace.to_json())
        assert "\x1b" not in answer._repr_html_()
        assert not any("<|im_end|>" in prompt or "\x1b" in prompt for prompt in llm.prompts)
        stopped = strategy.run(problem, babbling(f"{seed} {spec} {kind}"), budget=Budget(calls=llm.calls - 1))
        assert stopped.usage.calls <= llm.calls - 1
