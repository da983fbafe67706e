"""Arguments as models write them, and tools by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from reasoning.errors import ToolError, UsageError
from reasoning.session_tools import ToolSession
from reasoning.tools import FunctionTool, Toolbox
from reasoning.tools.arguments import describe_usage, read_arguments, text_schema


def weather(city: str, days: int = 1, metric: bool = True) -> str:
    """Tell the weather.

    Args:
        city: the name of the city.
        days: the number of days.
    """
    return f"{city} {days} {metric}"


def square(number: float) -> float:
    """Square a number."""
    return number * number


def now() -> str:
    """Tell the time."""
    return "12:00"


WEATHER, SQUARE, NOW = FunctionTool(weather), FunctionTool(square), FunctionTool(now)


@dataclass(frozen=True)
class Search:
    name: str = "Search"
    description: str = "finds things"
    parameters: Mapping[str, Any] = field(default_factory=lambda: text_schema(query="words"))

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        return str(arguments["query"])


@pytest.mark.parametrize(
    ("tool", "written", "arguments"),
    [
        (Search(), "Vael", {"query": "Vael"}),
        (Search(), '"Vael"', {"query": "Vael"}),
        (Search(), "“Vael”", {"query": "Vael"}),
        (Search(), 'the "Vael" and "Osk"', {"query": 'the "Vael" and "Osk"'}),
        (Search(), '"Vael" and "Osk"', {"query": '"Vael" and "Osk"'}),
        (Search(), "a, b", {"query": "a, b"}),
        (Search(), '{"query": "Vael"}', {"query": "Vael"}),
        (Search(), '{"set": 1}', {"query": '{"set": 1}'}),
        (Search(), 'query="Vael"', {"query": "Vael"}),
        (Search(), "query languages", {"query": "query languages"}),
        (Search(), {"query": "Vael"}, {"query": "Vael"}),
        (WEATHER, '{"city": "Oslo", "days": 2}', {"city": "Oslo", "days": 2}),
        (WEATHER, "{'city': 'Oslo', 'days': '2'}", {"city": "Oslo", "days": 2}),
        (WEATHER, 'city="Oslo", days=2', {"city": "Oslo", "days": 2}),
        (WEATHER, 'city="Os\\lo", days=2', {"city": "Os\\lo", "days": 2}),
        (WEATHER, '"Oslo", 2', {"city": "Oslo", "days": 2}),
        (WEATHER, {"city": "Oslo", "metric": "false"}, {"city": "Oslo", "metric": False}),
        (SQUARE, "12", {"number": 12}),
        (SQUARE, " 1.5 ", {"number": 1.5}),
        (SQUARE, "number=3", {"number": 3}),
        (NOW, "", {}),
    ],
)
def test_arguments_as_they_are_written(tool: Any, written: Any, arguments: Any) -> None:
    assert read_arguments(tool, written) == arguments


@pytest.mark.parametrize(
    ("tool", "written", "message"),
    [
        (WEATHER, "Oslo", 'takes 3 arguments by name; write weather[{"city": text, "days": whole number (optional)'),
        (WEATHER, "", 'the keys "city" are missing; write weather['),
        (WEATHER, '{"town": "Oslo"}', "unknown keys"),
        (WEATHER, '{"days": 2}', 'the keys "city" are missing'),
        (WEATHER, '{"city": "Oslo", "days": "two"}', 'at $.days: expected a whole number, found "two"'),
        (SQUARE, "twelve", 'at $.number: expected a number, found "twelve"; write square[number]'),
        (SQUARE, "__import__('os')", "expected a number"),
        (NOW, {"zone": 1}, "unknown keys"),
        (Search(), {}, 'the keys "query" are missing'),
        (Search(), {"query": 5}, "expected a text"),
    ],
)
def test_wrong_arguments_are_answered_with_what_would_be_valid(tool: Any, written: Any, message: str) -> None:
    with pytest.raises(ToolError) as caught:
        read_arguments(tool, written)
    assert message in str(caught.value)


def test_hostile_arguments_take_linear_time() -> None:
    for part in ("{", "[", "(", '"', "a=", "-", "{'a':", "f(", "\x00", "1,"):
        for tool in (Search(), WEATHER, SQUARE):
            with suppress(ToolError):
                read_arguments(tool, part * (100_000 // len(part)))


def test_usage_is_short_for_one_argument_and_named_for_several() -> None:
    assert [describe_usage(tool) for tool in (Search(), SQUARE, NOW)] == ["Search[query]", "square[number]", "now[]"]
    assert describe_usage(WEATHER).startswith('weather[{"city": text, "days": whole number (optional), ')


def test_tools_are_found_by_name_and_an_unknown_one_says_which_there_are() -> None:
    box = Toolbox([Search(), WEATHER])
    assert box.find("search") is box.find(" SEARCH") is not None
    with pytest.raises(ToolError, match=r"did you mean Search\? Write one of: Search\[query\], weather"):
        box.find("Serch")
    with pytest.raises(ToolError, match=r"^Write one of: Search"):
        box.find("")
    with pytest.raises(UsageError, match="two tools are called search"):
        Toolbox([Search(), Search(name="search")])
    with pytest.raises(UsageError, match=r"must not be called search: Search\[x\] is another action"):
        Toolbox([Search(name="search")], also=("Search[x]",))
    for wrong in ("", "two words", "Finish]", "x\n", "ä"):
        with pytest.raises(UsageError, match="one word"):
            Toolbox([Search(name=wrong)])
    assert "- Search[query]: finds things" in box.describe()
    assert [one["function"]["name"] for one in box.schemas()] == ["Search", "weather"]


def test_an_invalid_action_is_a_result(session: Any) -> None:
    box = Toolbox([Search(), WEATHER])
    for name, written in (("Serch", "x"), ("weather", "Oslo"), ("", "x"), ("x" * 10_000, "y")):
        result = asyncio.run(box.use(name, written, session))
        assert result.error
        assert result.text.startswith("Invalid action: ")
        assert len(result.text) < 1_000
    assert asyncio.run(box.use("search", "x", session)).text == "x"
