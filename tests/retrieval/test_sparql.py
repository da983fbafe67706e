"""The client of SPARQL endpoints, against a server on loopback that answers as Wikidata's does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from reasoning.errors import CallFailed
from reasoning.retrieval import http_lookup, sparql
from reasoning.retrieval.document import Passage
from reasoning.retrieval.http_lookup import HttpLookup
from reasoning.retrieval.sparql import Sparql, SparqlResult
from reasoning.retrieval.sparql_query import SparqlError, check_query
from tests.retrieval.loopback import ENTITIES, MALFORMED, RIVERS, TIMED_OUT, Server, ask

RIVER = "SELECT ?river WHERE { ?river wdt:P31 wd:Q4022 }"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_wait(host: str, interval: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(http_lookup, "wait_for_host", no_wait)


def query(answer: Any, text: str = RIVER, server: Server | None = None) -> SparqlResult:
    return ask(server or Server(lambda _: answer), Sparql, lambda endpoint: endpoint.query(text))


def test_a_result_has_plain_values() -> None:
    server = Server(lambda _: RIVERS)
    result = query(None, server=server)
    assert result.variables == ("river", "riverLabel", "length", "since")
    assert result.rows == (("Q77001", "Vael", "94", "1310-05-01"), ("Q77002", "Tarn", "", ""))
    assert result.to_text().splitlines()[1] == "Q77001 | Vael | 94 | 1310-05-01"
    assert server.asked == [{"query": f"{RIVER}\nLIMIT 50", "format": "json"}]
    assert server.headers[0]["Accept"] == "application/sparql-results+json"


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (False, "false")])
def test_ask(value: bool, shown: str) -> None:
    assert query({"head": {}, "boolean": value}, "ASK { wd:Q1 ?p ?o }") == SparqlResult(("answer",), ((shown,),))


def test_rows_and_cells_are_limited() -> None:
    rows = [{"a": {"type": "literal", "value": "x" * 10_000}}] * 200
    result = query({"head": {"vars": ["a"]}, "results": {"bindings": rows}})
    assert len(result.rows) == 50
    assert len(result.rows[0][0]) == 500


def test_the_reason_of_a_refusal_is_kept() -> None:
    with pytest.raises(SparqlError, match=r"refuses the query: MalformedQueryException: Encountered .*line 1$"):
        query(web.Response(status=400, text=MALFORMED))
    with pytest.raises(SparqlError, match="SPARQL compiler, line 1: syntax error at 'WHER'"):
        query(
            web.Response(status=400, text="Virtuoso 37000 Error SP030: SPARQL compiler, line 1: syntax error at 'WHER'")
        )


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500, text=TIMED_OUT),
        # The endpoint has begun with rows before its time is over.
        f'{{"head": {{"vars": ["a"]}}, "results": {{"bindings": [{{"a{TIMED_OUT}',
        web.Response(status=504, text="<html>Gateway Timeout</html>"),
        web.Response(
            status=500,
            text="Virtuoso 42000 Error The estimated execution time 6910 (sec) exceeds the limit of 60 (sec).",
        ),
    ],
)
def test_a_query_that_takes_too_long_is_not_repeated(answer: Any) -> None:
    with pytest.raises(SparqlError, match="took too long"):
        query(answer)


@pytest.mark.parametrize(
    ("answer", "retryable", "wait"),
    [
        (web.Response(status=429, text="Too Many Requests", headers={"Retry-After": "30"}), True, 30.0),
        (web.Response(status=502, text="<html>Bad Gateway</html>"), True, None),
        (web.Response(status=500, text="Internal error"), True, None),
        (web.Response(status=403, text="no user agent"), False, None),
        ("<html>Maintenance</html>", True, None),
        ({"head": {}}, True, None),
        ({"head": {"vars": ["a"]}, "results": {"bindings": ["odd"]}}, True, None),
        ("[" * 100_000, True, None),
    ],
)
def test_failures(answer: Any, retryable: bool, wait: float | None) -> None:
    with pytest.raises(CallFailed) as failed:
        query(answer)
    assert (failed.value.retryable, failed.value.retry_after) == (retryable, wait)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DELETE WHERE { ?s ?p ?o }",
        "INSERT DATA { <a:b> <a:c> <a:d> }",
        "DROP ALL",
        "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
        "DESCRIBE wd:Q1",
        "# SELECT\nDELETE WHERE { ?s ?p ?o }",
        "PREFIX a: <http://a/> CLEAR ALL",
        "LOAD <http://127.0.0.1/secret>",
        "SELECT * { SERVICE <http://127.0.0.1:9000/> { ?s ?p ?o } }",
        "SELECT * { SERVICE<http://127.0.0.1:9000/> { ?s ?p ?o } }",
        "SELECT * { service silent <http://10.0.0.1/> { ?s ?p ?o } }",
        "SELECT * { BIND(<http://10.0.0.1/> AS ?e) SERVICE ?e { ?s ?p ?o } }",
        "PREFIX wikibase: <http://10.0.0.1/> SELECT * { SERVICE wikibase:label { ?s ?p ?o } }",
        "SELECT * { SERVICE wikibase:mwapi { ?s ?p ?o } }",
        "SELECT * { ?s ?p '" + "x" * 100_000 + "' }",
        '"' * 4000,
    ],
)
def test_only_queries_that_read_from_the_endpoint_are_sent(text: str) -> None:
    server = Server(lambda _: RIVERS)
    with pytest.raises(SparqlError):
        query(None, text, server)
    assert not server.asked


@pytest.mark.parametrize(
    ("text", "is_limited"),
    [
        (RIVER, True),
        ("select ?a { ?a ?b 'LIMIT 3' }", True),
        ("SELECT ?a { ?a ?b ?c } # LIMIT 3", True),
        ("SELECT ?a { { SELECT ?a { ?a ?b ?c } LIMIT 3 } }", True),
        ("PREFIX x: <http://x/#> BASE <http://y/> SELECT ?a { ?a x:b <c> } ORDER BY ?a", True),
        ('SELECT * { ?s rdfs:label "SERVICE <http://a/>" }', True),
        ("SELECT * { ?s ?p ?o SERVICE wikibase:label { bd:serviceParam wikibase:language 'en' } }", True),
        ("SELECT ?a { ?a ?b ?c } LIMIT 3", False),
        ("SELECT ?a { ?a ?b ?c } limit 3 OFFSET 4", False),
        ("SELECT ?a { ?a ?b ?c } VALUES ?c { 1 2 }", False),
        ("ASK { ?a ?b ?c }", False),
        ("ASK{ ?a ?b ?c }", False),
    ],
)
def test_a_query_without_a_limit_gets_one(text: str, is_limited: bool) -> None:
    assert check_query(text, 9) == (f"{text}\nLIMIT 9" if is_limited else text)


def test_wikidata_is_searched_for_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(lambda _: ENTITIES)

    async def look(client: HttpLookup) -> list[Passage]:
        wikidata = Sparql()
        wikidata._entities = client
        return list(await wikidata.search("Vael", 5))

    found = ask(server, lambda url: HttpLookup(url, read=sparql._read_entities), look)
    assert [one.text for one in found] == ["Vael (Q77001): river in Osk", "Edda Vael (Q77003)"]
    assert [one.source for one in found] == [
        "http://www.wikidata.org/entity/Q77001",
        "http://www.wikidata.org/entity/Q77003",
    ]
    assert server.asked[0]["action"] == "wbsearchentities"
    assert server.asked[0]["limit"] == "5"
    for answer in ({"error": {"code": "ratelimited"}}, "oops"):
        with pytest.raises(CallFailed) as failed:
            ask(Server(lambda _, given=answer: given), lambda url: HttpLookup(url, read=sparql._read_entities), look)
        assert failed.value.retryable


def test_another_endpoint_is_searched_by_labels() -> None:
    rows = {
        "head": {"vars": ["item", "label", "comment"]},
        "results": {
            "bindings": [
                {"item": {"type": "uri", "value": "http://a/1"}, "label": {"type": "literal", "value": "Vael"}}
            ]
        },
    }
    server = Server(lambda _: rows)
    found = ask(server, Sparql, lambda endpoint: endpoint.search('Va"el) . } #\n', 2))
    assert [(one.title, one.text, one.source) for one in found] == [("Vael", "Vael (http://a/1)", "http://a/1")]
    # The words stay inside of one string.
    assert json.dumps('va"el) . } #') in server.asked[0]["query"]
    assert server.asked[0]["query"].endswith("LIMIT 2")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (web.Response(status=400, text=MALFORMED), "a search for labels at 127.* failed: .* refuses the query"),
        (web.Response(status=500, text=TIMED_OUT), "failed: the query took too long"),
        (RIVERS, "other columns than item and label: river, riverLabel, length, since"),
    ],
)
def test_a_search_that_an_endpoint_cannot_answer_is_a_failed_call(answer: Any, message: str) -> None:
    with pytest.raises(CallFailed, match=message) as failed:
        ask(Server(lambda _: answer), Sparql, lambda endpoint: endpoint.search("Vael", 2))
    assert not failed.value.ends_run


def test_the_text_of_a_result_is_that_of_its_rows() -> None:
    assert SparqlResult(("a", "b"), (("1", ""),)).to_text() == "a | b\n1 | "
