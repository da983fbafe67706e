"""Requests that no honest client makes, as bytes, each with the statuses that are a right reply to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

KEY = "sk-of-the-honest-clients"
AUTHORIZATION = f"Authorization: Bearer {KEY}\r\n"
USER = {"role": "user", "content": "What is 17 + 25?"}
CHAT = {"model": "vote", "messages": [USER]}


@dataclass(frozen=True)
class Hostile:
    """One request.

    Attributes:
        name: what is wrong with it.
        data: the bytes.
        statuses: the right replies.
    """

    name: str
    data: bytes
    statuses: tuple[int, ...] = (400,)


def post(body: Any, path: str = "/v1/chat/completions", headers: str = AUTHORIZATION, length: object = None) -> bytes:
    """Return a request with a body: bytes, or what JSON can say."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    size = len(data) if length is None else length
    kind = "" if "content-type" in headers.lower() else "Content-Type: application/json\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {size}\r\n{headers}\r\n".encode() + data


def with_fields(**fields: Any) -> bytes:
    return post({**CHAT, **fields})


def raw(head: bytes, body: bytes = b"") -> bytes:
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def bodies() -> Iterator[Hostile]:
    """Yield bodies that are no chat."""
    chat = json.dumps(CHAT).encode()
    yield Hostile("empty body", post(b""))
    yield Hostile("half a body", post(chat[:-3]))
    for name, data in {
        "a list": b"[]",
        "a text": b'"chat"',
        "a number": b"7",
        "null": b"null",
        "two objects": chat * 2,
        "garbage behind": chat + b"]",
        "UTF-16": chat.decode().encode("utf-16"),
        "not UTF-8": chat.replace(b"17", b"\xff\xfe"),
        "an overlong UTF-8 slash": chat.replace(b"17", b"\xc0\xaf"),
        "a surrogate in UTF-8": chat.replace(b"17", b"\xed\xa0\x80"),
        "a lone surrogate as an escape": chat.replace(b"17", rb"\ud800"),
        "NaN": chat[:-1] + b', "temperature": NaN}',
        "Infinity": chat[:-1] + b', "temperature": Infinity}',
        "-Infinity": chat[:-1] + b', "top_p": -Infinity}',
        "1e999": chat[:-1] + b', "temperature": 1e999}',
        "an integer of 5,000 digits": chat[:-1] + b', "n": ' + b"9" * 5000 + b"}",
        "a fraction of 100,000 digits": chat[:-1] + b', "temperature": 0.' + b"9" * 100_000 + b"1e99}",
        "the same key twice, at last a wrong one": chat[:-1] + b', "model": "none"}',
        "the same key twice, at last a wrong type": chat[:-1] + b', "messages": 5}',
        "single quotes": chat.replace(b'"', b"'"),
        "a comment": b"/* chat */" + chat,
        "100,000 open brackets": b"[" * 100_000,
        "100,000 nested lists": b"[" * 100_000 + b"]" * 100_000,
        "nested lists as the content": chat.replace(b'"What is 17 + 25?"', b"[" * 5000 + b"]" * 5000),
        "nested objects as a field": chat[:-1] + b', "response_format": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        "NULs": b"\0" * 1000,
    }.items():
        yield Hostile(f"body: {name}", post(data), (400, 404))
    yield Hostile(
        "Content-Encoding: gzip without gzip",
        post(chat, headers=AUTHORIZATION + "Content-Encoding: gzip\r\n"),
        (400, 415),
    )
    bomb = gzip.compress(b" " * 40_000_000, 6)
    yield Hostile("a gzip bomb", post(bomb, headers=AUTHORIZATION + "Content-Encoding: gzip\r\n"), (400, 413, 415))
    encoding = "Content-Encoding: rot13\r\n"
    yield Hostile("an unknown Content-Encoding", post(chat.swapcase(), headers=AUTHORIZATION + encoding), (400, 415))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a/b/c\t;;"):
        yield Hostile(
            f"Content-Type {kind!r}", post(chat, headers=f"{AUTHORIZATION}Content-Type: {kind}\r\n"), (400, 415)
        )
    yield Hostile(
        "a charset that is none",
        post(b"\xff" * 9, headers=f"{AUTHORIZATION}Content-Type: application/json; charset=no\r\n"),
    )
    yield Hostile("a body of 33 MB", post(b" " * 33_000_000), (413,))


def fields() -> Iterator[Hostile]:
    """Yield chats with one wrong field."""
    for name, values in {
        "model": (None, 5, [], {}, True),
        "messages": (
            *(None, 5, "hello", {}, [], [None], [5], ["hello"], [[]], [{}], [{"role": "user"}]),
            *([{"role": role, "content": "?"}] for role in ("wizard", 5, None, "", "USER", "user\r\nX: y")),
            *(
                [{"role": "user", "content": content}]
                for content in (5, {}, True, "", "  \n", [], [5], ["text"], [None])
            ),
            *(
                [{"role": "user", "content": [part]}]
                for part in (
                    *({}, {"type": "text"}, {"type": "text", "text": 5}, {"type": "file", "file": {"file_id": "x"}}),
                    *({"type": "image_url"}, {"type": "image_url", "image_url": 5}, {"type": "input_audio"}),
                    *(
                        {"type": "image_url", "image_url": {"url": url}}
                        for url in (
                            *("/etc/passwd", "file:///etc/passwd", "../../secret.png", "data:image/png;base64,@@@@"),
                            *(
                                "data:text/html;base64,PGI+",
                                "javascript:alert(1)",
                                "",
                                None,
                                "http://a b",
                                "ftp://host/x",
                            ),
                        )
                    ),
                )
            ),
            [USER, {"role": "assistant", "content": "42"}],
            [{"role": "system", "content": "Be brief."}],
            [{"role": "tool", "content": "42", "tool_call_id": "x"}],
            [USER] * 10_001,
        ),
        "n": (0, -1, 1.5, "two", True, [], 129, 10**6, 10**30),
        "temperature": (-1, 2.5, "hot", [], {}, True, 10**400),
        "top_p": (-0.1, 1.1, "all", True),
        "max_tokens": (0, -5, 1.5, "many", True),
        "max_completion_tokens": (0, "1", -(10**30)),
        "frequency_penalty": ("x", 99, []),
        "logit_bias": (5, [], {"50256": "x"}),
        "stop": (5, {}, [5], [None], [["a"]]),
        "seed": ("x", 1.5, True, 2**70),
        "stream": ("yes", 1, [], {}),
        "stream_options": (5, "x", []),
        "response_format": (
            *(
                "json",
                5,
                [],
                {"type": "xml"},
                {"type": 5},
                {"type": "json_schema"},
                {"type": "json_schema", "json_schema": 5},
            ),
            *(
                {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
                for schema in (
                    *(5, {}, [], {"type": "string"}, {"type": "nonsense"}, {"type": "object", "properties": 5}),
                    {"type": "object", "$ref": "http://127.0.0.1:9/schema.json"},
                    {"type": "object", "$ref": "file:///etc/passwd"},
                    {"type": "object", "properties": {"a": {"$ref": "#"}}},
                    {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
                    {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(20_000)}},
                )
            ),
        ),
        "tools": (5, "x", [5], [{}], [{"type": "function"}], [{"type": "function", "function": {"name": "f"}}]),
        "functions": ([{"name": "f", "parameters": {}}],),
        "kind": (5, [], "nonsense", "../../etc/passwd", {"kind": "nonsense"}, {"kind": "json", "schema": {"type": 5}}),
        "series": (5, "", [], "x" * 101),
        "trace": ("yes", 1, []),
        "logprobs": (True, "x"),
        "temprature": (0.5,),
        "__class__": ("x",),
    }.items():
        for number, value in enumerate(values, 1):
            shown = json.dumps(value)[:60]
            yield Hostile(f"{name} {number}: {shown}", with_fields(**{name: value}))
    yield Hostile("no model", post({"messages": [USER]}))
    yield Hostile("no messages", post({"model": "vote"}))
    for model in (
        "none",
        "",
        " vote",
        "VOTE",
        "vote\n",
        "../vote",
        "ｖｏｔｅ",
        "x" * 100_000,
        "\u202evote",
        "vote\x00",
        "a\r\nb: c",
    ):
        yield Hostile(f"model {model[:20]!r}", with_fields(model=model), (400, 404))
    for name, value in {
        "input": (None, 5, [], [5], [{"type": "x"}], ""),
        "previous_response_id": ("resp_1",),
        "text": (5, {"format": 5}, {"format": {"type": "json_schema"}}, {"format": {"type": "xml"}}),
        "max_output_tokens": (0, "x"),
        "reasoning": (5, {"effort": 5}),
    }.items():
        for one in value:
            body = {"model": "vote", "input": "What is 17 + 25?", name: one}
            yield Hostile(f"responses, {name}: {json.dumps(one)[:40]}", post(body, "/v1/responses"))


def access() -> Iterator[Hostile]:
    """Yield requests with wrong keys."""
    for name, header in {
        "no key": "",
        "an empty key": "Authorization: Bearer \r\n",
        "only a scheme": "Authorization: Bearer\r\n",
        "an empty header": "Authorization: \r\n",
        "another scheme": f"Authorization: Basic {KEY}\r\n",
        "no scheme": f"Authorization: {KEY}\r\n",
        "a part of the key": f"Authorization: Bearer {KEY[:-1]}\r\n",
        "more than the key": f"Authorization: Bearer {KEY}x\r\n",
        "capitals": f"Authorization: Bearer {KEY.upper()}\r\n",
        "the key twice": f"Authorization: Bearer {KEY} {KEY}\r\n",
        "unicode": "Authorization: Bearer ключ\r\n",
        "a null": "Authorization: Bearer null\r\n",
        "another header": f"X-Api-Key: {KEY}\r\n",
        "a cookie": f"Cookie: key={KEY}\r\n",
        "a wrong key before the right one": f"Authorization: Bearer wrong\r\n{AUTHORIZATION}",
    }.items():
        yield Hostile(f"key: {name}", post(CHAT, headers=header), (400, 401))
    yield Hostile("key: in the address", post(CHAT, f"/v1/chat/completions?api_key={KEY}&key={KEY}", ""), (401,))
    yield Hostile("key: none for the models", raw(b"GET /v1/models HTTP/1.1\nHost: localhost"), (401,))
    yield Hostile("key: none for the metrics", raw(b"GET /metrics HTTP/1.1\nHost: localhost"), (401,))
    yield Hostile(
        "key: none for an unknown path of the protocol", raw(b"GET /v1/x HTTP/1.1\nHost: localhost"), (401, 404)
    )
    yield Hostile("key: of 100 kB", post(CHAT, headers=f"Authorization: Bearer {'x' * 100_000}\r\n"), (400, 401, 431))


def routes() -> Iterator[Hostile]:
    """Yield requests of paths and methods that are not there."""
    for line in (
        *("GET /v1/chat/completions", "PUT /v1/chat/completions", "DELETE /v1/models/vote", "PATCH /v1/responses"),
        *(
            "GET /v1/responses/resp_1",
            "GET /v1/models/none",
            "GET /v1/files",
            "POST /v1/embeddings",
            "TRACE /v1/models",
        ),
        *("GET /../../../../etc/passwd", "GET /%2e%2e/%2e%2e/etc/passwd", "GET /v1/models/..%2f..%2fetc%2fpasswd"),
        *("GET //v1/models", "GET /v1/models/%00", "GET /v1/models/%ff%fe", "GET /v1/models/" + "x" * 7000),
        *(
            "CONNECT localhost:80",
            "OPTIONS *",
            "BREW /coffee",
            "GET http://elsewhere/v1/none",
            "GET /v1/models/%F0%9F%92%A9",
        ),
    ):
        request = f"{line} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}Content-Length: 0\r\n\r\n".encode()
        yield Hostile(f"route: {line[:50]}", request, (400, 403, 404, 405))
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    yield Hostile(
        "route: a WebSocket",
        f"GET /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZATION}{upgrade}\r\n".encode(),
        (400, 404, 405),
    )
    yield Hostile("a path of 100 kB", raw(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\nHost: localhost"), (400, 404, 414))


def transport() -> Iterator[Hostile]:
    """Yield what is wrong already as HTTP."""
    chat = json.dumps(CHAT).encode()
    size = len(chat)
    head = b"POST /v1/chat/completions HTTP/1.1\nHost: localhost\nContent-Type: application/json\n" + (
        AUTHORIZATION.strip().encode() + b"\n"
    )
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (size, chat)
    for name, lines in {
        "two lengths": b"Content-Length: %d\nContent-Length: %d" % (size, size + 1),
        "a list of lengths": b"Content-Length: %d, %d" % (size, size),
        "a negative length": b"Content-Length: -1",
        "a length with a sign": b"Content-Length: +%d" % size,
        "a length in hexadecimal": b"Content-Length: 0x40",
        "a length with an exponent": b"Content-Length: 1e2",
        "a length of 100 digits": b"Content-Length: " + b"9" * 100,
        "an empty length": b"Content-Length:",
        "a length in Arabic digits": "Content-Length: ٢٠".encode(),
        "a length and chunks": b"Content-Length: 5\nTransfer-Encoding: chunked",
        "chunks and a length": b"Transfer-Encoding: chunked\nContent-Length: 5",
        "chunks, then identity": b"Transfer-Encoding: chunked, identity",
        "chunks twice": b"Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
        "an unknown coding": b"Transfer-Encoding: xchunked",
        "a coding with a tab": b"Transfer-Encoding:\x0bchunked",
        "a name with a space before the colon": b"Content-Length : %d" % size,
        "a folded header": b"X-A: b\n c: d\nContent-Length: %d" % size,
        "a header without a colon": b"nonsense\nContent-Length: %d" % size,
        "a header without a name": b": x\nContent-Length: %d" % size,
        "a NUL in a header": b"X-A: b\0c\nContent-Length: %d" % size,
        "a header name of 70 kB": b"X-" + b"a" * 70_000 + b": b\nContent-Length: %d" % size,
        "a header of 100 kB": b"X-A: " + b"a" * 100_000 + b"\nContent-Length: %d" % size,
        "20,000 headers": b"X-A: b\n" * 20_000 + b"Content-Length: %d" % size,
        "a bare carriage return": b"X-A: b\rX-C: d\nContent-Length: %d" % size,
    }.items():
        body = chunks if b"chunked" in lines else chat
        yield Hostile(f"HTTP: {name}", raw(head + lines, body), (400, 413, 415, 417, 431, 501))
    chunked = head + b"Transfer-Encoding: chunked"
    for name, body in {
        "a size that is no number": b"zz\r\n" + chat + b"\r\n0\r\n\r\n",
        "a negative size": b"-5\r\n" + chat,
        "a size of 40 digits": b"F" * 40 + b"\r\n" + chat,
        "a size with a prefix": b"0x10\r\n" + chat,
        "a size that is too small": b"5\r\n" + chat + b"\r\n0\r\n\r\n",
    }.items():
        yield Hostile(f"chunks: {name}", raw(chunked, body), (400, 413))
    for name, data in {
        "no HTTP": b"hello\r\n\r\n",
        "binary": bytes(range(256)) * 4 + b"\r\n\r\n",
        "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 100 + b"\r\n\r\n",
        "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/9.9": b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "a space in the path": b"GET /he alth HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "control characters in the method": b"G\x01T /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a name of another host": b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n"
        + AUTHORIZATION.encode()
        + b"\r\n",
        "no host": b"GET /v1/models HTTP/1.1\r\n" + AUTHORIZATION.encode() + b"\r\n",
        "two hosts": b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"
        + AUTHORIZATION.encode()
        + b"\r\n",
    }.items():
        yield Hostile(f"HTTP: {name}", data, (400, 403, 404, 405, 505))
    money = head.replace(b"\n", b"\r\n") + b"Expect: money\r\nContent-Length: 0\r\n\r\n"
    yield Hostile("HTTP: an unknown expectation", money, (417,))


ALL = [*bodies(), *fields(), *access(), *routes(), *transport()]
