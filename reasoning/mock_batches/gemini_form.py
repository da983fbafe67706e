"""Gemini's form of batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reasoning.mock_batches.batches import Batch, Line, MockBatches
from reasoning.mock_batches.form import MockForm, UploadedFiles, to_json

if TYPE_CHECKING:
    from aiohttp import web

_STATES = {
    "in_progress": "RUNNING",
    "ended": "SUCCEEDED",
    "cancelled": "CANCELLED",
    "no files": "EXPIRED",
    "failed": "FAILED",
}
_THOUGHTS = 3
"""The tokens of thought of each reply, which are counted apart from its text."""


class GeminiForm(MockForm):
    """A file of requests, a long-running operation, and a file of responses.

    A batch that expires has no results. A single line that expires has the status 4 of gRPC.
    """

    def __init__(self, batches: MockBatches) -> None:
        super().__init__(batches)
        self._files = UploadedFiles()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        from aiohttp import web

        return [
            web.post("/upload/v1beta/files", self._upload),
            web.get("/download/v1beta/files/{id}:download", self.content),
            web.post("/v1beta/models/{model}:batchGenerateContent", self._create),
            web.get("/v1beta/batches", self._list),
            web.get("/v1beta/batches/{id}", self.get),
            web.post("/v1beta/batches/{id}:cancel", self.cancel),
        ]

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        command = request.headers.get("X-Goog-Upload-Command")
        if command == "start":
            return to_json({}, headers={"X-Goog-Upload-URL": f"{self.address}/upload/v1beta/files?upload_id=1"})
        if command != "upload, finalize" or "upload_id" not in request.query:
            return to_json({"error": {"code": 400, "message": "no such upload", "status": "INVALID_ARGUMENT"}}, 400)
        return to_json({"file": {"name": f"files/{self._files.add(await request.read())}"}})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        batch = (await request.json())["batch"]
        rows = self._files.rows(batch["inputConfig"]["fileName"].removeprefix("files/"))
        lines = [Line(row["key"], row["request"], _prompt(row["request"])) for row in rows]
        return await self.create(request, lines, {"displayName": batch["displayName"]})

    def refuse_over_limit(self, batch: Batch) -> web.StreamResponse:
        """Refuse a batch that exceeds the limit of enqueued tokens."""
        message = "You exceeded your current quota of enqueued tokens."
        return to_json({"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}}, 429)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        start = int(request.query.get("pageToken", 0))
        data, has_more = self.page(start)
        return to_json({"operations": data, **({"nextPageToken": str(start + len(data))} if has_more else {})})

    def describe(self, batch: Batch) -> dict[str, Any]:
        """Return the operation of a batch."""
        state, counts = self.batches.state(batch), batch.counts()
        done = counts["succeeded"] + counts["duplicate"]
        output = {"responsesFile": f"files/results-{batch.id}"}
        about = {
            "state": f"BATCH_STATE_{_STATES[state]}",
            **batch.label,
            "createTime": datetime.fromtimestamp(batch.created, UTC).isoformat().replace("+00:00", "Z"),
            "batchStats": {
                # As Google writes numbers of 64 bits.
                "requestCount": str(len(batch.lines)),
                "successfulRequestCount": str(done),
                "failedRequestCount": str(counts["failed"] + counts["expired"]),
                "pendingRequestCount": str(counts["processing"]),
            },
            **({"output": output} if state == "ended" else {}),
        }
        is_done = state != "in_progress"
        response = {"response": output} if state == "ended" else {}
        return {"name": f"batches/{batch.id}", "metadata": about, **({"done": True} if is_done else {}), **response}

    def rows(self, batch: Batch, file: str) -> Iterator[dict[str, Any]]:
        """Yield the lines of the file of responses."""
        for line in batch.lines:
            if line.outcome != "lost":
                yield from [{"key": line.custom_id, **self._result(line)}] * (1 + (line.outcome == "duplicate"))

    def _result(self, line: Line) -> dict[str, Any]:
        if line.outcome == "expired":
            return {"error": {"code": 4, "message": "Deadline expired before the request was processed."}}
        if line.outcome == "failed":
            refusal = self.faults.refuse(line.prompt)
            return {"error": {"code": 3 if refusal else 13, "message": refusal or "Internal error encountered."}}
        [text] = self.batches.texts(line)
        visible = len(text.split())
        return {
            "response": {
                "candidates": [
                    {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
                ],
                "usageMetadata": {
                    "promptTokenCount": line.tokens,
                    "candidatesTokenCount": visible,
                    "thoughtsTokenCount": _THOUGHTS,
                    "totalTokenCount": line.tokens + visible + _THOUGHTS,
                },
                "responseId": line.custom_id,
            }
        }


def _prompt(body: Mapping[str, Any]) -> str:
    """Return the texts of all turns of a request."""
    turns = [body.get("system_instruction") or {}, *body.get("contents", ())]
    return "\n".join("".join(part.get("text", "") for part in turn.get("parts", ())) for turn in turns)
