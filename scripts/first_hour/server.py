"""A server on this machine that speaks OpenAI's protocol and adds numbers, with the same mistakes in every run."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_SUM = re.compile(r"(\d+) \+ (\d+)")


def _reply(messages: list[dict[str, Any]], draw: int) -> str:
    """Return the sum in the last question, wrong more often without reasoning, or what a step of the chain asks for."""
    prompt = str(messages[-1]["content"])
    found = _SUM.findall(prompt)
    if not found:
        sent = str(messages).lower()
        known = {"recommend": '{"network": ["check the line"]}', "categor": '{"slow internet (negative)": "network"}'}
        return next((text for word, text in known.items() if word in sent), "slow internet (negative)")
    a, b = map(int, found[-1])
    chance = hashlib.sha256(f"{a} {b} {draw}".encode()).digest()[0] / 255
    is_right = chance < (0.95 if "step by step" in prompt else 0.45)
    return f"{a} and {b} make {a + b if is_right else a + b + 10}. The answer is {a + b if is_right else a + b + 10}."


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send({"object": "list", "data": [{"id": "adder", "object": "model"}]})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [_reply(request["messages"], draw) for draw in range(request.get("n") or 1)]
        words = sum(len(str(message["content"]).split()) for message in request["messages"])
        usage = {"prompt_tokens": words, "completion_tokens": sum(len(text.split()) for text in texts)}
        choices = [
            {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            for index, text in enumerate(texts)
        ]
        self._send({"id": "x", "object": "chat.completion", "model": "adder", "choices": choices, "usage": usage})

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""

    def _send(self, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve() -> Iterator[str]:
    """Serve on a free port of this machine until the block ends, and yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
