"""The values of `tools=`: names of built-in tools, functions, strategies and tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reasoning.errors import UnknownName, UsageError
from reasoning.problem import Problem
from reasoning.retrieval import Retriever
from reasoning.session_tools import Tool
from reasoning.strategy import Strategy
from reasoning.tools.function import FunctionTool
from reasoning.tools.pages import page_tools
from reasoning.tools.python import PythonTool
from reasoning.tools.search import SearchTool
from reasoning.tools.sql import SQLTool
from reasoning.tools.strategy import StrategyTool

BUILT_IN = ("pages", "search", "python", "sql")
"""The names of the tools that need no object: the pages of an encyclopaedia (`Search` and `Lookup`), passages of a
retriever, programs, and the problem's table."""


def as_tools(values: Any) -> tuple[Any, ...]:
    """Return the values of `tools=` with functions as `FunctionTool`; a single value is a tuple of one.

    Raises:
        UsageError: a value is something else.
        UnknownName: there is no built-in tool of a name.
    """
    listed = values if isinstance(values, tuple | list) else (values,)
    tools = []
    for value in listed:
        if isinstance(value, str) and value not in BUILT_IN:
            raise UnknownName("tool", value, BUILT_IN)
        if isinstance(value, str | Strategy) or _is_tool(value):
            tools.append(value)
        elif callable(value) and not isinstance(value, type):
            tools.append(FunctionTool(value))
        else:
            names = ", ".join(map(repr, BUILT_IN))
            raise UsageError(f"a tool must be one of {names}, a function, a strategy or a tool, got {value!r:.80}")
    return tuple(tools)


def make_tools(values: Iterable[Any], problem: Problem, retriever: Retriever | str | None) -> list[Tool]:
    """Return the tools of one trajectory.

    Args:
        values: what `as_tools` returned.
        problem: the problem, whose corpus and table the built-in tools use.
        retriever: what is searched instead of the problem's corpus; or its source, such as a folder.

    Raises:
        UsageError: there is nothing to search, or no table.
    """
    tools: list[Tool] = []
    for value in values:
        if value == "python":
            tools.append(PythonTool())
        elif value == "sql":
            if problem.table is None:
                raise UsageError("the tool 'sql' needs a problem with a table: Problem(question, kind, table=rows)")
            tools.append(SQLTool(problem.table))
        elif value in ("pages", "search"):
            from reasoning.retrieval.entity_pages import entity_pages
            from reasoning.retrieval.opening import problem_retriever

            opened = problem_retriever(retriever, problem.corpus)
            tools += page_tools(entity_pages(opened)) if value == "pages" else [SearchTool(opened)]
        else:
            tools.append(StrategyTool(value) if isinstance(value, Strategy) else value)
    return tools


def _is_tool(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("name", "description", "parameters")) and callable(
        getattr(value, "call", None)
    )
