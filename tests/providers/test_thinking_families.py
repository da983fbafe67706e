"""Thinking models work by default: each family on a server that refuses what the real one refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reasoning as r
from reasoning import Answer, strategies
from tests.providers import families
from tests.providers.families import ANSWER, THOUGHTS, Body
from tests.strategies.acting.encyclopaedia import problem as about_books

PROBLEM = r.Problem("What is 2 + 2?", r.kinds.Number())


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))
    for name in ("OPENAI_API_KEY", "REASONING_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "REASONING_MODELS"):
        monkeypatch.delenv(name, raising=False)


def solve(
    family: Callable[[Body], families.Answer],
    model: str,
    spec: str = "cot",
    problem: r.Problem = PROBLEM,
    **sampling: Any,
) -> tuple[Answer, list[Body]]:
    """Return the answer of a strategy to a problem, and the requests that the server got."""
    with (
        families.serve(family) as (url, seen),
        r.connect(model, base_url=f"{url}/v1", journal=False, **sampling) as llm,
    ):
        return strategies.get(spec).run(problem, llm), seen


def thoughts(answer: Answer) -> list[str]:
    assert answer.trace is not None
    return [draw.reasoning for call in answer.trace.calls() for draw in call.completions]


def test_openai_reasoning_models_get_no_setting_that_they_refuse() -> None:
    answer, [sent] = solve(families.openai_reasoning, "o3-mini")
    assert answer.value == 4
    assert sent.keys() == {"model", "messages", "max_completion_tokens"}
    assert sent["max_completion_tokens"] == 26_024
    assert (answer.usage.completion_tokens, answer.usage.reasoning_tokens) == (810, 800)


def test_an_unknown_name_of_such_a_model_is_learned_from_its_refusals() -> None:
    with pytest.warns(UserWarning, match="house-model does not take"):
        answer, seen = solve(families.openai_reasoning, "house-model")
    assert answer.value == 4
    assert [("max_tokens" in sent, "temperature" in sent) for sent in seen] == [
        (True, True),
        (False, True),
        (False, False),
    ]


@pytest.mark.parametrize(("effort", "tokens"), [("low", 200), ("medium", 800), ("high", 3_000)])
def test_an_effort_reaches_the_server(effort: str, tokens: int) -> None:
    answer, [sent] = solve(families.openai_reasoning, "o3-mini", f"at(vanilla, effort={effort!r})")
    assert (sent["reasoning_effort"], answer.usage.reasoning_tokens) == (effort, tokens)


def test_thoughts_that_use_up_the_limit_are_told() -> None:
    answer, _ = solve(families.openai_reasoning, "o3-mini", "vanilla", max_tokens=100)
    assert answer.state == "unparsed"
    assert (
        answer.reason == "the limit of 100 tokens was used up by thinking; raise max_tokens, or lower reasoning_effort"
    )
    assert answer.usage.reasoning_tokens == 100


def test_deepseek_gets_no_thoughts_back_in_plain_turns() -> None:
    answer, seen = solve(families.deepseek, "deepseek-reasoner", "cot(stages=2)")
    assert answer.value == 4
    assert len(seen) == 2
    assert seen[1]["messages"][1] == {"role": "assistant", "content": "I count them."}
    assert thoughts(answer) == [THOUGHTS, THOUGHTS]
    assert "temperature" not in seen[0]


def test_deepseek_gets_its_thoughts_back_in_turns_with_tool_calls() -> None:
    answer, seen = solve(families.deepseek, "deepseek-reasoner", "react(actions='native')", about_books())
    assert answer.state == "answered"
    assert len(seen) == 2
    [called] = [turn for turn in seen[1]["messages"] if turn["role"] == "assistant"]
    assert (called["content"], called["reasoning_content"]) == ("I look it up.", THOUGHTS)


@pytest.mark.parametrize("family", [families.qwen, families.qwen_thinking])
def test_qwen_has_its_tags_split(family: Callable[[Body], families.Answer]) -> None:
    answer, [sent] = solve(family, "Qwen/Qwen3-8B")
    assert (answer.value, answer.text, thoughts(answer)) == (4, ANSWER, [THOUGHTS])
    # Of 41 characters, 25 were thought: the server gives no count.
    assert answer.usage.reasoning_tokens == 50 * len(THOUGHTS) // len(THOUGHTS + ANSWER)
    assert sent["max_tokens"] > 16_000


def test_qwen_is_switched_off() -> None:
    answer, [sent] = solve(families.qwen, "Qwen/Qwen3-8B", "at(cot, effort='none')")
    assert sent["chat_template_kwargs"] == {"enable_thinking": False}
    assert "reasoning_effort" not in sent
    assert (answer.value, thoughts(answer), answer.usage.reasoning_tokens) == (4, [""], 0)


def test_gpt_oss_has_its_channels_split() -> None:
    answer, _ = solve(families.gpt_oss, "openai/gpt-oss-20b")
    assert (answer.value, answer.text, thoughts(answer)) == (4, ANSWER, [THOUGHTS])


def test_gpt_oss_calls_tools_in_raw_channels() -> None:
    answer, seen = solve(families.gpt_oss, "gpt-oss-20b", "react(actions='native')", about_books())
    assert answer.state == "answered"
    [called] = [turn for turn in seen[1]["messages"] if turn["role"] == "assistant"]
    assert called["tool_calls"][0]["function"] == {"name": "Search", "arguments": '{"entity": "Alder Road"}'}


def test_a_vote_sees_no_thoughts() -> None:
    answer, seen = solve(families.qwen, "Qwen/Qwen3-8B", "universal_self_consistency(cot, samples=2)")
    assert all(THOUGHTS not in turn["content"] for sent in seen for turn in sent["messages"])
    assert answer.state == "answered"


ASK = """
import json, sys
import reasoning as r
from reasoning.errors import UsageError
from tests.strategies.acting.encyclopaedia import problem
llm = r.connect("anthropic/claude-sonnet-4-5", journal=False)
answer = r.strategies.get("at(vanilla, thinking_tokens=2000)").run(r.Problem("2 + 2?", r.kinds.Number()), llm)
acted = r.strategies.get("at(react(actions='native'), thinking_tokens=2000)").run(problem(), llm)
refused = ""
try:
    r.strategies.get("at(cot, effort='max')").run("2 + 2?", llm)
except UsageError as error:
    refused = str(error)
said = [draw.reasoning for call in answer.trace.calls() for draw in call.completions]
print(json.dumps([answer.value, said, answer.usage.reasoning_tokens, acted.state, acted.reason, refused]))
"""


@pytest.mark.long
def test_anthropic_through_litellm_gets_its_signed_blocks_back() -> None:
    with families.serve(families.anthropic) as (url, seen):
        environment = {
            **os.environ,
            "ANTHROPIC_API_BASE": url,
            "ANTHROPIC_API_KEY": "sk-none",
            "PYTHONPATH": os.getcwd(),
        }
        done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    value, said, tokens, state, reason, refused = json.loads(done.stdout.splitlines()[-1])
    assert (value, said, state) == (4, [THOUGHTS], "answered"), reason
    assert 0 < tokens < 60
    assert "it takes reasoning_effort low, medium or high and a number of tokens" in refused
    vanilla, _, after = seen
    assert vanilla["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert (vanilla["max_tokens"], "temperature" in vanilla) == (2064, False)
    [called] = [turn for turn in after["messages"] if turn["role"] == "assistant"]
    assert called["content"][0] == {"type": "thinking", "thinking": THOUGHTS, "signature": f"signed {THOUGHTS}"}
