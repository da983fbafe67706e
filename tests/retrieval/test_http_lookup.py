"""The client of HTTP APIs: pace, redirects, sizes, time-outs, and what it says of itself."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
from typing import Any

import pytest
from aiohttp import web

from reasoning.errors import CallFailed
from reasoning.retrieval import host_pace
from reasoning.retrieval.host_pace import delay_host, wait_for_host
from reasoning.retrieval.http_lookup import HttpLookup
from tests.retrieval.loopback import Server, ask


def get(answer: Any, **settings: Any) -> str:
    server = answer if isinstance(answer, Server) else Server(lambda _: answer)
    return ask(
        server,
        lambda url: HttpLookup(url, **{"interval": 0.0, **settings}),
        lambda client: client.get({"q": "Osk & Vael"}),
    )


def redirect(to: str, status: int = 302) -> Any:
    return lambda request: web.Response(status=status, headers={"Location": to.replace("PORT", str(request.url.port))})


def test_parameters_are_encoded_and_the_text_comes_back() -> None:
    server = Server(lambda parameters: f"found {parameters['q']}")
    assert get(server) == "found Osk & Vael"


def test_a_request_says_who_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(lambda _: "ok")
    monkeypatch.delenv("REASONING_CONTACT", raising=False)
    get(server)
    monkeypatch.setenv("REASONING_CONTACT", "https://lab.example;\r\nmail@lab.example\x1b ü")
    get(server)
    without, contact = (headers["User-Agent"] for headers in server.headers)
    assert without.startswith("reasoning-strategies/")
    assert "(" not in without
    assert "(https://lab.example;mail@lab.example)" in contact
    assert contact.isprintable()
    assert server.headers[0]["Accept-Encoding"] == "gzip, deflate"


def test_compressed_text_is_read_and_a_bomb_is_refused() -> None:
    packed = gzip.compress(b"found")
    assert get(web.Response(body=packed, headers={"Content-Encoding": "gzip"})) == "found"
    with pytest.raises(CallFailed, match="more than 8 MB"):
        get(web.Response(body=gzip.compress(bytes(20_000_000)), headers={"Content-Encoding": "gzip"}))


@pytest.mark.parametrize("to", ["/other?q=1", "http://127.0.0.1:PORT/other", "other", "//127.0.0.1:PORT/x"])
def test_a_redirect_within_the_host_is_followed(to: str) -> None:
    server = Server(lambda _: "there", redirect(to, 301))
    assert get(server) == "there"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:1/",
        "http://localhost:PORT/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:PORT/",
        "https://127.0.0.1:PORT/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:PORT@10.0.0.1/",
        "http://127.0.0.1:x/",
        "https://other.example/?key=sk-1234567890abcdef1234",
    ],
)
def test_a_redirect_to_another_server_is_refused(to: str) -> None:
    server = Server(lambda _: "there", redirect(to))
    with pytest.raises(CallFailed, match="another server") as refused:
        get(server)
    assert not refused.value.retryable
    assert len(server.asked) == 1
    assert "sk-1234" not in str(refused.value)


def test_redirects_end() -> None:
    server = Server(lambda _: redirect("/w/api.php"))
    with pytest.raises(CallFailed, match="more than 5 times"):
        get(server)
    assert len(server.asked) == 6


def test_a_server_without_an_answer() -> None:
    with pytest.raises(CallFailed, match=r"no answer within 0\.1 s") as failed:
        get("hang", timeout=0.1)
    assert failed.value.retryable


def test_nothing_listens() -> None:
    async def go() -> None:
        client = HttpLookup("http://127.0.0.1:9/api")
        try:
            await client.get({})
        finally:
            await client.close()

    with pytest.raises(CallFailed, match="is there a network") as failed:
        asyncio.run(go())
    assert not failed.value.retryable


def test_a_program_of_direct_calls_ends_in_silence() -> None:
    code = (
        "import asyncio, threading, http.server as h\n"
        "class Handler(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.send_header('Content-Length', '2'); self.end_headers()\n"
        "        self.wfile.write(b'ok')\n"
        "    def log_message(self, *words): pass\n"
        "server = h.ThreadingHTTPServer(('127.0.0.1', 0), Handler)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "from reasoning.retrieval.http_lookup import HttpLookup\n"
        "client = HttpLookup(f'http://127.0.0.1:{server.server_port}/api')\n"
        "print(*[asyncio.run(client.get({'q': 'Osk'})) for _ in range(2)])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("ok ok\n", "")


def test_a_query_has_a_limit() -> None:
    server = Server(lambda _: "ok")
    with pytest.raises(CallFailed, match="at most 7,000 characters"):
        ask(server, HttpLookup, lambda client: client.get({"q": "ü" * 3000}))
    assert not server.asked


def test_requests_to_a_host_keep_their_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(host_pace.time, "monotonic", lambda: 1000.0)

    async def go() -> None:
        await wait_for_host("a.example", 0.5)
        await wait_for_host("a.example", 0.5)
        await wait_for_host("b.example", 0.5)
        await wait_for_host("a.example", 0.5)
        delay_host("a.example", 20)
        delay_host("a.example", 10)
        await wait_for_host("a.example", 0.5)
        delay_host("b.example", 3600)
        await wait_for_host("b.example", 0.5)

    with pytest.raises(CallFailed, match=r"b\.example asked to wait, 3600 s more") as failed:
        asyncio.run(go())
    assert slept == [0.5, 1.0, 20.0]
    assert (failed.value.retryable, failed.value.retry_after) == (True, 3600.0)


def test_a_host_that_asks_to_wait_delays_the_next_request() -> None:
    busy = web.Response(status=429, text="slow down", headers={"Retry-After": "900"})
    server = Server(lambda _: "ok", busy)

    async def twice(client: HttpLookup) -> None:
        for message in ("slow down", "asked to wait"):
            with pytest.raises(CallFailed, match=message) as failed:
                await client.get({})
            assert failed.value.retry_after is not None
            assert 890 < failed.value.retry_after <= 900

    ask(server, HttpLookup, twice)
    assert len(server.asked) == 1
