"""The form of an API of batches: its routes, and the shapes of batches and of their results."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reasoning.mock_batches.batches import Batch, Line, MockBatches, content_text

if TYPE_CHECKING:
    from aiohttp import web

_PAGE = 3
"""Batches of a page of the list: so few that clients must read several."""


class MockForm(ABC):
    """One form. A subclass has the routes of an API, and describes batches and results as that API does.

    Args:
        batches: the batches.

    Attributes:
        base_path: the part of the base URL after the host.
        address: the base URL of the server without that part.
    """

    base_path = ""

    def __init__(self, batches: MockBatches) -> None:
        self.batches, self.faults = batches, batches.faults
        self.address = ""

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""

    @abstractmethod
    def describe(self, batch: Batch) -> dict[str, Any]:
        """Return the description of a batch whose lines are processed as far as they are."""

    @abstractmethod
    def rows(self, batch: Batch, file: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a file of results."""

    def refuse_over_limit(self, batch: Batch) -> web.StreamResponse | None:
        """Refuse a batch that exceeds the limit of enqueued tokens; None if it is accepted and fails later."""
        return to_json({"error": {"type": "rate_limit_error", "message": "too many requests in the queue"}}, 429)

    async def create(self, request: web.Request, lines: list[Line], label: Mapping[str, str]) -> web.StreamResponse:
        """Accept a batch, unless a fault prevents it."""
        ids = [line.custom_id for line in lines]
        if len(set(ids)) < len(ids) or any(len(one) > 64 for one in ids):
            return to_json({"error": {"type": "invalid_request_error", "message": "custom_id is not valid"}}, 400)
        if self.faults.drop_answers <= 0 < self.faults.drop_requests:
            self.faults.drop_requests -= 1
            return hang_up(request)
        batch = self.batches.make(lines, label)
        if self.batches.is_over_limit(batch):
            if (refused := self.refuse_over_limit(batch)) is not None:
                return refused
            self.batches.by_id[batch.id] = batch
        else:
            self.batches.accept(batch)
        if self.faults.drop_answers > 0:
            self.faults.drop_answers -= 1
            return hang_up(request)
        return to_json(self.describe_now(batch))

    def describe_now(self, batch: Batch) -> dict[str, Any]:
        """Return the description of a batch at this time."""
        self.batches.process(batch)
        return self.describe(batch)

    def page(self, start: int) -> tuple[list[dict[str, Any]], bool]:
        """Return the descriptions of a page of the list, and whether there are more."""
        newest = self.batches.newest_first()
        return [self.describe_now(batch) for batch in newest[start : start + _PAGE]], start + _PAGE < len(newest)

    def place_after(self, name: str | None) -> int:
        """Return the place in the list after a batch; 0 without one."""
        newest = [batch.id for batch in self.batches.newest_first()]
        return newest.index(name) + 1 if name in newest else 0

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Describe a batch."""
        if self.faults.down > 0:
            self.faults.down -= 1
            return to_json({"error": {"message": "down"}}, 503)
        if (batch := self.batches.by_id.get(request.match_info["id"])) is None:
            return _no_such_batch()
        return to_json(self.describe_now(batch))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Cancel a batch."""
        if (batch := self.batches.by_id.get(request.match_info["id"])) is None:
            return _no_such_batch()
        if self.batches.state(batch) == "in_progress":
            batch.state = "cancelled"
        return to_json(self.describe_now(batch))

    async def content(self, request: web.Request) -> web.StreamResponse:
        """Send a file of results."""
        from aiohttp import web

        file = request.match_info["id"]
        batch = self.batches.by_id[file.removeprefix("errors-").removeprefix("results-")]
        rows = list(self.rows(batch, file))
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        if self.faults.break_off > 0 and rows:
            self.faults.break_off -= 1
            response = web.StreamResponse(headers={"Content-Length": str(len(data))})
            await response.prepare(request)
            await response.write(data[: len(data) // 2])
            return hang_up(request)
        return web.Response(body=data)


class UploadedFiles:
    """The files that were uploaded."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def add(self, data: bytes) -> str:
        """Keep a file, and return its name."""
        name = f"file-{len(self._files)}"
        self._files[name] = data
        return name

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the decoded lines of a file."""
        return [json.loads(line) for line in self._files[name].splitlines()]

    async def upload_form(self, request: web.Request) -> web.StreamResponse:
        """Keep the file of a form."""
        file = (await request.post())["file"]
        assert not isinstance(file, str | bytes | bytearray)
        return to_json({"id": self.add(file.file.read()), "object": "file", "purpose": "batch"})


def chat_reply(batches: MockBatches, line: Line) -> dict[str, Any]:
    """Return the reply of a line in the form of the chat completions API."""
    texts = batches.texts(line)
    messages = [{"role": "assistant", "content": text} for text in texts]
    return {
        "id": f"chatcmpl-{line.custom_id}",
        "choices": [{"index": i, "message": one, "finish_reason": "stop"} for i, one in enumerate(messages)],
        "usage": {"prompt_tokens": line.tokens, "completion_tokens": sum(len(text.split()) for text in texts)},
    }


def chat_prompt(body: Mapping[str, Any]) -> str:
    """Return the texts of all turns of a chat completion."""
    return "\n".join(content_of(turn) for turn in body.get("messages", ()))


def content_of(turn: Mapping[str, Any]) -> str:
    """Return the text of a turn."""
    return content_text(turn.get("content", turn.get("text")))


def to_json(data: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response of JSON."""
    from aiohttp import web

    return web.json_response(data, status=status, headers=headers)


def _no_such_batch() -> web.Response:
    return to_json({"error": {"type": "not_found_error", "message": "no such batch"}}, 404)


def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    from aiohttp import web

    if request.transport is not None:
        request.transport.close()
    return web.Response()
