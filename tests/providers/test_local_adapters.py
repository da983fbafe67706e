"""Adapters of a real local model, served by llama.cpp: several at once, without a leak between them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import pytest

from reasoning import connect
from reasoning.engine.describe import describe_model
from reasoning.errors import CallFailed, InputError, UnknownName, UsageError, WeightsError
from reasoning.messages import Completion, Message, Request
from reasoning.providers import adapters
from reasoning.providers.adapters import Adapter
from reasoning.providers.llama_cpp import server, slot_client, weights
from reasoning.providers.llama_cpp.base_weights import find_base, hash_file
from reasoning.providers.llama_cpp.client import LocalClient, local_client
from reasoning.providers.llama_cpp.slot_client import SlotClient
from reasoning.providers.openai_client import OpenAIClient
from reasoning.retrieval.embedding_clients import embedding_client

T = TypeVar("T")
BASE = "smollm2-135m"
SHARED = Message("system", "You answer questions about animals, plants and stones with one word. " * 8)


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's adapters `cat` and `dog`: random ones, strong enough that each has replies of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder := tmp_path_factory.mktemp("adapters")))
        yield folder


@pytest.fixture(scope="module")
def trained(smollm: Path) -> list[Adapter]:
    pytest.importorskip("gguf")
    pytest.importorskip("safetensors")
    return [make("cat", smollm, 1), make("dog", smollm, 2)]


def make(name: str, base: Path, seed: int, method: str = "lora", replace: bool = False, **config: Any) -> Adapter:
    from reasoning.tuning.conversion.gguf_adapter import write_gguf_adapter
    from tests.tuning.lora_files import SMOLLM, random_lora, write_lora

    with adapters.create(BASE, name, replace=replace) as folder:
        write_lora(folder / "peft", random_lora(SMOLLM, seed, 0.2), **config)
        write_gguf_adapter(folder / "peft", base, folder / "adapter.gguf")
        adapters.describe(folder, name, BASE, weights.entry(BASE).sha256, method, "llama.cpp")
    return adapters.find(BASE, name)


def ask(client: LocalClient, question: str, shared: bool = True, **sampling: Any) -> Request:
    turns = (SHARED, Message("user", question)) if shared else (Message("user", question),)
    settings = {"temperature": 0.0, "max_tokens": 1, "logprobs": True, "top_logprobs": 10, **sampling}
    return Request(client.model, turns, settings, static_prefix=int(shared))


def run(talk: Callable[..., Awaitable[T]], *models: str) -> T:
    async def go() -> T:
        clients = [local_client(model) for model in models]
        try:
            return await talk(*clients)
        finally:
            for client in clients:
                await client.close()

    return asyncio.run(go())


def first(completion: Completion) -> dict[str, float]:
    """Return the log-probabilities of the ten likeliest first tokens."""
    return dict(completion.tokens[0].top)


def distance(one: dict[str, float], two: dict[str, float]) -> float:
    """Return by how much the log-probabilities of their likeliest tokens differ; at least so much, if one lacks it."""
    likeliest = {max(table, key=lambda token: table[token]) for table in (one, two)}
    return max(abs(one.get(token, min(one.values())) - two.get(token, min(two.values()))) for token in likeliest)


QUESTIONS = ["Is a dog an animal?", "Is granite a plant?", "Name a plant.", "Is quartz a stone?"]
MODELS = ("local:smollm2-135m", "local:smollm2-135m+cat", "local:smollm2-135m+dog", "local:smollm2-135m+cat+dog")


@pytest.mark.long
@pytest.mark.model
def test_concurrent_requests_with_different_adapters_equal_sequential_ones(trained: list[Adapter]) -> None:
    async def alone(client: LocalClient) -> list[dict[str, float]]:
        return [first((await client.complete(ask(client, question), [0]))[0]) for question in QUESTIONS]

    expected = {model: run(alone, model) for model in MODELS}  # each with a server of its own

    async def together(*clients: LocalClient) -> list[dict[str, float]]:
        # Questions before models, so that each slot changes its adapters all the time.
        asked = [client.complete(ask(client, question), [0]) for question in QUESTIONS for client in clients]
        replies = [first(one) for [one] in await asyncio.gather(*asked)]
        [shared] = server._servers.values()
        assert set(shared.adapters) == {adapter.sha256 for adapter in trained}
        # Once more one after the other, when each slot has been used with several adapters.
        again = [await client.complete(ask(client, question), [0]) for question in QUESTIONS for client in clients]
        assert [usage.cached_tokens > 100 for usage in (one.usage for [one] in again)] == [True] * len(again)
        return replies + [first(one) for [one] in again]

    replies = run(together, *MODELS)
    for first_reply in (0, len(replies) // 2):
        for place, model in enumerate(MODELS):
            own = replies[first_reply:][place :: len(MODELS)][: len(QUESTIONS)]
            # Numbers depend a little on which requests are computed together.
            to_each = {other: sum(map(distance, own, expected[other])) for other in MODELS}
            assert to_each[model] < 0.3 * min(to_each[other] for other in MODELS if other != model)


@pytest.mark.long
@pytest.mark.model
def test_a_saved_prefix_is_loaded_only_with_the_adapters_that_computed_it(
    trained: list[Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def alone(dog: LocalClient) -> Completion:
        return (await dog.complete(ask(dog, QUESTIONS[2]), [0]))[0]

    async def after_the_other(cat: LocalClient, dog: LocalClient) -> Completion:
        for client in (cat, dog):  # the server loads both adapters before a prefix is saved
            await client.complete(ask(client, QUESTIONS[0], shared=False), [0])
        await cat.complete(ask(cat, QUESTIONS[0]), [0])
        await dog.complete(ask(dog, QUESTIONS[1]), [0])
        [reply] = await dog.complete(ask(dog, QUESTIONS[2]), [0])
        assert reply.usage.cached_tokens > 100  # a saved prefix was used
        return reply

    cat, dog = MODELS[1:3]
    expected = first(run(alone, dog))
    assert distance(first(run(after_the_other, cat, dog)), expected) < 0.2
    # Without the adapters in the key, the reply with one adapter follows from what the other one has computed.
    key = slot_client._key
    monkeypatch.setattr(slot_client, "_key", lambda role, turns, adapters, tools: key(role, turns, (), tools))
    assert distance(first(run(after_the_other, cat, dog)), expected) > 0.4


@pytest.mark.model
def test_every_request_states_the_scale_of_every_adapter(
    trained: list[Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[dict[str, Any]] = []
    real = OpenAIClient._send

    async def record(client: OpenAIClient, path: str, body: dict[str, Any]) -> Any:
        if "completion" in path:
            bodies.append(body)
        return await real(client, path, body)

    monkeypatch.setattr(OpenAIClient, "_send", record)

    async def talk(base: LocalClient, cat: LocalClient, both: LocalClient) -> None:
        await base.complete(ask(base, "Is a dog an animal?"), [0])
        assert [body.get("lora") for body in bodies] == [None] * len(bodies)  # as ever, while there are no adapters
        await cat.complete(ask(cat, "Is a dog an animal?"), [0])
        await both.complete(ask(both, "Is a dog an animal?", extra_body={"lora": []}), [0, 1])
        await base.complete(ask(base, "Is a dog an animal?", extra_body={"lora": [], "min_p": 0.1}), [0])
        del bodies[:]
        for client, scales in ((base, [0, 0]), (cat, [1, 0]), (both, [1, 1]), (base, [0, 0])):
            await client.complete(ask(client, "Is a cat an animal?"), [0])
            assert [[one["id"] for one in body["lora"]] for body in bodies] == [[0, 1]] * len(bodies)
            assert [[one["scale"] for one in body["lora"]] for body in bodies] == [scales] * len(bodies)
            assert bodies
            del bodies[:]

    run(talk, MODELS[0], MODELS[1], MODELS[3])


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.model
def test_an_adapter_that_is_trained_again_changes_no_running_model(trained: list[Adapter], smollm: Path) -> None:
    old = make("fox", smollm, 3)

    async def talk(before: LocalClient) -> tuple[dict[str, float], ...]:
        asked = ask(before, QUESTIONS[2], shared=False)
        first_reply = first((await before.complete(asked, [0]))[0])
        make("fox", smollm, 4, replace=True)
        after = local_client("local:smollm2-135m+fox")
        assert after.model != before.model
        try:
            other = first((await after.complete(ask(after, QUESTIONS[2], shared=False), [0]))[0])
        finally:
            await after.close()
        return first_reply, other, first((await before.complete(asked, [0]))[0])

    before, other, again = run(talk, "local:smollm2-135m+fox")
    assert distance(before, again) < 0.2
    assert distance(before, other) > 0.4
    adapters.remove(old)


@pytest.mark.model
def test_an_adapter_that_cannot_be_loaded_stops_no_other_client(smollm: Path, trained: list[Adapter]) -> None:
    with adapters.create(BASE, "broken") as folder:
        (folder / "adapter.gguf").write_bytes(b"GGUF" + bytes(100))
        adapters.describe(folder, "broken", BASE, weights.entry(BASE).sha256, "lora", "llama.cpp")

    async def talk(base: LocalClient, broken: LocalClient) -> None:
        [before] = await base.complete(ask(base, QUESTIONS[0]), [0])
        with pytest.raises(WeightsError, match="cannot be loaded with its adapters: one of them is of a kind that"):
            await broken.complete(ask(broken, QUESTIONS[0]), [0])
        [after] = await base.complete(ask(base, QUESTIONS[0]), [0])
        assert distance(first(before), first(after)) < 0.2

    run(talk, MODELS[0], "local:smollm2-135m+broken")
    assert server._servers == {}
    adapters.remove(adapters.find(BASE, "broken"))


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.model
def test_an_activated_adapter_changes_the_last_turn_only(trained: list[Adapter], smollm: Path) -> None:
    turn = [198, 1, 4093, 198]  # "\n<|im_start|>user\n"; llama.cpp is told what follows the first of them
    make("live", smollm, 5, "alora", alora_invocation_tokens=turn)
    make("idle", smollm, 5, "alora", alora_invocation_tokens=[*turn, 7, 7, 7])  # never in a prompt
    make("plain", smollm, 5)

    async def talk(*clients: LocalClient) -> tuple[list[list[dict[str, float]]], int]:
        rounds = [
            [first((await client.complete(ask(client, question), [0]))[0]) for client in clients]
            for question in (*QUESTIONS[:2], QUESTIONS[0])
        ]
        [shared] = server._servers.values()
        return rounds, len(list(shared.prefixes.folder.glob("*[!f]")))

    rounds, saved = run(talk, MODELS[0], *(f"local:smollm2-135m+{name}" for name in ("live", "idle", "plain")))
    base, live, idle, plain = zip(*rounds, strict=True)
    same, changed, by_all_turns = (sum(map(distance, *pair)) for pair in ((base, idle), (base, live), (plain, live)))
    assert max(map(distance, base, idle)) < 0.2
    # How far apart depends a little on the machine.
    assert same < 0.2 * changed
    assert same < 0.2 * by_all_turns  # the turns before the last one are the base's
    assert max(map(distance, rounds[0], rounds[2])) < 0.2
    assert saved == 2  # one prefix of the base, which the activated adapters use, and one of the plain adapter
    with pytest.raises(UsageError, match="'live' of the method 'alora' cannot be combined with others"):
        local_client("local:smollm2-135m+cat+live")
    for name in ("live", "idle", "plain"):
        adapters.remove(adapters.find(BASE, name))


@pytest.mark.model
@pytest.mark.parametrize("saved", [True, False])
def test_concurrent_requests_with_an_activated_adapter_equal_sequential_ones(
    saved: bool, trained: list[Adapter], smollm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("live", smollm, 5, "alora", replace=True, alora_invocation_tokens=[198, 1, 4093, 198])
    if not saved:  # as on a full disk

        async def refuse(self: SlotClient, path: str, body: Any) -> Any:
            if path.endswith("action=save"):
                raise CallFailed("no space left on the disk")
            return await post(self, path, body)

        post = SlotClient._post
        monkeypatch.setattr(SlotClient, "_post", refuse)

    def requests(client: LocalClient) -> list[Request]:
        # Shared turns that are too short to be worth a file, a longer conversation, and a question alone.
        short = Message("system", "Reply with one word.")
        talk = (short, Message("user", "Is a cat an animal?"), Message("assistant", "Yes."))
        return [
            replace(ask(client, question), messages=(*turns, Message("user", question)))
            for turns in ((short,), talk, ())
            for question in QUESTIONS[:2]
        ]

    async def in_turn(*clients: LocalClient) -> list[list[Completion]]:
        return [await client.complete(one, [0, 1]) for client in clients for one in requests(client)]

    async def at_once(client: LocalClient) -> list[list[Completion]]:
        return await asyncio.gather(*(client.complete(one, [0, 1]) for one in requests(client)))

    found = run(in_turn, MODELS[0], "local:smollm2-135m+live")
    base, expected = found[: len(found) // 2], found[len(found) // 2 :]
    got = run(at_once, "local:smollm2-135m+live")
    replies, sequential, plain = (list(chain.from_iterable(draws)) for draws in (got, expected, base))
    assert all(0 <= reply.usage.cached_tokens <= reply.usage.prompt_tokens for reply in replies)
    apart = [sum(distance(first(a), first(b)) for a, b in zip(replies, to, strict=True)) for to in (sequential, plain)]
    assert apart[0] < 0.1 * apart[1]
    adapters.remove(adapters.find(BASE, "live"))


def describe(name: str, served_by: Any = "llama.cpp", base: str = BASE, sha256: str = "", method: str = "lora") -> None:
    with adapters.create(base, name) as folder:
        (folder / "peft").mkdir()
        (folder / "peft" / "adapter_model.safetensors").write_bytes(b"weights")
        (folder / "adapter.gguf").write_bytes(b"GGUF" + name.encode())
        (folder / "merged.gguf").write_bytes(b"GGUF merged")
        adapters.describe(folder, name, base, sha256 or weights.entry(BASE).sha256, method, served_by)


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_the_hash_of_each_adapter_is_in_the_name_of_the_model(own_data: None) -> None:
    describe("cat")
    describe("dog")
    digest = weights.entry(BASE).sha256[:12]
    cat, dog = (adapters.find(BASE, name).sha256[:12] for name in ("cat", "dog"))
    assert local_client("local:smollm2-135m").model == f"local:smollm2-135m@sha256:{digest}"
    assert local_client("local:smollm2-135m+cat").model == f"local:smollm2-135m+cat@sha256:{digest}+{cat}"
    assert local_client("local:smollm2-135m+cat+dog").model == f"local:smollm2-135m+cat+dog@sha256:{digest}+{cat}+{dog}"
    with connect("local:smollm2-135m+cat", journal=False) as llm:
        rows = {row.subject: row.value for row in describe_model(llm)}
    assert rows["adapter"] == "cat, trained by lora"
    request = Request(local_client("local:smollm2-135m+cat").model, (Message("user", "x"),), {})
    base = Request(local_client("local:smollm2-135m").model, (Message("user", "x"),), {})
    assert request.key != base.key


def test_prefixes_of_the_base_have_their_old_keys_and_those_of_adapters_others() -> None:
    turns = (Message("system", "x"),)
    old = hashlib.sha256(json.dumps(["user", turns]).encode()).hexdigest()
    assert slot_client._key("user", turns, (), None) == old
    keys = [slot_client._key("user", turns, adapters, None) for adapters in (("a",), ("b",), ("a", "b"))]
    assert len({old, *keys}) == 4
    assert slot_client._key("user", turns, ("b", "a"), None) == keys[2]


def test_adapters_that_cannot_be_used_are_refused(own_data: None) -> None:
    describe("cat")
    describe("soft", "torch", method="prefix")
    describe("whole", "merged", method="full")
    describe("old", sha256="ab" * 32)
    with pytest.raises(UnknownName, match=r"unknown adapter 'cats' of smollm2-135m; did you mean 'cat'\?"):
        local_client("local:smollm2-135m+cats")
    with pytest.raises(
        UsageError, match=r"'cat' was trained for smollm2-135m, not for qwen2.5-coder-0.5b: use local:smollm2"
    ):
        local_client("local+cat")
    with pytest.raises(UsageError, match=r"cannot serve the adapter 'soft' of the method 'prefix': use torch:smollm2"):
        local_client("local:smollm2-135m+soft")
    with pytest.raises(UsageError, match="'whole' of the method 'full' cannot be combined with others"):
        local_client("local:smollm2-135m+cat+whole")
    with pytest.raises(
        UsageError, match="'old' was trained for weights with the SHA-256 abababababab…, and smollm2-135m"
    ):
        local_client("local:smollm2-135m+old")
    with pytest.raises(UsageError, match="adapters change replies, not embeddings: use 'local:smollm2-135m'"):
        embedding_client("local:smollm2-135m+cat")


def test_a_file_has_adapters_of_its_own(own_data: None, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    base = find_base(f"local:{path}")
    assert re.fullmatch(r"mine\.gguf@[0-9a-f]{12}", base.name)
    describe("cat", base=base.name, sha256=hash_file(path))
    describe("other", base=base.name, sha256="cd" * 32)
    client = local_client(f"local:{path}+cat")
    assert re.fullmatch(r"local:mine\.gguf\+cat@[0-9a-f]{12}\+[0-9a-f]{12}", client.model)
    assert client._find(lambda *_: None) == path
    with pytest.raises(UsageError, match="'other' was trained for weights with the SHA-256 cdcdcdcdcdcd"):
        local_client(f"local:{path}+other")._find(lambda *_: None)


def test_a_whole_model_is_served_from_its_merged_file_and_a_changed_one_is_refused(own_data: None) -> None:
    describe("whole", "merged", method="full")
    client = local_client("local:smollm2-135m+whole")
    assert client.adapters == ()
    path = client._find(lambda *_: None)
    assert path.read_bytes() == b"GGUF merged"
    path.write_bytes(b"GGUF other")
    with pytest.raises(InputError, match=r"the adapter 'whole' is damaged: .*merged\.gguf must have the SHA-256"):
        client._find(lambda *_: None)
