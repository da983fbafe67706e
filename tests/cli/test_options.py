"""The options that commands share: durations, budgets, rate limits, the journal, and the model that they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import CliRunner

from reasoning.cli.app import app
from reasoning.cli.durations import parse_duration
from reasoning.cli.option_classes import expand_options
from reasoning.cli.options import (
    BudgetOptions,
    JournalOptions,
    ModelOptions,
    RateOptions,
    TimeLimit,
)
from tests.cli.test_app import FEEDBACK
from tests.command_line import reasoning


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("1h 5m 2s", 3902), ("0.5S", 0.5), ("3m30s", 210)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "0s", "m", "-5m", "ten minutes", "5m10", "30m1h", "1d", "nanh"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="duration above 0 is written as 90s, 10m or 1h30m"):
        parse_duration(text)


def invoke(*words: str) -> Any:
    """Run a command that returns what it got."""
    root = typer.Typer()
    seen: dict[str, Any] = {}

    @root.command()
    @expand_options
    def command(name: str, time_limit: TimeLimit = None, *, options: ModelOptions) -> None:
        """Do something."""
        seen.update(name=name, time_limit=time_limit, options=options)

    done = CliRunner().invoke(typer.main.get_command(root), words)
    return seen or done


def test_a_group_of_options_is_shown_one_by_one_and_comes_as_one_object(tmp_path: Path) -> None:
    assert invoke("x") == {
        "name": "x",
        "time_limit": None,
        "options": ModelOptions(BudgetOptions(), RateOptions(), JournalOptions()),
    }
    words = "--time-limit 2m --budget-usd 1.5 --budget-calls 20 --requests-per-minute 500 --timeout 300 --max-tokens 64"
    got = invoke("x", *words.split(), "--share-limits", "--no-warm-prefix", "--max-outage", "30", "--no-journal")
    options = got["options"]
    assert got["time_limit"] == 120
    assert (options.max_tokens, options.budget) == (64, BudgetOptions(budget_usd=1.5, budget_calls=20))
    assert options.budget.is_limited
    assert str(options.budget.to_budget()) == "usd=1.5, calls=20"
    assert options.rate.to_settings() == {
        "requests_per_minute": 500,
        "timeout": 300,
        "patience": 30,
        "warm_prefix": False,
        "shared": True,
    }
    assert options.journal.to_journal() is False
    assert invoke("x", "--journal", str(tmp_path))["options"].journal.to_journal() == tmp_path
    assert invoke("x")["options"].journal.to_journal() is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--time-limit", "10"], "90s, 10m"),
        (["--timeout", "0"], "--timeout"),
        (["--timeout", "soon"], "--timeout"),
        (["--requests-per-minute", "-1"], "--requests-per-minute"),
        (["--budget-usd", "-1"], "--budget-usd"),
        (["--request-per-minute", "5"], "--requests-per-minute"),
    ],
)
def test_a_wrong_value_or_word_is_refused_with_the_option(words: list[str], said: str) -> None:
    done = invoke("x", *words)
    assert done.exit_code == 2
    assert said in done.output


def test_a_file_and_no_journal_exclude_each_other(tmp_path: Path) -> None:
    options = JournalOptions(tmp_path / "j.sqlite", no_journal=True)
    with pytest.raises(typer.BadParameter, match="exclude each other"):
        options.to_journal()


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        ("ask x --prompts a=b", "--prompt"),
        ("bench run --task t --strategies s --new-sample", "--new-samples"),
        ("bench run --task t --strategies s --time-limits 5m", "--time-limit"),
    ],
)
def test_a_word_that_is_nearly_right_is_answered_with_the_right_one(words: str, nearest: str) -> None:
    done = CliRunner().invoke(app(), words.split())
    assert done.exit_code == 2
    assert nearest in done.output


@pytest.mark.parametrize("command", ["ask", "bench run", "advise", "chain run", "chain test", "chain eval"])
def test_commands_that_ask_a_model_take_them(command: str, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(FEEDBACK)
    more = {
        "ask": ["Why?"],
        "bench run": ["--task", "coin_flip", "--strategies", "cot"],
        "advise": ["--task", "coin_flip", "--budget-calls", "5"],
        "chain run": ["telecom_feedback", str(tmp_path / "one.txt")],
    }
    arguments = [*command.split(), *more.get(command, ["telecom_feedback"]), "--no-journal", "--share-limits"]
    done = reasoning(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "journal in a file" in done.stderr
