"""Pages by the name of what they are about: the `Search[entity]` and `Lookup[keyword]` of ReAct.

Source: Yao et al. 2022, arXiv 2210.03629, section 3.1.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from reasoning.retrieval.sentences import split_sentences

if TYPE_CHECKING:
    from reasoning.retrieval.document import Corpus
    from reasoning.retrieval.retriever import ClientCalls, Retriever

SENTENCES = 5
"""The sentences that a search shows of a page."""
SIMILAR = 5
"""The titles that are suggested when there is no page."""
NO_MORE_RESULTS = "No more results."
_MAX_SENTENCE = 1000
"""Characters of a sentence that are shown; a longer one is no sentence."""
_MAX_COMPARED = 5_000
"""The most titles whose spelling is compared with a name."""
_MAX_NAME = 100
_PASSAGES = 8
"""Passages of a retriever that are looked at for a page."""
_AMBIGUOUS = re.compile(r"\b(?:may|can|could) (?:also |either )?refer to\b")
_QUALIFIER = re.compile(r"\s*\([^()]*\)$")


@dataclass
class Page:
    """A page, and the place that its reader has reached. Every call of `EntityPages.page` returns a new one.

    Attributes:
        title: the title of the page, which may differ from the name that was looked up (a redirect).
        text: the plain text.
        source: the address or file of the page.

    Examples:
        >>> page = Page("Osk", "Osk is a town. It lies on the river Vael. The Vael is cold.")
        >>> page.beginning(sentences=1)
        'Osk is a town.'
        >>> page.lookup("vael"), page.lookup("Vael"), page.lookup("vael")
        ('(Result 1 / 2) It lies on the river Vael.', '(Result 2 / 2) The Vael is cold.', 'No more results.')
    """

    title: str
    text: str
    source: str = ""
    _keyword: str = field(default="", init=False, repr=False)
    _next: int = field(default=0, init=False, repr=False)

    @cached_property
    def sentences(self) -> Sequence[str]:
        """The sentences of the text; very long ones are cut."""
        return [_cut(sentence) for sentence in split_sentences(self.text)]

    def beginning(self, sentences: int = SENTENCES) -> str:
        """Return the first sentences as one line."""
        return " ".join(self.sentences[:sentences])

    def lookup(self, keyword: str) -> str:
        """Return the next sentence that contains a keyword, in upper or lower case.

        Another keyword starts again at the beginning of the page.

        Returns:
            The sentence after "(Result 1 / 3) ", or "No more results." after the last one.
        """
        wanted = _key(keyword)
        if wanted != self._keyword:
            self._keyword, self._next = wanted, 0
        found = [sentence for sentence in self.sentences if wanted in _key(sentence)] if wanted else []
        if self._next >= len(found):
            return NO_MORE_RESULTS
        self._next += 1
        return f"(Result {self._next} / {len(found)}) {found[self._next - 1]}"


@dataclass(frozen=True)
class NotFound:
    """The answer if there is no page of a name, or if the name is that of several things.

    Attributes:
        entity: the name that was looked up.
        similar: titles of pages that may be meant, at most five.
        is_ambiguous: whether there is only a list of the things with that name.
    """

    entity: str
    similar: tuple[str, ...] = ()
    is_ambiguous: bool = False

    def __str__(self) -> str:
        reason = f"{self.entity} may refer to several pages." if self.is_ambiguous else f"Could not find {self.entity}."
        return f"{reason} Similar: {'; '.join(self.similar)}." if self.similar else reason


@runtime_checkable
class EntityPages(Protocol):
    """A source of pages by name, such as an encyclopaedia."""

    async def page(self, entity: str, calls: ClientCalls | None = None) -> Page | NotFound:
        """Return the page about an entity, or the titles of similar pages.

        Args:
            entity: the name.
            calls: makes calls of HTTP APIs, through journal and limits; None calls directly.

        Raises:
            CallFailed: the source cannot be reached.
        """


@dataclass(frozen=True)
class CorpusPages:
    """The documents of a corpus as pages by their titles.

    A name is found in any case. Without a page of the name, the similar titles are those that differ only by
    what they have in brackets, such as "Osk (river)" and "Osk (town)", then those that the retriever finds, then
    those that are spelled alike.

    Attributes:
        corpus: the documents.
        retriever: searches the same documents; None suggests by the titles alone.
    """

    corpus: Corpus
    retriever: Retriever | None = None

    async def page(self, entity: str, calls: ClientCalls | None = None) -> Page | NotFound:
        """Return the document with that title, or the titles of similar ones."""
        wanted = _key(entity)
        title = ""
        if (index := self._by_title.get(wanted)) is not None:
            document = self.corpus.documents[index]
            if not is_ambiguous(document.text):
                return Page(document.title, document.text, document.source)
            title = document.title
        namesakes = self._by_name.get(_QUALIFIER.sub("", wanted), ())
        found = await self.retriever.search(entity, _PASSAGES, calls) if self.retriever and wanted else ()
        others = (*namesakes, *(passage.title for passage in found), *self._spelled_like(wanted))
        similar = _distinct(one for one in others if one != title)
        return NotFound(entity, similar, is_ambiguous=bool(title) or len(namesakes) > 1)

    def _spelled_like(self, wanted: str) -> list[str]:
        """Return the titles whose spelling is most like a name."""
        if len(self._by_title) > _MAX_COMPARED or len(wanted) > _MAX_NAME:
            return []
        close = difflib.get_close_matches(wanted, self._by_title, n=SIMILAR, cutoff=0.75)
        return [self.corpus.documents[self._by_title[one]].title for one in close]

    @cached_property
    def _by_title(self) -> dict[str, int]:
        titles: dict[str, int] = {}
        for index, document in enumerate(self.corpus.documents):
            if document.title:
                titles.setdefault(_key(document.title), index)
        return titles

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for document in self.corpus.documents:
            if document.title:
                names.setdefault(_QUALIFIER.sub("", _key(document.title)), []).append(document.title)
        return names


@dataclass(frozen=True)
class RetrieverPages:
    """The passages of any retriever as pages by their titles.

    A page has only the passages that the search for its name found. If passages have no titles, those that the
    search found are the page.
    """

    retriever: Retriever

    async def page(self, entity: str, calls: ClientCalls | None = None) -> Page | NotFound:
        """Return the passages with that title, or the titles of similar ones."""
        wanted = _key(entity)
        found = await self.retriever.search(entity, _PASSAGES, calls) if wanted else ()
        same = [passage for passage in found if _key(passage.title) == wanted]
        if not same and any(passage.title for passage in found):
            return NotFound(entity, _distinct(passage.title for passage in found))
        passages = sorted(same, key=lambda passage: passage.position) or found
        if not passages:
            return NotFound(entity)
        title = passages[0].title or entity
        text = "\n".join(passage.text for passage in passages)
        # The heading of a Markdown file is its title.
        heading, _, rest = text.lstrip().partition("\n")
        text = rest if heading.startswith("#") and same_name(heading.lstrip("# "), title) else text
        return Page(title, text, passages[0].source)


def entity_pages(retriever: Retriever) -> EntityPages:
    """Return the pages of a retriever: its own, those of its corpus, or those of the passages that it finds."""
    if isinstance(retriever, EntityPages):
        return retriever
    corpus: Corpus | None = getattr(retriever, "corpus", None)
    return RetrieverPages(retriever) if corpus is None else CorpusPages(corpus, retriever)


def is_ambiguous(text: str) -> bool:
    """Return whether a page only lists the things of its name, as it says at its beginning."""
    return _AMBIGUOUS.search(text[:300]) is not None


def same_name(one: str, other: str) -> bool:
    """Return whether two names differ at most in upper and lower case, and in spaces."""
    return _key(one) == _key(other)


def _key(name: str) -> str:
    """Return a name as it is compared: in one case, with single spaces."""
    return " ".join(name.replace("_", " ").casefold().split())


def _distinct(titles: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(title for title in titles if title))[:SIMILAR]


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _MAX_SENTENCE else sentence[:_MAX_SENTENCE] + "…"
