"""The tools of a trajectory by name, and what a model's action does with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reasoning.errors import ToolError, UsageError, nearest
from reasoning.session_tools import Tool, ToolResult, ToolSession
from reasoning.tools.arguments import describe_usage, read_arguments

_NAME = re.compile(r"[A-Za-z]\w{0,63}", re.ASCII)


class Toolbox:
    """Tools with different names.

    Args:
        tools: the tools, in the order in which they are shown.
        also: further actions that are no tools, as they are written, such as "Finish[answer]".

    Raises:
        UsageError: a name is not one word of letters and digits, is that of another action, or two tools
            have the same name.
    """

    def __init__(self, tools: Iterable[Tool], also: Sequence[str] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self._also = also
        taken = {_key(action.partition("[")[0]): action for action in also}
        for tool in tools:
            if action := taken.get(_key(tool.name)):
                raise UsageError(f"a tool must not be called {tool.name}: {action} is another action; give it a name")
            if not _NAME.fullmatch(tool.name):
                raise UsageError(f"the name of a tool must be one word of letters, digits and _, got {tool.name!r:.80}")
            if self._tools.setdefault(_key(tool.name), tool) is not tool:
                raise UsageError(f"two tools are called {tool.name}; give one of them another name")

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tools."""
        return tuple(tool.name for tool in self)

    @property
    def forms(self) -> str:
        """The forms of all actions, such as "Search[entity], Finish[answer]"."""
        return ", ".join([*map(describe_usage, self), *self._also])

    def find(self, name: str) -> Tool:
        """Return the tool with a name, in upper or lower case.

        Raises:
            ToolError: there is no such tool; says which there are, and the nearest.
        """
        if (tool := self._tools.get(_key(name))) is not None:
            return tool
        close = nearest(name, self.names) if name else None
        meant = f"did you mean {close}? " if close else ""
        raise ToolError(f"{meant}Write one of: {self.forms}")

    async def use(self, name: str, written: str | Mapping[str, Any], session: ToolSession) -> ToolResult:
        """Use a tool with the arguments that a model wrote.

        Returns:
            Its result. An unknown tool or wrong arguments are a result that says what would be valid.

        Raises:
            CallFailed, BudgetExhausted: a call that the tool made failed for good or was not covered.
        """
        try:
            tool = self.find(name)
            arguments = read_arguments(tool, written)
        except ToolError as error:
            session.note(invalid := f"Invalid action: {error}")
            return ToolResult(invalid, error=True)
        return await session.tools.use(tool, arguments)

    def describe(self) -> str:
        """Return a line for each tool: how a text action uses it, and what it does."""
        return "\n".join(f"- {describe_usage(tool)}: {tool.description}" for tool in self)

    def schemas(self) -> list[dict[str, Any]]:
        """Return the tools in the form of the chat completions API."""
        return [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in self
        ]


def _key(name: str) -> str:
    return re.sub(r"[\s_-]", "", name[:100]).casefold()
