"""A small encyclopaedia, its problem, and tools of the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reasoning import Problem, kinds
from reasoning.errors import ToolError
from reasoning.kinds import Kind
from reasoning.messages import Message
from reasoning.retrieval.document import Corpus, Document
from reasoning.session_tools import ToolSession
from reasoning.tools.arguments import text_schema

BOOK = Document("Alder Road is a novel by R. Imre. It was drawn by S. Vael.", title="Alder Road")
AUTHOR = Document("R. Imre was born in 1931. He lived in Osk. Osk is cold.", title="R. Imre")
PAINTER = Document("S. Vael was born in 1940.", title="S. Vael")
CORPUS = Corpus("books", [BOOK, AUTHOR, PAINTER])
QUESTION = "Who is older, the author of Alder Road or its illustrator?"
LABELS = kinds.Label(["SUPPORTS", "REFUTES", "NOT ENOUGH INFO"])


def problem(kind: Kind | None = None) -> Problem:
    return Problem(QUESTION, kind or kinds.Text(), corpus=CORPUS)


@dataclass(frozen=True)
class Scripted:
    """A tool that gives the results of a list, or raises what is an error; the last one again and again."""

    results: tuple[str | Exception, ...]
    name: str = "Search"
    description: str = "finds things"
    parameters: Mapping[str, Any] = field(default_factory=lambda: text_schema(query="words"))
    asked: list[str] = field(default_factory=list)

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        self.asked.append(str(arguments["query"]))
        result = self.results[min(len(self.asked), len(self.results)) - 1]
        if isinstance(result, Exception):
            raise result
        return result


def last(messages: tuple[Message, ...]) -> str:
    """Return what the model is to continue."""
    return messages[-1].content


def failing(message: str) -> Scripted:
    return Scripted((ToolError(message),))
