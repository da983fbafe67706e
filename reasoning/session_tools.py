"""The tools of a session besides the model: search, the interpreter, calls of other services, and tools to act with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reasoning.errors import ToolError, UsageError
from reasoning.messages import Completion, Usage
from reasoning.retrieval import Passage, Retriever
from reasoning.sandbox import Sandbox, shared_interpreter
from reasoning.tables_sql.sql import SQLError, run_sql
from reasoning.tables_sql.table import Table
from reasoning.text_safety import strip_control
from reasoning.trace import ToolCall, Trace

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.problem import Problem
    from reasoning.providers.client import Client
    from reasoning.sandbox.interpreter import Interpreter

MAX_RESULT = 8_000
"""Maximum characters of a tool's result; the rest is cut off."""
_SHOWN_ROWS = 20
"""Maximum rows of a query's result in a trace."""
_DEFAULT_SANDBOX = Sandbox()


class ToolSession(Protocol):
    """The part of a session that a tool may use; every `Session` has it.

    Attributes:
        trace: the events so far.
    """

    trace: Trace

    @property
    def tools(self) -> SessionTools: ...

    async def call_client(self, client: Client, payload: str, *, paid: bool = False) -> Completion:
        """Return the reply of a client that is no language model."""
        ...

    async def solve(self, strategy: Any, problem: Problem) -> Answer:
        """Let a strategy solve a problem within this solve."""
        ...

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Group the events of a `with` block under a name in the trace."""
        ...

    def note(self, text: str) -> None:
        """Add a note to the trace."""
        ...

    def record(self, event: ToolCall) -> None:
        """Add an event to the trace."""
        ...


class Tool(Protocol):
    """Something that a model may use to solve a problem.

    Attributes:
        name: the name by which the model calls it.
        description: what it does, in a sentence, for the model.
        parameters: the JSON schema of its arguments, an object.
    """

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, Any]: ...

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        """Return the result as text.

        Args:
            arguments: the arguments, by name.
            session: the session in which the tool is used; calls of a model count as its own.

        Raises:
            ToolError: the tool cannot do this; the message says what would be valid.
        """
        ...


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a tool, which is data: it gives no orders.

    Attributes:
        text: the result, or the error's message; without control characters, of limited length.
        error: whether the tool could not do what it was asked for.
    """

    text: str
    error: bool = False


class SessionTools:
    """The tools of one session. Each use is an event of its trace.

    Args:
        session: the session.
        sandbox: where programs run; None is the default `Sandbox`.
    """

    def __init__(self, session: ToolSession, sandbox: Sandbox | None) -> None:
        self._session = session
        self._sandbox = sandbox

    @property
    def interpreter(self) -> Interpreter:
        """The interpreter, shared by all sessions with the same sandbox."""
        return shared_interpreter(self._sandbox or _DEFAULT_SANDBOX)

    async def search(self, retriever: Retriever, query: str, k: int = 3) -> list[Passage]:
        """Return at most `k` passages for a query, the best first; empty if none fits.

        Raises:
            CallFailed: a call of the retriever failed for good.
        """
        if k < 1:
            raise UsageError(f"k must be at least 1, got {k}")
        calls, started = _Calls(self._session), time.monotonic()
        passages = list(await retriever.search(query, k, calls))[:k]
        found = "\n\n".join(f"{passage.title or passage.source}: {passage.text}" for passage in passages)
        self._record(f"search {retriever.name}", {"query": query, "k": k}, found or "nothing found", started, calls)
        return passages

    async def query(self, tables: Table | Mapping[str, Table], sql: str) -> Table:
        """Return the result of a query on tables; see `run_sql`.

        Raises:
            SQLError: the query cannot be answered; says what would be valid.
        """
        started = time.monotonic()
        try:
            table = await run_sql(tables, sql)
        except SQLError as problem:
            self._record("sql", {"query": sql}, str(problem), started, error=True)
            raise
        self._record("sql", {"query": sql}, table.to_text(_SHOWN_ROWS), started)
        return table

    async def use(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolResult:
        """Let a tool do something for the model.

        Returns:
            Its result; an error of the tool is a result that says so, for the model to read.

        Raises:
            CallFailed, BudgetExhausted: a call that the tool made failed for good or was not covered.
        """
        started, error = time.monotonic(), False
        # The same session with a trace of its own: tools may be used concurrently.
        inner = copy(self._session)
        inner.trace = Trace(tool.name)
        try:
            text = await tool.call(arguments, inner)
        except ToolError as problem:
            text, error = str(problem), True
        except BaseException:
            self._session.trace.events.append(inner.trace)
            raise
        # A character is removed of two at most, and a tool may return megabytes.
        result = ToolResult(_limit(strip_control(text[: 2 * MAX_RESULT + 2])), error)
        events = inner.trace.events
        parts = [event for event in events if isinstance(event, ToolCall)]
        if len(parts) < len(events):
            # The tool asked a model.
            self._session.trace.events.append(inner.trace)
            parts = []
        # A search or a call of a service is a part of this use, and no event of its own.
        calls = _Parts(any(part.is_new for part in parts), Usage.total(part.usage for part in parts)) if parts else None
        self._record(tool.name, arguments, result.text, started, calls, error=error)
        return result

    async def call(self, client: Client, payload: str, *, paid: bool = False) -> str:
        """Send a payload through a client that is no language model; see `ClientCalls.call`."""
        calls, started = _Calls(self._session), time.monotonic()
        text = await calls.call(client, payload, paid=paid)
        self._record(client.model, {"payload": payload}, text, started, calls)
        return text

    def _record(
        self,
        name: str,
        arguments: Mapping[str, Any],
        result: str,
        started: float,
        calls: _Calls | _Parts | None = None,
        *,
        error: bool = False,
    ) -> None:
        seconds = time.monotonic() - started
        is_new, usage = (calls.is_new, calls.usage) if calls else (True, Usage())
        kept = {key: value if isinstance(value, int | float | None) else str(value) for key, value in arguments.items()}
        self._session.record(ToolCall(name, kept, _limit(result), error, seconds, is_new, usage))


class _Parts(NamedTuple):
    """The sum over the parts of one use of a tool, as in `_Calls`."""

    is_new: bool
    usage: Usage


class _Calls:
    """The calls of one use of a tool, through a session.

    Attributes:
        is_new: whether anything was sent or computed now: False if the journal had every reply.
        usage: the usage of the paid calls.
    """

    def __init__(self, session: ToolSession) -> None:
        self._session = session
        self._replies: list[Completion] = []
        self.usage = Usage()

    @property
    def is_new(self) -> bool:
        return not self._replies or any(reply.is_new for reply in self._replies)

    async def call(self, client: Client, payload: str, *, paid: bool = False) -> str:
        reply = await self._session.call_client(client, payload, paid=paid)
        self._replies.append(reply)
        if paid:
            self.usage += reply.usage
        return reply.text


def format_passages(passages: Sequence[Passage]) -> str:
    """Return passages as text for a prompt, each with its number and the title or origin of its document."""
    return "\n\n".join(
        f"[{number}] {passage.title or passage.source}\n{passage.text}" for number, passage in enumerate(passages, 1)
    )


def _limit(text: str) -> str:
    return text if len(text) <= MAX_RESULT else f"{text[:MAX_RESULT]}…"
