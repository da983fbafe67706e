"""A client of SPARQL endpoints, such as Wikidata's: queries, and search for entities.

Source: SPARQL 1.1 Protocol and Query Results JSON Format (W3C 2013); Wikidata Query Service, User Manual.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reasoning.errors import CallFailed
from reasoning.retrieval.document import Passage
from reasoning.retrieval.http_lookup import HttpLookup, Parameters, Response
from reasoning.retrieval.sparql_query import SparqlError, check_query
from reasoning.text_safety import dump_json, redact

if TYPE_CHECKING:
    from reasoning.retrieval.retriever import ClientCalls

WIKIDATA = "https://query.wikidata.org/sparql"
_WIKIDATA_API = "https://www.wikidata.org/w/api.php"
_RESULTS = "application/sparql-results+json"
_TIMEOUT = 65.0
"""Seconds; Wikidata's endpoint ends a query after 60."""
_MAX_ROWS = 50
_MAX_CELL = 500
"""Characters of a value that are kept."""
_ENTITY = re.compile(r"https?://www\.wikidata\.org/(?:entity|prop/direct)/([PQL]\d+)")
_MIDNIGHT = "T00:00:00Z"
_ERROR_PAGE = "SPARQL-QUERY: queryStr="
"""The beginning of an error of Wikidata's endpoint, also in the middle of a response that began with status 200."""
_MAX_ERROR_PAGE = 20_000
_TOO_LONG = re.compile(r"TimeoutException|QueryTimeout|timed out|exceeds the limit of \d+", re.IGNORECASE)
_REASON = re.compile(
    r"(?:Malformed\w*|Query\w*|Timeout|Lexical\w*|Quads\w*|Unsupported\w*)(?:Exception|Error)?[:\s][^\n]*"
)


@dataclass(frozen=True)
class SparqlResult:
    """The result of a query.

    Attributes:
        variables: the names of the columns, without "?".
        rows: the values as text; "" for an unbound one. An entity of Wikidata is its identifier, as "Q42".
    """

    variables: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_text(self) -> str:
        """Return the header and the rows as lines, with " | " between the cells."""
        return "\n".join(" | ".join(row) for row in (self.variables, *self.rows))


class Sparql:
    """A SPARQL endpoint.

    As a retriever it searches for entities: on Wikidata by the search of its website, elsewhere by the part of a label.

    Args:
        endpoint: the address to which queries are sent.
        language: the language of labels that a search returns.
        max_rows: the most rows of a result.

    Attributes:
        name: the host of the endpoint.

    Raises:
        UsageError: the address is not one of a server, or contains more than scheme, host and path.
    """

    def __init__(self, endpoint: str = WIKIDATA, *, language: str = "en", max_rows: int = _MAX_ROWS) -> None:
        # One request at a time: Wikidata's endpoint counts the time of all queries of an address.
        self._client = HttpLookup(endpoint, read=_read_results, accept=_RESULTS, timeout=_TIMEOUT, concurrency=1)
        self._entities = HttpLookup(_WIKIDATA_API, read=_read_entities) if endpoint == WIKIDATA else None
        self._language, self._max_rows, self._endpoint = language, max_rows, endpoint
        self.name = self._client.host

    def __repr__(self) -> str:
        return f"Sparql({self._endpoint!r})"

    async def query(self, query: str, calls: ClientCalls | None = None) -> SparqlResult:
        """Return the result of a SELECT or ASK query; that of ASK is one row with "true" or "false".

        A query that the endpoint refuses is recorded with its reason, so that a rerun does not send it again.

        Raises:
            SparqlError: the query is refused, or took too long.
            CallFailed: the endpoint cannot be reached.
        """
        checked = check_query(query, self._max_rows)
        try:
            found = json.loads(await self._client.get({"query": checked, "format": "json"}, calls))
        except CallFailed as error:
            if isinstance(error, _QueryTimeout):
                raise SparqlError(str(error)) from None
            raise
        if reason := found.get("error"):
            raise SparqlError(f"{self.name} refuses the query: {reason}")
        rows = tuple(tuple(row) for row in found["rows"][: self._max_rows])
        return SparqlResult(tuple(found["variables"]), rows)

    async def search(self, query: str, k: int, calls: ClientCalls | None = None) -> Sequence[Passage]:
        """Return the entities whose label or alias fits a query, each with its identifier and description.

        Raises:
            CallFailed: the endpoint cannot be reached, refuses the search, or took too long for it.
        """
        words = " ".join(query.split())[:200]
        if not words:
            return []
        if self._entities is None:
            return await self._search_labels(words, k, calls)
        parameters: Parameters = {
            "action": "wbsearchentities",
            "search": words,
            "language": self._language,
            "uselang": self._language,
            "type": "item",
            "limit": min(k, 50),
            "format": "json",
            "formatversion": 2,
        }
        found = json.loads(await self._entities.get(parameters, calls))
        return [
            Passage(_describe(row["label"], row["id"], row["description"]), row["label"], row["url"], 0, 1 / rank)
            for rank, row in enumerate(found[:k], 1)
        ]

    async def _search_labels(self, words: str, k: int, calls: ClientCalls | None) -> list[Passage]:
        wanted = json.dumps(words.lower())
        query = (
            "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"
            "SELECT DISTINCT ?item ?label ?comment WHERE {\n"
            f"  ?item rdfs:label ?label . FILTER(CONTAINS(LCASE(STR(?label)), {wanted}))\n"
            "  OPTIONAL { ?item rdfs:comment ?comment }\n"
            f"}} LIMIT {int(k)}"
        )
        try:
            found = await self.query(query, calls)
        except SparqlError as error:
            # The query is this library's: no model can correct it, and other searches may succeed.
            raise CallFailed(f"a search for labels at {self.name} failed: {error}") from None
        if not {"item", "label"} <= {*found.variables}:
            columns = ", ".join(found.variables) or "none"
            raise CallFailed(f"{self.name} answered a search with other columns than item and label: {columns:.200}")
        rows = [{"comment": "", **dict(zip(found.variables, row, strict=True))} for row in found.rows]
        return [
            Passage(_describe(row["label"], row["item"], row["comment"]), row["label"], row["item"], 0, 1 / rank)
            for rank, row in enumerate(rows, 1)
        ]


class _QueryTimeout(CallFailed):
    """A query took too long for the endpoint. The same one would do so again."""


def _read_results(response: Response) -> str | None:
    """Return the rows of a response as JSON of our own, or the reason of a refusal; see `Reader`.

    Raises:
        CallFailed: the response is no result, or the endpoint stopped the query.
    """
    text = response.text
    if response.status < 300 and (results := _results(text)) is not None:
        return dump_json(results, compact=True)
    # Wikidata's endpoint answers with status 200 before it knows that a query fails or takes too long.
    begin = text.find(_ERROR_PAGE)
    if response.status in (400, 500, 503, 504) or begin >= 0:
        if response.status == 504 or _TOO_LONG.search(text[-_MAX_ERROR_PAGE:]):
            raise _QueryTimeout("the query took too long: make it simpler, or give a LIMIT", status=response.status)
        if response.status == 400 or begin >= 0:
            return dump_json({"error": _reason(text[max(begin, 0) :][:_MAX_ERROR_PAGE])}, compact=True)
    if response.status >= 300:
        return None
    shown = redact(text) or "nothing"
    raise CallFailed(f"the endpoint answered with broken JSON: {shown}", retryable=True, status=200)


def _results(text: str) -> dict[str, Any] | None:
    """Return the variables and rows of a body; None if it is no result."""
    try:
        body = json.loads(text)
        if "boolean" in body:
            return {"variables": ["answer"], "rows": [["true" if body["boolean"] else "false"]]}
        variables = [str(name) for name in body["head"]["vars"]]
        rows = [[_value(row.get(name)) for name in variables] for row in body["results"]["bindings"]]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    return {"variables": variables, "rows": rows}


def _value(term: Any) -> str:
    """Return a bound term as text."""
    if not isinstance(term, dict):
        return ""
    value = str(term.get("value", ""))[:_MAX_CELL]
    if term.get("type") == "uri" and (entity := _ENTITY.fullmatch(value)):
        return entity[1]
    return value.removesuffix(_MIDNIGHT) if str(term.get("datatype", "")).endswith("#dateTime") else value


def _reason(text: str) -> str:
    """Return the reason in an error page of an endpoint; Wikidata's has the query and a stack trace around it."""
    found = _REASON.search(text.partition("java.")[2] or text)
    return redact(found[0] if found else text)


def _read_entities(response: Response) -> str | None:
    if response.status >= 300:
        return None
    try:
        body = json.loads(response.text)
        error = body.get("error")
        found = [_entity(row) for row in body.get("search", ()) if isinstance(row, dict)]
    except (ValueError, RecursionError, TypeError, AttributeError):
        shown = redact(response.text) or "nothing"
        raise CallFailed(f"Wikidata answered with broken JSON: {shown}", retryable=True, status=200) from None
    if error:
        code = str(error.get("code")) if isinstance(error, dict) else str(error)
        is_busy = code in ("maxlag", "ratelimited")
        raise CallFailed(
            f"Wikidata refuses the search: {redact(code)}", retryable=is_busy, status=429 if is_busy else 400
        )
    return dump_json(found, compact=True)


def _entity(row: Mapping[str, Any]) -> dict[str, str]:
    entity = str(row.get("id", ""))
    return {
        "id": entity,
        "label": str(row.get("label") or entity),
        "description": str(row.get("description") or ""),
        "url": str(row.get("concepturi") or ""),
    }


def _describe(label: str, entity: str, description: str) -> str:
    return f"{label} ({entity}): {description}" if description else f"{label} ({entity})"
