"""The client of MediaWiki's API, against a server on loopback that answers in its format."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from reasoning.errors import CallFailed, UsageError
from reasoning.retrieval import http_lookup
from reasoning.retrieval.document import Passage
from reasoning.retrieval.entity_pages import EntityPages, NotFound, Page, entity_pages
from reasoning.retrieval.mediawiki import MediaWiki
from reasoning.retrieval.mediawiki_response import MAX_TEXT
from tests.retrieval.loopback import PAGES, Server, ask, mediawiki


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_wait(host: str, interval: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(http_lookup, "wait_for_host", no_wait)


def look_up(entity: str, server: Server | None = None) -> Page | NotFound:
    return ask(server or Server(mediawiki), MediaWiki, lambda wiki: wiki.page(entity))


def search(query: str, k: int = 3, server: Server | None = None) -> list[Passage]:
    return list(ask(server or Server(mediawiki), MediaWiki, lambda wiki: wiki.search(query, k)))


def test_a_page_begins_with_its_first_five_sentences() -> None:
    server = Server(mediawiki)
    page = look_up("Osk", server)
    assert isinstance(page, Page)
    assert (page.title, page.source) == ("Osk", "https://wiki.example/Osk")
    assert page.beginning() == (
        "Osk is a town on the Vael. It was founded c. 1204 by Dr. Imre Sol. It has 3.5 thousand inhabitants. "
        "The mill burnt in 1911. It was rebuilt by J. R. Tarn."
    )
    assert "== History ==" not in page.text
    assert len(server.asked) == 1
    assert server.asked[0]["titles"] == "Osk"
    assert server.asked[0]["redirects"] == "1"


def test_a_lookup_goes_from_sentence_to_sentence() -> None:
    page = look_up("Osk")
    assert isinstance(page, Page)
    assert page.lookup("VAEL") == "(Result 1 / 3) Osk is a town on the Vael."
    assert page.lookup("vael") == "(Result 2 / 3) A sixth sentence names the Vael again."
    assert page.lookup("mill") == "(Result 1 / 1) The mill burnt in 1911."
    assert page.lookup("mill") == "No more results."
    assert page.lookup("vael") == "(Result 1 / 3) Osk is a town on the Vael."
    assert page.lookup("castle") == page.lookup(" ") == "No more results."


def test_a_redirect_is_followed() -> None:
    page = look_up("Town of Osk")
    assert isinstance(page, Page)
    assert page.title == "Osk"


@pytest.mark.parametrize("entity", ["osk", " OSK ".lower(), "osk#History"])
def test_a_page_is_found_in_another_case(entity: str) -> None:
    page = look_up(entity)
    assert isinstance(page, Page)
    assert page.title == "Osk"


def test_without_a_page_five_similar_titles_are_named() -> None:
    server = Server(mediawiki)
    missing = look_up("Oskk", server)
    assert missing == NotFound("Oskk", ("Osk", "Vael", "Vael (poet)", "Tarn (river)", "Tarn (poet)"))
    assert str(missing) == "Could not find Oskk. Similar: Osk; Vael; Vael (poet); Tarn (river); Tarn (poet)."
    assert len(server.asked) == 2


@pytest.mark.parametrize("entity", ["Nothing at all", "fr:Rien", "{{}}", "", "|", "#", "x" * 100_000])
def test_nothing_is_found(entity: str) -> None:
    assert look_up(entity) == NotFound(entity)


def test_an_ambiguous_name_names_the_pages_of_that_name() -> None:
    ambiguous = look_up("Tarn")
    assert ambiguous == NotFound("Tarn", ("Tarn (river)", "Tarn (poet)"), is_ambiguous=True)
    assert str(ambiguous) == "Tarn may refer to several pages. Similar: Tarn (river); Tarn (poet)."


def test_titles_cannot_become_several_ones() -> None:
    server = Server(mediawiki)
    look_up("Osk|Vael", server)
    assert server.asked[0]["titles"] == "Osk Vael"


def test_a_search_returns_introductions_in_the_order_of_the_wiki() -> None:
    server = Server(mediawiki)
    found = search("vael poet", 2, server)
    assert [one.title for one in found] == ["Vael (poet)", "Vael"]
    assert found[0].text == "Edda Vael was a poet."
    assert found[0].source == "https://wiki.example/Vael (poet)"
    assert found[0].score > found[1].score
    assert len(server.asked) == 1
    assert search("nothing of that") == search("") == search("?!") == []


def test_operators_of_the_search_engine_are_no_part_of_a_query() -> None:
    server = Server(mediawiki)
    search('-river insource:/a.*b/ "osk" ~x*', 1, server)
    assert server.asked[0]["gsrsearch"] == "river insource a. b osk x"


def test_a_wiki_without_extracts_is_read_as_html() -> None:
    plain = Server(partial(mediawiki, has_extracts=False))
    page = look_up("Osk", plain)
    assert isinstance(page, Page)
    assert page.beginning(2) == "Osk is a town on the Vael. It was founded c. 1204 by Dr. Imre Sol."
    assert "Area" not in page.text
    assert "[1]" not in page.text
    assert [one["action"] for one in plain.asked] == ["query", "parse"]
    [first, _] = search("vael poet", 2, Server(partial(mediawiki, has_extracts=False)))
    assert (first.title, first.text) == ("Vael (poet)", "The Vael (poet) & more")


def busy(code: str, **headers: str) -> web.Response:
    body = {"error": {"code": code, "info": "Waiting for 10.0.0.8: 5.2 seconds lagged.", "lag": 5.2, "type": "db"}}
    return web.json_response(body, headers=headers)


@pytest.mark.parametrize(
    ("answer", "retryable", "wait", "status", "message"),
    [
        (busy("maxlag", **{"Retry-After": "5"}), True, 5.0, 429, "maxlag"),
        (busy("ratelimited"), True, None, 429, "ratelimited"),
        (busy("readapidenied"), False, None, 400, "readapidenied"),
        (web.Response(status=429, text="slow down", headers={"Retry-After": "7"}), True, 7.0, 429, "slow down"),
        (web.Response(status=503, text="<html>Down</html>"), True, None, 503, "answered 503"),
        (web.Response(status=403, text="Please set a user agent"), False, None, 403, "user agent"),
        (web.Response(status=404, text="no such path"), False, None, 404, "no such path; check the address"),
        ("<!DOCTYPE html><html>Welcome</html>", True, None, 200, "a web page instead of data; check the address"),
        ('{"query": {"pages": [', True, None, 200, "broken JSON"),
        ("[" * 100_000, True, None, 200, "broken JSON"),
        ("[]", True, None, 200, "broken JSON"),
        ("", True, None, 200, "broken JSON: nothing"),
        ("reset", True, None, None, "broke"),
        (web.Response(text="x" * 9_000_000), False, None, None, "more than 8 MB"),
        (
            web.Response(status=302, headers={"Location": "http://127.0.0.2/w/api.php"}),
            False,
            None,
            None,
            "another server",
        ),
    ],
)
def test_failures(answer: Any, retryable: bool, wait: float | None, status: int | None, message: str) -> None:
    server = Server(lambda _: answer)
    with pytest.raises(CallFailed, match=message) as failed:
        look_up("Osk", server)
    assert (failed.value.retryable, failed.value.retry_after, failed.value.status) == (retryable, wait, status)
    assert not failed.value.ends_run
    # aiohttp repeats a GET whose connection broke, once.
    assert len(server.asked) == (2 if answer == "reset" else 1)


@pytest.mark.parametrize(
    "answer",
    [
        {"query": {"pages": "none"}},
        {"query": {"pages": [None, 7, {"title": 3, "missing": True}]}},
        {"query": []},
        {"batchcomplete": True},
        {"query": {"pages": [{"title": "A", "invalid": True, "invalidreason": "…"}], "search": [{}]}},
    ],
)
def test_an_odd_answer_is_no_page(answer: Any) -> None:
    assert isinstance(look_up("Osk", Server(lambda _: answer)), NotFound)


def test_a_huge_page_is_cut() -> None:
    huge = {"query": {"pages": [{"title": "Osk", "extract": "Osk is long. " * 300_000}]}}
    page = look_up("Osk", Server(lambda _: huge))
    assert isinstance(page, Page)
    assert len(page.text) <= MAX_TEXT
    endless = {"query": {"pages": [{"title": "Osk", "extract": "x" * 50_000}]}}
    page = look_up("Osk", Server(lambda _: endless))
    assert isinstance(page, Page)
    assert len(page.beginning()) < 1100


def test_hostile_text_stays_data() -> None:
    page = look_up("Hostile")
    assert isinstance(page, Page)
    assert page.text == PAGES["Hostile"].strip()


def test_only_an_address_of_an_api_is_taken() -> None:
    for address in (
        "ftp://wiki.example/api.php",
        "wiki.example",
        "https://",
        "https://me:secret@wiki.example/api.php",
        "https://wiki.example/api.php?token=7",
        "https://wiki.example/a b",
        "file:///etc/passwd",
        "https://wiki.example:notaport/",
    ):
        with pytest.raises(UsageError) as refused:
            MediaWiki(address)
        assert "secret" not in str(refused.value)


def test_a_wiki_is_a_source_of_pages_and_a_retriever() -> None:
    wiki = MediaWiki("https://wiki.example/w/api.php")
    assert isinstance(wiki, EntityPages)
    assert entity_pages(wiki) is wiki
    assert wiki.name == "wiki.example"
