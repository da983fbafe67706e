"""Messages of servers that refuse a setting: understood where they say so, and only there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reasoning.providers.http_errors import error_message
from reasoning.providers.refusals import drop_hint, find_refusal, refuses_system_turn

SENT = {
    "model": "m",
    "messages": [],
    "temperature": 0.0,
    "max_tokens": 9,
    "top_p": 0.9,
    "top_k": 5,
    "stop": ["\n"],
    "seed": 1,
    "logprobs": True,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "reasoning_effort": "low",
    "extra_body": {"min_p": 0.1, "chat_template_kwargs": {}},
}


def openai(message: str, param: str | None = None, code: str | None = None) -> str:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}})


def refused(text: str, status: int | None = 400, sent: dict[str, Any] | None = None) -> str | None:
    found = find_refusal(status, error_message(text)[0], text, SENT if sent is None else sent)
    return None if found is None else found.setting


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        # OpenAI and Azure
        (
            openai(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
                "instead.",
                "max_tokens",
                "unsupported_parameter",
            ),
            "max_tokens",
        ),
        (
            openai(
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
                "supported.",
                "temperature",
                "unsupported_value",
            ),
            "temperature",
        ),
        (openai("Unsupported parameter: 'stop' is not supported with this model.", "stop"), "stop"),
        (openai("Unrecognized request argument supplied: top_k"), "top_k"),
        (openai("Unknown parameter: 'min_p'.", "min_p", "unknown_parameter"), "extra_body.min_p"),
        (openai("Unsupported parameter: 'max_tokens' is not supported with this model.", None), "max_tokens"),
        # Mistral, vLLM
        (
            json.dumps(
                {
                    "object": "error",
                    "message": {
                        "detail": [
                            {
                                "type": "extra_forbidden",
                                "loc": ["body", "logprobs"],
                                "msg": "Extra inputs are not permitted",
                                "input": True,
                            }
                        ]
                    },
                }
            ),
            "logprobs",
        ),
        (
            json.dumps(
                {
                    "object": "error",
                    "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'chat_template_kwargs'), "
                    "'msg': 'Extra inputs are not permitted', 'input': {}}]",
                    "type": "BadRequestError",
                    "param": None,
                    "code": 400,
                }
            ),
            "extra_body.chat_template_kwargs",
        ),
        # Gemini
        (
            json.dumps(
                [
                    {
                        "error": {
                            "code": 400,
                            "message": 'Invalid JSON payload received. Unknown name "frequency_penalty": Cannot find '
                            'field.\nInvalid JSON payload received. Unknown name "seed": Cannot find field.',
                            "status": "INVALID_ARGUMENT",
                        }
                    }
                ]
            ),
            "frequency_penalty",
        ),
        # Anthropic
        (json.dumps({"type": "error", "error": {"message": "top_k: Extra inputs are not permitted"}}), "top_k"),
        (openai("`temperature` is deprecated for this model."), "temperature"),
        (openai("`temperature` may only be set to 1 when thinking is enabled."), "temperature"),
        # xAI, Groq, DeepSeek
        (json.dumps({"code": "invalid", "error": "Argument not supported on this model: presencePenalty"}),
         "presence_penalty"),
        (json.dumps({"error": "Model grok-4 does not support parameter stop."}), "stop"),
        (openai("property 'logprobs' is unsupported"), "logprobs"),
        (openai("`logprobs` is not supported with this model"), "logprobs"),
        # litellm
        ("litellm.UnsupportedParamsError: gpt-5 models don't support temperature=0. Only temperature=1 is supported. "
         "To drop unsupported params set `litellm.drop_params = True`", "temperature"),
        ("litellm.UnsupportedParamsError: gemini does not support parameters: {'frequency_penalty': 0.5}, for "
         "model=gemini-2.0-flash.", "frequency_penalty"),
        ("litellm.UnsupportedParamsError: x does not support parameters: ['reasoning_effort'], for model=x",
         "reasoning_effort"),
    ],
)  # fmt: skip
def test_a_refused_setting_is_recognised(text: str, setting: str) -> None:
    assert refused(text) == setting
    assert refused(text, 422) == setting
    assert refused(text, None) == setting
    assert refused(text, 500) is None
    assert refused(text, sent={"model": "m"}) is None  # it was not sent


@pytest.mark.parametrize(
    "text",
    [
        openai("temperature must be between 0 and 1", "temperature"),
        openai("Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3", "temperature"),
        openai("max_tokens is too large: 100000. This model supports at most 4096 completion tokens", "max_tokens"),
        openai("Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values "
               "are: 'low', 'medium', and 'high'.", "reasoning_effort", "unsupported_value"),
        openai("Unsupported value: 'messages[0].role' does not support 'system' with this model.", "messages[0].role",
               "unsupported_value"),
        openai("`temperature` and `top_p` cannot both be specified for this model. Please use only one."),
        openai("This model does not support streaming. Please stop sending seed values"),
        openai("n > 1 is not supported"),
        openai("Invalid JSON"),
        openai("x" * 700 + " Unknown parameter: 'stop'"),
        openai("Unsupported parameter: 'tools' is not supported with this model.", "tools", "unsupported_parameter"),
        "", "[" * 10_000, "null", '{"error": null}', '{"error": {"param": ["temperature"]}}',
    ],
)  # fmt: skip
def test_a_complaint_about_something_else_changes_nothing(text: str) -> None:
    assert refused(text) is None


def test_an_error_that_names_no_setting_says_where_settings_are_left_out() -> None:
    sent = {"model": "m", "messages": [], "max_tokens": 9, "temperature": 0.0, "stop": ["x"]}
    hint = "; to leave out a setting that it refuses (temperature, stop), see: reasoning models show m"
    assert drop_hint("m", 400, "validation error", sent) == hint
    assert drop_hint("m", 422, "temperature is odd", sent).startswith('; to leave temperature out, write drop = ["tem')
    assert drop_hint("m", 500, "validation error", sent) == drop_hint("m", 400, "?", {"max_tokens": 9}) == ""


@pytest.mark.parametrize(
    "message",
    [
        "System role not supported",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Developer instruction is not enabled for models/gemma-3-27b-it",
    ],
)
def test_a_refused_system_turn_is_recognised(message: str) -> None:
    assert refuses_system_turn(400, message, ["system", "user"])
    assert not refuses_system_turn(400, message, ["user"])
    assert not refuses_system_turn(400, "no such model", ["system", "user"])
