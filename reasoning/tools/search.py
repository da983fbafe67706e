"""Search for passages as a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.retrieval import Retriever
from reasoning.session_tools import ToolSession, format_passages
from reasoning.tools.arguments import text_schema


@dataclass(frozen=True)
class SearchTool:
    """Shows the passages that a retriever finds.

    Args:
        retriever: the retriever, or its source, such as a folder.
        k: the maximum number of passages.
        name: the name for the model.
        description: what it does, for the model.
    """

    retriever: Retriever | str
    k: int = 3
    name: str = "Search"
    description: str = "shows the passages that fit the words of a query best"
    parameters: ClassVar[Mapping[str, Any]] = text_schema(query="the words to search for")

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        """Return the passages, numbered, each below its title."""
        retriever = self.retriever
        if isinstance(retriever, str):
            from reasoning.retrieval.opening import open_retriever

            retriever = open_retriever(retriever)
        passages = await session.tools.search(retriever, str(arguments["query"]), self.k)
        return format_passages(passages) or "Nothing found. Other words may find something."
