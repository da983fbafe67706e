"""The page of a server without a browser: its headers, its files, and the fields that it reads."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from typing import Any

import aiohttp
import pytest

from reasoning.serving.access import Access, Key
from tests.serving.page_server import ALIASES, QUESTION, Replies, serve

FILES = ("page.css", "page.js", "client.js", "live_trace.js", "side.js", "parts.js", "forms.js")


def get(url: str, **headers: str) -> tuple[int, aiohttp.typedefs.LooseHeaders, str]:
    async def go() -> tuple[int, Any, str]:
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as reply:
            return reply.status, reply.headers, await reply.text()

    return asyncio.run(go())


def stream(url: str, **body: Any) -> list[dict[str, Any]]:
    """Return the chunks of the reply to a question."""
    asked = {"messages": [{"role": "user", "content": QUESTION}], "stream": True, "trace": "drawn", **body}

    async def go() -> str:
        async with aiohttp.ClientSession() as session, session.post(f"{url}v1/chat/completions", json=asked) as reply:
            assert reply.status == 200
            return await reply.text()

    lines = [line[6:] for line in asyncio.run(go()).splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_the_page_loads_its_own_files_only_and_needs_no_key() -> None:
    keys = [Key("one", hashlib.sha256(b"a key of sixteen signs").digest())]
    with serve(Replies(), access=lambda llm: Access(llm, keys)) as url:
        status, headers, html = get(url)
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert (headers["X-Frame-Options"], headers["Referrer-Policy"]) == ("DENY", "no-referrer")
        assert re.findall(r"(?:src|href)=\"(?!#)([^\"]+)\"", html) == ["data:,", "page/page.css", "page/page.js"]
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", html)
        for name in FILES:
            status, headers, text = get(f"{url}page/{name}")
            assert (status, headers["Content-Security-Policy"]) == (200, policy)
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
            assert get(f"{url}page/{name}", **{"If-None-Match": headers["ETag"]})[0] == 304
        assert get(f"{url}v1/models")[0] == 401


@pytest.mark.parametrize("name", ["page/routes.py", "page/../app.py", "page/%2e%2e/app.py", "page/nothing.js"])
def test_no_other_file_is_served(name: str) -> None:
    with serve(Replies()) as url:
        assert get(f"{url}{name}")[0] == 404


def test_another_host_gets_no_page() -> None:
    with serve(Replies()) as url:
        assert get(url, Host="evil.example")[0] == 403


def test_a_drawn_trace_has_what_was_paid_and_the_votes() -> None:
    with serve(Replies(lambda prompt, draw: f"The answer is {8 if draw == 1 else 7}.")) as url:
        first, second = (stream(url, model="vote", kind="number")[-1]["reasoning"] for _ in range(2))
        [name, seconds, events] = first["trace"]
        assert name == ALIASES["vote"]
        assert seconds is not None
        assert len(events[0]["replies"]) == 5
        assert first["spent"] == {"calls": 5, "prompt_tokens": 50, "completion_tokens": 25, "usd": 0.005}
        assert second["spent"] == {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "usd": 0.0}
        assert [(one["value"], one["wins"]) for one in first["votes"]["candidates"]] == [("7", True), ("8", False)]
        assert events[0]["replies"][0][3] == ""
        assert second["trace"][2][0]["replies"][0][3] == "from the journal"


def test_the_events_of_a_solve_have_what_was_paid() -> None:
    with serve(Replies()) as url:
        events = [
            chunk["reasoning"]["event"]
            for chunk in stream(url, model="direct")
            if "event" in chunk.get("reasoning", {})
        ]
        assert [event["type"] for event in events] == ["stage_began", "call_began", "call_ended", "stage_ended"]
        assert events[2]["spent"] == {"calls": 1, "prompt_tokens": 10, "completion_tokens": 5, "usd": 0.001}
