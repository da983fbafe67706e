"""A client of MediaWiki's API: search, and pages by their names. Wikipedia and most other wikis have one.

Source: https://www.mediawiki.org/wiki/API:Query, API:Search, Extension:TextExtracts and Extension:Disambiguator;
the behaviour of `page` is that of `Search[entity]` in ReAct (Yao et al. 2022, arXiv 2210.03629).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from reasoning.retrieval.document import Passage
from reasoning.retrieval.entity_pages import SIMILAR, NotFound, Page, is_ambiguous, same_name
from reasoning.retrieval.http_lookup import HttpLookup, Parameters
from reasoning.retrieval.mediawiki_response import read_response

if TYPE_CHECKING:
    from reasoning.retrieval.retriever import ClientCalls

_MAX_PASSAGE = 2_000
"""Characters of a passage, which is the introduction of a page."""
_MAX_TITLE = 200
_MAX_K = 20
"""The most pages whose introductions one query returns."""
_MAX_LAG = 5
"""Seconds by which the wiki's database may lag; API:Etiquette asks clients without a user who waits to wait then."""
_NO_TITLE = re.compile(r"[\x00-\x1f<>\[\]{}|\x7f]")
_NO_WORD = re.compile(r"[^\w\s.,'’-]|(?<!\w)-")
"""The signs that have a meaning in a search engine's queries, as `insource:/…/` or a minus that excludes."""
_HEADING = re.compile(r"^=+ .*=+ *$\n?", re.MULTILINE)


class MediaWiki:
    """The pages of a wiki, by name and by search.

    Args:
        api_url: the address of the API, such as "https://en.wikipedia.org/w/api.php".

    Attributes:
        name: the host of the wiki.

    Raises:
        UsageError: the address is not one of a server, or contains more than scheme, host and path.
    """

    def __init__(self, api_url: str) -> None:
        self._client = HttpLookup(api_url, read=read_response)
        self._url = api_url
        self.name = self._client.host

    def __repr__(self) -> str:
        return f"MediaWiki({self._url!r})"

    async def search(self, query: str, k: int, calls: ClientCalls | None = None) -> Sequence[Passage]:
        """Return the introductions of the pages that fit a query, the best first.

        Args:
            query: words to search for; the operators of the wiki's search engine are removed.
            k: the number of pages, at most 20.
            calls: makes the calls through journal and limits; None makes them directly.

        Raises:
            CallFailed: the wiki cannot be reached or refuses the query.
        """
        words = _words(query)
        if not words:
            return []
        limit = min(k, _MAX_K)
        parameters: Parameters = {
            "action": "query",
            "generator": "search",
            "gsrsearch": words,
            "gsrlimit": limit,
            "prop": "extracts|info",
            "inprop": "url",
            "exintro": 1,
            "explaintext": 1,
            "exlimit": _MAX_K,
        }
        found = await self._query(parameters, calls)
        if found["has_extracts"]:
            pages = sorted(found["pages"], key=lambda page: page["index"])
            passages = [Passage(_plain(page["text"]), page["title"], page["url"]) for page in pages]
        else:
            rows = (
                await self._query({"action": "query", "list": "search", "srsearch": words, "srlimit": limit}, calls)
            )["search"]
            passages = [Passage(row["snippet"], row["title"], self._address(row["title"])) for row in rows]
        return [
            Passage(one.text[:_MAX_PASSAGE], one.title, one.source, 0, 1 / rank)
            for rank, one in enumerate(passages, 1)
            if one.text
        ][:k]

    async def page(self, entity: str, calls: ClientCalls | None = None) -> Page | NotFound:
        """Return the page of an entity; a redirect is followed.

        If there is no such page, or one that lists the things of that name, the wiki is searched for the name, and
        the titles that it finds are returned.

        Raises:
            CallFailed: the wiki cannot be reached or refuses the query.
        """
        title = " ".join(_NO_TITLE.sub(" ", entity.partition("#")[0]).split())[:_MAX_TITLE].lstrip(": ")
        if not title:
            return NotFound(entity)
        found = await self._find(title, calls)
        if isinstance(found, Page):
            return found
        similar = await self._similar(title, calls)
        # Titles differ in upper and lower case, and a redirect from the other form may be missing.
        same = next((one for one in similar if found is None and same_name(one, title)), None)
        if same and isinstance(page := await self._find(same, calls), Page):
            return page
        others = tuple(one for one in similar if one not in (found, same))[:SIMILAR]
        return NotFound(entity, others, is_ambiguous=bool(found or same))

    async def _find(self, title: str, calls: ClientCalls | None) -> Page | str | None:
        """Return the page of a title; its title alone if it lists the things of that name; None without a page."""
        parameters: Parameters = {
            "action": "query",
            "titles": title,
            "redirects": 1,
            "prop": "extracts|pageprops|info",
            "ppprop": "disambiguation",
            "inprop": "url",
            "explaintext": 1,
            "exsectionformat": "wiki",
            "exlimit": 1,
        }
        found = await self._query(parameters, calls)
        page = next(iter(found["pages"]), None)
        if page is None:
            return None
        if not found["has_extracts"]:
            parsed = await self._query(
                {"action": "parse", "page": page["title"], "prop": "text", "redirects": 1}, calls
            )
            page["text"] = next((one["text"] for one in parsed["pages"]), "")
        text = _plain(page["text"])
        if page["is_ambiguous"] or is_ambiguous(text):
            return str(page["title"])
        return Page(page["title"], text, page["url"] or self._address(page["title"]))

    async def _similar(self, title: str, calls: ClientCalls | None) -> list[str]:
        """Return the titles that a search for a name finds."""
        if not (words := _words(title)):
            return []
        # One more, since the page that is ambiguous is left out.
        parameters: Parameters = {"action": "query", "list": "search", "srsearch": words, "srlimit": SIMILAR + 1}
        return [row["title"] for row in (await self._query(parameters, calls))["search"]]

    async def _query(self, parameters: Parameters, calls: ClientCalls | None) -> Any:
        general: Parameters = {"format": "json", "formatversion": 2, "maxlag": _MAX_LAG}
        return json.loads(await self._client.get({**parameters, **general}, calls))

    def _address(self, title: str) -> str:
        return urljoin(self._url, f"index.php?title={quote(title.replace(' ', '_'))}")


def _words(query: str) -> str:
    """Return the words of a query; search engines of wikis take at most 300 characters."""
    return " ".join(_NO_WORD.sub(" ", query).split())[:_MAX_TITLE]


def _plain(text: str) -> str:
    return _HEADING.sub("", text).strip()
