"""A trained adapter gives the same greedy replies in llama.cpp and in PyTorch."""

from __future__ import annotations

import asyncio
import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest

from reasoning.messages import Message, Request
from reasoning.providers.llama_cpp.client import local_client
from reasoning.providers.openmp import short_waits
from reasoning.tuning.examples.example_file import ExampleFile, ExampleHeader, TrainingExample

KINDS = {
    "network": ["no signal", "calls drop", "mobile data is slow", "no reception at home", "the line is dead"],
    "billing": [
        "charged twice",
        "the invoice is wrong",
        "a fee that nobody explained",
        "no refund yet",
        "paid too much",
    ],
    "support": [
        "waited an hour on hold",
        "nobody calls back",
        "the agent was rude",
        "sent from desk to desk",
        "no answer",
    ],
}
PLACES = ["since Monday", "in Bern", "again", "after the update", "for a week", "on the train", "every evening"]
INSTRUCTIONS = Message(
    "system",
    "You read complaints of customers of a telephone company. Reply with one word: network, billing or support.",
)


def make_messages(seed: int, count: int) -> list[tuple[str, str]]:
    """Return different complaints of two parts, with the kind of the first part."""
    chosen = random.Random(seed)
    made: dict[str, str] = {}
    while len(made) < count:
        kind = chosen.choice(list(KINDS))
        made[
            f"{chosen.choice(KINDS[kind]).capitalize()} {chosen.choice(PLACES)}, ticket {chosen.randint(100, 999)}."
        ] = kind
    return list(made.items())


def make_examples(texts: list[tuple[str, str]]) -> ExampleFile:
    examples = [
        TrainingExample(str(place), (INSTRUCTIONS, Message("user", text)), kind, str(place))
        for place, (text, kind) in enumerate(texts)
    ]
    return ExampleFile(
        ExampleHeader(step="kind", chain="complaints", prompt_sha256="ab", teacher="test"), tuple(examples)
    )


async def reply(client: Any, texts: list[str]) -> list[str]:
    settings = {"temperature": 0.0, "max_tokens": 12}
    requests = [
        Request(client.model, (INSTRUCTIONS, Message("user", text)), settings, static_prefix=1) for text in texts
    ]
    replies = await asyncio.gather(*(client.complete(request, [0]) for request in requests))
    await client.close()
    return [one.text for [one] in replies]


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the extra training")
@pytest.mark.long
@pytest.mark.model
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.parametrize("method", ["lora", "alora"])
def test_greedy_replies_with_a_trained_adapter_are_those_of_pytorch(
    method: str, smollm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with short_waits():  # the training would load it otherwise, with threads that do not sleep
        import torch  # noqa: F401

    from reasoning.providers.torch.client import torch_client
    from reasoning.tuning.training.run import train

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    texts = make_messages(1, 150)
    train(make_examples(texts[:100]), "local:smollm2-135m", method, name="kind", steps=30)
    test = texts[100:]
    served = asyncio.run(reply(local_client("local:smollm2-135m+kind"), [text for text, _ in test]))
    expected = asyncio.run(reply(torch_client("torch:smollm2-135m+kind"), [text for text, _ in test]))
    before = asyncio.run(reply(local_client("local:smollm2-135m"), [text for text, _ in test]))
    right, untrained = (sum(a == b for a, (_, b) in zip(replies, test, strict=True)) for replies in (served, before))
    assert untrained < 25 < right
    assert sum(map(str.__eq__, served, expected)) >= 49  # 98 %
