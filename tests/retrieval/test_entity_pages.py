"""Pages by name in a corpus, and with any retriever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from reasoning.retrieval import ClientCalls, Corpus, Document, Passage
from reasoning.retrieval.entity_pages import (
    CorpusPages,
    EntityPages,
    NotFound,
    Page,
    RetrieverPages,
    entity_pages,
    is_ambiguous,
)

CORPUS = Corpus(
    "osk",
    [
        Document("The Vael is a river. It is cold.", "Vael (river)"),
        Document("Edda Vael was a poet.", "Vael (poet)"),
        Document("Osk lies on the Vael.", "Osk", "osk.md"),
        Document("Tarn may refer to:\nTarn (river)\nTarn (poet)", "Tarn"),
        Document("The Tarn is a river.", "Tarn (river)"),
        Document("A second page of that title.", "osk"),
        Document("no title"),
    ],
)


@dataclass
class Fixed:
    """A retriever that finds what it was given."""

    found: Sequence[Passage] = ()
    name: str = "fixed"
    corpus: Corpus | None = None

    async def search(self, query: str, k: int, calls: ClientCalls | None = None) -> Sequence[Passage]:
        return self.found[:k]


def page(pages: EntityPages, entity: str) -> Page | NotFound:
    return asyncio.run(pages.page(entity))


@pytest.mark.parametrize("entity", ["Osk", "osk", "  OSK "])
def test_a_title_is_found_in_any_case(entity: str) -> None:
    found = page(CorpusPages(CORPUS), entity)
    assert isinstance(found, Page)
    assert (found.title, found.source, found.beginning()) == ("Osk", "osk.md", "Osk lies on the Vael.")


def test_each_reader_has_a_place_of_their_own() -> None:
    pages = CorpusPages(CORPUS)
    first, second = page(pages, "Vael (river)"), page(pages, "vael_(river)")
    assert isinstance(first, Page)
    assert isinstance(second, Page)
    assert first.lookup("is") == second.lookup("is") == "(Result 1 / 2) The Vael is a river."
    assert first.lookup("is") == "(Result 2 / 2) It is cold."


def test_an_ambiguous_name_names_its_things() -> None:
    assert page(CorpusPages(CORPUS), "Vael") == NotFound("Vael", ("Vael (river)", "Vael (poet)"), is_ambiguous=True)
    assert page(CorpusPages(CORPUS), "Tarn") == NotFound("Tarn", ("Tarn (river)",), is_ambiguous=True)
    assert is_ambiguous("Tarn may also refer to: …")
    assert not is_ambiguous("A river. " * 100 + "It may refer to Tarn.")


def test_without_a_page_the_retriever_suggests() -> None:
    found = [Passage("", title) for title in ("Osk", "Osk", "Tarn (river)", "", "a", "b", "c", "d")]
    pages = entity_pages(Fixed(found, corpus=CORPUS))
    assert isinstance(pages, CorpusPages)
    assert page(pages, "Oskar") == NotFound("Oskar", ("Osk", "Tarn (river)", "a", "b", "c"))
    assert page(pages, "Vael (castle)") == NotFound(
        "Vael (castle)", ("Vael (river)", "Vael (poet)", "Osk", "Tarn (river)", "a"), True
    )
    assert page(CorpusPages(CORPUS), "Oskar") == NotFound("Oskar", ("Osk",))
    assert page(CorpusPages(CORPUS), "Tern (riber)") == NotFound("Tern (riber)", ("Tarn (river)",))
    assert page(CorpusPages(CORPUS), "x" * 100_000) == NotFound("x" * 100_000)
    assert page(pages, " ") == NotFound(" ")


def test_any_retriever_has_pages() -> None:
    passages = [Passage("Second part.", "Osk", position=90), Passage("Else.", "Vael"), Passage("First part.", "Osk")]
    pages = entity_pages(Fixed(passages))
    assert isinstance(pages, RetrieverPages)
    found = page(pages, "osk")
    assert isinstance(found, Page)
    assert found.text == "First part.\nSecond part."
    assert page(pages, "Tarn") == NotFound("Tarn", ("Osk", "Vael"))
    assert page(entity_pages(Fixed()), "Osk") == NotFound("Osk")
    untitled = page(entity_pages(Fixed([Passage("It is a town.", source="a.md")])), "Osk")
    assert isinstance(untitled, Page)
    assert (untitled.title, untitled.text, untitled.source) == ("Osk", "It is a town.", "a.md")


def test_the_heading_of_a_file_is_no_sentence() -> None:
    found = page(entity_pages(Fixed([Passage("# Osk\n\nIt is a town.", "Osk", "osk.md")])), "Osk")
    assert isinstance(found, Page)
    assert found.beginning() == "It is a town."


def test_what_was_not_found_reads_as_a_sentence() -> None:
    assert str(NotFound("Osk")) == "Could not find Osk."
    assert str(NotFound("Osk", ("A", "B"))) == "Could not find Osk. Similar: A; B."
    assert str(NotFound("Osk", ("A",), is_ambiguous=True)) == "Osk may refer to several pages. Similar: A."
