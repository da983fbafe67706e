"""The command `reasoning search`: the passages that a retriever finds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from reasoning.cli.options import BaseUrl, BudgetOptions, JournalOptions
from reasoning.cli.output import OutputOptions, info
from reasoning.cli.progress import progress_bar
from reasoning.errors import UsageError
from reasoning.text_safety import to_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reasoning.retrieval import Passage, Retriever
    from reasoning.tables import Document

_SNIPPET = 240
"""Characters of a passage in the table."""
_WORDS_BEFORE = 8
"""Words of a passage that are shown before the first word of the query."""


def search(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A folder or file of texts, hf:OWNER/NAME, or wikipedia, mediawiki:URL, sparql:URL."
        ),
    ],
    query: Annotated[str, typer.Argument(metavar="QUERY", help="The query.")],
    k: Annotated[int, typer.Option("-k", "--passages", help="Maximum number of passages.", min=1, metavar="N")] = 5,
    method: Annotated[
        Literal["bm25", "dense", "hybrid"],
        typer.Option(help="Search by words (bm25), by meaning (dense), or both (hybrid).", metavar="METHOD"),
    ] = "bm25",
    embeddings: Annotated[
        str | None,
        typer.Option(help="The embedding model of dense and hybrid, such as local.", metavar="MODEL"),
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read the source anew and build its index again.")] = False,
    base_url: BaseUrl = None,
    *,
    budget: BudgetOptions,
    journal: JournalOptions,
    output: OutputOptions,
) -> None:
    """Show the passages that a search finds, as a strategy with retriever=SOURCE gets them."""
    from reasoning.retrieval.index import Index
    from reasoning.retrieval.opened_sources import remove_stored
    from reasoning.retrieval.opening import open_retriever

    retriever = open_retriever(source)
    if isinstance(retriever, Index):
        retriever = Index(source, method, embeddings, base_url)
        if rebuild:
            remove_stored(source)
    elif method != "bm25" or embeddings or base_url:
        raise UsageError(f"--method and --embeddings are for texts, got {source!r:.80}, which searches by itself")
    found = _find(retriever, query, k, budget, journal)
    output.print(lambda: _document(found, query), lambda: _to_json(retriever, query, found))
    if not found:
        info("nothing found")


def _find(
    retriever: Retriever, query: str, k: int, budget: BudgetOptions, options: JournalOptions
) -> Sequence[Passage]:
    """Search with the journal, so that a text is embedded once and a service is asked once."""
    from reasoning import event_loop
    from reasoning.engine.recorded_calls import RecordedCalls
    from reasoning.journal import Journal
    from reasoning.retrieval.progress import show_progress

    chosen = options.to_journal()
    journal = Journal.open(chosen) if isinstance(chosen, Path) else Journal() if chosen is False else Journal.default()
    with (
        RecordedCalls(journal, budget.to_budget() if budget.is_limited else None) as calls,
        progress_bar(f"searching {to_line(retriever.name)}") as bar,
        show_progress(bar),
    ):
        found = event_loop.run_sync(retriever.search(query, k, calls))
    if calls.usage.calls:
        info(f"embedding: {calls.usage}")
    return found


def _to_json(retriever: Retriever, query: str, found: Sequence[Passage]) -> dict[str, Any]:
    passages = [{"rank": rank, **dataclasses.asdict(passage)} for rank, passage in enumerate(found, 1)]
    return {"retriever": repr(retriever), "query": query, "passages": passages}


def _document(found: Sequence[Passage], query: str) -> Document:
    from reasoning.retrieval.words import query_words
    from reasoning.tables import Document, Table

    wanted = set(query_words(query))
    rows = [
        (
            str(rank),
            to_line(" · ".join(filter(None, (passage.title, passage.source)))),
            _snippet(passage.text, wanted),
            f"{passage.position:,}",
            f"{passage.score:.3g}",
        )
        for rank, passage in enumerate(found, 1)
    ]
    header = ("rank", "source", "passage", "position", "score")
    return Document([Table(header, rows, text_columns=3, priority=("source", "passage", "score"))])


def _snippet(text: str, wanted: set[str]) -> str:
    """Return a passage in one line, cut to the part that begins shortly before the first word of the query."""
    from reasoning.retrieval.words import words

    parts = to_line(text).split(" ")
    first = next((place for place, part in enumerate(parts) if not wanted.isdisjoint(words(part))), 0)
    line = " ".join(parts[max(0, first - _WORDS_BEFORE) :])
    return f"{'… ' if first > _WORDS_BEFORE else ''}{line[:_SNIPPET]}{'…' if len(line) > _SNIPPET else ''}"
