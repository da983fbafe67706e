"""Pictures as servers get them: the form of OpenAI, a server that refuses it, and the journal around it."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from reasoning import Problem, kinds, strategies
from reasoning.engine.connect import connect
from reasoning.errors import CallFailed
from reasoning.journal import Journal
from reasoning.messages import Message, Request
from reasoning.providers.openai_client import OpenAIClient
from tests.image_files import jpeg, png
from tests.providers.test_openai import Server, choice, listening, reply

DATA = "data:image/png;base64," + base64.b64encode(png()).decode()


def checked(body: dict[str, Any]) -> Any:
    """Answer as OpenAI does: refuse parts that do not have its form."""
    for turn in body["messages"]:
        if isinstance(turn["content"], list):
            for part in turn["content"]:
                match part:
                    case {"type": "text", "text": str()} if len(part) == 2:
                        continue
                    case {"type": "image_url", "image_url": {"url": str(url)}} if len(part) == 2:
                        if url.startswith("https://"):
                            continue
                        head, _, data = url.partition(";base64,")
                        if head in ("data:image/png", "data:image/jpeg") and base64.b64decode(data, validate=True):
                            continue
                return web.json_response({"error": {"message": f"invalid part {part!r:.60}"}}, status=400)
        elif not isinstance(turn["content"], str):
            return web.json_response({"error": {"message": "invalid content"}}, status=400)
    return reply(*[choice("The answer is 4.")] * body.get("n", 1))


def test_a_vote_sends_its_pictures_once_a_request_and_a_rerun_sends_nothing(tmp_path: Path) -> None:
    problem = Problem("Bars?", kinds.Number(), images=[png(), "https://example.invalid/a.png"])

    async def run() -> tuple[list[dict[str, Any]], list[Any]]:
        server = Server(checked)
        async with listening(server) as url:
            values = []
            for _ in range(2):
                llm = connect("m", base_url=url, journal=tmp_path / "journal.sqlite", api_key="x")
                answer = await strategies.get("self_consistency(cot, samples=3)").arun(problem, llm)
                values.append((answer.value, answer.usage.calls))
                await llm.aclose()
            return server.bodies, values

    bodies, values = asyncio.run(run())
    assert values == [(4, 3), (4, 3)]
    assert [body.get("n", 1) for body in bodies] == [3]
    [turn] = bodies[0]["messages"]
    assert turn["content"][:2] == [
        {"type": "image_url", "image_url": {"url": DATA}},
        {"type": "image_url", "image_url": {"url": "https://example.invalid/a.png"}},
    ]
    assert turn["content"][2]["text"].startswith("Bars?")
    journal = Journal(tmp_path / "journal.sqlite")
    [image] = problem.images[:1]
    assert journal.images([image.sha256]) == {image.sha256: png()}  # type: ignore[union-attr]
    journal.close()


def test_requests_without_pictures_are_sent_as_before() -> None:
    async def run() -> dict[str, Any]:
        server = Server(checked)
        async with listening(server) as url:
            client = OpenAIClient("m", url)
            await client.complete(Request("m", (Message("system", "Be brief."), Message("user", "?")), {}), [0])
            await client.close()
        return server.bodies[0]

    assert asyncio.run(run()) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "?"}],
    }


def test_a_server_that_takes_no_pictures_is_quoted_without_the_bytes() -> None:
    async def run() -> str:
        refused = web.json_response({"error": {"message": "this model does not support image input"}}, status=400)
        async with listening(Server(refused)) as url:
            client = OpenAIClient("m", url)
            image = Problem("?", images=[jpeg()]).images[0]
            with pytest.raises(CallFailed, match="does not support image input") as error:
                await client.complete(Request("m", (Message("user", "?", [image]),), {}), [0])  # type: ignore[list-item]
            await client.close()
            return str(error.value)

    assert "base64" not in asyncio.run(run())
