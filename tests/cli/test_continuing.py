"""The command that a stopped run prints to continue."""

from __future__ import annotations

import shlex
import sys

import pytest

from reasoning.benchmarks.shards.division import Shard
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.interrupts import command_line
from reasoning.engine.budget import Budget
from reasoning.errors import BudgetExhausted, QuotaExhausted
from reasoning.messages import Usage


def exhausted(budget: Budget, spent: Usage, call: Usage) -> BudgetExhausted:
    budget.spent = spent
    excess = budget.find_excess(call)
    assert excess is not None
    return budget.report_exhausted(excess)


@pytest.mark.parametrize(
    ("budget", "spent", "call", "option"),
    [
        (Budget(calls=3), Usage(calls=3), Usage(calls=1), "--budget-calls 6"),
        (Budget(calls=0), Usage(), Usage(calls=1), "--budget-calls 1"),
        (Budget(tokens=500), Usage(prompt_tokens=200), Usage(completion_tokens=1081), "--budget-tokens 1300"),
        (Budget(usd=0.1), Usage(usd=0.09), Usage(usd=0.02), "--budget-usd 0.2"),
        (Budget(usd=0.001), Usage(), Usage(usd=0.01234), "--budget-usd 0.013"),
    ],
)
def test_the_limit_is_raised_until_the_next_call_fits(
    budget: Budget, spent: Usage, call: Usage, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = option.split()
    monkeypatch.setattr(sys, "argv", ["reasoning", "bench", "run", name, "9", "--out", "a b"])
    said = how_to_continue(exhausted(budget, spent, call))
    assert said == f"with a larger budget, continue with: reasoning bench run {option} --out 'a b'"
    raised = Budget(**{name.removeprefix("--budget-"): float(option.split()[1])})
    raised.spent = spent
    assert raised.find_excess(call) is None


def test_the_budget_of_each_strategy_is_raised_with_its_other_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reasoning", "bench", "run", "--strategy-budget", "calls=2, usd=1"])
    given = Budget.parse("calls=2, usd=1")
    stopped = exhausted(given.nested_in(Budget()), Usage(calls=2), Usage(calls=1))
    [words] = [shlex.split(said) for said in how_to_continue(stopped, of_strategy=given).split(": ")[1:]]
    assert words == ["reasoning", "bench", "run", "--strategy-budget", "usd=1, calls=4"]


def test_a_shard_names_the_budget_of_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reasoning", "bench", "run", "--shard", "1/2"])
    shard, whole, of_strategy = Shard(2, 1), Budget(calls=3), Budget.parse("calls=5, tokens=9")
    stopped = exhausted(shard.of_budget(whole), Usage(calls=1), Usage(calls=1))
    said = how_to_continue(stopped, part=shard, whole=whole, of_strategy=of_strategy)
    assert said.endswith(": reasoning bench run --shard 1/2 --budget-calls 5")
    assert shard.of_budget(Budget(calls=5)).calls == 2
    stopped = exhausted(shard.of_budget(of_strategy), Usage(calls=2), Usage(calls=1))
    said = how_to_continue(stopped, part=shard, whole=whole, of_strategy=of_strategy)
    assert said.endswith("--strategy-budget 'tokens=9, calls=9'")


def test_the_same_command_continues_where_the_budget_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reasoning", "chain", "run", "--budget-calls", "3"])
    same = "continue with: reasoning chain run --budget-calls 3"
    stopped = exhausted(Budget(calls=3), Usage(calls=3), Usage(calls=1))
    assert how_to_continue(stopped, is_of_run=False) == same
    too_small = exhausted(Budget(tokens=10), Usage(), Usage(prompt_tokens=25))
    assert how_to_continue(too_small, is_of_run=False).endswith("--budget-calls 3 --budget-tokens 25")
    assert how_to_continue(Budget(seconds=1).report_exhausted("1 second has passed")) == same
    assert how_to_continue(QuotaExhausted("no credit")) == same


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--limit 2", "--limit 2 --budget-calls 8"),
        ("--budget-calls=4 --limit 2", "--budget-calls=8 --limit 2"),
        ("--budget-calls 4 --budget-calls 5 -- file", "--budget-calls 8 --budget-calls 8 -- file"),
        ("a -- --budget-calls", "a --budget-calls 8 -- --budget-calls"),
    ],
)
def test_an_option_is_replaced_in_its_place_or_added(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["reasoning", *before.split()])
    assert command_line({"--budget-calls": "8"}) == f"reasoning {after}"
