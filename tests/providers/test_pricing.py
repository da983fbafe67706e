"""Prices: agreement with litellm's own reckoning, and what a user's table says instead."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reasoning.messages import Usage
from reasoning.providers.pricing import Price, TokenRates, advise_name, price_table, similar_models

MODELS = [
    "openai/gpt-4o-mini",
    "gpt-4o-mini",
    "openai/o3-mini",
    "ft:gpt-4o-mini-2024-07-18",
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-pro",  # dearer above 200,000 tokens
    "vertex_ai/gemini-2.5-pro",
    "xai/grok-4.3",  # dearer from 200,000 tokens on
    "deepseek/deepseek-reasoner",
    "dashscope/qwen-flash",  # listed by ranges
    "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "groq/openai/gpt-oss-120b",
]
USAGES = [(1000, 500, 0), (1000, 500, 600), (130_000, 7, 0), (200_000, 70, 0), (250_000, 700, 1000), (600_000, 1, 0)]


@pytest.fixture(autouse=True)
def no_file_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REASONING_MODELS", raising=False)
    monkeypatch.setenv("REASONING_HOME", str(tmp_path / "home"))


def test_agreement_with_litellm() -> None:
    code = (
        "import os, json\n"
        "os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'\n"
        "import litellm\n"
        "from litellm.types.utils import PromptTokensDetailsWrapper as Details, Usage\n"
        "def usd(model, prompt, completion, cached):\n"
        "    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion,\n"
        "                  prompt_tokens_details=Details(cached_tokens=cached))\n"
        "    return sum(litellm.cost_per_token(model=model, usage_object=usage))\n"
        f"print(json.dumps([[usd(m, *u) for u in {USAGES!r}] for m in {MODELS!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout.splitlines()[-1])
    for model, row in zip(MODELS, theirs, strict=True):
        price = price_table(model)
        assert price is not None, model
        ours = [price.usd(Usage(1, *usage)) for usage in USAGES]
        assert ours == pytest.approx(row, rel=1e-9), model
        assert min(ours) > 0


def test_a_price_is_read_without_litellm() -> None:
    code = (
        "import sys\nfrom reasoning.providers.pricing import price_table\n"
        "print(price_table('openai/gpt-4o-mini').version.split()[0], 'litellm' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "litellm False\n"


def test_similar_names_are_of_the_same_provider() -> None:
    assert similar_models("openai/gpt-4o-minni")[0] == "openai/gpt-4o-mini"
    assert all(name.startswith("anthropic/") for name in similar_models("anthropic/claude-sonet-4-5"))
    assert "gpt-4o-mini" in similar_models("gpt-4o-minni")
    assert similar_models("groq/zzzzzz") == []
    assert advise_name("openai/gpt-4o-minni", "http://127.0.0.1:8000/v1") == ""


@pytest.mark.parametrize(
    "model", ["openai/no-such-model", "no-such-model", "hosted_vllm/gpt-4o-mini", "azure/my-deployment", "local:x", ""]
)
def test_an_unknown_price_is_none(model: str) -> None:
    assert price_table(model) is None


def test_another_providers_price_of_the_same_name_is_not_taken() -> None:
    assert price_table("openai/gpt-4o-mini") == price_table("gpt-4o-mini")
    assert price_table("together_ai/gpt-4o-mini") is None


def test_a_model_that_is_listed_as_free_costs_nothing() -> None:
    free = price_table("ollama/llama3")
    assert free is not None
    assert free.usd(Usage(1, 1000, 1000)) == 0


def test_the_rates_go_by_the_whole_prompt() -> None:
    price = Price(((0, TokenRates(1, 0.5, 2, 2)), (100, TokenRates(10, 5, 20, 20))), "test")
    assert price.usd(Usage(1, 100, 10, 40)) == 60 + 20 + 20
    assert price.usd(Usage(1, 101, 10, 1)) == 1000 + 5 + 200
    assert price.usd(Usage(1, 0, 10), prompt_tokens=101) == 200  # a later draw of the same request
    assert price.usd(Usage(1, 0, 10)) == 20


def test_hidden_reasoning_may_have_its_own_rate() -> None:
    price = Price(((0, TokenRates(0, 0, 1, 3)),), "test")
    assert price.usd(Usage(1, 5, 10), reasoning_tokens=4) == 6 + 12
    assert price.usd(Usage(1, 5, 10)) == 30  # not known how much: never too little


def test_the_users_table_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('["gpt-4o-mini"]\ninput = 2\noutput = 8\n["mine-*"]\ninput = 4\noutput = 8\ncached_input = 1\n')
    monkeypatch.setenv("REASONING_MODELS", str(path))
    ours = price_table("openai/gpt-4o-mini")
    assert ours is not None
    assert ours.version == "models.toml 4f12c772"
    assert ours.usd(Usage(1, 1_000_000, 500_000, 400_000)) == pytest.approx(2 + 4)
    mine = price_table("mine-1", listed=False)
    assert mine is not None
    assert mine.usd(Usage(1, 1_000_000, 0, 500_000)) == pytest.approx(2.5)
    other = price_table("openai/gpt-4o")
    assert other is not None
    assert other.version.startswith("litellm 1.")
    assert price_table("openai/gpt-4o", listed=False) is None
