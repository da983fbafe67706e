"""The client of `torch:` models on a real local model; its replies are those of llama.cpp."""

from __future__ import annotations

import asyncio
import importlib.util
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reasoning import connect
from reasoning.errors import ContextOverflow, SettingRefused, UnknownName, UsageError
from reasoning.messages import Message, Request
from reasoning.providers import adapters
from reasoning.providers.llama_cpp import weights
from reasoning.providers.llama_cpp.client import local_client
from reasoning.providers.openmp import short_waits
from reasoning.providers.torch.client import TorchClient, torch_client

BASE = "smollm2-135m"
# Not `importorskip`, which would import torch: its threads would not sleep while they wait.
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the extra training")
QUESTIONS = ("Is a dog an animal?", "Name a plant.", "What is 2 + 3?", "Is quartz a stone? Answer with one word.")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return


def make(name: str, smollm: Path, seed: int = 1) -> None:
    from reasoning.tuning.conversion.gguf_adapter import write_gguf_adapter
    from tests.tuning.lora_files import SMOLLM, random_lora, write_lora

    with adapters.create(BASE, name) as folder:
        write_lora(folder / "peft", random_lora(SMOLLM, seed, 0.2), task_type="CAUSAL_LM")
        write_gguf_adapter(folder / "peft", smollm, folder / "adapter.gguf")
        adapters.describe(folder, name, BASE, weights.entry(BASE).sha256, "lora", "llama.cpp")


def ask(client: Any, question: str, **sampling: Any) -> Request:
    return Request(client.model, (Message("user", question),), {"temperature": 0.0, "max_tokens": 8, **sampling})


@needs_torch
@pytest.mark.long
@pytest.mark.model
def test_it_answers_as_a_client(smollm: Path) -> None:
    async def talk(client: TorchClient) -> None:
        said: list[str] = []
        client.progress = lambda done, total, text: said.append(text)
        [one] = await client.complete(ask(client, "Count: 1, 2, 3,", max_tokens=24), [0])
        assert "loading smollm2-135m in PyTorch, which is several times slower than llama.cpp" in said
        assert one.text.strip()
        assert (one.usage.calls, one.usage.usd) == (1, None)
        assert one.usage.prompt_tokens > 20
        assert 1 <= one.usage.completion_tokens <= 24
        mark = one.text.strip()[3:6]
        [cut] = await client.complete(ask(client, "Count: 1, 2, 3,", max_tokens=24, stop=[mark]), [0])
        assert (cut.text, cut.finish_reason) == (one.text[: one.text.index(mark)], "stop")
        assert cut.usage.completion_tokens < one.usage.completion_tokens
        [short] = await client.complete(ask(client, "Count: 1, 2, 3,", max_tokens=2), [0])
        assert (short.finish_reason, short.usage.completion_tokens) == ("length", 2)
        drawn = await client.complete(ask(client, "Name an animal.", temperature=1.5, max_tokens=12), range(4))
        assert len({draw.text for draw in drawn}) > 1
        assert [draw.usage.prompt_tokens > 0 for draw in drawn] == [True, False, False, False]
        seeded = ask(client, "Name an animal.", temperature=1.5, max_tokens=12, seed=3)
        texts = [(await client.complete(seeded, [draw]))[0].text for draw in (0, 0, 1)]
        assert texts[0] == texts[1] != texts[2]
        with pytest.raises(SettingRefused, match=r"knows the settings max_tokens, seed, .*, got logprobs"):
            await client.complete(ask(client, "Hi", logprobs=True), [0])
        with pytest.raises(ContextOverflow, match=r"the prompt has .* tokens and the model holds 8,192 together"):
            await client.complete(ask(client, "word " * 8200), [0])
        call = asyncio.ensure_future(client.complete(ask(client, "Tell a story.", max_tokens=4000, stop=["§"]), [0]))
        await asyncio.sleep(0.3)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await asyncio.wait_for(client.complete(ask(client, "Hi", max_tokens=1), [0]), 60)  # the story has ended

    async def go() -> None:
        client = torch_client("torch:smollm2-135m")
        await talk(client)
        await client.close()
        await client.close()

    before = set(threading.enumerate())  # other tests may have left a local model's thread
    asyncio.run(go())
    threads = [thread for thread in set(threading.enumerate()) - before if thread.name == "reasoning-local"]
    for thread in threads:
        thread.join(timeout=30)  # it ends a moment after its result is there
    assert not any(thread.is_alive() for thread in threads)


@needs_torch
@pytest.mark.long
@pytest.mark.model
def test_a_peft_adapter_has_the_same_next_tokens_in_llama_cpp(smollm: Path, data: None) -> None:
    with short_waits():
        import torch

    from reasoning.providers.torch.base_model import load_base
    from reasoning.providers.torch.trained_weights import apply_trained

    make("cat", smollm)

    async def served(model: str) -> list[dict[str, float]]:
        client = local_client(model)
        tables = []
        for question in QUESTIONS:
            [one] = await client.complete(ask(client, question, max_tokens=1, logprobs=True, top_logprobs=5), [0])
            tables.append(dict(one.tokens[0].top))
        await client.close()
        return tables

    def errors(model: Any, tokenizer: Any, tables: list[dict[str, float]]) -> list[float]:
        found = []
        for question, table in zip(QUESTIONS, tables, strict=True):
            turns = [{"role": "user", "content": question}]
            text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            with torch.inference_mode():
                logits = model(**tokenizer(text, return_tensors="pt", add_special_tokens=False)).logits[0, -1]
            logprobs = logits.log_softmax(-1)
            likely = sorted(table, key=lambda token: -table[token])[:3]
            tokens = [tokenizer.encode(token, add_special_tokens=False) for token in likely]
            found += [
                abs(float(logprobs[one[0]]) - table[name])
                for name, one in zip(likely, tokens, strict=True)
                if len(one) == 1
            ]
        return found

    plain, trained = (asyncio.run(served(f"local:smollm2-135m{name}")) for name in ("", "+cat"))
    base = load_base("local:smollm2-135m")
    of_base = errors(base.model, base.tokenizer, plain)
    model = apply_trained(base.model, adapters.find(BASE, "cat").peft, "lora", {})
    of_adapter, of_other = (errors(model, base.tokenizer, tables) for tables in (trained, plain))
    assert min(len(of_adapter), len(of_other)) >= 8
    # llama.cpp rounds activations to 8 bits, so that the base's numbers differ, too.
    assert root_mean_square(of_adapter) < max(0.15, 2 * root_mean_square(of_base))
    assert root_mean_square(of_other) > 5 * root_mean_square(of_adapter)


def root_mean_square(numbers: list[float]) -> float:
    return math.sqrt(sum(one**2 for one in numbers) / len(numbers))


def test_names(data: None) -> None:
    digest = weights.entry(BASE).sha256[:12]
    assert torch_client("torch:smollm2-135m").model == f"torch:smollm2-135m@sha256:{digest}"
    assert torch_client("torch").model.startswith("torch:qwen2.5-coder-0.5b@sha256:")
    with pytest.raises(UnknownName, match="unknown adapter 'cat' of smollm2-135m; it has none yet"):
        torch_client("torch:smollm2-135m+cat")
    with pytest.raises(UsageError, match="a torch: model takes one adapter, got cat, dog; use a local: model"):
        torch_client("torch:smollm2-135m+cat+dog")
    with pytest.raises(UsageError, match="the model 'torch:' is incomplete; write torch, torch:NAME"):
        torch_client("torch:")
    with adapters.create(BASE, "soft") as folder:
        (folder / "peft").mkdir()
        (folder / "peft" / "adapter_model.safetensors").write_bytes(b"weights")
        adapters.describe(folder, "soft", BASE, weights.entry(BASE).sha256, "prefix", "torch")
    sha256 = adapters.find(BASE, "soft").sha256[:12]
    llm = connect("torch:smollm2-135m+soft", journal=False)
    assert llm.name == f"torch:smollm2-135m+soft@sha256:{digest}+{sha256}"
    assert llm.client.adapters == (adapters.find(BASE, "soft"),)
