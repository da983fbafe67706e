"""Retrievers by name, and the one for a problem."""

from __future__ import annotations

import pytest

from reasoning.errors import UsageError
from reasoning.retrieval.index import Index
from reasoning.retrieval.mediawiki import MediaWiki
from reasoning.retrieval.opening import open_retriever, problem_retriever
from reasoning.retrieval.sparql import Sparql
from tests.retrieval.test_index import BIRDS


def test_sources() -> None:
    assert open_retriever("docs/") == Index("docs/")
    assert open_retriever(" docs/ ") is open_retriever("docs/")
    assert open_retriever("hf:me/birds") == Index("hf:me/birds")
    index = Index("docs/", "hybrid", "local")
    assert open_retriever(index) is index
    wikipedia = open_retriever("wikipedia")
    assert isinstance(wikipedia, MediaWiki)
    assert wikipedia is open_retriever("wikipedia")
    assert "en.wikipedia.org" in repr(wikipedia.__dict__)
    assert "de.wikipedia.org" in repr(open_retriever("wikipedia:de").__dict__)
    assert "wiki.example.org" in repr(open_retriever("mediawiki:https://wiki.example.org/w/api.php").__dict__)
    for source in ("wikidata", "sparql:https://example.org/sparql"):
        assert isinstance(open_retriever(source), Sparql)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "got an empty text"),
        ("https://example.org", "retriever must be a folder"),
        ("wikipedia:de/../x", "a language of Wikipedia must be a code such as de"),
        ("wikipedia:evil.org#", "a language of Wikipedia"),
        ("wikidata:x", "wikidata takes nothing after its name"),
        ("mediawiki:nothing", "an address of an API must be"),
        (7, r"retriever must be .* or an Index\(…\), got 7"),
    ],
)
def test_what_is_no_retriever(source: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_retriever(source)  # type: ignore[arg-type]


def test_a_problem_s_corpus_is_searched_unless_a_source_is_named() -> None:
    found = problem_retriever(None, BIRDS)
    assert isinstance(found, Index)
    assert found.corpus is BIRDS
    assert problem_retriever("docs/", BIRDS) == Index("docs/")
    with pytest.raises(UsageError, match="nothing to search in: give retriever=…, a folder"):
        problem_retriever(None, None)
