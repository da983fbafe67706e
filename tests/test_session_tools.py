"""What a session's tools record, keep and count."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from reasoning import Budget, Journal, Problem, event_loop, kinds
from reasoning.answer import Answer
from reasoning.errors import BudgetExhausted, CallFailed, ToolError
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client
from reasoning.retrieval import ClientCalls, Corpus, Document, Passage, Retriever
from reasoning.session import Session
from reasoning.session_tools import ToolSession
from reasoning.strategy import Strategy, technique
from reasoning.tables_sql.sql import SQLError
from reasoning.tables_sql.table import Table
from reasoning.testing import ScriptedLLM
from reasoning.trace import ToolCall, Trace


class Echo(Client):
    """A service that answers with its payload, after some failures."""

    model, endpoint, free = "echo", "http://echo.example", True

    def __init__(self, failures: int = 0) -> None:
        self.payloads: list[str] = []
        self._failures = failures

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        if self._failures:
            self._failures -= 1
            raise CallFailed("busy", retryable=True)
        self.payloads.append(request.messages[0].content)
        usage = Usage(calls=1, prompt_tokens=3, usd=0.5)
        return [Completion(f"echo of {request.messages[0].content}", usage=usage)]


@dataclass
class EchoRetriever:
    """A retriever that asks the service."""

    client: Client
    paid: bool = False
    name: str = "echo"

    async def search(self, query: str, k: int, calls: ClientCalls | None = None) -> Sequence[Passage]:
        assert calls is not None
        return [Passage(await calls.call(self.client, query, paid=self.paid), title="Echo")] * (k + 1)


class Adder:
    """A tool that adds."""

    name, description = "add", "Adds two numbers."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        if "a" not in arguments:
            raise ToolError("add needs a")
        return f"\x1b[2J{arguments['a'] + arguments['b']}"


@technique(title="Search once", authors="A", year=2026, calls="0", rounds="0", use_when="-", avoid_when="-")
class SearchOnce(Strategy):
    """Search once.

    Source:
        None.
    """

    retriever: object = None

    async def solve(self, problem: Problem, session: Session) -> Answer:
        with session.stage("search"):
            passages = await session.tools.search(cast(Retriever, self.retriever), problem.question, 2)
        assert len(passages) == 2
        await session.tools.use(Adder(), {"a": 1, "b": 2})
        await session.tools.use(Adder(), {})
        return problem.parse(f"The answer is {len(passages)}.")


def solve(client: Client, *, paid: bool = False, **connection: Any) -> Answer:
    llm = ScriptedLLM([], **connection)
    return SearchOnce(EchoRetriever(client, paid)).run(Problem("Who?", kinds.Number()), llm)


def test_each_use_is_in_the_trace_with_its_result_as_plain_text() -> None:
    answer = solve(Echo())
    assert answer.trace is not None
    found, added, failed = answer.trace.tool_calls()
    assert found.name == "search echo"
    assert found.arguments == {"query": "Who?", "k": 2}
    assert found.result == "Echo: echo of Who?\n\nEcho: echo of Who?"
    assert (added.result, added.error, failed.result, failed.error) == ("�[2J3", False, "add needs a", True)
    assert Trace.from_json(json.loads(json.dumps(answer.trace.to_json()))) == answer.trace
    assert "echo of Who?" in answer.trace._repr_html_()


def test_a_call_is_made_once_ever() -> None:
    journal, client = Journal(), Echo(failures=1)
    for is_new in (True, False):
        answer = solve(client, journal=journal)
        assert answer.trace is not None
        assert next(answer.trace.tool_calls()).is_new is is_new
    assert client.payloads == ["Who?"]


def test_only_paid_calls_count() -> None:
    assert solve(Echo(), budget=Budget(calls=0)).usage == Usage()
    assert solve(Echo(), paid=True).usage.usd == 0.5
    with pytest.raises(BudgetExhausted):
        solve(Echo(), paid=True, budget=Budget(calls=0))


def test_a_service_that_fails_is_a_failed_answer() -> None:
    class Broken(Echo):
        async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
            raise CallFailed("no such page", retryable=False)

    answer = solve(Broken())
    assert (answer.state, answer.reason) == ("failed", "no such page")


def test_corpora_are_equal_by_their_documents() -> None:
    one, other = (Corpus("rivers", [Document("The Orla flows.", "Orla")]) for _ in range(2))
    assert (one, hash(one)) == (other, hash(other))
    assert one != Corpus("rivers", [Document("The Orla rests.", "Orla")])
    assert repr(Problem("Where?", corpus=one)) == "Problem(question='Where?', corpus=Corpus('rivers', 1 document))"


def test_a_query_is_in_the_trace_also_when_it_fails() -> None:
    session = Session(ScriptedLLM([]), Trace(""))
    table = Table.of([["town", "people"], ["Orl", "120"], ["Wenn", "80"]])
    found = event_loop.run_sync(session.tools.query(table, "SELECT town FROM w WHERE people > 100"))
    assert found.rows == (("Orl",),)
    with pytest.raises(SQLError):
        event_loop.run_sync(session.tools.query(table, "SELECT city FROM w"))
    done, failed = session.trace.tool_calls()
    assert (done.name, done.result, done.error) == ("sql", "town\nOrl", False)
    assert "city" in failed.result
    assert failed.error


def test_a_tool_call_is_an_event_with_defaults() -> None:
    assert ToolCall("add", {"a": 1}, "3").usage == Usage()
