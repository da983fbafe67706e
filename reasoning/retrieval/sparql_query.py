"""Checks of a SPARQL query before it is sent: it only reads, calls no other server, and returns few rows.

Source: SPARQL 1.1 Query Language (W3C 2013), section 19.
"""

from __future__ import annotations

import re

from reasoning.errors import ReasoningError


class SparqlError(ReasoningError):
    """A query is refused, by this library or by the endpoint. The message says why, in the endpoint's words."""


_OPAQUE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|'
    r"'''(?:[^'\\]|\\.|'(?!''))*'''|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'(?:[^'\\\n]|\\.)*'|"
    r"<[^<>\"{}|^`\\\s]*>|"
    r"#[^\n]*",
    re.DOTALL,
)
"""Strings, addresses and comments, inside of which no word is a keyword."""
_PROLOGUE = re.compile(r"\s*(?:PREFIX\s+[^\s:]*:\s*<>|BASE\s+<>)\s*", re.IGNORECASE)
_SERVICE = re.compile(r"\bSERVICE\b\s*(?:SILENT\b\s*)?([^\s{]+)", re.IGNORECASE)
_REDEFINED = re.compile(r"\bPREFIX\s+wikibase:\s*(?!<http://wikiba\.se/ontology#>)", re.IGNORECASE)
_ALLOWED_SERVICES = ("wikibase:label", "wikibase:around", "wikibase:box")
"""Services of Wikidata's endpoint itself; any other one would make it call another server."""
_LIMIT = re.compile(r"\bLIMIT\s+\d+", re.IGNORECASE)
_VALUES = re.compile(r"\bVALUES\b", re.IGNORECASE)
_MAX_LENGTH = 4000


def check_query(query: str, max_rows: int) -> str:
    """Return a query with a limit of its rows.

    Args:
        query: the query.
        max_rows: the limit for a SELECT without one.

    Raises:
        SparqlError: it is no SELECT or ASK, is too long, or asks the endpoint to call another server.
    """
    query = query.strip()
    if len(query) > _MAX_LENGTH:
        raise SparqlError(f"a query must have at most {_MAX_LENGTH:,} characters, got {len(query):,}")
    bare = _OPAQUE.sub(lambda match: "<>" if match[0][0] == "<" else " " if match[0][0] == "#" else '""', query)
    rest = bare
    while match := _PROLOGUE.match(rest):
        rest = rest[match.end() :]
    form = (rest.split(None, 1) or [""])[0].partition("{")[0].upper()
    if form not in ("SELECT", "ASK"):
        raise SparqlError(f"a query must be a SELECT or an ASK, got {form or 'nothing'!r:.40}")
    services = _SERVICE.findall(bare)
    if not set(services).issubset(_ALLOWED_SERVICES) or (services and _REDEFINED.search(query)):
        raise SparqlError(f"a query may use no other service than {', '.join(_ALLOWED_SERVICES)}")
    tail = rest[rest.rfind("}") + 1 :]
    if form == "ASK" or _LIMIT.search(tail) or _VALUES.search(rest[_outermost_end(rest) :]):
        return query
    return f"{query}\nLIMIT {max_rows}"


def _outermost_end(query: str) -> int:
    """Return the place after the brace that closes the first group; the length of the query if none does."""
    depth = 0
    for match in re.finditer(r"[{}]", query):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return len(query)
