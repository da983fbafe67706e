"""Responses of MediaWiki's API, with formatversion=2: checked, and cut to what is needed of them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from reasoning.errors import CallFailed, MissingExtra
from reasoning.providers.http_errors import retry_after
from reasoning.retrieval.http_lookup import Response
from reasoning.text_safety import dump_json, redact

MAX_TEXT = 100_000
"""Characters of a page that are kept."""
_BUSY = re.compile(r"maxlag|ratelimited|readonly|internal_api_error.*|(?:cirrus)?search-.*")
"""The codes of errors after which the same query may succeed later."""
_NO_PAGE = frozenset(("missing", "invalid", "special", "interwiki"))
"""The fields of a page that does not exist or has no text."""
_TAG = re.compile(r"<[^<>]*>")
_NO_PROSE = "table, style, script, sup.reference, .mw-editsection, .navbox, .hatnote, .noprint"


def read_response(response: Response) -> str | None:
    """Return what is kept of a response of the API, as JSON of our own; see `Reader`.

    Raises:
        CallFailed: the response is no JSON object, or an error other than that of a missing page.
    """
    if response.status >= 300:
        return None
    try:
        body = json.loads(response.text)
        error = body.get("error")
    except (ValueError, RecursionError, AttributeError):
        shown = redact(response.text) or "nothing"
        raise CallFailed(f"the wiki answered with broken JSON: {shown}", retryable=True, status=200) from None
    if isinstance(error, dict) and error.get("code") != "missingtitle":
        code = str(error.get("code"))
        is_busy = bool(_BUSY.fullmatch(code))
        wait = retry_after(response.headers) if is_busy else None
        message = f"the wiki refuses the query ({redact(code)}): {redact(str(error.get('info') or ''))}"
        raise CallFailed(message, retryable=is_busy, retry_after=wait, status=429 if is_busy else 400)
    query, parsed = _object(body, "query"), _object(body, "parse")
    pages = [_page(page) for page in _objects(query, "pages") if not _NO_PAGE.intersection(page)]
    if parsed:
        pages.append({**_page(parsed), "text": _plain_text(_text(parsed, "text"))[:MAX_TEXT]})
    search = [
        {"title": _text(row, "title"), "snippet": html.unescape(_TAG.sub("", _text(row, "snippet")))}
        for row in _objects(query, "search")
    ]
    # A wiki without the extension for extracts warns that it does not know the parameter.
    warnings = json.dumps(body.get("warnings", ""))
    has_extracts = not ("extracts" in warnings and "nrecognized" in warnings)
    return dump_json({"pages": pages, "search": search, "has_extracts": has_extracts}, compact=True)


def _page(page: Mapping[str, Any]) -> dict[str, Any]:
    index = page.get("index")
    return {
        "title": _text(page, "title"),
        "text": _text(page, "extract")[:MAX_TEXT],
        "url": _text(page, "canonicalurl") or _text(page, "fullurl"),
        "is_ambiguous": "disambiguation" in _object(page, "pageprops"),
        "index": index if isinstance(index, int) else 0,
    }


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _objects(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _plain_text(page: str) -> str:
    """Return the paragraphs and list items of a page as lines.

    Raises:
        MissingExtra: beautifulsoup4 is not installed.
    """
    try:
        from bs4 import BeautifulSoup
    except ImportError:
        raise MissingExtra("a wiki without the extension TextExtracts", "retrieval", "beautifulsoup4") from None
    soup = BeautifulSoup(page, "html.parser")
    for element in soup.select(_NO_PROSE):
        element.decompose()
    lines = (" ".join(element.get_text().split()) for element in soup.find_all(["p", "li"]))
    return "\n".join(filter(None, lines))
