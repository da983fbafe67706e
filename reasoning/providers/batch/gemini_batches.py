"""Gemini's batch API: a file of requests, a long-running operation, and a file of responses.

Of the two forms of a batch, the file suits: requests within the call may have 20 MB in all, and their responses
would be a part of every later description of the batch.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from reasoning.messages import CompletionBatch, Request
from reasoning.providers.batch.api import BatchLimits, BatchStatus, LineResult
from reasoning.providers.batch.gemini_files import upload
from reasoning.providers.batch.http import json_lines, read_id
from reasoning.providers.batch.litellm_batches import LiteLLMBatches, cannot_read, count, read_address
from reasoning.providers.http_errors import is_retryable
from reasoning.providers.litellm_client import load_litellm
from reasoning.tool_calls import to_wire

_ADDRESS = "https://generativelanguage.googleapis.com"
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")
_STATUSES = {1: 499, 3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 11: 400, 12: 501, 13: 500, 14: 503, 16: 401}
"""The HTTP statuses of the codes of google.rpc.Status, where they are not 500."""


class GeminiBatches(LiteLLMBatches):
    """The batches of one model of Gemini; see `BatchApi`.

    A batch is known by its display name. A line asks for one completion, since not every model returns several.
    """

    name = "gemini"
    key_variables = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    """The variables of the key, in the order in which litellm reads them for single calls."""
    # A file may have 2 GB. A smaller one is uploaded again at a smaller price.
    limits = BatchLimits(lines=50_000, bytes=500_000_000)
    finds_by_label = True

    def _connection(self) -> tuple[str, Mapping[str, str], tuple[str, ...]]:
        key = self._require_key()
        address = read_address(_ADDRESS, ("GEMINI_API_BASE",)).removesuffix("/v1beta")
        return address, {"x-goog-api-key": key}, (key,)

    def body(self, request: Request, draws: Sequence[int]) -> dict[str, Any]:
        """Return a request to generate content.

        Raises:
            SettingRefused: the API has no such setting.
            CallFailed: litellm cannot translate the request.
        """
        litellm = load_litellm()
        settings = self._settings(request, draws, besides=("top_k",))
        from litellm.llms.vertex_ai.gemini.transformation import transform_request_body

        try:
            parameters = litellm.utils.get_optional_params(model=self._name, custom_llm_provider="gemini", **settings)
            body = transform_request_body(
                messages=[dict(turn) for turn in to_wire(request.messages, tools="tools" in settings)],
                model=self._name,
                optional_params=parameters,
                custom_llm_provider="gemini",
                litellm_params={},
                cached_content=None,
            )
        except Exception as error:
            raise self._cannot_send(error) from None
        return {**body, **(request.sampling.get("extra_body") or {})}

    def line(self, custom_id: str, body: bytes, request: Request) -> bytes:
        """Return a line of the file."""
        return b'{"key":"%s","request":%s}' % (custom_id.encode(), body)

    async def submit(self, label: str, lines: Iterable[bytes]) -> str:
        """Upload the file of requests, make a batch of it, and return its id."""
        file = await upload(self._http, self._connection()[0], label, json_lines(lines))
        batch = {"displayName": label, "inputConfig": {"fileName": file}}
        created = await self._http.json(
            "POST", f"/v1beta/models/{quote(self._name, safe='')}:batchGenerateContent", {"batch": batch}
        )
        return read_id(created, "name", "batches/")

    async def find(self, label: str, lines: int, since: float) -> list[str]:
        """Return the id of the batch with this display name, if there is one."""
        # The order of the list is not documented, so that all of it is read.
        after: dict[str, str] = {}
        while True:
            page = await self._http.json("GET", "/v1beta/batches", params={"pageSize": "100", **after})
            for operation in page.get("operations") or ():
                if isinstance(operation, dict) and _metadata(operation).get("displayName") == label:
                    return [read_id(operation, "name", "batches/")]
            if not isinstance(token := page.get("nextPageToken"), str) or not token:
                return []
            after = {"pageToken": token}

    async def status(self, batch: str) -> BatchStatus:
        """Return the state of a batch.

        A batch that failed as a whole is refused, unless the reason is the provider's or some of its lines are done.
        """
        data = await self._http.json("GET", f"/v1beta/batches/{batch}")
        about = _metadata(data)
        state = str(about.get("state")).rpartition("STATE_")[2]
        counts = about.get("batchStats")
        counts = counts if isinstance(counts, dict) else {}
        total = count(counts, "requestCount")
        done = count(counts, "successfulRequestCount") + count(counts, "failedRequestCount")
        error = data.get("error")
        error = error if isinstance(error, dict) else {}
        is_refused = state == "FAILED" and not _file(data) and not count(counts, "successfulRequestCount")
        is_refused = is_refused and not is_retryable(_http_status(error))
        return BatchStatus(
            state in _ENDED,
            done,
            total,
            cancelled=state == "CANCELLED",
            refusal=str(error.get("message") or "no reason is given") if is_refused else "",
            data=data,
        )

    async def results(self, batch: str, status: BatchStatus) -> AsyncIterator[LineResult]:
        """Yield the lines of the file of responses. A batch that expired has none."""
        if (file := _file(status.data)) is not None:
            name = read_id({"responsesFile": file}, "responsesFile", "files/")
            async for line in self._http.lines(f"/download/v1beta/files/{name}:download?alt=media"):
                if isinstance(line, dict) and isinstance(line.get("key"), str):
                    yield _result(line)

    def parse(self, reply: Any, request: Request, draws: Sequence[int]) -> CompletionBatch:
        """Return the completion of a response."""
        import httpx

        litellm = load_litellm()
        if not isinstance(reply, dict):
            raise cannot_read(f"it is no object: {reply}")
        if not isinstance(reply.get("usageMetadata"), dict):
            reply = {**reply, "usageMetadata": {}}
        config = litellm.GoogleAIStudioGeminiConfig()
        try:
            response = config.transform_google_generate_content_to_openai_model_response(
                completion_response=reply,
                model_response=litellm.ModelResponse(),
                model=self._name,
                # The only parts of litellm's record of a call that the translation reads.
                logging_obj=SimpleNamespace(optional_params={}, litellm_params={}, model_call_details={}),
                raw_response=httpx.Response(200),
            )
            plain: dict[str, Any] = response.model_dump(warnings=False)
        except Exception as error:
            raise cannot_read(error) from None
        plain["id"] = reply.get("responseId")
        return self.client.read_reply(plain, request, draws, 0.0)

    async def cancel(self, batch: str) -> None:
        """Cancel a batch."""
        await self._http.json("POST", f"/v1beta/batches/{batch}:cancel")


def _metadata(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the description of the batch in an operation."""
    about = operation.get("metadata")
    return about if isinstance(about, dict) else operation


def _file(operation: Mapping[str, Any]) -> str | None:
    """Return the name of the file of responses; None if the batch has none."""
    for part in (operation.get("response"), _metadata(operation).get("output")):
        if isinstance(part, dict) and isinstance(file := part.get("responsesFile"), str):
            return file
    return None


def _result(line: Mapping[str, Any]) -> LineResult:
    """Return the result of a line, which has a response or a status."""
    if isinstance(response := line.get("response"), dict) and not response.get("error"):
        return LineResult(line["key"], "succeeded", response)
    inner = response.get("error") if isinstance(response, dict) else line.get("error") or line.get("status")
    error = inner if isinstance(inner, dict) else {"message": str(inner)}
    return LineResult(line["key"], "errored", status=_http_status(error), text=json.dumps({"error": error}))


def _http_status(error: Mapping[str, Any]) -> int:
    """Return the HTTP status of an error, whose code is one of gRPC or of HTTP."""
    code = error.get("code")
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return _STATUSES.get(code, 500) if isinstance(code, int) else 500
