"""Advice: the cheapest of those that are as good as the best, or an honest prior."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import reasoning
from reasoning.benchmarks.advise import _price, advise
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.cli.app import app
from reasoning.engine.budget import Budget
from reasoning.errors import AuthenticationFailed, BudgetExhausted, CallFailed, SettingRefused, UsageError
from reasoning.kinds import Expression, Text
from reasoning.messages import Completion, Message, Request, Usage
from reasoning.problem import Example, Problem
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]
SPECS = ["vanilla", "cot(stages=1)", "self_consistency(cot(stages=1), samples=3)"]


def thinking_pays(messages: tuple[Message, ...]) -> str:
    k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
    return f"The answer is {2 * k + ('step by step' not in messages[-1].content)}."


def advice(sums: Sums, llm: ScriptedLLM, n: int = 60, specs: list[str] | None = SPECS) -> Any:
    with RunProgress(shown=False) as display:
        return advise(ExampleList(tuple(sums(n))), llm, RunConfig(n, race_margin=3.0), display, specs)


def test_of_equally_good_ones_the_cheapest_is_advised(sums: Sums) -> None:
    found = advice(sums, ScriptedLLM(thinking_pays))
    assert found.strategy == "cot(stages=1)"
    assert found.is_measured
    said = str(found)
    assert "against vanilla: the race stopped it after 7 problems" in said
    assert "1,000 questions take 1,000 calls" in said
    assert "the cheapest of 2 strategies that are not significantly different, not the best measured one" in said
    assert "the others are self_consistency" in said
    told = found.to_json()
    assert told["cost"] == {"calls": 1000, "tokens": pytest.approx(27_000, rel=0.05)}
    assert told["evidence"]["row"]["correct"] == 60
    assert [pair["second"] for pair in told["evidence"]["differences"]] == [SPECS[2]]
    assert (told["stopped"], told["failed"]) == (None, 0)


def test_what_one_has_more_by_chance_is_called_so(sums: Sums) -> None:
    def script(messages: tuple[Message, ...]) -> str:
        k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
        return f"The answer is {2 * k + (k % 10 == 0 and 'step by step' not in messages[-1].content)}."

    found = advice(sums, ScriptedLLM(script), n=20, specs=SPECS[:2])
    assert (found.strategy, found.ties) == ("cot(stages=1)", ("cot(stages=1)",))
    assert "It has more right answers than vanilla, which may be chance." in str(found)


def test_failed_calls_make_nothing_cheaper(sums: Sums) -> None:
    def script(messages: tuple[Message, ...]) -> str | Exception:
        k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
        return CallFailed("the server is on fire") if k > 12 else thinking_pays(messages)

    found = advice(sums, ScriptedLLM(script), n=40, specs=["self_consistency(cot(stages=1), samples=5)", "vanilla"])
    assert found.strategy.startswith("self_consistency")
    assert found.cost["calls"] == 5_000
    assert found.to_json()["failed"] >= 28
    assert "were lost to failed calls" in found.withheld  # most answers are missing


def test_cost_is_weighed_in_one_unit() -> None:
    def priced(name: str, usd: float | None, tokens: int) -> StrategySummary:
        return StrategySummary(name, 10, 5, 0, 0, Usage(10, tokens, 0, usd=usd), (0.2, 0.8))

    for rows, cheapest in (
        ([priced("dear", 2.0, 10), priced("cheap", 1.0, 1000)], "cheap"),
        ([priced("unknown", None, 10), priced("cheap", 1.0, 1000)], "unknown"),
        ([priced("few", 0.0, 10), priced("many", 0.0, 1000)], "few"),
    ):
        found = Comparison("t", "m", 10, tuple(rows))
        vars(found)["common_rows"] = tuple(rows)
        assert min(rows, key=_price(found)).strategy == cheapest


def test_where_nothing_is_solved_it_is_a_prior_and_says_so(sums: Sums) -> None:
    found = advice(sums, ScriptedLLM(lambda messages: "I do not know."), n=12)
    assert (found.strategy, found.is_measured) == (
        "vanilla",
        False,
    )  # as many calls as cot(stages=1), and named before it
    said = str(found)
    assert "a prior, not a measurement" in said
    cards = [line for line in said.splitlines() if line.startswith("- ")]
    assert [line.split(":")[0] for line in cards] == [
        "- vanilla, 1 call",
        "- cot(stages=1), 1 call",
        "- self_consistency(cot(stages=1), samples=3), 3 calls",
    ]
    for line, spec in zip(cards, SPECS, strict=True):
        card = reasoning.strategies.get(spec).card
        assert card.use_when in line
        assert f"Not when {card.avoid_when}." in line
    assert (found.to_json()["cost"], found.to_json()["evidence"]) == (None, None)


def test_few_problems_are_no_measurement(sums: Sums) -> None:
    found = advice(sums, ScriptedLLM(thinking_pays), n=4)
    assert (found.strategy, found.is_measured) == ("vanilla", False)
    assert "4 problems answered by every candidate are not enough" in str(found)


def test_what_cannot_begin_is_no_candidate() -> None:
    kind = Expression()  # no worked problem is shipped for it, and so nothing that shows some can be tried
    examples = ExampleList(tuple(Example(Problem(f"{k} squared?", kind), str(k * k)) for k in range(1, 11)))
    llm = ScriptedLLM(lambda messages: "The answer is 4.")
    with RunProgress(shown=False) as display:
        found = advise(examples, llm, RunConfig(10, race_margin=3.0), display)
    tried = [row.strategy for row in found.comparison.rows]
    assert {"vanilla", "cot", "self_consistency(cot, samples=5)"} <= set(tried)
    assert not {"cot(shots=4)", "least_to_most"} & set(tried)


def test_a_budget_ends_it_and_what_was_found_counts(sums: Sums) -> None:
    llm = ScriptedLLM(thinking_pays, budget=Budget(calls=100))
    found = advice(sums, llm)
    assert llm.calls <= 100
    assert found.strategy == "cot(stages=1)"
    assert "the budget is used up" in found.to_json()["stopped"]


def test_the_usual_candidates_serve_the_kind() -> None:
    examples = tuple(Example(Problem(f"Who? {k}", Text(), id=str(k)), "Ann") for k in range(12))
    with RunProgress(shown=False) as display:
        llm = ScriptedLLM(lambda messages: "The answer is Ann.")
        found = advise(ExampleList(examples), llm, RunConfig(12, race_margin=3.0), display)
    tried = {row.strategy: row.n for row in found.comparison.rows}
    assert {"vanilla", "cot", "self_consistency(cot, samples=5)"} <= tried.keys()
    assert found.strategy in ("vanilla", "cot")  # all are right, and these are short


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


@pytest.fixture
def told(problems_file: Path, server: Any, tmp_path: Path) -> Callable[..., Any]:
    """Runs the command."""
    words = ["advise", "--task", f"jsonl:{problems_file}", "--model", "four", "--base-url", server.url]
    words += ["--strategies", "vanilla, cot", "--out", str(tmp_path / "run")]
    return lambda *more: CliRunner().invoke(app(), [*words, *more])


def test_a_budget_that_ends_it_is_said_and_ends_the_command_with_its_error(told: Callable[..., Any]) -> None:
    said = told("--budget-tokens", "400", "--max-tokens", "200")
    assert isinstance(said.exception, BudgetExhausted)  # 3
    assert "Use: " in said.output
    assert "the results are kept; with a larger budget, continue with:" in said.output


def test_failed_calls_are_said_and_end_the_command_with_4(told: Callable[..., Any], server: Any) -> None:
    server.fails = lambda text: 400 if "7 + 7" in text or "8 + 8" in text else 0
    said = told("--budget-tokens", "1000000", "--json")
    assert said.exit_code == 4
    assert "4 of 16 results failed" in said.stderr
    assert json.loads(said.stdout)["failed"] == 4


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--limit", "5"], "--limit must be at least 10 for advice, or 0 for all problems, got 5"),
        (["--task", "coin_flip", "--limit", "0"], "the task 'coin_flip' has no last problem"),
    ],
)
def test_the_limit_leaves_enough_problems_and_has_an_end(
    told: Callable[..., Any], options: list[str], error: str
) -> None:
    assert error in str(told("--budget-calls", "1", *options).exception)


def test_the_command_refuses_structured_replies_that_no_candidate_can_have(told: Callable[..., Any]) -> None:
    said = told("--budget-calls", "100", "--limit", "0", "--structured", "--strategies", "cot")
    assert isinstance(said.exception, UsageError)
    assert "--structured changes nothing" in str(said.exception)


def test_the_command_says_which_problems_its_default_leaves_out(told: Callable[..., Any]) -> None:
    said = told("--budget-calls", "1", "--task", "coin_flip")
    assert "200 generated problems; --limit N for more" in said.stderr
    assert "generated problems" not in told("--budget-calls", "1").stderr


def thinker(request: Request) -> Completion:
    """Reply as a model that thinks: medium effort is as good as high effort, and steps bring nothing."""
    k = int(re.findall(r"What is (\d+) \+", request.messages[-1].content)[0])
    effort = request.sampling.get("reasoning_effort", "high")
    thought = {"low": 100, "medium": 400, "high": 1_600}[effort]
    written = 80 if "step by step" in request.messages[-1].content else 5
    usage = Usage(1, 20, thought + written, reasoning_tokens=thought)
    return Completion(f"The answer is {2 * k + (effort == 'low' and k % 2)}.", usage=usage)


def test_an_effort_without_a_technique_may_be_advised(sums: Sums) -> None:
    llm = ScriptedLLM(thinker, reads_requests=True, max_n=1).sibling("openai/o3-mini")
    with RunProgress(shown=False) as display:
        config = RunConfig(60, race_margin=3.0)
        found = advise(
            ExampleList(tuple(sums(60))), llm, config, display, ["vanilla", "cot"], ["low", "medium", "high"]
        )
    assert found.strategy == "at(vanilla, effort='medium')"
    said = str(found)
    assert "That is no technique, with the effort medium." in said
    assert "against at(vanilla, effort='low'): the race stopped it after" in said
    assert (
        "Chain of thought pays twice: at(cot, effort='medium') thinks 400 tokens a problem and writes 80, "
        "at(vanilla, effort='medium') thinks 400 and writes 5; the steps bring +0 points (95 %: "
    ) in said
    assert found.comparison.rows[0].to_json()["reasoning_tokens"] > 0


def test_efforts_are_candidates_where_a_model_is_known_to_take_them(sums: Sums) -> None:
    def raced(model: str) -> list[str]:
        llm = ScriptedLLM(thinker, reads_requests=True, max_n=1).sibling(model)
        with RunProgress(shown=False) as display:
            found = advise(ExampleList(tuple(sums(12))), llm, RunConfig(12, race_margin=3.0), display)
        return [repr(one) for one in found.candidates if repr(one).startswith("at(")]

    bases, efforts = ("vanilla", "cot"), ("low", "medium", "high")
    assert sorted(raced("openai/o3-mini")) == sorted(
        f"at({one}, effort={effort!r})" for one in bases for effort in efforts
    )
    assert raced("plain") == []


def test_an_effort_that_the_model_does_not_take_is_refused_before_the_race(sums: Sums) -> None:
    llm, examples = ScriptedLLM(thinker, reads_requests=True), ExampleList(tuple(sums(12)))
    with (
        RunProgress(shown=False) as display,
        pytest.raises(UsageError, match="it takes reasoning_effort low, medium or high"),
    ):
        advise(examples, llm.sibling("openai/o3"), RunConfig(12), display, ["vanilla"], ["max"])
    assert not llm.requests


def rambler(request: Request) -> Completion:
    """Reply as a small model that rambles unless its reply must be JSON."""
    k = int(re.findall(r"What is (\d+) \+", request.messages[-1].content)[0])
    if "response_format" in request.sampling:
        return Completion(json.dumps({"answer": 2 * k}), usage=Usage(1, 20, 6))
    return Completion("Well, sums are hard." if k % 2 else f"The answer is {2 * k}.", usage=Usage(1, 20, 30))


def structured_advice(sums: Sums, llm: Any, specs: list[str] | None, efforts: list[str] | None = None) -> Any:
    with RunProgress(shown=False) as display:
        examples = ExampleList(tuple(sums(40)))
        return advise(examples, llm, RunConfig(40, race_margin=3.0), display, specs, efforts, structured=True)


def test_structured_replies_are_raced_as_candidates_and_compared_in_pairs(sums: Sums) -> None:
    llm = ScriptedLLM(rambler, reads_requests=True)
    found = structured_advice(sums, llm, ["vanilla", "self_consistency(vanilla, samples=2)", "cot"])
    structured = "vanilla(prompt={'structured': True})"
    assert found.strategy == structured
    assert found.structured == {
        "vanilla": structured,
        "self_consistency(vanilla, samples=2)": f"self_consistency({structured}, samples=2)",
    }  # the two stages of cot write free text
    said = str(found)
    assert "That is no technique, with structured replies." in said
    assert found.to_json()["structured"][0] == {"free": "vanilla", "structured": structured, "refused": False}


def test_the_gain_of_structured_replies_is_a_paired_difference(sums: Sums) -> None:
    def script(request: Request) -> Completion:
        """Reply like `rambler`, but only to two problems without an answer: no significant difference."""
        k = int(re.findall(r"What is (\d+) \+", request.messages[-1].content)[0])
        done = rambler(request)
        return done if "answer" in done.text or k < 4 else replace(done, text=f"The answer is {2 * k}.")

    found = structured_advice(sums, ScriptedLLM(script, reads_requests=True), ["vanilla"])
    [line] = [line for line in str(found).splitlines() if line.startswith("Structured replies of vanilla: ")]
    assert "not significantly different, +5 points (95 %: " in line
    assert line.endswith(
        ") on 40 problems; 0 unparsed and 6 completion tokens a problem against 2 unparsed and 30 completion tokens "
        "a problem."
    )


def test_by_default_only_direct_prompting_is_also_raced_structured_and_efforts_hold_for_it(sums: Sums) -> None:
    found = structured_advice(sums, ScriptedLLM(rambler, reads_requests=True), None)
    assert list(found.structured) == ["vanilla"]
    llm = ScriptedLLM(rambler, reads_requests=True).sibling("openai/o3-mini")
    found = structured_advice(sums, llm, ["vanilla"], ["low", "high"])
    free, structured = zip(*found.structured.items(), strict=True)
    assert free == ("at(vanilla, effort='low')", "at(vanilla, effort='high')")
    assert structured[0] == "at(vanilla(prompt={'structured': True}), effort='low')"
    assert "with the effort low and structured replies" in str(found)


def test_structured_candidates_need_a_model_and_a_kind_that_can_have_them(sums: Sums) -> None:
    llm = ScriptedLLM(rambler, reads_requests=True)
    with pytest.raises(UsageError, match="deepseek/deepseek-chat takes no schema of a reply"):
        structured_advice(sums, llm.sibling("deepseek/deepseek-chat"), ["vanilla"])
    with pytest.raises(UsageError, match="--structured changes nothing: no prompt of cot asks for an answer"):
        structured_advice(sums, llm, ["cot"])
    assert not llm.requests


def test_a_model_that_refuses_schemas_in_the_race_is_named(sums: Sums) -> None:
    def script(request: Request) -> Completion:
        if "response_format" in request.sampling:
            raise SettingRefused("response_format", "unknown parameter response_format")
        return Completion(thinking_pays(request.messages))

    found = structured_advice(sums, ScriptedLLM(script, reads_requests=True), ["vanilla", "cot(stages=1)"])
    assert found.refused
    assert "refused to structure its replies" in str(found)
    assert {one["refused"] for one in found.to_json()["structured"]} == {True}
