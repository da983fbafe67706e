"""Effort of thought: the wrapper `at`, the option `--effort`, and models that take none."""

from __future__ import annotations

from typing import Any

import pytest

import reasoning as r
from reasoning import strategies
from reasoning.errors import SettingRefused, UsageError
from reasoning.messages import Completion
from reasoning.providers.model_table import traits
from reasoning.strategies.direct.effort import Effort, at_efforts, parse_efforts
from reasoning.testing import ScriptedLLM

PROBLEM = r.Problem("What is 2 + 2?", r.kinds.Number())


def scripted() -> ScriptedLLM:
    return ScriptedLLM(lambda messages: "The answer is 4.")


def sent(spec: str, model: str, **sampling: Any) -> list[dict[str, Any]]:
    """Return the sampling parameters that a solve sends to a model."""
    llm = ScriptedLLM(lambda messages: "The answer is 4.", **sampling)
    answer = strategies.get(spec).run(PROBLEM, llm.sibling(model))
    assert answer.state == "answered"
    return [dict(request.sampling) for request in llm.requests]


def test_the_effort_reaches_every_call() -> None:
    requests = sent("at(self_consistency(cot, samples=3), effort='high')", "openai/o3")
    assert {request["reasoning_effort"] for request in requests} == {"high"}
    assert all("temperature" not in request for request in requests)
    inner = sent("self_consistency(at(cot, 'low'), samples=2)", "openai/o3")
    assert {request["reasoning_effort"] for request in inner} == {"low"}
    assert sent("at(at(cot, 'low'), 'high')", "openai/o3")[0]["reasoning_effort"] == "low"  # the inner one is nearer
    assert "reasoning_effort" not in sent("at(cot)", "openai/o3")[0]


def test_a_spec_gives_the_strategy_back() -> None:
    for spec in ("at(cot, effort='high')", "at(vanilla, thinking_tokens=4000)", "at(cot)"):
        assert strategies.get(repr(strategies.get(spec))) == strategies.get(spec)
    assert repr(strategies.get("at(vanilla, 'low')")) == "at(vanilla, effort='low')"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("anthropic/claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 4000}, "max_tokens": 5024}),
        ("dashscope/qwen3-32b", {"extra_body": {"thinking_budget": 4000}, "max_tokens": 5024}),
    ],
)
def test_a_number_of_tokens_has_its_own_room(model: str, expected: dict[str, Any]) -> None:
    [request] = sent("at(cot, thinking_tokens=4000)", model)
    assert expected.items() <= request.items()
    assert "thinking_tokens" not in request


def test_the_limit_of_the_user_must_leave_room_for_the_answer() -> None:
    llm = ScriptedLLM(["4"], max_tokens=4000).sibling("anthropic/claude-sonnet-4-5")
    with pytest.raises(UsageError, match=r"max_tokens must be greater than thinking_tokens.* got 4000 and 4000"):
        strategies.get("at(vanilla, thinking_tokens=4000)").run(PROBLEM, llm)


def test_qwen_has_a_switch() -> None:
    [off] = sent("at(cot, effort='none')", "Qwen/Qwen3-8B")
    assert off["extra_body"] == {"chat_template_kwargs": {"enable_thinking": False}}
    assert off["max_tokens"] == 1024  # no room for thoughts
    [on] = sent("at(cot, effort='default')", "Qwen/Qwen3-8B", extra_body={"chat_template_kwargs": {"a": 1}})
    assert on["extra_body"] == {"chat_template_kwargs": {"a": 1, "enable_thinking": True}}
    assert on["max_tokens"] > 20_000


@pytest.mark.parametrize(
    ("model", "spec", "message"),
    [
        ("openai/o3", "at(cot, effort='max')", "it takes reasoning_effort low, medium or high$"),
        ("openai/gpt-5.1", "at(cot, effort='minimal')", "it takes reasoning_effort none, low, medium or high$"),
        (
            "openai/o3",
            "at(cot, thinking_tokens=4000)",
            "takes no number of tokens of thought; it takes reasoning_effort",
        ),
        ("claude-opus-4-8", "at(cot, thinking_tokens=4000)", "takes no number of tokens of thought; it takes reason"),
        ("magistral-small", "at(cot, effort='high')", "no setting for its thinking is known"),
        ("xai/grok-4", "at(cot, effort='high')", "takes no reasoning_effort 'high'"),
        ("Qwen/Qwen3-8B", "at(cot, effort='low')", "it takes reasoning_effort none or default"),
        ("claude-sonnet-4-5", "at(cot, 'max')", "low, medium or high and a number of tokens \\(thinking_tokens\\)"),
    ],
)
def test_a_model_that_does_not_take_it_says_what_it_takes(model: str, spec: str, message: str) -> None:
    llm = scripted()
    with pytest.raises(UsageError, match=message):
        strategies.get(spec).run(PROBLEM, llm.sibling(model))
    assert not llm.requests


def test_a_local_model_that_ignores_settings_refuses_an_effort() -> None:
    with pytest.raises(UsageError, match="takes no reasoning_effort; no setting for its thinking is known"):
        r.connect("local", journal=False).check_effort({"reasoning_effort": "high"})


def test_an_effort_that_a_server_refuses_is_never_left_out() -> None:
    """An answer without the effort would stand in the row of that effort."""

    def reply(messages: Any) -> Any:
        return SettingRefused("reasoning_effort", "Unrecognized request argument: reasoning_effort", 400)

    llm = ScriptedLLM(reply).sibling("house/model")
    with (
        pytest.warns(UserWarning, match="does not take reasoning_effort"),
        pytest.raises(UsageError, match="house/model does not take reasoning_effort") as error,
    ):
        strategies.get("at(cot, effort='high')").run(PROBLEM, llm)
    assert error.value.ends_run


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("at(cot, effort='high', thinking_tokens=9)", "got both"),
        ("at(cot, effort='')", "effort must be a text"),
        ("at(cot, thinking_tokens=-1)", "thinking_tokens"),
    ],
)
def test_parameters_that_make_no_sense(call: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        strategies.get(call)


def test_each_strategy_at_each_effort() -> None:
    raced = at_efforts(map(strategies.get, ["vanilla", "at(cot, 'low')", "cot"]), ["low", "high"])
    assert list(map(repr, raced)) == [
        "at(vanilla, effort='low')",
        "at(vanilla, effort='high')",
        "at(cot, effort='low')",
        "at(cot, effort='high')",
    ]
    assert parse_efforts(" low, high") == ["low", "high"]
    for wrong in ("", "low,", "low,low"):
        with pytest.raises(UsageError, match="--effort must be different efforts"):
            parse_efforts(wrong)


def test_the_first_call_of_a_chat_model_is_as_before() -> None:
    """Models that do not think, and calls without an effort, send what they sent."""
    [request] = sent("cot", "plain")
    assert request == {"temperature": 0.0, "max_tokens": 1024}
    assert isinstance(strategies.get("at"), Effort)


@pytest.mark.parametrize(
    "model",
    [
        *("openai/o1", "openai/o3-mini", "openai/o4-mini", "gpt-5", "gpt-5.5", "deepseek-reasoner", "deepseek-v4-pro"),
        *("Qwen/Qwen3-8B", "qwq:32b", "gpt-oss:20b", "gemini/gemini-2.5-pro", "gemini/gemini-3-pro", "xai/grok-4"),
        *("magistral-medium-2509", "moonshotai/Kimi-K2-Thinking", "kimi-k2.5"),
    ],
)
def test_every_family_has_room_for_its_thoughts(model: str) -> None:
    [request] = sent("vanilla", model)
    assert traits(model).reasons({})
    limit = request.get("max_tokens") or request.get("max_completion_tokens")
    assert limit is not None
    assert limit >= 64 + 16_000


def test_a_reply_that_ended_within_its_thoughts_says_what_to_do() -> None:
    cut = Completion("", "length", reasoning="Let me see")
    answer = strategies.get("vanilla").run(PROBLEM, ScriptedLLM([cut]).sibling("openai/o3"))
    assert answer.state == "unparsed"
    assert "tokens was used up by thinking; raise max_tokens, or lower reasoning_effort" in answer.reason
    ended = Completion("", "stop", reasoning="Let me see 4")
    answer = strategies.get("vanilla").run(PROBLEM, ScriptedLLM([ended]))
    assert (answer.state, answer.reason) == ("unparsed", "the model ended its reply within its thoughts")


@pytest.mark.parametrize("text", ["vanilla", "cot"])
def test_a_reply_cut_off_within_its_thoughts_is_counted_before_the_advice(text: str) -> None:
    cut = Completion("", "length", reasoning="Let me see")
    vote = strategies.get(f"self_consistency({text}, samples=3)")
    reason = vote.run(PROBLEM, ScriptedLLM(lambda messages: cut).sibling("openai/o3")).reason
    assert ("replies, limits from 25,064 to " if text == "cot" else "in 3 of 3 replies, the limit of 25,") in reason
    assert reason.endswith("raise max_tokens, or lower reasoning_effort")


def test_a_model_that_no_table_knows_to_think_is_told_once() -> None:
    cut = Completion("", "length", reasoning="Let me see")
    llm = ScriptedLLM(lambda messages: cut)
    with pytest.warns(UserWarning, match=r"write reasons_by_default = true below \[\"house-model\"\]") as noted:
        strategies.get("self_consistency(cot, samples=3)").run(PROBLEM, llm.sibling("house-model"))
    assert len(llm.requests) > 1
    assert len(noted) == 1


def test_a_model_that_thinks_with_the_effort_none_is_said_not_to_follow_it() -> None:
    cut = Completion("", "length", reasoning="Let me see")
    with pytest.warns(UserWarning, match="although the settings of the call switch its thinking off"):
        strategies.get("at(vanilla, 'none')").run(PROBLEM, ScriptedLLM([cut]).sibling("openai/qwen3-8b"))


def test_a_misspelt_effort_is_an_error_even_if_those_of_the_model_are_not_known() -> None:
    with pytest.raises(UsageError, match=r"reasoning_effort must be one of none, .*, got 'hihg'"):
        strategies.get("at(vanilla, 'hihg')").run(PROBLEM, scripted().sibling("house-model"))
    assert sent("at(vanilla, 'minimal')", "house-model")[0]["reasoning_effort"] == "minimal"


def test_an_older_chat_model_takes_no_effort() -> None:
    with pytest.raises(UsageError, match="openai/gpt-4o takes no reasoning_effort 'low'"):
        strategies.get("at(vanilla, 'low')").run(PROBLEM, scripted().sibling("openai/gpt-4o"))


def test_a_run_with_an_effort_that_the_model_lacks_asks_nothing() -> None:
    llm = scripted()
    examples = [r.Example(PROBLEM, 4)]
    with pytest.raises(UsageError, match=r"^openai/o3 takes no reasoning_effort 'max'"):
        r.benchmarks.compare(
            ["vanilla", "back_off(cot, at(vanilla, effort='max'))"],
            examples,
            llm.sibling("openai/o3"),
            concurrency=1,
            progress=False,
        )
    assert not llm.requests
