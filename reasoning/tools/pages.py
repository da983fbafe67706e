"""The two tools of ReAct for an encyclopaedia: the page about an entity, and sentences with a keyword on it.

Source: Yao et al. 2022, arXiv 2210.03629, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import ToolError
from reasoning.retrieval.entity_pages import EntityPages, Page
from reasoning.session_tools import Tool, ToolSession
from reasoning.tools.arguments import text_schema


@dataclass
class _Reader:
    """The page that a trajectory has open."""

    pages: EntityPages
    page: Page | None = None


@dataclass(frozen=True)
class _SearchPage:
    reader: _Reader
    name: str = "Search"
    description: str = "finds the page about an entity and shows its first sentences, or similar entities"
    parameters: ClassVar[Mapping[str, Any]] = text_schema(entity="the name of the entity")

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        found = await self.reader.pages.page(str(arguments["entity"]), session.tools)
        if not isinstance(found, Page):
            # The page that was open stays open.
            return str(found)
        self.reader.page = found
        return found.beginning() or "The page is empty."


@dataclass(frozen=True)
class _Lookup:
    reader: _Reader
    name: str = "Lookup"
    description: str = "shows the next sentence with a keyword on the page that was found last"
    parameters: ClassVar[Mapping[str, Any]] = text_schema(keyword="the keyword")

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        if self.reader.page is None:
            raise ToolError("there is no page to look in: use Search first")
        return self.reader.page.lookup(str(arguments["keyword"]))


def page_tools(pages: EntityPages) -> tuple[Tool, Tool]:
    """Return `Search` and `Lookup` for one trajectory, which share the page that was found last."""
    reader = _Reader(pages)
    return _SearchPage(reader), _Lookup(reader)
