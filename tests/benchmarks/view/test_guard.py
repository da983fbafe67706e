"""Requests that the viewer refuses, and what its responses allow a browser to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.report.synthetic import made
from tests.benchmarks.view.conftest import Viewer

View = Callable[[Path], Viewer]


@pytest.fixture
def server(view: View, tmp_path: Path) -> Viewer:
    made(tmp_path / "runs/run", 2, 1)
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return view(tmp_path / "runs")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7331", "127.0.0.1.evil.example", "10.0.0.1", "[::2]:80"]
)
def test_another_name_of_this_machine_is_refused(server: Viewer, host: str) -> None:
    status, _, body = server.ask("/api/list", Host=host)
    assert (status, b"run" in body.replace(b"127.0.0.1", b"")) == (403, False)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:9"])
def test_a_tunnel_may_have_another_port(server: Viewer, host: str) -> None:
    assert server.ask("/api/list", Host=host)[0] == 200


@pytest.mark.parametrize(
    "path", ["/", "/view.js", "/parts.js", "/view.css", "/api/list", "/api/run?run=run", "/report?run=run"]
)
def test_everything_needs_the_token(server: Viewer, path: str) -> None:
    assert server.ask(path)[0] == 200
    for token in ("", "wrong", server.token[:-1], "é"):
        status, _, body = server.ask(path, token=token)
        assert (status, b"made" in body) == (403, False)
        assert b"reasoning view" in body


def test_the_page_keeps_the_token_in_a_cookie_that_no_other_site_sends(server: Viewer) -> None:
    cookie = server.ask("/")[1]["Set-Cookie"]
    name = cookie.partition("=")[0]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert server.ask("/api/list", token="", Cookie=f"{name}={server.token}")[0] == 200
    assert server.ask("/api/list", token="", Cookie=f"{name}=wrong")[0] == 403


def test_the_address_that_starts_a_browser_opens_the_page_once(server: Viewer) -> None:
    token = server.serving.guard.single_use_token()
    assert server.ask("/api/list", token=token)[0] == 403
    status, headers, _ = server.ask("/", token=token)
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert (status, token in cookie) == (200, False)
    assert server.ask("/", token=token)[0] == 403
    assert server.ask("/api/list", token="", Cookie=cookie)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_is_refused_even_with_the_token(server: Viewer, headers: dict[str, str]) -> None:
    assert server.ask("/api/list", **headers)[0] == 403
    assert server.ask("/view.js", **headers)[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_it_only_reads(server: Viewer, method: str) -> None:
    assert server.ask("/api/list", method)[0] == 405


def test_every_response_forbids_other_scripts_frames_and_caches(server: Viewer) -> None:
    for path in ("/", "/view.js", "/api/list", "/missing", "/report?run=run"):
        _, headers, _ = server.ask(path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/view.html", "/server.py"),
        *("/api/output?name=../secret.txt", "/api/run?run=..", "/api/run?run=/etc", "/report?run=../runs/run"),
        *("/api/problem?run=../run&id=x", "/api/output?name=%00", "/api/evaluation?name=../../.."),
    ],
)
def test_no_path_leads_out_of_the_folder(server: Viewer, path: str) -> None:
    status, _, body = server.ask(path)
    assert b"root:" not in body
    assert body != b"secret"
    assert status == 404 or b'"trouble"' in body


@pytest.mark.parametrize(
    "path",
    [
        *("/api/problems?run=run&first=-1", "/api/problems?run=run&count=99999", "/api/problems?run=run&show=x"),
        *("/api/problems?run=run&first=1e9", "/api/problems?run=run&of=²", "/api/problem?id=x", "/api/matrix"),
    ],
)
def test_a_wrong_query_says_what_must_hold(server: Viewer, path: str) -> None:
    assert "must be" in server.json(path)["trouble"]


def test_unchanged_data_is_not_sent_again(server: Viewer) -> None:
    _, headers, _ = server.ask("/api/list")
    status, again, body = server.ask("/api/list", **{"If-None-Match": headers["ETag"]})
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
