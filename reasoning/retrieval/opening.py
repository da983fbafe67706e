"""Retrievers by the name of what they search."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePath

from reasoning.errors import UsageError
from reasoning.retrieval.document import Corpus
from reasoning.retrieval.index import Index
from reasoning.retrieval.reading import Source
from reasoning.retrieval.retriever import Retriever

_FORMS = "a folder such as 'docs/', a file, 'hf:OWNER/NAME', 'wikipedia', 'mediawiki:URL', 'wikidata' or 'sparql:URL'"
_SERVICES = ("wikipedia", "mediawiki", "wikidata", "sparql")
_MAX_LANGUAGE = 20


def open_retriever(source: str | Retriever) -> Retriever:
    """Return the retriever of a source, the same one for all callers of this process.

    Args:
        source: what is searched: a folder or a file of texts, or a data set of the hub, as in
            `Index`; "wikipedia" or "wikipedia:de"; "mediawiki:https://…/api.php"; "wikidata";
            "sparql:https://…". A retriever is returned unchanged.

    Raises:
        UsageError: it is no source.

    Examples:
        >>> open_retriever("docs/")
        Index(source='docs/')
    """
    if isinstance(source, str):
        return _open(source.strip())
    if not hasattr(source, "search") or not hasattr(source, "name"):
        hint = f"; write it as a text: {str(source)!r}" if isinstance(source, PurePath) else ""
        raise UsageError(f"retriever must be {_FORMS}, or an Index(…), got {source!r:.80}{hint}")
    return source


def problem_retriever(source: str | Retriever | None, corpus: Corpus | None) -> Retriever:
    """Return the retriever for a problem: the one that is named, else one over the problem's corpus by words.

    A folder or file must be there, so that a wrong name costs no call.

    Args:
        source: the parameter of a technique, as in `open_retriever`; None searches the corpus.
        corpus: the corpus of the problem.

    Raises:
        UsageError: there is nothing to search in.
        InputError: there is no such folder or file.
    """
    if source is not None:
        retriever = open_retriever(source)
        if isinstance(retriever, Index) and isinstance(retriever.source, str):
            Source(retriever.source).check_exists()
        return retriever
    if corpus is None:
        raise UsageError(f"there is nothing to search in: give retriever=…, {_FORMS}, or a problem with a corpus")
    return Index(corpus)


@lru_cache(maxsize=256)
def _open(source: str) -> Retriever:
    if not source:
        raise UsageError(f"retriever must be {_FORMS}, got an empty text")
    scheme, colon, rest = source.partition(":")
    if scheme not in _SERVICES or (not colon and scheme in ("mediawiki", "sparql")):
        if "://" in source:
            raise UsageError(f"retriever must be {_FORMS}, got {source!r:.80}")
        return Index(source)
    if scheme in ("wikipedia", "mediawiki"):
        from reasoning.retrieval.mediawiki import MediaWiki

        if scheme == "wikipedia":
            rest = f"https://{_language(rest) if colon else 'en'}.wikipedia.org/w/api.php"
        return MediaWiki(rest)
    from reasoning.retrieval.sparql import Sparql

    if scheme == "wikidata":
        if colon:
            raise UsageError(f"wikidata takes nothing after its name, got {source!r:.80}")
        rest = "https://query.wikidata.org/sparql"
    return Sparql(rest)


def _language(code: str) -> str:
    if not code.replace("-", "").isalpha() or not code.isascii() or len(code) > _MAX_LANGUAGE:
        raise UsageError(f"a language of Wikipedia must be a code such as de, got {code!r:.40}")
    return code.lower()
