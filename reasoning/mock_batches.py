"""A provider of batches for tests, on loopback, in the form of OpenAI's or Anthropic's API, with faults.

What it samples depends on the request and on the draw that the id of a line names, so that a run finds the same however
its draws come.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aiohttp import web

Reply = Callable[[str, int], str]
"""A reply, from the text of a prompt and the index of the draw."""
_BYTES_PER_TOKEN = 4


def _sum_modulo_four(prompt: str, draw: int) -> str:
    digest = hashlib.sha256(f"{draw} {prompt}".encode()).digest()
    return f"Draw {draw}. The answer is {digest[0] % 4}."


@dataclass
class BatchFaults:
    """The faults of a `MockBatchServer`. Shares are from 0 to 1, and are decided anew for each attempt of a line.

    Attributes:
        expire: the share of lines that expire.
        fail: the share of lines that fail with status 500.
        lose: the share of lines that are in no file of results.
        duplicate: the share of lines that are twice in the results.
        no_files: the first batches, in this number, expire as a whole, without any file.
        drop_answers: the first submissions, in this number, are accepted and not answered.
        drop_requests: the submissions after those, in this number, are neither accepted nor answered.
        down: the first looks at a batch, in this number, are answered with status 503.
        break_off: the first readings of results, in this number, break off in the middle.
        enqueue_limit: the tokens of prompts that may be enqueued; None for no limit.
        refuse: returns a message with which a line is refused with status 400, from its prompt; empty for none.
        seed: the seed of the shares.
    """

    expire: float = 0.0
    fail: float = 0.0
    lose: float = 0.0
    duplicate: float = 0.0
    no_files: int = 0
    drop_answers: int = 0
    drop_requests: int = 0
    down: int = 0
    break_off: int = 0
    enqueue_limit: int | None = None
    refuse: Callable[[str], str] = field(default=lambda prompt: "")
    seed: int = 0


@dataclass
class _Line:
    custom_id: str
    body: Mapping[str, Any]
    outcome: str = ""

    @property
    def prompt(self) -> str:
        """The texts of all turns."""
        texts = list[str]()
        for turn in [*self.body.get("system", ()), *self.body.get("messages", ())]:
            content = turn.get("content", turn.get("text")) or ""
            parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
            texts.append("".join(parts))
        return "\n".join(texts)


@dataclass
class _Batch:
    id: str
    lines: list[_Line]
    metadata: Mapping[str, str]
    created: float
    ends: float
    state: str = "in_progress"
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(len(line.prompt) for line in self.lines) // _BYTES_PER_TOKEN


class MockBatchServer:
    """A server that answers batches after a while, in a thread of this process; use it as a context manager.

    Args:
        form: the API: "openai" or "anthropic".
        reply: the replies; by default a number from 0 to 3 that depends on the prompt and the draw.
        seconds: the time that a batch takes.
        faults: the faults.

    Attributes:
        paid: how often each draw was processed and delivered, by the part of a line's id without the attempt.
        submitted: the ids of the lines of each batch that was accepted.

    Examples:
        >>> from reasoning import connect
        >>> with MockBatchServer("openai") as server:
        ...     server.base_url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        form: Literal["openai", "anthropic"] = "openai",
        *,
        reply: Reply = _sum_modulo_four,
        seconds: float = 0.0,
        faults: BatchFaults | None = None,
    ) -> None:
        self.form, self.reply, self.seconds = form, reply, seconds
        self.faults = faults or BatchFaults()
        self.paid: Counter[str] = Counter()
        self.submitted: list[list[str]] = []
        self.base_url = ""
        self._batches: dict[str, _Batch] = {}
        self._files: dict[str, bytes] = {}
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mock-batches", daemon=True)

    def __enter__(self) -> MockBatchServer:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def batches(self) -> int:
        """The number of batches that were accepted."""
        return len(self.submitted)

    def _run(self) -> None:
        from aiohttp import web

        async def start() -> None:
            runner = self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            self.base_url = f"http://127.0.0.1:{port}" + ("/v1" if self.form == "openai" else "")
            self._started.set()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(start())
        self._loop.run_forever()
        self._loop.close()

    def _application(self) -> web.Application:
        from aiohttp import web

        application = web.Application(client_max_size=1 << 30)
        if self.form == "openai":
            routes = [
                web.post("/v1/files", self._upload),
                web.get("/v1/files/{id}/content", self._content),
                web.post("/v1/batches", self._create_openai),
                web.get("/v1/batches", self._list),
                web.get("/v1/batches/{id}", self._get),
                web.post("/v1/batches/{id}/cancel", self._cancel),
            ]
        else:
            routes = [
                web.post("/v1/messages/batches", self._create_anthropic),
                web.get("/v1/messages/batches", self._list),
                web.get("/v1/messages/batches/{id}", self._get),
                web.get("/v1/messages/batches/{id}/results", self._content),
                web.post("/v1/messages/batches/{id}/cancel", self._cancel),
            ]
        application.add_routes(routes)
        return application

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file = form["file"]
        assert not isinstance(file, str | bytes | bytearray)
        name = f"file-{len(self._files)}"
        self._files[name] = file.file.read()
        return _json({"id": name, "object": "file", "purpose": "batch"})

    async def _create_openai(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        rows = [json.loads(line) for line in self._files[body["input_file_id"]].splitlines()]
        lines = [_Line(row["custom_id"], row["body"]) for row in rows]
        return await self._create(request, lines, body.get("metadata") or {})

    async def _create_anthropic(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self._create(request, [_Line(row["custom_id"], row["params"]) for row in body["requests"]], {})

    async def _create(
        self, request: web.Request, lines: list[_Line], metadata: Mapping[str, str]
    ) -> web.StreamResponse:
        ids = [line.custom_id for line in lines]
        if len(set(ids)) < len(ids) or any(len(one) > 64 for one in ids):
            return _json({"error": {"type": "invalid_request_error", "message": "custom_id is not valid"}}, 400)
        if self.faults.drop_answers <= 0 < self.faults.drop_requests:
            self.faults.drop_requests -= 1
            return _hang_up(request)
        batch = _Batch(f"batch_{len(self._batches)}", lines, metadata, time.time(), time.time() + self.seconds)
        limit = self.faults.enqueue_limit
        enqueued = sum(other.tokens for other in self._batches.values() if self._state(other) == "in_progress")
        if limit is not None and enqueued + batch.tokens > limit:
            if self.form == "anthropic":
                return _json({"error": {"type": "rate_limit_error", "message": "too many requests in the queue"}}, 429)
            message = f"Enqueued token limit reached for mock. Limit: {limit:,} enqueued tokens."
            batch.state, batch.errors = "failed", [{"code": "token_limit_exceeded", "message": message, "line": None}]
        else:
            self.submitted.append(ids)
            if self.faults.no_files > 0:
                self.faults.no_files -= 1
                batch.state = "no files"
        self._batches[batch.id] = batch
        if self.faults.drop_answers > 0:
            self.faults.drop_answers -= 1
            return _hang_up(request)
        return _json(self._describe(batch))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        newest = [self._describe(batch) for batch in reversed(self._batches.values())]
        after = request.query.get("after") or request.query.get("after_id")
        start = next((place + 1 for place, one in enumerate(newest) if one["id"] == after), 0)
        # Small pages, so that clients must read several.
        page = newest[start : start + 3]
        return _json({"data": page, "has_more": start + 3 < len(newest)})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if self.faults.down > 0:
            self.faults.down -= 1
            return _json({"error": {"message": "down"}}, 503)
        if (batch := self._batches.get(request.match_info["id"])) is None:
            return _json({"error": {"type": "not_found_error", "message": "no such batch"}}, 404)
        return _json(self._describe(batch))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        batch = self._batches[request.match_info["id"]]
        if self._state(batch) == "in_progress":
            batch.state = "cancelled"
        return _json(self._describe(batch))

    async def _content(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        name = request.match_info["id"].removeprefix("errors-").removeprefix("results-")
        batch = self._batches[name]
        rows = list(self._rows(batch, request.match_info["id"]))
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        if self.faults.break_off > 0 and rows:
            self.faults.break_off -= 1
            response = web.StreamResponse(headers={"Content-Length": str(len(data))})
            await response.prepare(request)
            await response.write(data[: len(data) // 2])
            return _hang_up(request)
        return web.Response(body=data)

    def _state(self, batch: _Batch) -> str:
        if batch.state == "in_progress" and time.time() >= batch.ends:
            batch.state = "ended"
        return batch.state

    def _describe(self, batch: _Batch) -> dict[str, Any]:
        state = self._state(batch)
        self._process(batch)
        counts = Counter(line.outcome or "processing" for line in batch.lines)
        if self.form == "anthropic":
            names = {"processing": "processing", "expired": "expired", "failed": "errored", "cancelled": "canceled"}
            given = Counter[str]()
            for outcome, count in counts.items():
                given[names.get(outcome, "succeeded")] += count
            return {
                "id": batch.id,
                "type": "message_batch",
                "processing_status": "in_progress" if state == "in_progress" else "ended",
                "request_counts": {
                    name: given[name] for name in ("processing", "succeeded", "errored", "canceled", "expired")
                },
                "created_at": datetime.fromtimestamp(batch.created, UTC).isoformat(),
                "cancel_initiated_at": "2026-01-01T00:00:00Z" if state == "cancelled" else None,
            }
        status = {"ended": "expired" if counts["expired"] else "completed", "no files": "expired"}.get(state, state)
        has_files = state in ("ended", "cancelled")
        return {
            "id": batch.id,
            "object": "batch",
            "status": status,
            "metadata": dict(batch.metadata),
            "created_at": int(batch.created),
            "request_counts": {
                "total": len(batch.lines),
                "completed": counts["succeeded"] + counts["duplicate"],
                "failed": counts["failed"],
            },
            "output_file_id": f"results-{batch.id}" if has_files else None,
            "error_file_id": f"errors-{batch.id}" if has_files else None,
            "errors": {"data": batch.errors} if batch.errors else None,
        }

    def _process(self, batch: _Batch) -> None:
        """Decide the outcomes of the lines of a batch that has ended."""
        state, faults = self._state(batch), self.faults
        if state in ("in_progress", "failed"):
            return
        for line in batch.lines:
            if line.outcome:
                continue
            left = random.Random(f"{faults.seed} {line.custom_id}").random()
            line.outcome = "succeeded"
            for outcome in ("expire", "fail", "lose", "duplicate"):
                left -= getattr(faults, outcome)
                if left < 0:
                    line.outcome = {"expire": "expired", "fail": "failed", "lose": "lost"}.get(outcome, outcome)
                    break
            if faults.refuse(line.prompt):
                line.outcome = "failed"
            if state in ("no files", "cancelled"):
                line.outcome = "expired" if state == "no files" else "cancelled"
            if line.outcome in ("succeeded", "duplicate"):
                self.paid[line.custom_id.rpartition("-")[0]] += 1

    def _rows(self, batch: _Batch, file: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a file of results."""
        for line in batch.lines:
            is_error = line.outcome in ("failed", "expired", "cancelled")
            if line.outcome == "lost" or (self.form == "openai" and is_error != file.startswith("errors-")):
                continue
            row = self._openai_row(line) if self.form == "openai" else self._anthropic_row(line)
            yield from [row] * (1 + (line.outcome == "duplicate"))

    def _openai_row(self, line: _Line) -> dict[str, Any]:
        if line.outcome in ("expired", "cancelled"):
            error = {"code": f"batch_{line.outcome}", "message": "This request could not be executed."}
            return {"custom_id": line.custom_id, "response": None, "error": error}
        if line.outcome == "failed":
            # As OpenAI reports it: the error is in the body, and the field for errors is empty.
            refusal = self.faults.refuse(line.prompt)
            body: dict[str, Any] = {"error": {"message": refusal or "The server had an error.", "type": "server_error"}}
            status = 400 if refusal else 500
        else:
            texts, prompt = self._texts(line), len(line.prompt) // _BYTES_PER_TOKEN
            completion = sum(len(text.split()) for text in texts)
            message = [{"role": "assistant", "content": text} for text in texts]
            body = {
                "id": f"chatcmpl-{line.custom_id}",
                "choices": [{"index": i, "message": one, "finish_reason": "stop"} for i, one in enumerate(message)],
                "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
            }
            status = 200
        return {"custom_id": line.custom_id, "response": {"status_code": status, "body": body}, "error": None}

    def _anthropic_row(self, line: _Line) -> dict[str, Any]:
        result: dict[str, Any]
        if line.outcome in ("expired", "cancelled"):
            result = {"type": "canceled" if line.outcome == "cancelled" else "expired"}
        elif line.outcome == "failed":
            refusal = self.faults.refuse(line.prompt)
            kind = "invalid_request_error" if refusal else "api_error"
            error = {"type": kind, "message": refusal or "Internal server error"}
            result = {"type": "errored", "error": {"type": "error", "error": error}}
        else:
            [text] = self._texts(line)
            message = {
                "id": f"msg_{line.custom_id}",
                "type": "message",
                "role": "assistant",
                "model": line.body["model"],
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "usage": {
                    "input_tokens": len(line.prompt) // _BYTES_PER_TOKEN,
                    "output_tokens": len(text.split()),
                },
            }
            result = {"type": "succeeded", "message": message}
        return {"custom_id": line.custom_id, "result": result}

    def _texts(self, line: _Line) -> Sequence[str]:
        draw = int(line.custom_id.rsplit("-", 2)[1].partition("x")[0])
        return [self.reply(line.prompt, draw + place) for place in range(line.body.get("n", 1))]


def _json(data: Mapping[str, Any], status: int = 200) -> web.Response:
    from aiohttp import web

    return web.json_response(data, status=status)


def _hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    from aiohttp import web

    if request.transport is not None:
        request.transport.close()
    return web.Response()
