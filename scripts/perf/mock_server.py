"""A mock OpenAI chat server, fast enough that the client dominates the measurement.

    PYTHONPATH=scripts python -m perf.mock_server --port 0 --latency-ms 200    # prints "listening on http://…"

    POST /v1/chat/completions   about 35 words a choice, ending "The answer is N."
    GET  /stats                 counters since the start or the last reset
    POST /reset                 reset the counters and the draws

The text of a choice depends on the messages and on how many choices these messages have had, and the latency on the
request's body: two runs of the same requests get the same texts after the same waits, in whatever order they arrive.
Standard library only. One request at a time on a connection; bodies with Content-Length. It injects no faults.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from dataclasses import asdict
from typing import Any

from perf.mock_replies import Model, Stats, error

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """One client's socket."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.received = b""
        self.counted: Stats | None = None  # counters of the pending request
        self.invited = False  # whether "Expect: 100-continue" was answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.model.stats.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        self._release()

    def data_received(self, data: bytes) -> None:
        self.received = self.received + data if self.received else data
        if self.counted is None:
            self._next()

    def _next(self) -> None:
        """Process the next complete request in the received bytes."""
        head, gap, _ = self.received.partition(b"\r\n\r\n")
        if not gap:
            return
        fields = head.lower()
        length = _content_length(fields)
        if length is None:
            self._send(411, error("a body needs a Content-Length", "invalid_request_error"))
            self.transport.close()
            return
        start = len(head) + 4
        if len(self.received) < start + length:
            if b"100-continue" in fields and not self.invited:
                self.invited = True
                self.transport.write(_CONTINUE)
            return
        body, self.received = self.received[start : start + length], self.received[start + length :]
        self.invited = False
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        last = b"connection: close" in fields
        if (method, path) == (b"POST", b"/v1/chat/completions"):
            self._completions(body, last)
        elif (method, path) == (b"GET", b"/stats"):
            self._done(200, json.dumps(asdict(self.model.stats)).encode(), last)
        elif (method, path) == (b"POST", b"/reset"):
            self.model.reset()
            self._done(200, b"{}", last)
        else:
            self._done(404, error(f"no such route: {head.partition(b' HTTP')[0].decode('latin-1')}", "not_found"), last)

    def _completions(self, body: bytes, last: bool) -> None:
        model = self.model
        stats = self.counted = model.stats
        stats.requests += 1
        model.in_flight += 1
        stats.peak_in_flight = max(stats.peak_in_flight, model.in_flight)
        if wait := model.wait(body):
            asyncio.get_running_loop().call_later(wait, self._answer, body, last)
        else:
            self._answer(body, last)

    def _answer(self, body: bytes, last: bool) -> None:
        if self.counted is None:  # the client has disconnected
            return
        self._release()
        self._done(*self.model.answer(body), last)

    def _release(self) -> None:
        if self.counted is not None:
            self.counted = None
            self.model.in_flight -= 1

    def _done(self, status: int, body: bytes, last: bool) -> None:
        self._send(status, body)
        if last:
            self.transport.close()
        elif self.received:
            self._next()

    def _send(self, status: int, body: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, b"OK" if status == 200 else b"Error", len(body), body)
        )


def _content_length(fields: bytes) -> int | None:
    """Return the body length from a lower-cased head; 0 without a body, None if it is given in another way."""
    position = fields.find(b"\r\ncontent-length:")
    if position < 0:
        return None if b"\r\ntransfer-encoding:" in fields else 0
    value = fields[position + 17 :].partition(b"\r")[0].strip()
    return int(value) if value.isdigit() else None


async def serve(model: Model, port: int) -> None:
    """Listen until cancelled; port 0 chooses a free port."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(model), "127.0.0.1", port, backlog=1024)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="A mock OpenAI chat server for measurements.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) chooses a free port")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--jitter", type=float, default=0.2, help="share of the latency, in both directions")
    parser.add_argument("--honour-n", action="store_true", default=True, help="n gives n choices (the default)")
    parser.add_argument("--ignore-n", dest="honour_n", action="store_false", help="always return one choice")
    options: Any = parser.parse_args(arguments)
    if options.latency_ms < 0 or not 0 <= options.jitter <= 1:
        parser.error("--latency-ms must be at least 0, and --jitter from 0 to 1")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Model(options.latency_ms / 1000, options.jitter, options.honour_n), options.port))


if __name__ == "__main__":
    main()
