"""The mock server of the performance benchmark: what it says must not depend on anything but the requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from perf.mock_replies import Model
from perf.mock_server import Connection

ASKED = {"model": "mock", "messages": [{"role": "user", "content": "How many?"}]}


def post(body: object, path: str = "/v1/chat/completions", more: str = "") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: here\r\ncontent-length: {len(data)}\r\n{more}\r\n".encode() + data


class Client:
    """A socket whose bytes a test writes itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> tuple[int, Any]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.partition("Content-Length: ")[2].partition("\r")[0])
        return int(head.split()[1]), json.loads(await self.reader.readexactly(length))

    async def ask(self, data: bytes) -> tuple[int, Any]:
        self.writer.write(data)
        return await self.answer()


def with_server(model: Model, body: Callable[[Callable[[], Awaitable[Client]]], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Connection(model), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        clients: list[Client] = []

        async def connect() -> Client:
            clients.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
            return clients[-1]

        try:
            await body(connect)
        finally:
            for client in clients:
                client.writer.close()
            server.close()

    asyncio.run(run())


def texts(reply: Any) -> list[str]:
    return [choice["message"]["content"] for choice in reply["choices"]]


def test_a_connection_answers_one_request_after_the_other_however_the_bytes_come() -> None:
    async def body(connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        first, second = post(ASKED), post({**ASKED, "n": 2})
        for part in (first[:10], first[10:60], first[60:] + second[:-5]):
            client.writer.write(part)
            await asyncio.sleep(0.005)
        status, one = await client.answer()
        assert (status, len(texts(one))) == (200, 1)
        status, two = await client.ask(second[-5:])
        assert (status, len(texts(two))) == (200, 2)
        assert await client.ask(b"GET /stats HTTP/1.1\r\n\r\n") == (
            200,
            {"requests": 2, "completions": 3, "connections": 1, "peak_in_flight": 1},
        )

    with_server(Model(), body)


def test_draws_depend_on_the_messages_and_their_number_and_begin_again_after_a_reset() -> None:
    async def body(connect: Callable[[], Awaitable[Client]]) -> None:
        client = await connect()
        drawn = [texts((await client.ask(post(ASKED)))[1])[0] for _ in range(3)]
        assert len(set(drawn)) == 3
        other = {**ASKED, "messages": [{"role": "user", "content": "How much?"}]}
        assert texts((await client.ask(post(other)))[1])[0] not in drawn
        assert (await client.ask(post(b"", "/reset")))[0] == 200
        _, together = await client.ask(post({**ASKED, "n": 3, "temperature": 1}))
        assert texts(together) == drawn
        assert all(30 <= len(text.split()) <= 50 and "The answer is " in text for text in drawn)
        used = together["usage"]
        assert used["total_tokens"] == used["prompt_tokens"] + used["completion_tokens"] > used["prompt_tokens"] > 0

    with_server(Model(), body)


def test_n_can_be_ignored() -> None:
    async def body(connect: Callable[[], Awaitable[Client]]) -> None:
        assert len(texts((await (await connect()).ask(post({**ASKED, "n": 5})))[1])) == 1

    with_server(Model(honour_n=False), body)


def test_the_most_requests_at_once_are_counted_and_one_that_goes_away_is_no_completion() -> None:
    model = Model(latency=0.05)

    async def body(connect: Callable[[], Awaitable[Client]]) -> None:
        clients = [await connect() for _ in range(4)]
        for client in clients:
            client.writer.write(post(ASKED))
        await asyncio.sleep(0.01)
        clients[3].writer.close()
        assert [(await client.answer())[0] for client in clients[:3]] == [200] * 3

    with_server(model, body)
    assert (model.stats.requests, model.stats.completions, model.stats.peak_in_flight, model.in_flight) == (4, 3, 4, 0)


def test_the_wait_depends_on_the_body_alone_and_keeps_within_the_jitter() -> None:
    bodies = [str(number).encode() for number in range(200)]
    waits = [Model(latency=0.2, jitter=0.2).wait(body) for body in bodies]
    assert waits == [Model(latency=0.2, jitter=0.2).wait(body) for body in bodies]
    assert 0.16 <= min(waits) < 0.17
    assert 0.23 < max(waits) <= 0.24
    assert Model(latency=0.2, jitter=0).wait(b"") == 0.2
    assert Model().wait(b"") == 0


@pytest.mark.parametrize(
    ("request_bytes", "status", "words"),
    [
        (post(b"{"), 400, "JSON object with messages"),
        (post([]), 400, "JSON object with messages"),
        (post({**ASKED, "messages": []}), 400, "some messages"),
        (post({**ASKED, "n": 1000}), 400, "n from 1 to 128"),
        (post({**ASKED, "stream": True}), 400, "no stream"),
        (post(ASKED, "/v1/embeddings"), 404, "/v1/embeddings"),
        (b"POST /reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411, "Content-Length"),
    ],
)
def test_what_it_does_not_serve_is_said(request_bytes: bytes, status: int, words: str) -> None:
    async def body(connect: Callable[[], Awaitable[Client]]) -> None:
        got, reply = await (await connect()).ask(request_bytes)
        assert (got, words in reply["error"]["message"]) == (status, True)

    with_server(Model(), body)
