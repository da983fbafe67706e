"""The table of models: what is shipped, what a user adds, and what is wrong with it."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.errors import InputError
from reasoning.providers.model_table import origins, table_for, traits, users_file
from reasoning.providers.model_traits import ModelTraits

SAMPLING = {"temperature": 0.7, "max_tokens": 9, "top_p": 0.9, "stop": ["\n"], "logprobs": True, "seed": 1}
PLAIN = dict(SAMPLING)


@pytest.fixture(autouse=True)
def no_file_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REASONING_MODELS", raising=False)
    monkeypatch.setenv("REASONING_HOME", str(tmp_path / "home"))


def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    monkeypatch.setenv("REASONING_MODELS", str(path))
    return path


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o-mini", "gpt-4.1", "ollama/llama3", "local:smollm2-135m@1", "mock", ""]
)
def test_plain_models_take_everything(model: str) -> None:
    assert traits(model).apply(SAMPLING) == PLAIN
    assert traits(model).dropped(SAMPLING) == []


@pytest.mark.parametrize(
    ("model", "dropped"),
    [
        ("openai/o1", ["temperature", "top_p", "logprobs"]),
        ("o3-mini", ["temperature", "top_p", "logprobs"]),
        ("azure/o3", ["temperature", "top_p", "stop", "logprobs"]),
        ("openai/o4-mini-2025-04-16", ["temperature", "top_p", "stop", "logprobs"]),
        ("ft:o4-mini-2025-04-16:acme::1", ["temperature", "top_p", "stop", "logprobs"]),
        ("openrouter/openai/gpt-5-mini", ["temperature", "top_p", "stop", "logprobs"]),
        ("gpt-5.1", ["stop"]),
        ("gpt-5.4-mini", ["stop"]),
        ("gpt-5.5", ["temperature", "top_p", "stop", "logprobs"]),
        ("openai/gpt-6-sol", ["temperature", "top_p", "stop", "logprobs"]),
        ("openai/gpt-5-chat-latest", []),
    ],
)
def test_reasoning_models_of_openai(model: str, dropped: list[str]) -> None:
    found = traits(model)
    assert found.dropped(SAMPLING) == dropped
    sent = found.apply(SAMPLING)
    assert sent["max_completion_tokens"] == 9
    assert sent.keys() == PLAIN.keys() - {"max_tokens", *dropped} | {"max_completion_tokens"}


@pytest.mark.parametrize(
    ("model", "effort", "dropped"),
    [
        ("gpt-5.1", "none", []),
        ("gpt-5.1", "low", ["temperature", "top_p", "logprobs"]),
        ("gpt-5.5", "none", []),
        ("anthropic/claude-sonnet-4-5", None, []),
        ("anthropic/claude-sonnet-4-5", "low", ["temperature", "top_p"]),
        ("bedrock/us.anthropic.claude-opus-4-7-v1:0", None, ["temperature", "top_p"]),
        ("bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0", None, []),
        ("deepseek/deepseek-reasoner", None, ["temperature", "top_p", "logprobs"]),
        ("deepseek/deepseek-chat", None, []),
    ],
)
def test_what_is_dropped_may_hang_on_reasoning(model: str, effort: str | None, dropped: list[str]) -> None:
    sampling = {name: value for name, value in SAMPLING.items() if name != "stop"}
    assert traits(model).dropped(sampling | ({"reasoning_effort": effort} if effort else {})) == dropped


@pytest.mark.parametrize(
    ("model", "n", "prefix_cache", "direct"),
    [
        ("openai/gpt-4o-mini", True, True, True),
        ("openai/gpt-3.5-turbo", True, False, True),
        ("openai/o1-pro", True, True, False),
        ("openai/gpt-5-codex", True, True, False),
        ("openai/gpt-4o-search-preview", False, True, True),
        ("anthropic/claude-sonnet-4-5", False, False, True),
        ("deepseek/deepseek-chat", False, True, True),
        ("groq/llama-3.3-70b-versatile", False, False, True),
        ("gemini/gemini-2.5-pro", True, True, True),
        ("xai/grok-4", True, False, True),
    ],
)
def test_draws_cache_and_way(model: str, n: bool, prefix_cache: bool, direct: bool) -> None:
    found = traits(model)
    assert (found.n, found.prefix_cache, found.direct) == (n, prefix_cache, direct)


def test_the_longest_pattern_wins_for_each_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(
        tmp_path,
        monkeypatch,
        """
        ["my-*"]
        drop = ["stop"]
        n = false
        input = 1
        output = 2
        cached_input = 0.5
        ["my-model-? other"]
        drop = ["seed"]
        input = 3
        output = 4
        ["acme/my-model-1"]
        drop = []
        ["[xyz]*"]
        drop = ["stop"]
        ["x-*"]
        drop = ["seed"]
        """,
    )
    assert traits("my-thing") == ModelTraits(drop=frozenset(["stop"]), n=False, input=1, output=2, cached_input=0.5)
    assert traits("acme/My-Model-2") == ModelTraits(
        drop=frozenset(["seed"]), n=False, input=3, output=4
    )  # no old cached_input
    assert traits("acme/my-model-1") == ModelTraits(n=False, input=3, output=4)
    assert traits("other").input == 3
    assert traits("x-1").drop == {"seed"}  # brackets are one sign


def test_the_users_word_goes_before_an_equal_one_that_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(tmp_path, monkeypatch, '["gpt-5*"]\ndrop = []\n["gpt-5.1"]\nreasons_by_default = true')
    assert traits("gpt-5").dropped(SAMPLING) == []
    assert traits("gpt-5").apply(SAMPLING)["max_completion_tokens"] == 9  # the rest of the shipped entry stays
    assert traits("gpt-5.1").dropped(SAMPLING) == ["temperature", "top_p", "stop", "logprobs"]


@pytest.mark.parametrize(
    ("model", "does"),
    [
        *(
            (name, True)
            for name in (
                *(
                    "openai/o3-mini",
                    "o1",
                    "o4-mini",
                    "gpt-5",
                    "gpt-5-mini",
                    "gpt-5-2025-08-07",
                    "gpt-oss:20b",
                    "qwen3:8b",
                ),
                *("ollama/qwen3:8b", "Qwen/Qwen3-8B", "Qwen/Qwen3-4B-Thinking-2507", "qwq:32b", "magistral:24b"),
                *("ollama_chat/deepseek-r1:7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "openai/gpt-oss-120b"),
                *("deepseek/deepseek-reasoner", "mistralai/Magistral-Small-2506", "gemini/gemini-2.5-pro"),
            )
        ),
        *(
            (name, False)
            for name in (
                *("gpt-4o", "gpt-5.1", "gpt-5-chat-latest", "gpt-5-search-api", "deepseek/deepseek-chat", "qwen2.5:7b"),
                *("Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen/Qwen3-Coder-480B-A35B-Instruct", "qwen3-coder:30b"),
                *("claude-sonnet-4-5", "gemini/gemini-2.5-flash-lite", "local:qwen2.5-coder-0.5b@sha256:1", "llama3"),
            )
        ),
    ],
)
def test_which_models_reason_by_default(model: str, does: bool) -> None:
    assert traits(model).reasons({}) == does


@pytest.mark.parametrize(
    ("model", "sampling", "does"),
    [
        ("claude-sonnet-4-5", {"reasoning_effort": "low"}, True),
        ("claude-sonnet-4-5", {"extra_body": {"thinking": {"type": "enabled", "budget_tokens": 2000}}}, True),
        ("gpt-5.1", {"reasoning_effort": "high"}, True),
        ("gpt-5.1", {"reasoning_effort": "none"}, False),
        ("qwen3:8b", {"extra_body": {"think": False}}, False),
        ("Qwen/Qwen3-8B", {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}, False),
        ("zai/glm-4.6", {"extra_body": {"thinking": {"type": "disabled"}}}, False),
        ("gpt-4o", {"extra_body": "text"}, False),
    ],
)
def test_parameters_switch_reasoning(model: str, sampling: dict[str, object], does: bool) -> None:
    assert traits(model).reasons(sampling) == does


def test_where_the_users_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert users_file() is None
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "models.toml").write_text("[mock]\nn = false")
    assert users_file() == tmp_path / "home" / "models.toml"
    assert not traits("mock").n
    monkeypatch.delenv("REASONING_HOME")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "reasoning").mkdir(parents=True)
    (tmp_path / "config" / "reasoning" / "models.toml").write_text("")
    assert users_file() == tmp_path / "config" / "reasoning" / "models.toml"
    monkeypatch.setenv("REASONING_MODELS", str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match=r"none\.toml: no such file; REASONING_MODELS names it"):
        traits("mock")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[a\nn = 1", 1, "invalid TOML: "),
        ("n = false", 1, "n must be in a table"),
        ('[""]\nn = false', 1, "the name of a table must be a pattern"),
        ("\n[a]\ndorp = []", 3, "unknown field 'dorp' in [\"a\"]; did you mean 'drop'?"),
        ("[gpt-5.1]\nn = false", 1, 'a name with a dot needs quotes: ["gpt-5.1"]'),
        ('["a* b"]\nn = true\n["c/d e"]\nn = "no"', 4, "n in [\"c/d e\"] must be true or false, got 'no'"),
        ("[a]\ndrop = 'stop'", 2, 'drop in ["a"] must be a list'),
        ("[a]\ndrop = [1]", 2, 'must be a list such as ["temperature", "stop"], got [1]'),
        ("[a]\nrename = ['b']", 2, "got ['b']"),
        ("[a]\nrename = {b = 1}", 2, "must be a table such as"),
        ("[a]\ninput = -1\noutput = 1", 2, "at least 0, got -1"),
        ("[a]\ninput = true\noutput = 1", 2, "at least 0, got True"),
        ("[a]\ninput = nan\noutput = 1", 2, "at least 0, got nan"),
        ("[a]\ninput = 1", 1, 'a price in ["a"] must have input and output together'),
        ("[a]\ncached_input = 1", 1, "a price in"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int, says: str
) -> None:
    path = own(tmp_path, monkeypatch, text)
    with pytest.raises(InputError) as caught:
        traits("mock")
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


def test_each_trait_has_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = own(tmp_path, monkeypatch, '# mine\n["o3-mini"]\nprefix_cache = false\ninput = 1\noutput = 2\n')
    found = origins("openai/o3-mini")
    assert found["prefix_cache"] == f'your {path.name}:3 ["o3-mini"]'
    assert found["output"] == f'your {path.name}:5 ["o3-mini"]'
    assert re.fullmatch(r'shipped models\.toml:\d+ \["o\[0-9\]-\*"\]', found["drop"])
    assert "n" not in found  # the default


@pytest.mark.parametrize(
    "model",
    ["qwen", "Qwen/Qwen3-8B", "openai/x", "a [b] c", "what?*", 'say "hi"', "ft:gpt-4o:acme", "llama3:8b", "Ünïcode"],
)
def test_a_proposed_table_is_that_of_exactly_this_model(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(tmp_path, monkeypatch, table_for(model, "input = 1", "output = 2"))
    assert traits(model).input == 1
    assert traits(f"{model}2").input is None


NAMES = st.sampled_from([*SAMPLING, "presence_penalty", "max_completion_tokens", "reasoning_effort", "extra_body"])


@given(
    st.sampled_from(["o3", "gpt-5", "gpt-5.1", "gpt-6-sol", "claude-sonnet-4-5", "deepseek-reasoner", "mock"]),
    st.dictionaries(NAMES, st.sampled_from(["none", "low", 1])),
)
def test_a_setting_goes_out_or_is_said_to_be_dropped(model: str, sampling: dict[str, object]) -> None:
    found = traits(model)
    before = dict(sampling)
    sent, dropped = found.apply(sampling), found.dropped(sampling)
    assert sampling == before
    assert sent == found.apply(sampling)
    assert set(dropped) <= sampling.keys()
    assert sent.keys() == {found.rename.get(name, name) for name in sampling if name not in dropped}


def test_the_table_is_part_of_the_package() -> None:
    assert files("reasoning.providers").joinpath("models.toml").is_file()
