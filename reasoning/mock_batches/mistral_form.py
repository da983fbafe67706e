"""Mistral's form of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reasoning.mock_batches.batches import Batch, Line, MockBatches
from reasoning.mock_batches.form import MockForm, UploadedFiles, chat_prompt, chat_reply, to_json

if TYPE_CHECKING:
    from aiohttp import web

_STATES = {"in_progress": "RUNNING", "ended": "SUCCESS", "cancelled": "CANCELLED", "failed": "FAILED"}


class MistralForm(MockForm):
    """A file of requests, a job, and two files of results. Lines that expired are in neither file."""

    def __init__(self, batches: MockBatches) -> None:
        super().__init__(batches)
        self._files = UploadedFiles()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        from aiohttp import web

        return [
            web.post("/v1/files", self._files.upload_form),
            web.get("/v1/files/{id}/content", self.content),
            web.post("/v1/batch/jobs", self._create),
            web.get("/v1/batch/jobs", self._list),
            web.get("/v1/batch/jobs/{id}", self.get),
            web.post("/v1/batch/jobs/{id}/cancel", self.cancel),
        ]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        job = await request.json()
        if job.get("endpoint") != "/v1/chat/completions" or not job.get("model"):
            return to_json({"message": "a job must have an endpoint and a model", "type": "invalid_request_error"}, 422)
        rows = self._files.rows(job["input_files"][0])
        lines = [Line(row["custom_id"], row["body"], chat_prompt(row["body"])) for row in rows]
        return await self.create(request, lines, job.get("metadata") or {})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        data, _ = self.page(3 * int(request.query.get("page", 0)))
        return to_json({"data": data, "object": "list", "total": len(self.batches.by_id)})

    def describe(self, batch: Batch) -> dict[str, Any]:
        """Return the description of a job."""
        state, counts = self.batches.state(batch), batch.counts()
        done = counts["succeeded"] + counts["duplicate"]
        is_late = state == "no files" or (state == "ended" and counts["expired"])
        has_files = state in ("ended", "cancelled")
        return {
            "id": batch.id,
            "object": "batch",
            "status": "TIMEOUT_EXCEEDED" if is_late else _STATES[state],
            "metadata": dict(batch.label),
            "created_at": int(batch.created),
            "total_requests": len(batch.lines),
            "completed_requests": done + counts["failed"],
            "succeeded_requests": done,
            "failed_requests": counts["failed"],
            "output_file": f"results-{batch.id}" if has_files else None,
            "error_file": f"errors-{batch.id}" if has_files and counts["failed"] else None,
            "errors": batch.errors,
        }

    def rows(self, batch: Batch, file: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of the file of results or of that of errors."""
        for line in batch.lines:
            if line.is_done and not file.startswith("errors-"):
                response = {"status_code": 200, "body": chat_reply(self.batches, line)}
                row = {"id": f"batch-{line.custom_id}", "custom_id": line.custom_id, "response": response}
                yield from [{**row, "error": None}] * (1 + (line.outcome == "duplicate"))
            elif line.outcome == "failed" and file.startswith("errors-"):
                refusal = self.faults.refuse(line.prompt)
                body = {"object": "error", "message": refusal or "Internal server error"}
                response = {"status_code": 400 if refusal else 500, "body": body}
                yield {"custom_id": line.custom_id, "response": response, "error": None}
