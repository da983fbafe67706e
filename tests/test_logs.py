"""Log records: silent by default, without keys, prompts and control characters."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import pytest

from reasoning import Budget, strategies
from reasoning.engine.circuit_breaker import CircuitBreaker
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.errors import BudgetExhausted, CallFailed, EndpointDown
from reasoning.logs import Log
from reasoning.testing import ScriptedLLM

SECRET = "sk-canary-2718281828"


class Flaky(ScriptedLLM):
    """Fails twice before each reply, and quotes the prompt."""

    def __init__(self, **given: object) -> None:
        self.left = 2

        def reply(messages: object) -> str:
            if self.left:
                self.left -= 1
                raise CallFailed(f"overloaded \x1b[31m {SECRET} by: {messages}", retryable=True, status=503)
            return "The answer is 4."

        super().__init__(reply, **given)  # type: ignore[arg-type]


def test_retries_are_logged_without_the_words_of_the_prompt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "reasoning")
    assert strategies.get("cot").run("What is the tangerine?", Flaky()).state == "answered"
    retries = [record for record in caplog.records if record.name == "reasoning.engine.retry"]
    assert [record.getMessage().split(";")[0] for record in retries] == [
        "attempt 1 failed with status 503",
        "attempt 2 failed with status 503",
    ]
    assert retries[0].filename == "retry.py"
    assert "the provider is overloaded (status 503): at most 16 requests in flight" in caplog.text
    assert "tangerine" not in caplog.text
    assert SECRET not in caplog.text


def test_what_a_provider_said_is_logged_for_debugging_on_one_line_without_keys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "reasoning")
    strategies.get("cot").run("What is the\ntangerine?", Flaky())
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG]
    assert any("tangerine" in text for text in said)
    assert not any("\x1b" in text or "\n" in text or SECRET in text for text in said)


def test_a_call_that_succeeds_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "reasoning")
    strategies.get("self_consistency(cot, samples=4)").run("2 + 2?", ScriptedLLM(lambda messages: "The answer is 4."))
    assert not [record for record in caplog.records if record.name.startswith("reasoning")]


def test_the_begin_and_the_end_of_an_outage_are_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "reasoning")
    now = 1000.0
    monkeypatch.setattr("reasoning.engine.circuit_breaker.time.monotonic", lambda: now)
    limits = RateLimiter(4, circuit=CircuitBreaker(max_outage_seconds=100))
    limits.on_success(now)
    for _ in range(9):
        limits.on_failure(CallFailed("reset", retryable=True), now)
        now += 1
    limits.on_success(now)
    limits.on_success(now)
    assert [record.getMessage() for record in caplog.records] == [
        "outage: every call has failed for 5 s, 6 times, the last with no response",
        "the outage is over after 9 failed calls",
    ]
    with pytest.raises(EndpointDown):
        raise limits.on_failure(CallFailed("wait", retryable=True, retry_after=999, status=429), now)
    assert "at most 2 requests in flight" in caplog.text


def test_a_budget_that_is_used_up_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "reasoning")
    llm = ScriptedLLM(lambda messages: "The answer is 4.", budget=Budget(calls=1))
    with pytest.raises(BudgetExhausted):
        strategies.get("cot").map(["1?", "2?", "3?", "4?"], llm)
    records = [record for record in caplog.records if record.name == "reasoning.engine.budget"]
    assert len(records) == 1
    assert records[0].getMessage().startswith("the budget is used up: ")


def test_a_notice_is_shown_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "reasoning")
    with pytest.warns(UserWarning, match="taken as"):
        Log("reasoning.here").notify("a is taken as b")
    assert caplog.messages == ["a is taken as b"]


def test_values_are_made_safe_only_if_the_record_is_wanted() -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("made into text")

    Log("reasoning.here").info("%s", Costly())


def test_python_prints_nothing_by_default() -> None:
    code = "from reasoning.logs import Log; Log('reasoning.engine.retry').warning('an outage')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_failing_call_pauses_and_tells_when_it_is_tried_again() -> None:
    async def scene() -> str:
        circuit = CircuitBreaker()
        pause = asyncio.ensure_future(circuit.pause(30))
        await asyncio.sleep(0)
        now = asyncio.get_running_loop().time()
        for _ in range(2):
            circuit.record_failure(CallFailed("reset", retryable=True, status=500))
        circuit._failing_since = now - 3
        said = str(circuit)
        pause.cancel()
        return said

    said = asyncio.run(scene())
    assert said == "waiting: every call has failed for 3 s, 2 times (reset); trying again in 30 s, for at most 600 s"
