"""The direct transport, against a real server on loopback that misbehaves as it is told."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web

from reasoning.errors import AuthenticationFailed, CallFailed, ContextOverflow, UsageError
from reasoning.llm.openai import OpenAIClient, completions
from reasoning.llm.request import Completion, Message, Request, Usage

CANARY = "sk-canary-2718281828"
REQUEST = Request("m", (Message("user", "2 + 2?"),), {"temperature": 0.5, "max_tokens": 9, "stop": ["\n"]})


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
        if isinstance(now, web.Response):
            return now
        return web.json_response(now)


def talk(
    server: Server, do: Callable[[OpenAIClient], Awaitable[Any]] | None = None, draws: int = 1, **settings: Any
) -> Any:
    """What a client gets from a server."""

    async def go() -> Any:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", server.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client = OpenAIClient("m", f"http://127.0.0.1:{runner.addresses[0][1]}/v1/", **settings)
        try:
            return await (do(client) if do else client.complete(REQUEST, range(draws)))
        finally:
            await client.close()
            await client.close()
            await runner.cleanup()

    return asyncio.run(go())


def test_one_draw() -> None:
    server = Server(reply(choice("four", finish_reason="length"), tokens=7))
    [one] = talk(server, api_key=CANARY)
    assert (one.text, one.truncated, one.reasoning, one.logprob) == ("four", True, "", None)
    assert one.usage == Usage(1, 20, 7, 16, None, one.usage.seconds)
    assert 0 < one.usage.seconds < 5
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


def test_fewer_choices_than_asked_for_are_what_came() -> None:
    assert len(talk(Server(reply(choice())), draws=4)) == 1


def test_a_server_that_refuses_n_is_asked_for_one() -> None:
    server = Server(
        lambda body: web.json_response({"error": "n must be 1"}, status=400) if "n" in body else reply(choice())
    )

    async def twice(client: OpenAIClient) -> list[list[Completion]]:
        first = await client.complete(REQUEST, range(4))
        assert client.max_choices == 1
        return [first, await client.complete(REQUEST, [1])]

    assert [len(came) for came in talk(server, twice)] == [1, 1]
    assert [body.get("n") for body in server.bodies] == [4, None, None]


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
    ("answer", "kind", "retryable", "says"),
    [
        (lambda: status(401), AuthenticationFailed, False, "refuses the key in MY_KEY"),
        (lambda: status(403), AuthenticationFailed, False, "refuses the key in MY_KEY"),
        (lambda: status(429), CallFailed, True, "answered 429: no"),
        (lambda: status(429, code="insufficient_quota"), CallFailed, False, "answered 429"),
        (lambda: status(500), CallFailed, True, "answered 500: no"),
        (lambda: status(503), CallFailed, True, "answered 503"),
        (lambda: status(400, "temperature is too high"), CallFailed, False, "temperature is too high"),
        (lambda: status(404, "no such model"), CallFailed, False, "no such model"),
        (lambda: status(400, code="context_length_exceeded"), ContextOverflow, False, "400"),
        (lambda: status(400, "maximum context length is 8192 tokens"), ContextOverflow, False, "8192"),
        (lambda: status(400, type="exceed_context_size_error"), ContextOverflow, False, "400"),
        (lambda: web.Response(text="<html>{", content_type="application/json"), CallFailed, True, "broken JSON"),
        (lambda: {"error": {"message": "overloaded", "code": 502}}, CallFailed, True, "502: overloaded"),
        (lambda: {"choices": []}, CallFailed, True, "without choices"),
        (lambda: [1, 2], CallFailed, True, "without choices"),
        (lambda: status(400, "word " * 5000), CallFailed, False, "…"),
        (lambda: status(418, f"bad key\n{CANARY}"), CallFailed, False, "bad key …"),
        (lambda: "reset", CallFailed, True, "broke"),
        (lambda: "hang", CallFailed, True, "no answer within 0.3 s"),
    ],
)
def test_faults(answer: Callable[[], Any], kind: type[CallFailed], retryable: bool, says: str) -> None:
    started = time.monotonic()
    with pytest.raises(CallFailed) as caught:
        talk(Server(answer()), api_key=CANARY, key_variable="MY_KEY", timeout=0.3)
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert says in str(caught.value)
    assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("2", 2, 2), ("0.5", 0.5, 0.5), ("in a minute", 30, 60), ("soon", None, None)],
)
def test_retry_after(header: str, least: float | None, most: float | None) -> None:
    if header == "in a minute":
        header = formatdate(time.time() + 60, usegmt=True)
    with pytest.raises(CallFailed) as caught:
        talk(Server(status(429, headers={"Retry-After": header})))
    wait = caught.value.retry_after
    assert wait is None if least is None or most is None else wait is not None and least <= wait <= most


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

    async def cancel(client: OpenAIClient) -> float:
        call = asyncio.ensure_future(client.complete(REQUEST, [0]))
        await server.asked.wait()
        started = time.monotonic()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return time.monotonic() - started

    assert talk(server, cancel) < 0.5


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://", ""])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(UsageError, match="base_url="):
        OpenAIClient("m", url)


def test_prices_are_put_on_each_draw() -> None:
    read = completions(reply(choice("a"), choice("b"), tokens=4), 2.0, lambda usage: usage.tokens / 8)
    assert [one.usage.usd for one in read] == [2.75, 0.25]
    assert [one.usage.seconds for one in read] == [1.0, 1.0]


def test_parts_and_missing_usage_are_read() -> None:
    message = {"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "."}]}
    [one] = completions({"choices": [{"message": message, "finish_reason": None}]}, 0.0)
    assert (one.text, one.finish_reason, one.usage) == ("4.", "stop", Usage(calls=1))
