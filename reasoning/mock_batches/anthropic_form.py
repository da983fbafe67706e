"""Anthropic's form of batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reasoning.mock_batches.batches import Batch, Line
from reasoning.mock_batches.form import MockForm, content_of, to_json

if TYPE_CHECKING:
    from aiohttp import web

_NAMES = {"processing": "processing", "expired": "expired", "failed": "errored", "cancelled": "canceled"}


class AnthropicForm(MockForm):
    """Requests in the call that makes a batch, and one stream of results. A batch has no label."""

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        from aiohttp import web

        return [
            web.post("/v1/messages/batches", self._create),
            web.get("/v1/messages/batches", self._list),
            web.get("/v1/messages/batches/{id}", self.get),
            web.get("/v1/messages/batches/{id}/results", self.content),
            web.post("/v1/messages/batches/{id}/cancel", self.cancel),
        ]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        rows = (await request.json())["requests"]
        return await self.create(request, [self._line(row["custom_id"], row["params"]) for row in rows], {})

    @staticmethod
    def _line(custom_id: str, body: dict[str, Any]) -> Line:
        turns = [*body.get("system", ()), *body.get("messages", ())]
        return Line(custom_id, body, "\n".join(map(content_of, turns)))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        data, has_more = self.page(self.place_after(request.query.get("after_id")))
        return to_json({"data": data, "has_more": has_more})

    def describe(self, batch: Batch) -> dict[str, Any]:
        """Return the description of a batch."""
        state, given = self.batches.state(batch), Counter[str]()
        for outcome, number in batch.counts().items():
            given[_NAMES.get(outcome, "succeeded")] += number
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "in_progress" if state == "in_progress" else "ended",
            "request_counts": {name: given[name] for name in (*_NAMES.values(), "succeeded")},
            "created_at": datetime.fromtimestamp(batch.created, UTC).isoformat(),
            "cancel_initiated_at": "2026-01-01T00:00:00Z" if state == "cancelled" else None,
        }

    def rows(self, batch: Batch, file: str) -> Iterator[dict[str, Any]]:
        """Yield the results."""
        for line in batch.lines:
            if line.outcome != "lost":
                row = {"custom_id": line.custom_id, "result": self._result(line)}
                yield from [row] * (1 + (line.outcome == "duplicate"))

    def _result(self, line: Line) -> dict[str, Any]:
        if line.outcome in ("expired", "cancelled"):
            return {"type": _NAMES[line.outcome]}
        if line.outcome == "failed":
            refusal = self.faults.refuse(line.prompt)
            kind = "invalid_request_error" if refusal else "api_error"
            error = {"type": kind, "message": refusal or "Internal server error"}
            return {"type": "errored", "error": {"type": "error", "error": error}}
        [text] = self.batches.texts(line)
        message = {
            "id": f"msg_{line.custom_id}",
            "type": "message",
            "role": "assistant",
            "model": line.body["model"],
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": line.tokens, "output_tokens": len(text.split())},
        }
        return {"type": "succeeded", "message": message}
