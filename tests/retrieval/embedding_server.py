"""A server on loopback that speaks OpenAI's embeddings protocol: its vectors count a text's words."""

from __future__ import annotations

import json
import re
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

SIZE = 512
Answer = Callable[[dict[str, Any]], "tuple[int, Any]"]


def embed(text: str) -> list[float]:
    """Return how often each word of a text occurs, by the hash of the word."""
    vector = [0.0] * SIZE
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % SIZE] += 1
    return vector


def vectors(body: dict[str, Any]) -> tuple[int, Any]:
    """Answer a request as OpenAI does, with the vectors in reverse order: their `index` counts."""
    data = [{"object": "embedding", "index": n, "embedding": embed(text)} for n, text in enumerate(body["input"])]
    return 200, {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": sum(map(len, body["input"]))}}


class EmbeddingServer:
    """The server, as a context manager.

    Attributes:
        bodies: the requests, decoded.
        headers: the headers of each request.
        answer: returns the status and the response to a request.
    """

    def __init__(self, answer: Answer = vectors) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                outer.headers.append(dict(self.headers))
                status, reply = outer.answer(body) if self.path.endswith("/embeddings") else (404, {"error": "no path"})
                raw = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def texts(self) -> list[str]:
        """The texts of all requests."""
        return [text for body in self.bodies for text in body["input"]]

    def __enter__(self) -> EmbeddingServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
