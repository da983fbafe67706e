"""Look-ups through the engine: recorded, retried, and made once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from aiohttp import web

from reasoning import Journal, event_loop
from reasoning.errors import CallFailed
from reasoning.retrieval import ClientCalls, http_lookup
from reasoning.retrieval.entity_pages import NotFound, Page
from reasoning.retrieval.mediawiki import MediaWiki
from reasoning.retrieval.sparql import Sparql
from reasoning.retrieval.sparql_query import SparqlError
from reasoning.session import Session
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace
from tests.retrieval.loopback import MALFORMED, RIVERS, TIMED_OUT, Server, listening, mediawiki

T = TypeVar("T")
QUERY = "SELECT ?river WHERE { ?river wdt:P31 wd:Q4022 }"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_wait(host: str, interval: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(http_lookup, "wait_for_host", no_wait)


class SessionCalls:
    """The calls of a session, as its tools make them."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def call(self, client: Any, payload: str, *, paid: bool = False) -> str:
        return (await self.session.call_client(client, payload, paid=paid)).text


def run(
    server: Server,
    make: Callable[[str], Any],
    do: Callable[[Any, ClientCalls], Awaitable[T]],
    journal: Journal | None = None,
) -> T:
    """Return what a client of the server does in a session, which is closed afterwards."""

    async def go() -> T:
        async with listening(server) as url:
            # The address is part of a call's key in the journal, and each test has another port.
            made = make(url)
            made._client.model, made._client.endpoint = "wiki.example", "https://wiki.example/w/api.php"
            llm = ScriptedLLM([], journal=journal or Journal())
            try:
                return await do(made, SessionCalls(Session(llm, Trace(""))))
            finally:
                await llm.close()

    return event_loop.run_sync(go())


def test_a_page_is_fetched_once_ever() -> None:
    journal, server = Journal(), Server(mediawiki)
    for _ in range(2):
        page = run(server, MediaWiki, lambda wiki, calls: wiki.page("Osk", calls), journal)
        assert isinstance(page, Page)
        assert page.beginning(1) == "Osk is a town on the Vael."
        missing = run(server, MediaWiki, lambda wiki, calls: wiki.page("Oskk", calls), journal)
        assert isinstance(missing, NotFound)
    assert len(server.asked) == 3


def test_equal_lookups_in_flight_are_one() -> None:
    server = Server(mediawiki)

    async def many(wiki: MediaWiki, calls: ClientCalls) -> list[Any]:
        return list(await asyncio.gather(*(wiki.search("vael poet", 2, calls) for _ in range(9))))

    found = run(server, MediaWiki, many)
    assert len(server.asked) == 1
    assert all([one.title for one in passages] == ["Vael (poet)", "Vael"] for passages in found)


def test_a_busy_wiki_is_asked_again() -> None:
    busy = [
        web.Response(status=429, headers={"Retry-After": "0"}),
        web.json_response({"error": {"code": "maxlag", "info": "lagged"}}, headers={"Retry-After": "0"}),
        '{"query": {"pages": [',
        web.Response(status=503),
    ]
    server = Server(mediawiki, *busy)
    page = run(server, MediaWiki, lambda wiki, calls: wiki.page("Osk", calls))
    assert isinstance(page, Page)
    assert len(server.asked) == 5


def test_a_refusal_is_not_repeated() -> None:
    server = Server(lambda _: web.Response(status=403, text="no user agent"))
    with pytest.raises(CallFailed, match="no user agent") as failed:
        run(server, MediaWiki, lambda wiki, calls: wiki.page("Osk", calls))
    assert not failed.value.ends_run
    assert len(server.asked) == 1


def test_a_malformed_query_is_sent_once_ever() -> None:
    journal, server = Journal(), Server(lambda _: web.Response(status=400, text=MALFORMED))
    for _ in range(2):
        with pytest.raises(SparqlError, match="Encountered"):
            run(server, Sparql, lambda endpoint, calls: endpoint.query(QUERY, calls), journal)
    assert len(server.asked) == 1


def test_a_query_that_takes_too_long_is_sent_once() -> None:
    server = Server(lambda _: web.Response(status=500, text=TIMED_OUT))
    with pytest.raises(SparqlError, match="took too long"):
        run(server, Sparql, lambda endpoint, calls: endpoint.query(QUERY, calls))
    assert len(server.asked) == 1
    server = Server(lambda _: RIVERS, web.Response(status=429, headers={"Retry-After": "0"}))
    assert len(run(server, Sparql, lambda endpoint, calls: endpoint.query(QUERY, calls)).rows) == 2


def test_connections_are_closed_with_the_model(recwarn: pytest.WarningsRecorder) -> None:
    run(Server(mediawiki), MediaWiki, lambda wiki, calls: wiki.page("Osk", calls))
    gc.collect()
    assert not [one for one in recwarn if issubclass(one.category, ResourceWarning)]
