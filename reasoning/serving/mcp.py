"""A server of the Model Context Protocol on standard input and output, whose tools are aliases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reasoning.answer import Failed, Unparsed
from reasoning.cli.output import lend_standard_output
from reasoning.engine.budget import Budget
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, MissingExtra, ReasoningError, UsageError
from reasoning.logs import Log
from reasoning.serving.aliases import Alias
from reasoning.serving.mcp_tools import (
    OUTPUT_SCHEMA,
    describe_tool,
    input_schema,
    name_tools,
    read_call,
    to_structured,
    to_text,
)
from reasoning.serving.protocol.chat import new_series
from reasoning.text_safety import strip_control, to_line
from reasoning.version import __version__
from reasoning.watching import SolveEvent

try:
    import mcp_types as types
    from mcp.server import Server, ServerRequestContext
    from mcp.server.stdio import stdio_server
except ImportError as error:
    raise MissingExtra("reasoning mcp", "mcp", f"mcp ({error})") from None

INSTRUCTIONS = (
    "Each tool answers one self-contained question by a reasoning technique over a language model. The structured "
    "content says whether there is an answer, how sure the technique is of it, and what it cost. The same arguments "
    "repeat the recorded answer without a cost; fresh=true draws a new one."
)
HEARTBEAT = 10.0
"""Seconds without an event after which a progress notification says that the call is still running."""
_log = Log(__name__)


@dataclass
class ToolServer:
    """The tools of an agent, each an alias.

    Attributes:
        llm: the model.
        aliases: the strategies and chains, by name.
        problem_budget: what one call may spend; None for no limit.
        fresh: whether every call gets new draws instead of the recorded ones.
        heartbeat: seconds without an event after which a progress notification is sent.

    Raises:
        UsageError: two aliases have the same name of a tool.
        PriceUnknown: the budget limits dollars, and the price of the model is not known.
    """

    llm: LLM
    aliases: Mapping[str, Alias]
    problem_budget: Budget | None = None
    fresh: bool = False
    heartbeat: float = HEARTBEAT

    def __post_init__(self) -> None:
        self.llm.check_price(self.problem_budget)
        self._tools = name_tools(self.aliases)
        self._progress: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Serve on standard input and output until the input ends. Nothing else is written to standard output."""
        server = Server(
            "reasoning",
            version=__version__,
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )
        with lend_standard_output() as give_back:
            async with stdio_server() as (reading, writing):
                give_back()
                await server.run(reading, writing, server.create_initialization_options())

    async def _list_tools(
        self, context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=name,
                    title=alias.strategy.card.title or None,
                    description=strip_control(describe_tool(alias, self.llm.name)),
                    input_schema=input_schema(alias),
                    output_schema=dict(OUTPUT_SCHEMA),
                    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=True),
                )
                for name, alias in self._tools.items()
            ]
        )

    async def _call_tool(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Answer a call. What goes wrong is a result that says so, which the agent reads."""
        try:
            if (alias := self._tools.get(params.name)) is None:
                raise UsageError(f"no tool {params.name!r:.80}; known: {', '.join(self._tools)}")
            return await self._solve(alias, params.arguments or {}, context)
        except BudgetExhausted as error:
            return _error(f"{error}. The budget of this server is used up: nothing more is sent; answer without it.")
        except ReasoningError as error:
            return _error(str(error))

    async def _solve(
        self, alias: Alias, arguments: Mapping[str, Any], context: ServerRequestContext[Any]
    ) -> types.CallToolResult:
        problem = read_call(alias, arguments)
        started = time.monotonic()
        budget = None if self.problem_budget is None else self.problem_budget.nested_in(self.llm.budget)
        events: asyncio.Queue[str | None] = asyncio.Queue()
        notifying = asyncio.create_task(self._notify(context, events))
        try:
            answer = await alias.strategy.arun(
                problem,
                self.llm,
                budget=budget,
                watch=lambda event: _put(events, event),
                series=new_series() if arguments.get("fresh") or self.fresh else None,
            )
            events.put_nowait(None)
            # Progress comes before the result, or not at all.
            await notifying
        finally:
            notifying.cancel()
        if isinstance(answer, Failed):
            _log.info("a call of %s failed", alias.name)
        text = to_text(answer, alias, problem.kind, str(self.problem_budget or ""))
        return types.CallToolResult(
            content=[types.TextContent(text=text)],
            structured_content=to_structured(answer, time.monotonic() - started),
            is_error=isinstance(answer, Failed) or (isinstance(answer, Unparsed) and answer.stopped_by is not None),
        )

    async def _notify(self, context: ServerRequestContext[Any], events: asyncio.Queue[str | None]) -> None:
        """Send progress notifications, if the client asked for them; a client that has gone gets none."""
        sent, started = 0, time.monotonic()
        with suppress(Exception):
            while True:
                try:
                    text = await asyncio.wait_for(events.get(), self.heartbeat)
                    if text is None:
                        return
                except TimeoutError:
                    text = f"working for {time.monotonic() - started:.0f} s, {self.llm.in_flight} draws in flight"
                sent += 1
                await context.session.report_progress(sent, message=text)


def _put(events: asyncio.Queue[str | None], event: SolveEvent) -> None:
    """Put an event into the queue as a line: stages as they begin and end, and calls as they end."""
    place = "/".join(event.path) or event.stage
    if event.type == "stage_began":
        line = f"{place}: began"
    elif event.type in ("stage_ended", "call_ended"):
        what = "ended" if event.type == "stage_ended" else "reply"
        line = f"{place}: {what}{f', {event.error}' if event.error else ''} ({event.usage})"
    else:
        return
    # It runs on the loop of the library, on which this server runs, too.
    events.put_nowait(to_line(line)[:500])


def _error(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=strip_control(text))], is_error=True)
