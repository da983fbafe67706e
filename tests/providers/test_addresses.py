"""Addresses as people give them: corrected where only one thing can be meant, explained where not."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import reasoning
from reasoning import Budget, Journal, strategies
from reasoning.answer import Answer
from reasoning.errors import ModelNotFound, UsageError
from reasoning.journal.exporting import export_draws
from reasoning.providers.base_url import validate_base_url


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "REASONING_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "REASONING_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("http://h:8000/v1/chat/completions", "http://h:8000/v1"),
        ("http://h:8000/v1/chat/completions/", "http://h:8000/v1"),
        ("http://h:8000/chat/completions", "http://h:8000"),
        ("http://h:8000/v1/models", "http://h:8000/v1"),
        ("https://gateway.example/v1beta/openai/chat/completions", "https://gateway.example/v1beta/openai"),
        ("localhost:8000/v1", "http://localhost:8000/v1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("10.1.2.3:8000/v1", "http://10.1.2.3:8000/v1"),
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
    ],
)
def test_an_address_that_can_mean_only_one_thing_is_corrected_and_that_is_said(given: str, taken: str) -> None:
    with pytest.warns(UserWarning, match="base_url .* is taken as"):
        assert validate_base_url(given) == taken


@pytest.mark.parametrize(
    "given",
    [
        *("http://h:8000/v1", "http://h:8000", "https://x.azure.example/models", "https://api.openai.com/v1"),
        *("http://h/v1beta/openai", "http://h/api/v3"),
    ],
)
def test_an_address_that_worked_before_stays_since_recorded_draws_have_it(given: str) -> None:
    assert validate_base_url(given) == given
    assert validate_base_url(f"{given}/") == given


@pytest.mark.parametrize("given", ["api.groq.com/openai/v1", "gpu-box:8000/v1"])
def test_another_network_needs_a_scheme_since_a_key_may_go_there(given: str) -> None:
    with pytest.raises(UsageError, match=f"must begin with https:// or http://, got '{given}': give https://{given}"):
        validate_base_url(given)


def test_a_password_in_an_address_without_scheme_is_not_shown() -> None:
    with pytest.raises(UsageError, match="must not contain a user or password") as caught:
        validate_base_url("me:hunter22@localhost:8000/v1")
    assert "hunter22" not in str(caught.value)


class Api:
    """An API below a path, which counts what is called."""

    def __init__(self, path: str, *, unknown: Callable[[], web.Response] | None = None) -> None:
        self.path, self.unknown, self.calls = path, unknown, Counter[str]()

    async def answer(self, request: web.Request) -> web.Response:
        self.calls[f"{request.method} {request.path}"] += 1
        if request.path == f"{self.path}/models" and request.method == "GET":
            return web.json_response({"object": "list", "data": [{"id": "llama"}, {"id": "qwen"}]})
        if request.path == f"{self.path}/chat/completions" and request.method == "POST":
            asked = await request.json()
            if asked["model"] not in ("llama", "qwen"):
                return web.json_response({"error": {"message": "The model `x` does not exist."}}, status=404)
            choice = {"message": {"role": "assistant", "content": "The answer is 4."}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 9, "completion_tokens": 5}
            return web.json_response({"choices": [choice] * asked.get("n", 1), "usage": usage})
        return self.unknown() if self.unknown else web.json_response({"detail": "Not Found"}, status=404)


@asynccontextmanager
async def listening(api: Api) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def solve(api: Api, path: str, spec: str = "cot", model: str = "llama", times: int = 1, **given: Any) -> list[Answer]:
    async def go() -> list[Answer]:
        async with listening(api) as url:
            llm = reasoning.connect(model, base_url=url + path, **{"journal": False, **given})
            try:
                solver = strategies.get(spec)
                return await asyncio.gather(*(solver.arun(f"What is {k} + 2?", llm) for k in range(times)))
            finally:
                await llm.aclose()

    return asyncio.run(go())


def lm_studio() -> web.Response:
    return web.json_response({"error": "Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"})


def page() -> web.Response:
    return web.Response(text="<!doctype html><html><body>Chat</body></html>", content_type="text/html")


@pytest.mark.parametrize("unknown", [None, lm_studio, page, lambda: web.Response(status=405, text="no")])
@pytest.mark.parametrize("spec", ["cot", "self_consistency(cot, samples=4)", "least_to_most"])
def test_an_address_without_v1_is_corrected_at_the_first_refusal(
    unknown: Callable[[], web.Response] | None, spec: str, tmp_path: Path
) -> None:
    api, journal, budget = Api("/v1", unknown=unknown), Journal(tmp_path / "journal.sqlite"), Budget(calls=1000)
    with pytest.warns(UserWarning, match=r"the server's API is at http://127.0.0.1:\d+/v1, not at"):
        answers = solve(api, "", spec, journal=journal, budget=budget, times=3)
    assert [answer.state for answer in answers] == ["answered"] * 3, answers[0].reason
    bought = sum(answer.usage.calls for answer in answers)
    assert bought == budget.spent.calls  # what was refused costs nothing, and nothing was bought twice
    export_draws(tmp_path / "journal.sqlite", out := tmp_path / "draws.jsonl")
    recorded = [json.loads(line)["request"] for line in out.read_text().splitlines()]
    assert recorded
    assert all(request["endpoint"].endswith("/v1") for request in recorded)  # the keys say what was sent where
    assert api.calls["POST /chat/completions"] <= 3  # later requests know the address


def test_two_connections_that_ask_the_same_both_find_the_address(tmp_path: Path) -> None:
    api, journal = Api("/v1"), Journal(tmp_path / "journal.sqlite")

    async def go() -> list[Answer]:
        async with listening(api) as url:
            connections = [reasoning.connect("llama", base_url=url, journal=journal) for _ in range(3)]
            try:
                return await asyncio.gather(*(strategies.get("cot").arun("2 + 2?", llm) for llm in connections))
            finally:
                for llm in connections:
                    await llm.aclose()

    with pytest.warns(UserWarning, match="the server's API is at"):
        answers = asyncio.run(go())
    assert [answer.state for answer in answers] == ["answered"] * 3
    assert api.calls["POST /v1/chat/completions"] == 1


def test_a_server_without_v1_is_called_where_it_is() -> None:
    api = Api("")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [answer] = solve(api, "")
    assert answer.state == "answered"
    assert api.calls == {"POST /chat/completions": 1}  # nothing is looked for


def test_an_unknown_model_is_told_with_those_that_the_server_has() -> None:
    with pytest.raises(ModelNotFound, match=r"check the model's name \(gpt-9\) and .*the server has llama, qwen"):
        solve(Api("/v1"), "/v1", model="gpt-9")


@pytest.mark.parametrize("unknown", [None, page])
def test_a_server_that_is_no_api_ends_the_run_with_a_remedy(unknown: Callable[[], web.Response] | None) -> None:
    with pytest.raises(ModelNotFound, match=r"base_url, which usually ends in /v1, as in http://127.0.0.1:\d+/v1"):
        solve(Api("/nowhere", unknown=unknown), "")


def test_the_api_of_the_same_server_is_named() -> None:
    with pytest.raises(ModelNotFound, match=r"check .* the base_url: the server has an API at http://[\d.]+:\d+/v1$"):
        solve(Api("/v1"), "/api/openai")


def test_the_address_of_another_protocol_is_told() -> None:
    async def go() -> str:
        async with listening(Api("/v1")) as url:
            llm = reasoning.connect("llama", base_url=url.replace("http:", "https:") + "/v1", journal=False)
            answer = await strategies.get("cot").arun("What is 2 + 2?", llm)
            await llm.aclose()
            return answer.reason

    assert "give a base_url that begins with http://" in asyncio.run(go())
