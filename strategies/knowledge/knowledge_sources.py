"""Sources of knowledge: texts to search, SPARQL endpoints, and tables, each with its query language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from reasoning.errors import ToolError, UsageError
from reasoning.problem import Problem
from reasoning.retrieval import Retriever
from reasoning.session import Session
from reasoning.strategies.evidence import find_evidence, retriever_of
from reasoning.tables_sql import SQLError, Table

QueryLanguage = Literal["text", "SPARQL", "SQL"]

PROBLEM_CORPUS, PROBLEM_TABLE = "corpus", "table"
"""The names of the problem's own sources."""
OWN_DOMAIN = "the texts and tables of the question"
"""The domain of the problem's own sources, if no others are named."""
_SENTENCES = 6
"""The sentences of texts that a reason is corrected by; a second fact is often in the next sentence of a page."""
_SHOWN_ROWS = 5
"""The rows of a table that the model sees when it writes a query."""
_MAX_ROWS = 20
_MAX_CHARS = 2_000
"""Length at which the result of a query is cut off."""


@runtime_checkable
class KnowledgeSource(Protocol):
    """A source of knowledge that a model queries.

    Attributes:
        name: the name in traces.
        language: the language of its queries; "text" is a question in plain words.
        description: the schema that a query needs to know; empty for texts.
    """

    @property
    def name(self) -> str: ...

    @property
    def language(self) -> QueryLanguage: ...

    @property
    def description(self) -> str: ...

    async def execute(self, query: str, session: Session) -> str:
        """Check a query and execute it; return what it finds as text, empty for nothing.

        Raises:
            ToolError: the query is not valid; the message says why.
            CallFailed: a call of the source failed for good.
        """
        ...


@dataclass(frozen=True)
class TextSource:
    """Texts: the best sentences of the passages that a retriever finds."""

    retriever: Retriever
    language: QueryLanguage = "text"
    description: str = ""

    @property
    def name(self) -> str:
        """The name of the retriever."""
        return self.retriever.name

    async def execute(self, query: str, session: Session) -> str:
        """Search; see `KnowledgeSource`."""
        found = await find_evidence(query, self.retriever, session, keep=_SENTENCES)
        return "\n".join(f"- {sentence}" for sentence in found)


@dataclass(frozen=True)
class SparqlSource:
    """A SPARQL endpoint, a `reasoning.retrieval.sparql.Sparql`."""

    endpoint: Any
    language: QueryLanguage = "SPARQL"
    description: str = (
        'Find things by their label, such as ?thing rdfs:label "Ada Lovelace"@en, not by identifiers from memory, and '
        'select labels: ?other rdfs:label ?label. FILTER(LANG(?label) = "en")'
    )

    @property
    def name(self) -> str:
        """The name of the endpoint."""
        return str(self.endpoint.name)

    async def execute(self, query: str, session: Session) -> str:
        """Check the query and send it; see `KnowledgeSource`."""
        from reasoning.retrieval.sparql_query import SparqlError

        try:
            result = await self.endpoint.query(query, session.tools)
        except SparqlError as error:
            raise ToolError(str(error)) from None
        return _found(query, result.to_text()) if result.rows else ""


@dataclass(frozen=True)
class TableSource:
    """A table, which is called `w` in SQL."""

    table: Table
    language: QueryLanguage = "SQL"

    @property
    def name(self) -> str:
        """The title of the table."""
        return self.table.title or PROBLEM_TABLE

    @property
    def description(self) -> str:
        """The columns with their types, and the first rows."""
        columns = ", ".join(
            f'"{name}" ({kind})' for name, kind in zip(self.table.header, self.table.types, strict=True)
        )
        return f"The table w has the columns row_id, {columns}.\n{self.table.to_text(_SHOWN_ROWS)}"[:_MAX_CHARS]

    async def execute(self, query: str, session: Session) -> str:
        """Check the query and run it; see `KnowledgeSource`."""
        try:
            result = await session.tools.query(self.table, query)
        except SQLError as error:
            raise ToolError(str(error)) from None
        return _found(query, result.to_text(_MAX_ROWS)) if result.rows else ""


Source = str | Retriever | KnowledgeSource | Table
"""A source: an object, or a text such as "docs/", "wikipedia", "wikidata", "sparql:https://…", "corpus", "table"."""
Sources = Mapping[str, Source | Sequence[Source]]
"""The sources of each domain."""


def check_sources(sources: Mapping[Any, Any] | None) -> None:
    """Check that domains are texts, and sources of a known form.

    Raises:
        UsageError: they are not.
    """
    for domain, listed in (sources or {}).items():
        if not isinstance(domain, str) or not domain.strip():
            raise UsageError(f"a domain of sources must be a text, got {domain!r:.60}")
        for source in _listed(listed):
            if not isinstance(source, str | Table) and not hasattr(source, "search") and not hasattr(source, "execute"):
                wanted = "a text such as 'docs/' or 'wikipedia', a retriever, a table, or a KnowledgeSource"
                raise UsageError(f"a source of {domain!r:.60} must be {wanted}, got {source!r:.60}")


def language_of(source: Source) -> QueryLanguage:
    """Return the query language of a source, without opening it."""
    if isinstance(source, Table) or source == PROBLEM_TABLE:
        return "SQL"
    if isinstance(source, str):
        return "SPARQL" if source.partition(":")[0].strip() in ("wikidata", "sparql") else "text"
    return source.language if isinstance(source, KnowledgeSource) else "SPARQL" if hasattr(source, "query") else "text"


def open_sources(sources: Sources | None, problem: Problem) -> dict[str, list[KnowledgeSource]]:
    """Return the open sources of each domain; a domain without any is left out.

    Args:
        sources: the sources of each domain. None takes the problem's own corpus and table.
        problem: the problem, whose corpus and table "corpus" and "table" name.
    """
    named = sources or {OWN_DOMAIN: (PROBLEM_CORPUS, PROBLEM_TABLE)}
    opened = {
        domain: [found for source in _listed(listed) if (found := _open(source, problem))]
        for domain, listed in named.items()
    }
    return {domain: found for domain, found in opened.items() if found}


def languages_of(sources: Sources | None) -> list[QueryLanguage]:
    """Return the query languages of all sources, for the number of calls."""
    return [
        language_of(source)
        for listed in (sources or {OWN_DOMAIN: (PROBLEM_CORPUS, PROBLEM_TABLE)}).values()
        for source in _listed(listed)
    ]


def _listed(source: Source | Sequence[Source]) -> Sequence[Source]:
    return source if isinstance(source, list | tuple) else (source,)


def _open(source: Source, problem: Problem) -> KnowledgeSource | None:
    if source == PROBLEM_TABLE:
        return TableSource(Table.of(problem.table)) if problem.table else None
    if isinstance(source, Table):
        return TableSource(source)
    if not isinstance(source, str) and isinstance(source, KnowledgeSource):
        return source
    retriever = retriever_of(None if source == PROBLEM_CORPUS else source, problem)
    if retriever is None:
        return None
    return SparqlSource(retriever) if language_of(source) == "SPARQL" else TextSource(retriever)


def _found(query: str, result: str) -> str:
    return f"{query}\n{result[:_MAX_CHARS]}"
