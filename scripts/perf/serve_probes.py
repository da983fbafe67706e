"""Probes of a server of votes: each asks it, and returns in a few words what was seen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from perf.serve_peers import Running
from serve_clients.serving import KEY
from serve_clients.upstream import Upstream

PROBES = {
    "usage": "usage is what was billed",
    "stream": "stream: first bytes before the answer",
    "stream_usage": "stream: usage in the last chunk",
    "n": "n = 3 gives three choices",
    "seed_turns": "earlier turns stay turns",
    "unknown_model": "unknown model",
    "bad_value": "temperature of 9",
    "bad_json": "body that is no JSON",
    "refused": "the provider refuses the key",
    "overloaded": "the provider is overloaded",
    "wrong_key": "wrong key",
    "cancel": "after the client left",
    "again": "calls to ask the same again",
    "responses": "responses API",
}
"""The probes and their titles, in order."""


class Asker:
    """Requests to one server."""

    def __init__(self, running: Running, upstream: Upstream, session: aiohttp.ClientSession) -> None:
        self.running, self.upstream, self.session = running, upstream, session
        self._number = 0

    def question(self, more: str = "") -> str:
        """Return a new question."""
        self._number += 1
        return f"Tom has {self._number} apples and buys 25 more. How many apples does he have? {more}".strip()

    async def post(self, body: Any, key: str = KEY, path: str = "/chat/completions") -> tuple[int, Any]:
        """Return the status and the body of a reply."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        async with self.session.post(f"{self.running.url}{path}", data=data, headers=headers) as reply:
            text = await reply.text()
            try:
                return reply.status, json.loads(text)
            except ValueError:
                return reply.status, text


def in_words(status: int, body: Any) -> str:
    """Return a status, and whether the body is an error in the protocol's form."""
    error = body.get("error") if isinstance(body, dict) else None
    form = isinstance(error, dict) and isinstance(error.get("message"), str) and "type" in error
    return f"{status}" if status < 300 else f"{status}, {'an error of the protocol' if form else 'another body'}"


async def usage(at: Asker) -> str:
    before = at.upstream.prompt_tokens, at.upstream.completion_tokens
    _, body = await at.post(at.running.body("vote", at.question()))
    billed = at.upstream.prompt_tokens - before[0], at.upstream.completion_tokens - before[1]
    found = body.get("usage") or {}
    said = found.get("prompt_tokens"), found.get("completion_tokens")
    return "yes" if said == billed else f"{said[0]} and {said[1]}, billed {billed[0]} and {billed[1]}"


async def _streamed(at: Asker, load: str, more: str = "") -> tuple[list[tuple[float, Any]], float]:
    """Return the events of a stream with their seconds, and the seconds until the answer's text."""
    body = {**at.running.body(load, at.question(more)), "stream": True, "stream_options": {"include_usage": True}}
    began, events, answered = time.perf_counter(), [], 0.0
    headers = {"Authorization": f"Bearer {KEY}"}
    async with at.session.post(f"{at.running.url}/chat/completions", json=body, headers=headers) as reply:
        async for line in reply.content:
            if line.startswith(b"data:") and b"[DONE]" not in line:
                chunk = json.loads(line[5:])
                now = time.perf_counter() - began
                events.append((now, chunk))
                for choice in chunk.get("choices") or ():
                    if choice["delta"].get("content") and not answered:
                        answered = now
    return events, answered


async def stream(at: Asker) -> str:
    events, answered = await _streamed(at, "steps", "[slow]")
    if not events or not answered:
        return "no answer"
    first = events[0][0]
    return "yes" if first < answered / 2 else f"no: {len(events)} chunks, all at the end"


async def stream_usage(at: Asker) -> str:
    before = at.upstream.completion_tokens
    events, _ = await _streamed(at, "vote")
    found = [chunk["usage"] for _, chunk in events if chunk.get("usage")]
    billed = at.upstream.completion_tokens - before
    return "yes" if found and found[-1].get("completion_tokens") == billed else "no" if not found else "wrong"


async def n(at: Asker) -> str:
    status, body = await at.post({**at.running.body("vote", at.question()), "n": 3})
    if status != 200:
        return in_words(status, body)
    return "yes" if len(body["choices"]) == 3 else f"{len(body['choices'])} choice"


async def seed_turns(at: Asker) -> str:
    body = at.running.body("one", at.question())
    turns = [("system", "Be brief."), ("user", "I have a parrot."), ("assistant", "A fine bird.")]
    body["messages"] = [*({"role": role, "content": text} for role, text in turns), *body["messages"]]
    at.upstream.bodies.clear()
    await at.post(body)
    if not at.upstream.bodies:
        return "not sent"
    sent = [(turn["role"], str(turn["content"])) for turn in at.upstream.bodies[-1]["messages"]]
    places = [
        next((i for i, (as_, said) in enumerate(sent) if as_ == role and text in said), -1) for role, text in turns
    ]
    return "yes" if -1 not in places and places[1:] == sorted(places[1:]) else "no: one text"


async def unknown_model(at: Asker) -> str:
    return in_words(*await at.post({**at.running.body("vote", at.question()), "model": "no-such-model"}))


async def bad_value(at: Asker) -> str:
    return in_words(*await at.post({**at.running.body("vote", at.question()), "temperature": 9}))


async def bad_json(at: Asker) -> str:
    return in_words(*await at.post(b'{"model": '))


async def refused(at: Asker) -> str:
    found = in_words(*await at.post(at.running.body("vote", at.question("[refused]"))))
    await asyncio.sleep(2)  # a server may send nothing for a moment to a provider that refuses its key
    return found


async def overloaded(at: Asker) -> str:
    began, before = time.perf_counter(), at.upstream.requests
    try:
        async with asyncio.timeout(20):
            status, body = await at.post(at.running.body("one", at.question("[fails]")))
    except TimeoutError:
        return f"still retrying after 20 s ({at.upstream.requests - before} calls)"
    seconds, calls = time.perf_counter() - began, at.upstream.requests - before
    return f"{in_words(status, body)} after {calls} calls, {seconds:.0f} s"


async def wrong_key(at: Asker) -> str:
    status, body = await at.post(at.running.body("one", at.question()), key="wrong")
    return "answers all keys" if status == 200 else in_words(status, body)


async def cancel(at: Asker) -> str:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await at.post(at.running.body("steps", at.question("[slow]")))
    requests, completions = at.upstream.requests, at.upstream.completions
    await asyncio.sleep(6)
    return f"{at.upstream.requests - requests} begun, {at.upstream.completions - completions} paid"


async def again(at: Asker) -> str:
    body = at.running.body("vote", at.question())
    await at.post(body)
    before = at.upstream.requests
    await at.post(body)
    return str(at.upstream.requests - before)


async def responses(at: Asker) -> str:
    body = at.running.body("vote", at.question())
    asked = {"model": body["model"], "input": body["messages"][0]["content"]}
    status, found = await at.post(asked, path="/responses")
    return "yes" if status == 200 and found.get("object") == "response" else f"no ({status})"


_ALL: dict[str, Callable[[Asker], Awaitable[str]]] = {
    function.__name__: function
    for function in (
        *(usage, stream, stream_usage, n, seed_turns, unknown_model, bad_value, bad_json, refused, overloaded),
        *(wrong_key, cancel, again, responses),
    )
}


async def probe(running: Running, upstream: Upstream) -> dict[str, str]:
    """Return what each probe found."""
    found = {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(120)) as session:
        asker = Asker(running, upstream, session)
        for name in PROBES:
            try:
                found[name] = await _ALL[name](asker)
            except (aiohttp.ClientError, ValueError, LookupError, TypeError, AttributeError) as error:
                found[name] = f"{type(error).__name__}: {error}"[:80]
    return found
