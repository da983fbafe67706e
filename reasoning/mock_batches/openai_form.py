"""OpenAI's form of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reasoning.mock_batches.batches import Batch, Line, MockBatches
from reasoning.mock_batches.form import MockForm, UploadedFiles, chat_prompt, chat_reply, to_json

if TYPE_CHECKING:
    from aiohttp import web


class OpenAIForm(MockForm):
    """Files of requests, and two files of results. Lines that expired are in the file of errors."""

    base_path = "/v1"

    def __init__(self, batches: MockBatches) -> None:
        super().__init__(batches)
        self._files = UploadedFiles()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        from aiohttp import web

        return [
            web.post("/v1/files", self._files.upload_form),
            web.get("/v1/files/{id}/content", self.content),
            web.post("/v1/batches", self._create),
            web.get("/v1/batches", self._list),
            web.get("/v1/batches/{id}", self.get),
            web.post("/v1/batches/{id}/cancel", self.cancel),
        ]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        rows = self._files.rows(body["input_file_id"])
        lines = [Line(row["custom_id"], row["body"], chat_prompt(row["body"]), row["body"].get("n", 1)) for row in rows]
        return await self.create(request, lines, body.get("metadata") or {})

    def refuse_over_limit(self, batch: Batch) -> None:
        """Let a batch fail that exceeds the limit of enqueued tokens."""
        message = f"Enqueued token limit reached for mock. Limit: {self.faults.enqueue_limit:,} enqueued tokens."
        batch.state, batch.errors = "failed", [{"code": "token_limit_exceeded", "message": message, "line": None}]

    async def _list(self, request: web.Request) -> web.StreamResponse:
        data, has_more = self.page(self.place_after(request.query.get("after")))
        return to_json({"data": data, "has_more": has_more})

    def describe(self, batch: Batch) -> dict[str, Any]:
        """Return the description of a batch."""
        state, counts = self.batches.state(batch), batch.counts()
        status = {"ended": "expired" if counts["expired"] else "completed", "no files": "expired"}.get(state, state)
        has_files = state in ("ended", "cancelled")
        return {
            "id": batch.id,
            "object": "batch",
            "status": status,
            "metadata": dict(batch.label),
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

    def rows(self, batch: Batch, file: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of the file of results or of that of errors."""
        for line in batch.lines:
            if line.outcome != "lost" and line.is_done != file.startswith("errors-"):
                yield from [self._row(line)] * (1 + (line.outcome == "duplicate"))

    def _row(self, line: Line) -> dict[str, Any]:
        if line.outcome in ("expired", "cancelled"):
            error = {"code": f"batch_{line.outcome}", "message": "This request could not be executed."}
            return {"custom_id": line.custom_id, "response": None, "error": error}
        if line.outcome != "failed":
            response = {"status_code": 200, "body": chat_reply(self.batches, line)}
            return {"custom_id": line.custom_id, "response": response, "error": None}
        # As OpenAI reports it: the error is in the body, and the field for errors is empty.
        refusal = self.faults.refuse(line.prompt)
        body = {"error": {"message": refusal or "The server had an error.", "type": "server_error"}}
        response = {"status_code": 400 if refusal else 500, "body": body}
        return {"custom_id": line.custom_id, "response": response, "error": None}
