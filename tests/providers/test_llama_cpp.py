"""A real local model (smollm2-135m), served in this process."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from reasoning.errors import (
    AuthenticationFailed,
    ContextOverflow,
    MissingExtra,
    UnknownName,
    UsageError,
    WeightsError,
)
from reasoning.messages import Completion, Message, Request
from reasoning.providers.llama_cpp import server, weights
from reasoning.providers.llama_cpp.client import LocalClient, local_client
from reasoning.providers.llama_cpp.cpu import Layout
from reasoning.providers.openai_client import OpenAIClient

T = TypeVar("T")

INSTRUCTIONS = Message("system", "You count things and say how many there are. " * 20)
SAMPLING = {"temperature": 0.0, "max_tokens": 8}


def ask(client: LocalClient, question: str = "How many legs has a dog?", shared: int = 0, **sampling: Any) -> Request:
    turns = (INSTRUCTIONS, Message("user", question))
    return Request(client.model, turns[0 if shared else 1 :], {**SAMPLING, **sampling}, static_prefix=shared)


def using(path: Path, talk: Callable[[LocalClient], Awaitable[T]]) -> T:
    async def go() -> T:
        client = local_client(f"local:{path}")
        try:
            return await talk(client)
        finally:
            await client.close()
            await client.close()

    return asyncio.run(go())


@pytest.mark.model
def test_it_answers(smollm: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[tuple[int, int, str]] = []

    async def talk(client: LocalClient) -> list[Completion]:
        client.progress = lambda done, total, what: said.append((done, total, what))
        return await client.complete(ask(client), [0])

    [one] = using(smollm, talk)
    assert one.text.strip()
    assert one.truncated
    assert one.usage.completion_tokens == 8
    assert one.usage.prompt_tokens > 20
    assert (one.usage.cached_tokens, one.usage.usd, one.usage.calls) == (0, None, 1)
    assert 0 < one.usage.seconds < 30
    assert said == [(0, 0, "loading smollm2-135m.gguf"), (1, 1, "loading smollm2-135m.gguf")]
    assert capfd.readouterr() == ("", "")


@pytest.mark.model
def test_the_shared_beginning_is_computed_once(smollm: Path) -> None:
    async def talk(client: LocalClient) -> list[list[Completion]]:
        return await asyncio.gather(
            *(client.complete(ask(client, f"How many legs have {n} dogs?", shared=1), [0]) for n in range(12))
        )

    usages = [one.usage for [one] in using(smollm, talk)]
    cached = sorted(usage.cached_tokens for usage in usages)
    assert cached[0] == 0  # the one that computed it
    assert cached[1] > 180
    assert all(usage.prompt_tokens - cached[1] < 40 for usage in usages)


@pytest.mark.model
def test_draws_share_their_prompt_and_are_each_counted(smollm: Path) -> None:
    async def talk(client: LocalClient) -> tuple[list[Completion], list[Completion]]:
        request = ask(client, shared=1, temperature=1.5, ignore_eos=True, max_tokens=12)
        return await client.complete(request, range(10)), await client.complete(request, [10, 11])

    first, more = using(smollm, talk)
    assert len({one.text for one in first}) > 5
    assert [one.usage.completion_tokens for one in first + more] == [12] * 12
    assert [one.usage.prompt_tokens for one in first[1:]] == [0] * 9
    assert first[0].usage.prompt_tokens == more[0].usage.prompt_tokens > 200
    assert first[0].usage.cached_tokens == 0
    assert more[0].usage.cached_tokens > 180


@pytest.mark.model
def test_a_fixed_seed_still_gives_different_draws(smollm: Path) -> None:
    async def talk(client: LocalClient) -> list[str]:
        request = ask(client, temperature=1.5, seed=3, max_tokens=20)
        return [(await client.complete(request, [draw]))[0].text for draw in range(3)]

    assert len(set(using(smollm, talk))) == 3


@pytest.mark.model
def test_stop_and_logprobs(smollm: Path) -> None:
    async def talk(client: LocalClient) -> list[Completion]:
        return await client.complete(ask(client, "Count: 1, 2, 3,", stop=["5"], logprobs=True, max_tokens=40), [0])

    [one] = using(smollm, talk)
    assert "5" not in one.text
    assert one.logprob is not None
    assert -5 < one.logprob < 0


@pytest.mark.model
def test_what_does_not_fit_gets_longer_slots_or_is_refused(smollm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "choose_layout", lambda *_: Layout(slots=8, context=2048))  # 256 a slot

    async def talk(client: LocalClient) -> None:
        [short] = await client.complete(ask(client, shared=1), [0])
        [one] = await client.complete(ask(client, "Count. " * 30, shared=1), [0])
        assert one.usage.completion_tokens == 8
        two = await client.complete(ask(client, "Count. " * 200, shared=1), [0, 1])
        assert one.usage.prompt_tokens > 230
        assert two[0].usage.prompt_tokens > 400
        long = ask(client, shared=1, ignore_eos=True, max_tokens=300)
        others = [client.complete(ask(client, shared=1), [0]) for _ in range(4)]
        drawn, *_ = await asyncio.gather(client.complete(long, [0, 1]), *others)
        assert [one.usage.completion_tokens for one in drawn] == [300] * 2
        with pytest.raises(ContextOverflow, match=r"the prompt has [45],\d+ tokens and .* holds 2,048 together"):
            await client.complete(ask(client, "Count. " * 2000), [0])
        [again] = await client.complete(ask(client, shared=1), [0])
        assert again.usage.cached_tokens > 0
        assert again.usage.prompt_tokens == short.usage.prompt_tokens

    using(smollm, talk)


@pytest.mark.model
def test_a_model_that_thinks_has_longer_slots_before_its_first_reply(smollm: Path, tmp_path: Path) -> None:
    named = tmp_path / "tiny-qwen3.gguf"  # the table of models knows by the name that it thinks
    named.symlink_to(smollm)

    async def talk(client: LocalClient) -> list[int]:
        contexts = []
        off = {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
        for sampling in ({"max_tokens": 400}, off | {"max_tokens": 5_000}, {"max_tokens": 5_000, "stop": ["\n", " "]}):
            await client.complete(ask(client, **sampling), [0])
            contexts.append((await client._get_slots()).server.context)
        return contexts

    before, without, thinking = using(named, talk)
    # The prompt has its place, too.
    assert before == without < 5_000 < thinking


@pytest.mark.model
@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.parametrize(("many", "tokens"), [(3, 200), (1, 300)])  # 300 and the question fit, the template does not
def test_many_that_do_not_fit_at_once_get_longer_slots_together(
    many: int, tokens: int, smollm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "choose_layout", lambda *_: Layout(slots=8, context=2048))
    real = OpenAIClient.post

    async def slow(client: OpenAIClient, path: str, body: Mapping[str, Any]) -> Any:
        if path == "/tokenize" and body["content"].endswith("2"):  # the others could have longer slots meanwhile
            address = client.endpoint
            await asyncio.sleep(1)
            client.endpoint = address
        return await real(client, path, body)

    monkeypatch.setattr(OpenAIClient, "post", slow)

    async def talk(client: LocalClient) -> None:
        asked = [ask(client, f"Count {place}", shared=1, ignore_eos=True, max_tokens=tokens) for place in range(many)]
        for [one] in await asyncio.gather(*(client.complete(request, [0]) for request in asked)):
            assert one.usage.completion_tokens == tokens

    using(smollm, talk)


@pytest.mark.model
def test_clients_of_one_file_share_the_engine_and_the_last_one_frees_the_port(smollm: Path) -> None:
    async def go() -> None:
        one, two = local_client(f"local:{smollm}"), local_client(f"local:{smollm}")
        assert one.model == two.model
        await asyncio.gather(one.complete(ask(one), [0]), two.complete(ask(two), [0]))
        [shared] = server._servers.values()
        host, port = shared.address.removeprefix("http://").split(":")
        assert host == "127.0.0.1"
        stranger = OpenAIClient("x", shared.address, api_key="guess")
        with pytest.raises(AuthenticationFailed):
            await stranger.complete(ask(one), [0])
        await stranger.close()
        await one.close()
        await two.complete(ask(two), [0])
        folder = shared.prefixes.folder
        await two.close()
        assert server._servers == {}
        assert not folder.exists()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))
        assert len(await two.complete(ask(two), [0])) == 1  # loaded again
        await two.close()

    asyncio.run(go())


@pytest.mark.model
def test_cancelling_is_immediate_and_the_next_call_works(smollm: Path) -> None:
    async def talk(client: LocalClient) -> float:
        await client.complete(ask(client), [0])
        call = asyncio.ensure_future(client.complete(ask(client, ignore_eos=True, max_tokens=1500), range(8)))
        await asyncio.sleep(0.5)
        started = time.monotonic()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        took = time.monotonic() - started
        await asyncio.wait_for(client.complete(ask(client), [0]), 60)
        return took

    assert using(smollm, talk) < 10  # all of it would take a minute


@pytest.mark.model
def test_waiting_burns_no_time_of_ours(smollm: Path) -> None:
    async def talk(client: LocalClient) -> float:
        await client.complete(ask(client), [0])
        started, busy = time.monotonic(), time.thread_time()
        await asyncio.gather(*(client.complete(ask(client, ignore_eos=True, max_tokens=40), range(5)) for _ in "abc"))
        return (time.thread_time() - busy) / (time.monotonic() - started)

    assert using(smollm, talk) < 0.1


@pytest.mark.model
@pytest.mark.parametrize("ending", ["interrupted", "left open"])
def test_the_process_ends_cleanly(ending: str, smollm: Path) -> None:
    script = f"""
import asyncio, threading
from reasoning.providers.llama_cpp.client import local_client
from reasoning.messages import Message, Request

async def main():
    client = local_client({f"local:{smollm}"!r})
    client.progress = lambda done, total, what: done and print("loaded", flush=True)
    sampling = {{"max_tokens": 1900, "ignore_eos": True}}
    await client.complete(Request(client.model, (Message("user", "Count."),), sampling), range(4))

if {ending == "interrupted"}:
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        raise SystemExit(7) from None
threading.Thread(target=asyncio.run, args=[main()], daemon=True).start()
input()
raise SystemExit(7)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "loaded\n"
        time.sleep(0.5)  # generating
        started = time.monotonic()
        if ending == "interrupted":
            running.send_signal(signal.SIGINT)
        _, errors = running.communicate("\n", timeout=60)
        assert time.monotonic() - started < 15  # what it generates would take longer
    assert running.returncode == 7
    if ending == "interrupted":  # what is left open fails in its own thread, and says so
        assert re.sub(r"Unclosed .*\n.*\n", "", errors) == ""


@pytest.mark.model
def test_a_truncated_file_is_refused_quietly(smollm: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    short = tmp_path / "short.gguf"
    short.write_bytes(smollm.read_bytes()[:3_000_000])
    with pytest.raises(WeightsError, match=r"short\.gguf cannot be loaded: it is damaged.*--model local:FILE\.gguf"):
        using(short, lambda client: client.complete(ask(client), [0]))
    assert server._servers == {}
    assert capfd.readouterr() == ("", "")


def test_names() -> None:
    default = weights.entry(weights.DEFAULT)
    assert local_client("local").model == default.model
    with pytest.raises(UsageError, match="the model 'local:' is incomplete; write local, local:NAME"):
        local_client("local:")
    assert local_client("local:qwen2.5-coder-0.5b").model == f"local:qwen2.5-coder-0.5b@sha256:{default.sha256[:12]}"
    with pytest.raises(UnknownName, match=r"unknown local model 'smollm2-135'.*did you mean 'smollm2-135m'\?"):
        local_client("local:smollm2-135")


def test_a_file_is_named_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF" + bytes(3 << 20))
    first = local_client(f"local:{path}").model
    assert re.fullmatch(r"local:mine\.gguf@[0-9a-f]{12}", first)
    assert local_client(f"local:{path}").model == first
    path.write_bytes(b"GGUF" + bytes(3 << 20) + b"x")
    assert local_client(f"local:{path}").model != first


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "no such file; `reasoning models list` shows"), (b"PK\x03\x04", "is not a GGUF file"), (b"", "not a GGUF")],
)
def test_a_file_that_cannot_be_one(content: bytes | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=says):
        local_client(f"local:{path}")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read: is a directory"):
        local_client(f"local:{tmp_path}/")


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(MissingExtra, match=r"a local model needs xllamacpp; .* 'reasoning-strategies\[local\]'"):
        using(path, lambda client: client.complete(ask(client), [0]))


def test_without_the_extra_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    downloads: list[weights.Progress] = []

    def find(progress: weights.Progress) -> Path:
        downloads.append(progress)
        raise WeightsError("no network")

    client = LocalClient("local:model", find)
    with pytest.raises(MissingExtra, match="a local model needs xllamacpp"):
        asyncio.run(client.complete(ask(client), [0]))
    assert downloads == []


def test_threads() -> None:
    assert 1 <= server.threads() <= 8


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_a_download_that_nobody_waits_for_stops(how: str) -> None:
    begun, ended = threading.Event(), threading.Event()

    def find(progress: weights.Progress) -> Path:
        begun.set()
        try:
            while True:
                progress(1, 100, "fetching")
                time.sleep(0.01)
        finally:
            ended.set()

    async def go() -> None:
        client = LocalClient("local:slow", find)
        call = asyncio.ensure_future(client.complete(ask(client), [0]))
        assert await asyncio.to_thread(begun.wait, 30)
        if how == "closed":
            await client.close()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(go())
    assert ended.wait(30)
