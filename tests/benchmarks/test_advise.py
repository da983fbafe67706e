"""Advice: the cheapest of those that are as good as the best, or an honest prior."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.advise import advise
from benchmarks.plan import Plan
from benchmarks.progress import Display
from benchmarks.tasks.given import Given
from reasoning.budget import Budget
from reasoning.commands import app
from reasoning.errors import AuthenticationFailed, UsageError
from reasoning.kinds import Expression, Text
from reasoning.llm.request import Message
from reasoning.problem import Example, Problem
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]
SPECS = ["vanilla", "cot(stages=1)", "self_consistency(cot(stages=1), samples=3)"]


def thinking_pays(messages: tuple[Message, ...]) -> str:
    k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
    return f"The answer is {2 * k + ('step by step' not in messages[-1].content)}."


def advice(sums: Sums, llm: ScriptedLLM, n: int = 60, specs: list[str] | None = SPECS) -> Any:
    with Display(shown=False) as display:
        return advise(Given(tuple(sums(n))), llm, Plan(n, race=3.0), display, specs)


def test_of_equally_good_ones_the_cheapest_is_advised(sums: Sums) -> None:
    found = advice(sums, ScriptedLLM(thinking_pays))
    assert found.spec == "cot(stages=1)"
    assert found.measured
    said = str(found)
    assert "beside vanilla: better, +100 points" in said
    assert "1,000 questions take 1,000 calls" in said


def test_where_nothing_is_solved_it_is_a_prior_and_says_so(sums: Sums) -> None:
    found = advice(sums, ScriptedLLM(lambda messages: "I do not know."), n=12)
    assert (found.spec, found.measured) == ("cot(stages=1)", False)
    assert "a prior and no measurement" in str(found)
    assert "Not when" in str(found)


def test_what_cannot_begin_is_no_candidate() -> None:
    kind = Expression()  # no worked problem is shipped for it, and so nothing that shows some can be tried
    examples = Given(tuple(Example(Problem(f"{k} squared?", kind), str(k * k)) for k in range(1, 11)))
    llm = ScriptedLLM(lambda messages: "The answer is 4.")
    with Display(shown=False) as display:
        found = advise(examples, llm, Plan(10, race=3.0), display)
    tried = [row.strategy for row in found.found.rows]
    assert {"vanilla", "cot", "self_consistency(cot, samples=5)"} <= set(tried)
    assert not {"cot(shots=4)", "least_to_most"} & set(tried)


def test_a_budget_ends_it_and_what_was_found_counts(sums: Sums) -> None:
    llm = ScriptedLLM(thinking_pays, budget=Budget(calls=100))
    found = advice(sums, llm)
    assert llm.calls <= 100
    assert found.spec == "cot(stages=1)"


def test_the_usual_candidates_serve_the_kind() -> None:
    examples = tuple(Example(Problem(f"Who? {k}", Text(), id=str(k)), "Ann") for k in range(12))
    with Display(shown=False) as display:
        llm = ScriptedLLM(lambda messages: "The answer is Ann.")
        found = advise(Given(examples), llm, Plan(12, race=3.0), display)
    tried = {row.strategy: row.n for row in found.found.rows}
    assert {"vanilla", "cot", "self_consistency(cot, samples=5)"} <= tried.keys()
    assert found.spec in ("vanilla", "cot")  # all are right, and these are short


def test_what_ends_a_run_is_raised(sums: Sums) -> None:
    with pytest.raises(AuthenticationFailed):
        advice(sums, ScriptedLLM(lambda messages: AuthenticationFailed("no such key")))


def test_the_command_wants_to_know_what_it_may_take(problems_file: Path, server: Any, tmp_path: Path) -> None:
    words = ["advise", "--task", f"jsonl:{problems_file}", "--model", "four", "--base-url", server.url]
    refused = CliRunner().invoke(app(), words)
    assert isinstance(refused.exception, UsageError)
    options = ["--budget-tokens", "100000", "--strategies", "vanilla, cot", "--out", str(tmp_path / "run"), "--json"]
    said = CliRunner().invoke(app(), [*words, *options], catch_exceptions=False)
    assert json.loads(said.stdout)["measured"] is False  # eight problems
