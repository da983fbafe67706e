"""Sampling parameters: their ranges, who takes them under which name, and what is said about those left out."""

from __future__ import annotations

from typing import Any

import pytest

from reasoning import Problem, connect, kinds, strategies
from reasoning.errors import SettingRefused, UsageError
from reasoning.messages import Conversation, Message
from reasoning.providers.model_table import traits
from reasoning.providers.refusals import find_refusal
from reasoning.sampling_params import find_wrong_value, validate_params
from reasoning.testing import ScriptedLLM

ALL: dict[str, Any] = {
    "temperature": 0.7,
    "top_p": 0.9,
    "min_p": 0.05,
    "top_k": 20,
    "max_tokens": 100,
    "seed": 7,
    "logprobs": True,
    "top_logprobs": 5,
    "repetition_penalty": 1.1,
    "frequency_penalty": 0.5,
    "presence_penalty": -0.5,
    "logit_bias": {"50256": -100},
    "verbosity": "low",
    "stop": ["END"],
    "response_format": {"type": "json_object"},
}


def test_every_setting_is_known_and_in_its_range() -> None:
    validate_params(ALL, "of a test")
    assert all(find_wrong_value(name, None) == "" for name in ALL)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("temperature", "hot", "a number of at least 0"),
        ("top_p", [1], "a number from 0 to 1"),
        ("top_p", 1.5, "a number from 0 to 1"),
        ("min_p", -0.1, "a number from 0 to 1"),
        ("min_p", True, "a number from 0 to 1"),
        ("top_k", 2.5, "a whole number of at least 1, or 0 or -1 for no limit"),
        ("top_k", -2, "a whole number of at least 1, or 0 or -1 for no limit"),
        ("seed", "x", "a whole number"),
        ("top_logprobs", 21, "a whole number from 0 to 20"),
        ("repetition_penalty", 0, "a number above 0, where 1 changes nothing"),
        ("frequency_penalty", 2.1, "a number from -2 to 2"),
        ("presence_penalty", float("nan"), "a number from -2 to 2"),
        ("logit_bias", {"the": 1}, "a mapping from the number of a token to a bias from -100 to 100"),
        ("logit_bias", {"1": 101}, "a mapping from the number of a token to a bias from -100 to 100"),
        ("logit_bias", [[1, 2]], "a mapping from the number of a token to a bias from -100 to 100"),
        ("verbosity", "loud", "one of low, medium, high"),
        ("max_tokens", 1.5, "a whole number of at least 1"),
        ("stop", 5, 'a text or a list of texts, such as ["###"]'),
        ("stop", ["END", ""], 'a text or a list of texts, such as ["###"]'),
        ("logprobs", 5, "true or false"),
        ("reasoning_effort", 5, 'a text such as "low"'),
        ("response_format", "json", 'a mapping with the field "type", such as {"type": "json_object"}'),
        ("response_format", {"type": "xml"}, 'a mapping with the field "type", such as {"type": "json_object"}'),
    ],
)
def test_a_value_out_of_range_is_refused_before_anything_is_sent(name: str, value: Any, wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        connect("replay:none.jsonl", journal=False, **{name: value})
    assert str(caught.value).startswith(f"{name} must be {wanted}, got ")
    llm = ScriptedLLM(["4", "5"])
    turns = Conversation((Message("user", "2 + 2?"),))
    llm.request(turns, {name: {"reasoning_effort": "low", **ALL}[name]})
    # A second request with the same names is checked, too.
    with pytest.raises(UsageError, match=name):
        llm.request(turns, {name: value})


@pytest.mark.parametrize(
    ("model", "dropped", "renamed"),
    [
        ("openai/gpt-4o-mini", {"top_k", "min_p", "repetition_penalty", "verbosity"}, {}),
        ("openai/gpt-4-turbo", {"top_k", "min_p", "repetition_penalty", "verbosity", "response_format"}, {}),
        ("openai/gpt-4o-2024-05-13", {"top_k", "min_p", "repetition_penalty", "verbosity", "response_format"}, {}),
        (
            "deepseek/deepseek-chat",
            {"top_k", "min_p", "repetition_penalty", "logit_bias", "verbosity", "response_format"},
            {},
        ),
        ("local:smollm2-135m@b179c9523d0e", {"verbosity"}, {"repetition_penalty": "repeat_penalty"}),
        ("ollama_chat/llama3", set(), {"repetition_penalty": "repeat_penalty"}),
        ("Qwen/Qwen2.5-7B-Instruct", set(), {}),
        (
            "torch:smollm2-135m@b179c9523d0e",
            ALL.keys() - {"temperature", "top_p", "top_k", "max_tokens", "stop", "seed"},
            {},
        ),
    ],
)
def test_the_table_says_who_takes_what_under_which_name(model: str, dropped: set[str], renamed: dict[str, str]) -> None:
    sent = traits(model).apply(ALL)
    assert set(traits(model).dropped(ALL)) == dropped
    assert {name: sent[other] for name, other in renamed.items()} == {name: ALL[name] for name in renamed}
    assert sent.keys() == {renamed.get(name, name) for name in ALL.keys() - dropped}


def test_gpt_5_takes_verbosity_and_no_penalties() -> None:
    sent = traits("openai/gpt-5-mini").apply(ALL)
    assert sent.keys() == {"max_completion_tokens", "seed", "verbosity", "response_format"}


def test_what_is_left_out_of_the_settings_of_connect_is_said_once() -> None:
    with pytest.warns(UserWarning, match="openai/gpt-4o-mini does not take top_k, min_p: left out") as said:
        connect("openai/gpt-4o-mini", journal=False, top_k=20, min_p=0.05, seed=7).__exit__(None, None, None)
    assert len(said) == 1


@pytest.mark.parametrize(
    "message",
    [
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        "This response_format type is unavailable now",
        "This model does not support response format `json_schema`.",
        "Invalid schema for response_format 'answer': In context=('properties', 'answer', 'anyOf', '0', 'items', 'x'), "
        "'uniqueItems' is not permitted.",
        "litellm.UnsupportedParamsError: groq does not support parameters: ['response_format'], for model=x.",
    ],
)
def test_a_server_without_structured_replies_is_understood(message: str) -> None:
    refusal = find_refusal(400, message, "", {"temperature": 0.0, "response_format": {"type": "json_schema"}})
    assert refusal is not None
    assert refusal.setting == "response_format"


def test_a_model_that_refuses_structured_replies_still_answers() -> None:
    def reply(messages: Any) -> str:
        return "The answer is 4."

    llm = ScriptedLLM(reply)
    complete = llm.client.complete

    async def refuse(request: Any, draws: Any) -> Any:
        if "response_format" in request.sampling:
            raise SettingRefused("response_format", "'response_format' is not supported")
        return await complete(request, draws)

    llm.client.complete = refuse  # type: ignore[method-assign]
    structured = strategies.get("vanilla(prompt={'structured': True})")
    with pytest.warns(UserWarning, match="does not take response_format: it is left out from now on"):
        assert structured.run(Problem("2 + 2?", kinds.Number()), llm).value == 4
    assert llm.refused == ("response_format",)
