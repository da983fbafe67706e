"""The progress of a model, of a job with a known size, and durations."""

from __future__ import annotations

import time
import warnings
from io import StringIO

import pytest
from rich.console import Console

from reasoning.cli import progress
from reasoning.cli.literal_console import LiteralConsole
from reasoning.cli.progress import ProgressBar, _Answering, format_duration, progress_bar, warnings_above
from reasoning.errors import CallFailed
from reasoning.testing import ScriptedLLM
from tests.faults.server import by_now


def shown(llm: ScriptedLLM) -> str:
    console = Console(width=200)
    with console.capture() as said:
        console.print(_Answering(llm))
    return said.get().strip()


def test_what_keeps_a_model_from_answering_is_said() -> None:
    llm = ScriptedLLM(["4"])
    assert shown(llm) == "scripted: thinking"
    llm._purchaser.retries = 1200
    llm.limits._delay(60)
    assert shown(llm).startswith("scripted: thinking · 1,200 retried · the provider asks to wait ")
    llm.limits.circuit.record_failure(CallFailed("slow down", retryable=True, status=429))
    llm.limits.circuit.record_success(time.monotonic())
    assert shown(llm).startswith("scripted: thinking · 1,200 retried (last: status 429) · the provider asks")


def test_without_a_terminal_a_bar_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    console = LiteralConsole(file=StringIO(), width=80)
    bar = ProgressBar(console, "exporting", None, None)
    bar(1, 9)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
    bar(2, 9, "downloading part 2")
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", -1)
    bar(3000, 9000)
    bar.advance("7 calls")
    bar.print("failed: one \x1b[31m")
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "downloading part 2",
        "3,000/9,000 · downloading part 2",
        "3,001/9,000 · 7 calls",
        "failed: one �[31m",
    ]


def test_a_bar_prints_nothing_for_a_job_that_is_quick(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_bar("exporting") as bar:
        bar(1, 2)
        bar(2, 2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")])
def test_a_duration_in_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_warning_is_printed_on_the_console_of_the_display_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    console = LiteralConsole(file=StringIO(), width=80)
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with warnings_above(console):
            warnings.warn("base_url is taken as sk-canary-2718281828 \x1b[31m", stacklevel=1)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "base_url is taken as … �[31m" in said
    assert warnings.showwarning is before


def test_what_delays_a_model_is_shown_while_nothing_advances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", 0.02)
    monkeypatch.setattr(progress, "_WATCH_INTERVAL", 0.01)
    drawn, llm = StringIO(), ScriptedLLM(lambda messages: "4")
    console = Console(file=drawn, width=200)
    bar = ProgressBar(console, "", 9, None)
    said = "waiting: every call has failed for 7 s (no); trying again for at most 600 s"
    with bar.watching(llm):
        bar.advance("8 calls")
        time.sleep(0.1)
        assert "waiting" not in drawn.getvalue()
        monkeypatch.setattr(type(llm.limits), "__str__", lambda limits: said)
        by_now(lambda: f"1/9 · 8 calls · {said}\n" in drawn.getvalue(), "the wait is not shown")
