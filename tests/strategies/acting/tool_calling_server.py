"""A server on loopback that calls tools like OpenAI's API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def calling(*calls: tuple[str, Any], text: str | None = None) -> dict[str, Any]:
    """Return a message that calls tools; arguments that are no text are sent as JSON."""
    return {
        "role": "assistant",
        "content": text,
        "tool_calls": [
            {
                "id": f"provider_{index}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
                },
            }
            for index, (name, arguments) in enumerate(calls)
        ],
    }


@contextmanager
def serve(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve messages in their order; yield the base URL and the bodies that arrive."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(body)
            message = messages[min(len(seen), len(messages)) - 1]
            refused = message.get("refuses")
            finish = "tool_calls" if message.get("tool_calls") else "stop"
            said: dict[str, Any] = {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [{"index": 0, "message": dict(message), "finish_reason": finish}],
                "usage": {"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 59},
            }
            if refused and refused in body:
                said = {"error": {"message": f"Unsupported parameter: '{refused}' is not supported with this model."}}
            data = json.dumps(said).encode()
            self.send_response(400 if "error" in said else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
