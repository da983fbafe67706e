"""`reasoning mcp`, with the client of the official SDK over standard input and output."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reasoning.answer import Unparsed
from reasoning.errors import UsageError
from reasoning.serving.aliases import read_aliases
from tests.faults.server import Server, by_place

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from mcp import Client, StdioServerParameters

from reasoning.serving.mcp_tools import name_tools, read_call, to_text

MAIN = "from reasoning.cli.app import main; main()"
ALIASES = ("vote=self_consistency(cot, samples=3)", "two/steps=least_to_most", "plain=vanilla")


def words(server: Server, *more: str) -> list[str]:
    aliases = [word for alias in ALIASES for word in ("--strategy", alias)]
    model = ["--model", "mock", "--base-url", server.url, "--no-journal"]
    return ["-c", MAIN, "mcp", *aliases, "--kind", "vote=number", *model, *more]


def talk(server: Server, scene: Callable[[Client], Awaitable[None]], *more: str) -> None:
    async def run() -> None:
        async with Client(StdioServerParameters(command=sys.executable, args=words(server, *more))) as client:
            await asyncio.wait_for(scene(client), 60)

    asyncio.run(run())


def test_an_agent_lists_tools_calls_them_and_reads_what_went_wrong() -> None:
    said: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        said.append((progress, message))

    async def scene(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["vote", "two_steps", "plain"]
        assert tools["vote"].title == "Self-consistency"
        assert "Avoid it when" in (tools["vote"].description or "")
        assert tools["vote"].input_schema["required"] == ["question"]

        # The SDK's client checks the structured content against the tool's output schema.
        done = await client.call_tool("vote", {"question": "How many?"}, progress_callback=hear)
        assert not done.is_error
        about = done.structured_content
        assert (about["state"], about["calls"], about["new_calls"], about["usd"]) == ("answered", 3, 3, None)
        assert done.content[0].text == str(about["value"])  # type: ignore[union-attr]
        assert 0 < about["confidence"] <= 1
        assert [number for number, _ in said] == [1, 2, 3]
        assert "began" in str(said[0][1])

        again = await client.call_tool("vote", {"question": "How many?"})
        assert (again.structured_content["value"], again.structured_content["new_calls"]) == (about["value"], 0)
        fresh = await client.call_tool("vote", {"question": "How many?", "fresh": True})
        assert fresh.structured_content["new_calls"] == 3

        chosen = await client.call_tool("plain", {"question": "Which?", "options": ["5", "6"]})
        assert chosen.structured_content["state"] == "unparsed"
        assert "call again with fresh=true" in chosen.content[0].text  # type: ignore[union-attr]

        for name, arguments, message in (
            ("cot", {}, "no tool 'cot'; known: vote"),
            ("vote", {}, "'question' is a required property"),
            ("vote", {"question": 3}, "question: 3 is not of type"),
            ("vote", {"question": "x" * 1_000_001}, "xx' is too long; see"),
            ("plain", {"question": "?", "kind": "spans"}, "kind: 'spans' is not one of"),
            ("plain", {"question": "?", "kind": "number", "options": ["1", "2"]}, "exclude each other"),
        ):
            wrong = await client.call_tool(name, arguments)
            assert wrong.is_error
            assert message in wrong.content[0].text  # type: ignore[union-attr]
        assert server.completions == 3 + 3 + 1

        # Cancelled in its first step: the steps after it are not made, and the server serves the next one.
        server.latency, before = 0.3, len(server.asked)
        call = asyncio.create_task(client.call_tool("two_steps", {"question": "A long one?"}))
        while len(server.asked) == before:  # noqa: ASYNC110 - the server runs in another thread
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.7)
        assert len(server.asked) == before + 1
        assert (await client.call_tool("plain", {"question": "Another?"})).structured_content["state"] == "answered"

    with Server(say=by_place) as server:
        talk(server, scene)


def test_a_budget_and_a_failure_are_results_that_say_what_to_do() -> None:
    async def scene(client: Client) -> None:
        short = await client.call_tool("two_steps", {"question": "A long one?"})
        assert short.is_error
        assert "a call may spend calls=1" in short.content[0].text  # type: ignore[union-attr]
        assert short.structured_content["state"] == "unparsed"

        server.faults = lambda body, attempt: "400"
        failed = await client.call_tool("plain", {"question": "Fails?"})
        assert failed.is_error
        assert "The call failed" in failed.content[0].text  # type: ignore[union-attr]
        server.faults = lambda body, attempt: ""

    with Server(say=by_place) as server:
        talk(server, scene, "--problem-budget", "calls=1")


def test_standard_output_has_the_protocol_and_nothing_else() -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    lines: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    hostile = ("no JSON\n", "[" * 100_000 + "]" * 100_000 + "\n", "\ud800\n")
    text = "".join(hostile) + "".join(f"{json.dumps(line)}\n" for line in lines) + "".join(hostile)
    pipe = subprocess.PIPE
    with (
        Server() as server,
        subprocess.Popen([sys.executable, *words(server)], stdin=pipe, stdout=pipe, stderr=pipe) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(text.encode("utf-8", "surrogatepass"))
        process.stdin.flush()
        said = []
        # A server whose input ends need not answer what it has not answered yet.
        while not said or json.loads(said[-1]).get("id") != 2:
            said.append(process.stdout.readline())
        rest, errors = process.communicate(timeout=60)
    replies = [json.loads(line) for line in [*said, *rest.splitlines()]]
    assert [reply["id"] for reply in replies if "result" in reply] == [1, 2]
    assert process.returncode == 0, errors


def test_wrong_aliases() -> None:
    with pytest.raises(UsageError, match="both are 'a_b': rename one"):
        name_tools(read_aliases(["a/b=cot", "a.b=vanilla"]))


def test_options_become_the_kind_of_the_answer() -> None:
    alias = read_aliases(["plain=vanilla"])["plain"]
    problem = read_call(alias, {"question": "Which?", "options": ["rose", "pear"], "context": "Fruit."})
    assert (problem.kind.name, problem.context) == ("choice", "Fruit.")
    answer = problem.parse("The answer is (B).")
    assert to_text(answer, alias, problem.kind, "") == "B: pear"
    with pytest.raises(UsageError, match="must have a text besides spaces"):
        read_call(alias, {"question": " \n"})


def test_the_advice_names_what_the_tool_takes() -> None:
    for alias in read_aliases(["plain=vanilla", "steps=chain:telecom_feedback"]).values():
        text = to_text(Unparsed("it must end with a sign."), alias, alias.kind, "")
        assert text.startswith("No answer: it must end with a sign. Say in the question")
        assert ("name a kind" in text) is (alias.name == "plain")
