"""The direct transport, against a real server on loopback that misbehaves as it is told."""

from __future__ import annotations

import asyncio
import html
import io
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import reasoning
from reasoning import strategies
from reasoning.answer import Answer
from reasoning.display import cost, trace_tree
from reasoning.engine.llm import LLM
from reasoning.errors import (
    AuthenticationFailed,
    CallFailed,
    ContextOverflow,
    ModelNotFound,
    PromptRefused,
    QuotaExhausted,
    UsageError,
)
from reasoning.messages import Completion, Conversation, Message, Request, Token, Usage
from reasoning.providers.base_url import is_openai, uses_proxy
from reasoning.providers.openai_client import OpenAIClient, openai_client
from reasoning.providers.openai_response import parse_completions
from reasoning.providers.pricing import Price, TokenRates

CANARY = "sk-canary-2718281828"
KEYS = ("OPENAI_API_KEY", "REASONING_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "REASONING_MODELS")
REQUEST = Request("m", (Message("user", "2 + 2?"),), {"temperature": 0.5, "max_tokens": 9, "stop": ["\n"]})


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))


def choice(text: str = "4", **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}


def reply(*choices: dict[str, Any], tokens: int = 3) -> dict[str, Any]:
    usage = {"prompt_tokens": 20, "completion_tokens": tokens, "prompt_tokens_details": {"cached_tokens": 16}}
    return {"choices": list(choices), "usage": usage}


class Server:
    """Answers with what it is given, one after the other, and keeps what it was sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Any] = []
        self.connections: set[Any] = set()
        self.asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.headers.append(request.headers)
        self.asked.set()
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(now):
            now = now(self.bodies[-1])
        if now == "hang":
            await asyncio.sleep(30)
        if now == "reset":
            request.transport.abort()
        if now in ("half", "drip"):
            slow = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
            await slow.prepare(request)
            await slow.write(b'{"choices": [')
            while now == "drip":
                await asyncio.sleep(0.02)
                await slow.write(b" ")
            request.transport.abort()
        if isinstance(now, web.Response):
            return now
        return web.json_response(now)


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[str]:
    """The base URL of a server."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def talk(
    server: Server,
    do: Callable[[OpenAIClient], Awaitable[Any]] | None = None,
    draws: int = 1,
    make: Callable[..., OpenAIClient] = OpenAIClient,
    **settings: Any,
) -> Any:
    """What a client gets from a server."""

    async def go() -> Any:
        async with listening(server) as url:
            client = make("m", f"{url}/", **settings)
            try:
                return await (do(client) if do else client.complete(REQUEST, range(draws)))
            finally:
                await client.close()
                await client.close()

    return asyncio.run(go())


def test_one_draw() -> None:
    server = Server(reply(choice("four", finish_reason="length"), tokens=7))
    [one] = talk(server, api_key=CANARY)
    assert (one.text, one.truncated, one.reasoning, one.logprob) == ("four", True, "", None)
    assert one.usage == Usage(1, 20, 7, 16, None, one.usage.seconds)
    assert 0 < one.usage.seconds < 60
    [body] = server.bodies
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "2 + 2?"}],
        "temperature": 0.5,
        "max_tokens": 9,
        "stop": ["\n"],
    }
    assert server.headers[0]["Authorization"] == f"Bearer {CANARY}"


def test_several_draws_share_the_prompt_and_split_the_tokens_exactly() -> None:
    server = Server(lambda body: reply(*[choice("x" * (10 * i)) for i in range(body["n"])], tokens=101))
    drawn = talk(server, draws=5)
    assert [one.usage.prompt_tokens for one in drawn] == [20, 0, 0, 0, 0]
    assert [one.usage.cached_tokens for one in drawn] == [16, 0, 0, 0, 0]
    tokens = [one.usage.completion_tokens for one in drawn]
    assert sum(tokens) == 101
    assert tokens == sorted(tokens)
    assert tokens[4] > 3 * tokens[1]
    assert sum((one.usage for one in drawn), Usage()).calls == 5


def test_the_share_of_a_prompt_that_came_from_a_prefix_cache_is_shown() -> None:
    async def solve(client: OpenAIClient) -> Answer:
        return await strategies.get("vanilla").arun("2 + 2?", LLM(client))

    answer = talk(Server(reply(choice("It is 4."))), solve)
    assert (answer.usage.prompt_tokens, answer.usage.cached_tokens) == (20, 16)
    assert "20 + 3 tokens · 80% of the prompts from a prefix cache" in cost(answer.usage)
    terminal = Console(width=200, record=True, file=io.StringIO())
    assert answer.trace is not None
    terminal.print(trace_tree(answer.trace))
    for picture in (terminal.export_text(), html.unescape(answer._repr_html_())):
        assert "80% of the prompts from a prefix cache" in picture
        assert "16 of the prompt's tokens from a prefix cache" in picture
    without = {"prompt_tokens": 20, "completion_tokens": 3}
    assert "cache" not in cost(talk(Server({"choices": [choice()], "usage": without}), solve).usage)


def test_fewer_choices_than_asked_for_are_what_came() -> None:
    assert len(talk(Server(reply(choice())), draws=4)) == 1


def test_a_server_that_refuses_n_is_asked_for_one() -> None:
    server = Server(
        lambda body: web.json_response({"error": "n must be 1"}, status=400) if "n" in body else reply(choice())
    )

    async def twice(client: OpenAIClient) -> list[list[Completion]]:
        first = await client.complete(REQUEST, range(4))
        assert client.max_n == 1
        return [first, await client.complete(REQUEST, [1])]

    assert [len(came) for came in talk(server, twice)] == [1, 1]
    assert [body.get("n") for body in server.bodies] == [4, None, None]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Your credit balance is too low", QuotaExhausted),
        ("flagged by moderation", PromptRefused),
        ("the prompt is too long", ContextOverflow),
    ],
)
def test_a_refusal_for_another_reason_than_n_is_not_sent_again(said: str, kind: type[CallFailed]) -> None:
    server = Server(lambda body: status(400, said))
    with pytest.raises(kind):
        talk(server, draws=4)
    assert [body.get("n") for body in server.bodies] == [4]


def test_a_seed_goes_out_with_the_draw_added() -> None:
    server = Server(reply(choice()))
    seeded = Request("m", REQUEST.messages, {"max_tokens": 9, "seed": 100})

    async def draws(client: OpenAIClient) -> None:
        for draw in (0, 1, 7):
            await client.complete(seeded, [draw])

    talk(server, draws)
    assert [body["seed"] for body in server.bodies] == [100, 101, 107]


def test_hidden_reasoning_is_kept_apart() -> None:
    message = {"role": "assistant", "content": "4", "reasoning_content": "Two and two."}
    [one] = talk(Server(reply({"message": message, "finish_reason": "stop"})))
    assert (one.text, one.reasoning) == ("4", "Two and two.")


def test_mean_logprob() -> None:
    logprobs = {"content": [{"token": "4", "logprob": -0.5}, {"token": ".", "logprob": -1.5}]}
    [one] = talk(Server(reply(choice(logprobs=logprobs))))
    assert one.logprob == -1.0


def test_connections_are_kept_for_the_next_calls() -> None:
    server = Server(reply(choice()))

    async def many(client: OpenAIClient) -> None:
        for _ in range(4):
            await asyncio.gather(*(client.complete(REQUEST, [i]) for i in range(5)))

    talk(server, many)
    assert len(server.bodies) == 20
    assert len(server.connections) == 5


def test_the_same_client_works_in_one_event_loop_after_another() -> None:
    client = OpenAIClient("m", "http://127.0.0.1:9/v1")
    for _ in range(2):
        with pytest.raises(CallFailed, match="nothing answers"):
            asyncio.run(client.complete(REQUEST, [0]))
    asyncio.run(client.close())


def status(number: int, message: str = "no", headers: dict[str, str] | None = None, **error: str) -> web.Response:
    return web.json_response({"error": {"message": message, **error}}, status=number, headers=headers)


@pytest.mark.parametrize(
    ("answer", "kind", "retryable", "code", "says"),
    [
        (lambda: status(401), AuthenticationFailed, False, 401, "refuses the key in MY_KEY"),
        (lambda: status(403), AuthenticationFailed, False, 403, "refuses the key in MY_KEY"),
        (lambda: status(429), CallFailed, True, 429, "answered 429: no"),
        (lambda: status(403, "flagged by moderation"), PromptRefused, False, 403, "flagged"),
        (lambda: status(400, code="content_filter"), PromptRefused, False, 400, "400"),
        (lambda: status(429, code="insufficient_quota"), QuotaExhausted, False, 429, "answered 429"),
        (lambda: status(429, "slow down", type="insufficient_quota"), QuotaExhausted, False, 429, "slow down"),
        (
            lambda: status(429, "You exceeded your current quota of requests per minute"),
            CallFailed,
            True,
            429,
            "minute",
        ),
        (
            lambda: status(402, "Insufficient Balance"),
            QuotaExhausted,
            False,
            402,
            "Balance; the account has no credit left",
        ),
        (lambda: status(400, "too hot for: " + "x" * 300 + " no such model"), CallFailed, False, 400, "too hot"),
        (lambda: status(400, "Your credit balance is too low"), QuotaExhausted, False, 400, "too low"),
        (lambda: status(500), CallFailed, True, 500, "answered 500: no"),
        (lambda: status(501), CallFailed, False, 501, "answered 501: no"),
        (lambda: status(503), CallFailed, True, 503, "answered 503"),
        (lambda: status(529), CallFailed, True, 529, "answered 529"),
        (lambda: status(400, "temperature is too high"), CallFailed, False, 400, "temperature is too high"),
        (
            lambda: status(404, "no such model"),
            ModelNotFound,
            False,
            404,
            "check the model's name (m) and",
        ),
        (lambda: status(400, "Model Not Exist"), ModelNotFound, False, 400, "Not Exist"),
        (lambda: status(400, "no", code="model_not_found"), ModelNotFound, False, 400, "400"),
        (lambda: status(413, "too large"), ContextOverflow, False, 413, "too large"),
        (lambda: status(400, code="context_length_exceeded"), ContextOverflow, False, 400, "400"),
        (lambda: status(400, "maximum context length is 8192 tokens"), ContextOverflow, False, 400, "8192"),
        (lambda: status(400, type="exceed_context_size_error"), ContextOverflow, False, 400, "400"),
        (lambda: web.Response(text="<html>{", content_type="application/json"), CallFailed, True, 200, "a web page"),
        (lambda: web.Response(text="<1>{", content_type="application/json"), CallFailed, True, 200, "broken JSON"),
        (lambda: web.Response(), CallFailed, True, 200, "broken JSON: nothing"),
        (lambda: web.Response(text="[" * 200_000), CallFailed, True, 200, "broken JSON: [[["),
        (lambda: web.Response(status=502, text="<html>Bad Gateway"), CallFailed, True, 502, "502: <html>Bad Gateway"),
        (lambda: web.Response(status=503), CallFailed, True, 503, "503: nothing"),
        (lambda: {"error": {"message": "overloaded", "code": 502}}, CallFailed, True, 502, "502: overloaded"),
        (lambda: {"error": {"message": "wait", "code": "429"}}, CallFailed, True, 429, "429: wait"),
        (lambda: {"error": "broken"}, CallFailed, True, 500, "500: broken"),
        (lambda: {"error": {"message": "no", "code": 400}}, CallFailed, False, 400, "400: no"),
        (lambda: {"choices": []}, CallFailed, True, 200, "has no choices"),
        (lambda: {"choices": ["4"]}, CallFailed, True, 200, "cannot be parsed"),
        (lambda: [1, 2], CallFailed, True, 200, "has no choices"),
        (lambda: reply(choice(finish_reason="content_filter")), PromptRefused, False, 200, "content filter"),
        (lambda: status(400, "word " * 5000), CallFailed, False, 400, "…"),
        (lambda: status(418, f"bad key\n{CANARY}"), CallFailed, False, 418, "bad key …"),
        (lambda: "reset", CallFailed, True, None, "broke"),
        (lambda: "half", CallFailed, True, None, "broke"),
        (lambda: "hang", CallFailed, True, None, "no answer within 0.3 s"),
        (lambda: "drip", CallFailed, True, None, "no answer within 0.3 s"),
    ],
)
def test_faults(
    answer: Callable[[], Any], kind: type[CallFailed], retryable: bool, code: int | None, says: str
) -> None:
    timeout = 0.3 if says.startswith("no answer") else 60
    with pytest.raises(CallFailed) as caught:
        talk(Server(answer()), api_key=CANARY, key_variable="MY_KEY", timeout=timeout)
    assert type(caught.value) is kind
    assert (caught.value.retryable, caught.value.status) == (retryable, code)
    assert says in str(caught.value)
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_secrets_of_the_environment_and_keys_of_a_usual_form_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEBODYS_TOKEN", "correct-horse-battery")
    said = f"{CANARY} correct-horse-battery sk-{'proj1' * 8} Bearer abcdefghijkl https://me:pw@proxy/x"
    with pytest.raises(CallFailed) as caught:
        talk(Server(status(400, said)), api_key=CANARY)
    assert "answered 400: … … … Bearer … https://…@proxy/x;" in str(caught.value)


def test_a_redirect_is_not_followed() -> None:
    stranger = Server(reply(choice()))

    async def go() -> None:
        async with listening(stranger) as there:
            answer = web.Response(status=307, headers={"Location": f"{there}/chat/completions?key={CANARY}"})
            async with listening(Server(answer)) as url:
                client = OpenAIClient("m", url, api_key=CANARY)
                with pytest.raises(
                    CallFailed, match=r"it redirects to http://127.*key=…: give the right base_url"
                ) as caught:
                    await client.complete(REQUEST, [0])
                await client.close()
                assert (caught.value.retryable, caught.value.status) == (False, 307)

    asyncio.run(go())
    assert stranger.bodies == []


def test_headers_of_every_answer_are_told() -> None:
    heard: list[str | None] = []
    headers = {"X-RateLimit-Remaining-Requests": "0"}
    server = Server(status(429, headers=headers), web.json_response(reply(choice()), headers=headers), "reset")

    async def three(client: OpenAIClient) -> None:
        client.on_headers = lambda told: heard.append(told.get("x-ratelimit-remaining-requests"))
        with pytest.raises(CallFailed):
            await client.complete(REQUEST, [0])
        await client.complete(REQUEST, [0])
        with pytest.raises(CallFailed):
            await client.complete(REQUEST, [0])

    talk(server, three)
    assert heard == ["0", "0"]


def test_the_name_of_a_request() -> None:
    named = reply(choice()) | {"id": "chatcmpl-1"}
    server = Server(named, web.json_response(reply(choice()), headers={"x-request-id": "req_2"}), reply(choice()))

    async def names(client: OpenAIClient) -> list[str]:
        return [(await client.complete(REQUEST, [0]))[0].request_id for _ in range(3)]

    assert talk(server, names) == ["chatcmpl-1", "req_2", ""]


def test_a_kept_connection_that_the_server_closed_may_be_tried_again() -> None:
    async def go() -> tuple[CallFailed, int]:
        served = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal served
            served += 1
            body = b'{"choices": [{"message": {"content": "4"}}]}'
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await reader.readuntil(b"\r\n\r\n")  # the next request on this connection is not answered
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = OpenAIClient("m", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await client.complete(REQUEST, [0])
        with pytest.raises(CallFailed) as caught:
            await client.complete(REQUEST, [0])
        await client.complete(REQUEST, [0])
        await client.close()
        server.close()
        return caught.value, served

    error, connections = asyncio.run(go())
    assert (error.retryable, error.status, connections) == (True, None, 2)


def test_requests_in_flight_are_not_limited_here() -> None:
    waiting = asyncio.Event()

    class Crowd(Server):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            self.bodies.append({})
            if len(self.bodies) == 150:
                waiting.set()
            await waiting.wait()
            return web.json_response(reply(choice()))

    async def many(client: OpenAIClient) -> int:
        return len(await asyncio.gather(*(client.complete(REQUEST, [i]) for i in range(150))))

    assert talk(Crowd(), many) == 150


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("2", 2, 2), ("0.5", 0.5, 0.5), ("in a minute", 30, 60), ("soon", None, None), ("-3", 0, 0)],
)
def test_retry_after(header: str, least: float | None, most: float | None) -> None:
    if header == "in a minute":
        header = formatdate(time.time() + 60, usegmt=True)
    with pytest.raises(CallFailed) as caught:
        talk(Server(status(429, headers={"Retry-After": header})))
    wait = caught.value.retry_after
    assert wait is None if least is None or most is None else wait is not None and least <= wait <= most


def test_retry_after_in_milliseconds() -> None:
    with pytest.raises(CallFailed) as caught:
        talk(Server(status(429, headers={"Retry-After": "9", "retry-after-ms": "250"})))
    assert caught.value.retry_after == 0.25


def test_nobody_there() -> None:
    with socket.socket() as taken:  # bound and not listening: refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        client = OpenAIClient("m", url)
        with pytest.raises(CallFailed, match=rf"nothing answers at {url}: is the server running\?") as caught:
            asyncio.run(client.complete(REQUEST, [0]))
        asyncio.run(client.close())
    assert not caught.value.retryable


def test_a_server_that_went_away_may_come_back() -> None:
    async def go() -> CallFailed:
        app = web.Application()
        app.router.add_post("/chat/completions", Server(reply(choice())).answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client = OpenAIClient("m", f"http://127.0.0.1:{runner.addresses[0][1]}")
        await client.complete(REQUEST, [0])
        await runner.cleanup()
        for _ in range(2):  # the first may still find the old connection
            with pytest.raises(CallFailed) as caught:
                await client.complete(REQUEST, [0])
        await client.close()
        return caught.value

    assert asyncio.run(go()).retryable


def test_without_a_key_the_message_says_so() -> None:
    with pytest.raises(AuthenticationFailed, match="refuses a call without a key"):
        talk(Server(status(401)))


def test_cancelling_closes_the_connection_at_once() -> None:
    server = Server("hang")

    async def cancel(client: OpenAIClient) -> None:
        call = asyncio.ensure_future(client.complete(REQUEST, [0]))
        await server.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(call, 20)  # the server answers after 30

    talk(server, cancel)


@pytest.mark.parametrize(
    "url", ["localhost:x", "ftp://x/v1", "http://", "", "http://x:99999/v1", "http://[::1/v1", "http://a b"]
)
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(UsageError, match="base_url must be an address"):
        OpenAIClient("m", url)
    with pytest.raises(UsageError, match="base_url must be an address"):
        reasoning.connect("m", base_url=url, journal=False)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://me:hunter22@example.org/v1", "a user or password"),
        ("https://hunter22@example.org/v1", "a user or password"),
        ("https://example.org/v1?key=hunter22", "a query or fragment"),
        ("https://example.org/v1#hunter22", "a query or fragment"),
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_and_not_shown(url: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        OpenAIClient("m", url)
    assert str(caught.value) == (
        f"base_url must not contain {what}: give https://example.org/v1, and the key as api_key or in REASONING_API_KEY"
    )
    with pytest.raises(UsageError) as caught:
        OpenAIClient("m", "ftp://me:hunter22@example.org")
    assert "hunter22" not in str(caught.value)


def test_no_key_of_the_environment_goes_to_a_strangers_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AZURE_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    server = Server(reply(choice()), status(401))

    async def twice(client: OpenAIClient) -> None:
        await client.complete(REQUEST, [0])
        with pytest.raises(AuthenticationFailed, match="refuses a call without a key; set REASONING_API_KEY"):
            await client.complete(REQUEST, [0])

    talk(server, twice, make=openai_client)
    assert len(server.headers) == 2
    for headers in server.headers:
        assert "Authorization" not in headers
        assert not any(CANARY in value or "org-1" in value for value in headers.values())


def test_the_key_for_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("REASONING_API_KEY", " other\n")
    server = Server(reply(choice()))
    talk(server, make=openai_client)
    talk(server, make=openai_client, api_key="mine")
    talk(server, make=openai_client, api_key="")
    assert [headers.get("Authorization") for headers in server.headers] == ["Bearer other", "Bearer mine", None]


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_openai_at_another_address(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    server = Server(reply(choice(), tokens=10))

    async def go() -> tuple[OpenAIClient, Completion]:
        async with listening(server) as url:
            monkeypatch.setenv(variable, url)
            client = openai_client("openai/gpt-4o-mini", None)
            [one] = await client.complete(REQUEST, [0])
            await client.close()
            assert client.endpoint == url  # draws from there are not recorded as OpenAI's
            named = openai_client("other", f"{url}/")
            await named.complete(REQUEST, [0])
            await named.close()
            return client, one

    client, one = asyncio.run(go())
    assert client.model == "openai/gpt-4o-mini"
    assert [body["model"] for body in server.bodies] == ["gpt-4o-mini", "other"]
    assert [headers["Authorization"] for headers in server.headers] == [f"Bearer {CANARY}"] * 2
    assert [headers.get("OpenAI-Organization") for headers in server.headers] == ["org-1", None]
    assert one.usage.usd == pytest.approx((4 * 0.15 + 16 * 0.075 + 10 * 0.6) / 1e6)
    assert one.prices == client.prices
    assert client.prices.startswith("litellm 1.")


def test_openai_needs_a_key_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(reply(choice()))

    async def go() -> None:
        async with listening(server) as url:
            monkeypatch.setenv("OPENAI_BASE_URL", url)
            client = openai_client("openai/gpt-4o-mini", None)
            with pytest.raises(AuthenticationFailed) as caught:
                await client.complete(REQUEST, [0])
            await client.close()
            assert str(caught.value) == (
                "openai/gpt-4o-mini needs a key: set OPENAI_API_KEY, or use --model local, which needs none"
            )

    asyncio.run(go())
    assert server.headers == []


def test_openai_by_its_address_and_by_its_name_are_the_same_to_the_journal() -> None:
    clients = [
        reasoning.connect("openai/gpt-4o-mini", journal=False).client,
        reasoning.connect("gpt-4o-mini", base_url="https://api.openai.com/v1/", journal=False).client,
        reasoning.connect("openai/gpt-4o-mini", base_url="https://eu.api.openai.com/v1", journal=False).client,
    ]
    assert [(type(client), client.model, client.endpoint) for client in clients] == [
        (OpenAIClient, "openai/gpt-4o-mini", None)
    ] * 3
    assert type(reasoning.connect("openai/o1-pro", journal=False).client) is not OpenAIClient  # no chat completions


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("https://api.openai.com/v1", True),
        ("https://us.api.openai.com/v1", True),
        ("http://api.openai.com/v1", False),
        ("https://api.openai.com.evil.org/v1", False),
        ("https://evilapi.openai.com/v1", False),
        ("https://evil.org/api.openai.com", False),
        ("https://API.OPENAI.COM/v1", True),
    ],
)
def test_whose_address_it_is(address: str, own: bool) -> None:
    assert is_openai(address) is own


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Server(reply(choice("by proxy")))

    async def go() -> Completion:
        async with listening(proxy) as url:
            monkeypatch.setenv("http_proxy", url.removesuffix("/v1"))
            monkeypatch.setenv("no_proxy", "example.org")
            client = OpenAIClient("m", "http://models.invalid/v1")
            [one] = await client.complete(REQUEST, [0])
            await client.close()
            return one

    assert asyncio.run(go()).text == "by proxy"
    assert proxy.headers[0]["Host"] == "models.invalid"
    addresses = ["http://models.invalid/v1", "http://example.org/v1", "http://localhost:1/v1", "http://127.0.0.1:1"]
    assert [uses_proxy(address) for address in addresses] == [True, False, False, False]


def test_what_a_call_costs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = Usage(1, 1_000_000, 1_000_000)
    stranger = OpenAIClient("gpt-4o-mini", "http://localhost:1/v1")
    assert (stranger.price(usage), stranger.prices) == (None, "")
    (tmp_path / "models.toml").write_text('["gpt-4o-*"]\ninput = 1\noutput = 2')
    named = OpenAIClient("gpt-4o-mini", "http://localhost:1/v1")
    assert named.price(usage) == 3
    assert named.prices.startswith("models.toml ")
    free = OpenAIClient("gpt-4o-mini", "http://localhost:1/v1", free=True)
    assert (free.price(usage), free.prices) == (None, "")
    server = Server(reply(choice()))
    [one] = talk(
        server, lambda client: client.complete(REQUEST, [0]), make=lambda _, url: OpenAIClient("gpt-4o-x", url)
    )
    assert one.usage.usd == pytest.approx((20 + 2 * 3) / 1e6)
    assert one.prices == named.prices


def test_prices_are_put_on_each_draw_by_the_whole_prompt() -> None:
    price = Price(((0, TokenRates(1, 0, 1, 1)), (10, TokenRates(1 / 8, 1 / 8, 1 / 8, 1 / 8))), "table 1")
    read = parse_completions(reply(choice("a"), choice("b"), tokens=4), 2.0, price)
    assert [one.usage.usd for one in read] == [2.75, 0.25]
    assert [one.usage.seconds for one in read] == [1.0, 1.0]
    assert [one.prices for one in read] == ["table 1", "table 1"]


def test_hidden_reasoning_has_its_price() -> None:
    said = reply(choice("a"), choice("b"), tokens=8)
    said["usage"]["completion_tokens_details"] = {"reasoning_tokens": 6}
    read = parse_completions(said, 0.0, Price(((0, TokenRates(0, 0, 1, 3)),), ""))
    assert [one.usage.usd for one in read] == [1 + 9, 1 + 9]


def test_what_a_server_takes_beyond_the_usual() -> None:
    server = Server(reply(choice()))
    more = Request("m", REQUEST.messages, {"max_tokens": 9, "extra_body": {"min_p": 0.1, "max_tokens": 8}})
    talk(server, lambda client: client.complete(more, [0]))
    assert server.bodies == [{"model": "m", "messages": server.bodies[0]["messages"], "max_tokens": 8, "min_p": 0.1}]


def test_any_text_goes_out_and_comes_back() -> None:
    asked = "«Ünïcödé» \x00 \ud800 🦀"
    cut = web.Response(body=b'{"choices": [{"message": {"content": "caf\xc3"}}]}')
    server = Server(cut)
    [one] = talk(server, lambda client: client.complete(Request("m", (Message("user", asked),), {}), [0]))
    assert server.bodies[0]["messages"] == [{"role": "user", "content": asked}]
    assert one.text == "caf�"


def test_parts_and_missing_usage_are_read() -> None:
    message = {"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "."}]}
    [one] = parse_completions({"choices": [{"message": message, "finish_reason": None}]}, 0.0)
    assert (one.text, one.finish_reason, one.usage) == ("4.", "stop", Usage(calls=1))


def said(content: object = "", finish: object = "stop", **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content, **more}, "finish_reason": finish}


MALFORMED: list[Any] = [
    *(
        None,
        "5",
        5,
        [],
        {},
        {"finish_reason": "stop"},
        {"message": None},
        {"message": "5"},
        {"message": [{"content": "5"}]},
    ),
    *({"text": "5"}, {"delta": {"content": "5"}}, {"message": {"role": "assistant"}}),
    *(said(None), said(None, None), said(None, "tool_calls"), said(None, tool_calls=[]), said(None, refusal="")),
    *(said({"text": "5"}), said({}), said(5), said(True), said([]), said([5]), said([None]), said([{"text": 5}])),
    *(said([{"type": "image_url", "image_url": {}}]), said([{"type": "text", "text": {"value": "5"}}])),
    *(said("5", {"type": "stop"}), said("5", "error"), said("5", "abort"), {**said("5"), "error": {"code": 502}}),
    *({**said("5"), "logprobs": {"content": [{"token": "5", "logprob": "x"}]}}, {**said("5"), "logprobs": "x"}),
]


@pytest.mark.parametrize("wrong", MALFORMED, ids=repr)
def test_a_malformed_choice_is_a_failure_of_the_call_and_the_others_are_kept(wrong: Any) -> None:
    with pytest.raises(CallFailed, match="cannot be parsed") as caught:
        parse_completions(reply(wrong, wrong), 0.0)
    assert (type(caught.value), caught.value.retryable) == (CallFailed, True)
    assert caught.value.usage is not None
    assert caught.value.usage.tokens == 23
    held = choice("", finish_reason="content_filter")
    for choices in ((wrong, choice("4")), (choice("4"), wrong), (wrong, held, choice("4"), wrong)):
        batch = parse_completions(reply(*choices), 0.0, draws=[7, 8, 9, 10])
        assert [(one.text, one.draw, one.usage.tokens) for one in batch] == [("4", 7, 23)]
        assert batch.choices == len(choices)
    with pytest.raises(CallFailed) as caught:
        parse_completions(reply(held, wrong), 0.0)
    assert caught.value.retryable  # the other choice may come


@pytest.mark.parametrize(
    ("fine", "text", "finish", "reasoning"),
    [
        (said(""), "", "stop", ""),
        (said("", "length"), "", "length", ""),
        (said(None, "length"), "", "length", ""),
        ({"message": {"role": "assistant"}, "finish_reason": "max_tokens"}, "", "length", ""),
        (said(None, "length", reasoning_content="Two and"), "", "length", "Two and"),
        (said(None, reasoning="Two and"), "", "stop", "Two and"),
        (said(None, "tool_calls", tool_calls=[{"id": "a"}]), "", "tool_calls", ""),
        (said(None, refusal="No."), "", "refusal", "No."),
        (said([], refusal="No."), "", "refusal", "No."),
        (said(["4", {"text": "."}]), "4.", "stop", ""),
        (said([{"type": "text", "text": ""}]), "", "stop", ""),
        (
            said([{"type": "thinking", "thinking": [{"type": "text", "text": "2 + 2"}]}, {"text": "4"}]),
            "4",
            "stop",
            "2 + 2",
        ),
        (said([{"type": "thinking", "thinking": "2 + 2"}], "length"), "", "length", "2 + 2"),
    ],
)
def test_no_text_is_a_completion_where_there_is_something_else(
    fine: Any, text: str, finish: str, reasoning: str
) -> None:
    [one] = parse_completions(reply(fine), 0.0)
    assert (one.text, one.finish_reason, one.reasoning) == (text, finish, reasoning)


def test_a_refusal_is_no_text_that_could_be_read_for_an_answer() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with these 2."}
    [one] = parse_completions(reply({"message": message, "finish_reason": "stop"}), 0.0)
    assert (one.text, one.finish_reason, one.reasoning) == ("", "refusal", "I cannot help with these 2.")


def test_a_draw_that_the_content_filter_held_back_is_left_out() -> None:
    read = parse_completions(reply(choice("a"), choice("", finish_reason="content_filter"), choice("b"), tokens=9), 0.0)
    assert [one.text for one in read] == ["a", "b"]
    assert sum((one.usage for one in read), Usage()).tokens == 29


def test_a_choice_that_the_content_filter_held_back_does_not_end_the_use_of_n() -> None:
    held = choice("", finish_reason="content_filter")
    server = Server(reply(held, choice()), reply(choice()), reply(*[choice()] * 5))

    async def ask(client: OpenAIClient) -> None:
        llm = LLM(client)
        for question, draws in (("a?", 2), ("b?", 5)):
            asked = llm.request(Conversation((Message("user", question),)), {})
            assert len(await llm.draw(asked, range(draws))) == draws

    talk(server, ask)
    assert [body.get("n", 1) for body in server.bodies] == [2, 1, 5]


def test_choices_are_all_taken_whatever_their_index() -> None:
    read = parse_completions(reply(choice("a", index=0), choice("b", index=0)) | {"id": "x"}, 0.0)
    assert [(one.text, one.request_id) for one in read] == [("a", "x"), ("b", "x")]


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (0, 0, 0)),
        ("many", (0, 0, 0)),
        ({}, (0, 0, 0)),
        ({"prompt_tokens": "20", "completion_tokens": 3.0}, (20, 3, 0)),
        ({"prompt_tokens": -5, "completion_tokens": -1}, (0, 2, 0)),  # eight characters: two tokens
        ({"prompt_tokens": 10**30, "completion_tokens": 10**30}, (0, 2, 0)),
        ({"prompt_tokens": [], "completion_tokens": "x"}, (0, 2, 0)),
        ({"prompt_tokens": float("inf"), "completion_tokens": float("nan")}, (0, 2, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}, (5, 1, 5)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": 7}, (5, 1, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}, (5, 1, 4)),
    ],
)
def test_counts_that_make_no_sense(usage: object, tokens: tuple[int, int, int]) -> None:
    [one] = parse_completions({"choices": [choice("12345678")], "usage": usage}, 0.0)
    assert (one.usage.prompt_tokens, one.usage.completion_tokens, one.usage.cached_tokens) == tokens


def test_tokens_with_their_rivals() -> None:
    token = {"token": "4", "logprob": -0.5, "top_logprobs": [{"token": "5", "logprob": -1}]}
    [one] = parse_completions(
        reply(choice(logprobs={"content": [token, {"token": "?"}, {"token": ".", "logprob": -1}]})), 0.0
    )
    assert one.tokens == (Token("4", -0.5, (("5", -1.0),)), Token(".", -1.0))


FIELDS = ["choices", "message", "content", "finish_reason", "usage", "prompt_tokens", "completion_tokens", "logprobs"]
FIELDS += ["id", "prompt_tokens_details", "cached_tokens", "refusal", "text", "token", "logprob", "top_logprobs"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=30,
)
CHOICES = st.lists(st.dictionaries(st.sampled_from(["message", "finish_reason", "logprobs"]), JSON), max_size=3)


@given(JSON, JSON, CHOICES)
def test_whatever_a_server_says_is_draws_or_a_failed_call(any_json: Any, usage: Any, choices: list[Any]) -> None:
    for said in (any_json, {"choices": choices, "usage": usage}):
        try:
            read = parse_completions(said, 0.0)
        except CallFailed:
            continue
        total = sum((one.usage for one in read), Usage())
        assert total.calls == len(read) > 0
        assert 0 <= total.cached_tokens <= total.prompt_tokens
        assert total.completion_tokens >= 0
        assert all(isinstance(one.text, str) and isinstance(one.finish_reason, str) for one in read)
