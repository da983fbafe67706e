"""A chat server that misbehaves as it is told: on loopback, the same for the same seed, with exact counts.

It runs in a thread (`with Server(…) as server:`) or, where it must die, as a process of its own (see `main`). What it
samples depends on the prompt and on how often that was answered, so each completion is a new one, as a model's are.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from time import time as wall_clock  # its own, also where a test turns the client's
from types import TracebackType
from typing import Any

Fault = Callable[[str, int], str]
"""The fault of an attempt, from the request body and the number of equal ones before; "" for no fault."""

Say = Callable[[str, int, int], str]
"""A completion, from the prompt, how many were sampled from it before, and its place among the choices of its reply."""

Hide = Callable[[str, int], tuple[int, int]]
"""Tokens beyond those of the texts: of the prompt, and of each choice, from the prompt and the number of requests."""

PASSING = (
    *("429", "429 date", "429 bare", "500", "503", "broken", "html", "empty", "error 200", "no choices", "nonsense"),
    *("reset", "hang", "drip"),
)
"""The faults after which the same request may come through."""


MALFORMED: Sequence[Any] = (
    {"message": {"role": "assistant", "content": None}, "finish_reason": "stop"},
    {"message": {"role": "assistant", "content": {"text": "The answer is 5."}}, "finish_reason": "stop"},
    {"finish_reason": "stop"},
    None,
)
"""What is no choice."""


def first(*faults: str) -> Fault:
    """The first attempts of every request fail so; "" lets one pass."""
    return lambda body, attempt: faults[attempt] if attempt < len(faults) else ""


def none(body: str, attempt: int) -> str:
    return ""


def always(fault: str) -> Fault:
    return lambda body, attempt: fault


def rates(seed: int, of: Mapping[str, float]) -> Fault:
    """Each fault with its probability, decided anew for each attempt of each request."""

    def fault(body: str, attempt: int) -> str:
        left = random.Random(f"{seed} {attempt} {body}").random()
        for name, rate in of.items():
            left -= rate
            if left < 0:
                return name
        return ""

    return fault


def sampled(prompt: str, nth: int, place: int) -> str:
    """A completion that differs from all before it."""
    return f"Sample {nth}. The answer is {_digest(prompt, nth) % 4}."


def by_place(prompt: str, nth: int, place: int) -> str:
    """A completion that is the same whenever the same is asked: what a run finds does not depend on its history."""
    return f"Place {place}. The answer is {_digest(prompt, place) % 4}."


@dataclass
class Asked:
    """One request: what it asked, which attempt it was, what became of it, and when (monotonic seconds)."""

    prompt: str
    n: int
    attempt: int
    fault: str
    at: float
    authorization: str = ""
    status: int = 0
    ended: float = 0.0


@dataclass
class Server:
    """See the module.

    Args:
        faults: which attempts fail, and how.
        say: what is sampled.
        n: how it takes `n`: "honoured", "ignored" (one choice), "refused" (status 400), "short" (one choice less).
        usage: how it counts tokens: "right", "missing", "negative", "words", "huge".
        hide: tokens that it adds to the usage of a reply.
        cached: whether every prompt is billed as one from the cache.
        latency: seconds before it answers.
        retry_after: seconds that its 429 and 503 ask to wait.
        same_id: every reply has the same id.
        echo: the key comes back in the bodies and headers of faults.
        ledger: a file that gets a line for each completion, before it is given out.
        keep: whether `asked` and `given` are kept.
        port: 0 takes a free one.

    Attributes:
        asked: every request, in the order of arrival.
        given: the completions that were given out, by prompt.
        statuses: how often each status went out; 0 stands for no answer.
        billed: prompt and completion tokens of each reply that reported them.
        in_flight, peak: requests under way now, and at most.
    """

    faults: Fault = none
    say: Say = sampled
    n: str = "honoured"
    usage: str = "right"
    hide: Hide = lambda prompt, requests: (0, 0)
    cached: bool = False
    latency: float = 0.003
    retry_after: float = 0.05
    same_id: bool = False
    echo: bool = False
    ledger: Path | None = None
    keep: bool = True
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    given: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    billed: list[tuple[int, int]] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0
    connections: set[asyncio.Transport] = field(default_factory=set)
    _sampled: Counter[str] = field(default_factory=Counter)
    _attempts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._ledger = None
        if self.ledger is not None:
            self._sampled.update(prompt for prompt, _ in read_ledger(self.ledger))  # it continues where it died
            self._ledger = os.open(self.ledger, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def completions(self) -> int:
        """How many were given out."""
        return sum(map(len, self.given.values()))

    @property
    def billed_tokens(self) -> int:
        return sum(prompt + completion for prompt, completion in self.billed)

    async def start(self) -> asyncio.Server:
        listening = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024
        )
        self.port = listening.sockets[0].getsockname()[1]
        return listening

    def __enter__(self) -> Server:
        self._loop = asyncio.new_event_loop()
        self._listening = self._loop.run_until_complete(self.start())
        self._thread = threading.Thread(target=self._loop.run_forever, name="mock server")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        async def stop() -> None:
            self._listening.close()
            for connection in list(self.connections):
                connection.abort()
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._ledger is not None:
            os.close(self._ledger)

    async def answer(self, headers: Mapping[str, str], body: str, connection: asyncio.Transport) -> None:
        """Deal with one request."""
        asked = self._arrived(headers, body)
        self.in_flight += 1
        try:
            await asyncio.sleep(self.latency)
            # At the end of each: those who have hung up meanwhile are not counted as being here.
            self.peak = max(self.peak, self.in_flight)
            reply = await self._reply(asked, json.loads(body), connection)
        finally:
            self.in_flight -= 1
            self.statuses[asked.status] += 1
            asked.ended = time.monotonic()
        connection.write(reply)  # last, since the client may look at the counts once it has the reply

    def _arrived(self, headers: Mapping[str, str], body: str) -> Asked:
        said = json.loads(body)
        prompt, attempt = said["messages"][-1]["content"], self._attempts[body]
        key = headers.get("authorization") or headers.get("x-api-key", "")
        asked = Asked(str(prompt), said.get("n", 1), attempt, self.faults(body, attempt), time.monotonic(), key)
        if self.keep:
            self.asked.append(asked)
            self._attempts[body] += 1
        return asked

    async def _reply(self, asked: Asked, body: Mapping[str, Any], connection: asyncio.Transport) -> bytes:
        if asked.fault in ("hang", "drip", "reset"):
            whole = _http(200, json.dumps({"choices": self._choices(asked)}))
            if asked.fault == "reset":
                connection.write(whole[: len(whole) * 3 // 4])
                connection.abort()
                return b""
            for place in range(len(whole) if asked.fault == "drip" else 0):
                connection.write(whole[place : place + 1])
                await asyncio.sleep(0.05)
            await asyncio.Event().wait()  # until they hang up
        if self.n == "refused" and "n" in body:
            asked.fault, status, text, headers = "", 400, _error("n > 1 is not supported"), dict[str, str]()
        else:
            status, text, headers = self._said(asked)
        asked.status = status
        if self.echo and asked.fault:
            key = asked.authorization.removeprefix("Bearer ")
            text = text.replace("…", key)
            headers = {**headers, "X-Request-Id": key, "Location": f"http://{key}@127.0.0.1/{key}"}
        return _http(status, text, headers)

    def _said(self, asked: Asked) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers."""
        soon = {"Retry-After": f"{self.retry_after:g}"}
        match asked.fault:
            case "429":
                return 429, _error("too many requests …"), soon
            case "429 date":
                return 429, _error("too many requests"), {"Retry-After": formatdate(wall_clock() + 1, usegmt=True)}
            case "429 bare":
                return 429, _error("too many requests"), {}
            case "503":
                return 503, "<h1>overloaded …</h1>", soon
            case "500":
                return 500, _error("broken on purpose …"), {}
            case "broken":
                return 200, '{"choices": [{"message": {"content": "… The answer is', {}
            case "html":
                return 200, "<html><body>Bad gateway …</body></html>", {"Content-Type": "text/html"}
            case "empty":
                return 200, "", {}
            case "error 200":
                return 200, _error("upstream is gone …", 502), {}
            case "no choices":
                return 200, json.dumps({"choices": [], "echo": "…"}, ensure_ascii=False), {}
            case "nonsense":
                choice = {"message": {"content": "4"}, "logprobs": {"content": [{"token": "4", "logprob": "…"}]}}
                return 200, json.dumps({"choices": [choice]}, ensure_ascii=False), {}
            case "patchy":
                return 200, self._patchy(asked), {}
            case "redirect":
                return 307, "", {}
            case "400":
                return 400, _error("temperature makes no sense …", "bad_request"), {}
            case "401":
                return 401, _error("no such key: …", "invalid_api_key"), {}
            case "403":
                return 403, _error("no such key: …", "invalid_api_key"), {}
            case "404":
                return 404, _error("The model `mock` does not exist", "model_not_found"), {}
            case "quota":
                return 429, _error("You exceeded your current quota …", "insufficient_quota"), {}
            case "overflow":
                return 400, _error("maximum context length is 16 tokens …", "context_length_exceeded"), {}
            case "filter":
                held = {"message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}
                self.billed.append((9, 0))
                return 200, json.dumps({"choices": [held], "usage": _usage("right", 9, 0)}), {}
            case "named by the key":  # a right answer, but for the name of the request
                return 200, self._completion(asked).replace('"id-', '"…'), {}
            case "nameless":  # whose name is in the headers
                return 200, self._completion(asked).replace('"id"', '"ID"'), {}
            case "remaining 0":
                used_up = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "400ms"}
                return 200, self._completion(asked), used_up
        assert asked.fault == "", f"no such fault: {asked.fault!r}"
        return 200, self._completion(asked), {}

    def _completion(self, asked: Asked) -> str:
        choices = self._choices(asked)
        texts = [choice["message"]["content"] for choice in choices]
        if self._ledger is not None:
            lines = "".join(json.dumps([asked.prompt, text]) + "\n" for text in texts)
            os.write(self._ledger, lines.encode())
        if self.keep:
            self.given[asked.prompt] += texts
        reply: dict[str, Any] = {"id": "same" if self.same_id else f"id-{len(self.asked)}", "choices": choices}
        reply["model"] = "mock"
        if self.usage != "missing":
            hidden_prompt, hidden = self.hide(asked.prompt, len(self.asked))
            prompt = len(asked.prompt) // 4 + hidden_prompt
            completion = sum(len(text) // 4 + hidden for text in texts)
            self.billed.append((prompt, completion))
            reply["usage"] = _usage(self.usage, prompt, completion)
            if self.cached:
                reply["usage"]["prompt_tokens_details"] = {"cached_tokens": prompt}
        return json.dumps(reply)

    def _patchy(self, asked: Asked) -> str:
        """A reply of which every second choice, from the first on, is malformed."""
        reply = json.loads(self._completion(replace(asked, n=asked.n // 2)))
        good, broken = iter(reply["choices"]), itertools.cycle(MALFORMED)
        reply["choices"] = [next(good) if place % 2 else next(broken) for place in range(asked.n // 2 * 2 or 1)]
        return json.dumps(reply)

    def _choices(self, asked: Asked) -> list[dict[str, Any]]:
        many = {"ignored": 1, "short": max(1, asked.n - 1)}.get(self.n, asked.n)
        before = self._sampled[asked.prompt]
        self._sampled[asked.prompt] += many
        return [
            {
                "index": place,
                "message": {"role": "assistant", "content": self.say(asked.prompt, before + place, place)},
                "finish_reason": "stop",
            }
            for place in range(many)
        ]


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as it is needed: one POST after the other, with a length."""

    def __init__(self, server: Server) -> None:
        self.server, self.received = server, b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self.transport)
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end:
            return
        lines = (line.partition(":") for line in head.decode().split("\r\n")[1:])
        headers = {name.lower(): value.strip() for name, _, value in lines}
        length = int(headers["content-length"])
        if len(rest) >= length:
            self.received = rest[length:]
            answer = self.server.answer(headers, rest[:length].decode(), self.transport)
            self.task = asyncio.get_running_loop().create_task(answer)


def read_ledger(path: Path) -> Sequence[tuple[str, str]]:
    """The prompt and the text of each completion in a ledger; a line that was cut by a kill was not given out."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [(prompt, text) for prompt, text in (json.loads(line) for line in lines if line.endswith("\n"))]


def by_now(true: Callable[[], bool], complaint: str) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until, complaint
        time.sleep(0.001)


def given_by_now(ledger: Path, number: int) -> None:
    """Wait until a ledger has a number of completions."""
    by_now(lambda: len(read_ledger(ledger)) >= number, f"fewer than {number} completions have been given out")


def _http(status: int, body: str, headers: Mapping[str, str] | None = None) -> bytes:
    raw = body.encode()
    lines = {
        "Content-Type": "application/json",
        "Content-Length": str(len(raw)),
        "Date": formatdate(wall_clock(), usegmt=True),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **(headers or {})}.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + raw


def _error(message: str, code: str | int = "") -> str:
    return json.dumps({"error": {"message": message, "code": code}}, ensure_ascii=False)


def _usage(how: str, prompt: int, completion: int) -> dict[str, Any]:
    match how:
        case "negative":
            prompt, completion = -prompt, -completion
        case "huge":
            prompt, completion = 10**30, 10**30
        case "words":
            return {"prompt_tokens": "many", "completion_tokens": f"{completion}", "prompt_tokens_details": "none"}
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _digest(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def main() -> None:
    """Serve until killed; the port is the first line of the output."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--latency", type=float, default=0.0)
    options.add_argument("--ledger", type=Path)
    given = options.parse_args()
    server = Server(port=given.port, latency=given.latency, ledger=given.ledger, keep=False)

    async def serve() -> None:
        async with await server.start() as listening:
            print(server.port, flush=True)  # noqa: T201
            await listening.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
