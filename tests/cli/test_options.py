"""What commands say of how fast and how patiently a model is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning.cli.options import paced
from reasoning.errors import UsageError
from tests.cli.test_app import FEEDBACK, reasoning


def test_a_pace_is_what_connect_is_told() -> None:
    assert paced(None) == {}
    assert paced("requests_per_minute=500, tokens_per_minute=2e5,timeout=300, shared=Yes, warm_prefix=no") == {
        "requests_per_minute": 500,
        "tokens_per_minute": 200_000,
        "timeout": 300,
        "shared": True,
        "warm_prefix": False,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "setting ''"),
        ("requests_a_minute=5", "did you mean 'requests_per_minute'"),
        ("timeout", "write timeout= and a number above 0"),
        ("timeout=soon", "'timeout=soon' in the pace"),
        ("timeout=0", "a number above 0"),
        ("timeout=nan", "a number above 0"),
        ("timeout=5, shared=perhaps", "write shared= and yes or no"),
        ("api_key=secret", "setting 'api_key'"),
    ],
)
def test_a_pace_that_makes_no_sense_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        paced(text)
    assert words in str(refused.value)


@pytest.mark.parametrize("command", ["ask", "bench run", "chain run", "chain test", "chain eval"])
def test_commands_that_ask_a_model_take_one(command: str, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(FEEDBACK)
    more = {
        "ask": ["Why?"],
        "bench run": ["--task", "coin_flip", "--strategies", "cot"],
        "chain run": ["telecom_feedback", str(tmp_path / "one.txt")],
    }
    arguments = [
        *command.split(),
        *more.get(command, ["telecom_feedback"]),
        "--journal",
        "none",
        "--pace",
        "shared=yes",
    ]
    done = reasoning(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "needs a journal in a file" in done.stderr
