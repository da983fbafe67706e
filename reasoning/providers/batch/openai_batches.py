"""OpenAI's batch API, which other servers speak too: a file of requests, and two files of results."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from reasoning.errors import CallFailed
from reasoning.messages import CompletionBatch, Request
from reasoning.providers.batch.api import BatchLimits, BatchStatus, LineResult
from reasoning.providers.batch.http import BatchHttp, json_lines, read_id
from reasoning.providers.openai_client import OpenAIClient

_PATH = "/v1/chat/completions"
_LABEL = "reasoning_label"
_ENDED = ("completed", "expired", "cancelled", "failed")
_OVER_LIMIT = re.compile(r"enqueued token limit|token_limit_exceeded", re.I)
_TOKEN_LIMIT = re.compile(r"limit: ?([\d,]+)", re.I)
_CLOCK_SKEW = 3600.0
"""Seconds by which the clock of a provider may differ from ours."""


class OpenAIBatches:
    """The batches of one model on one server; see `BatchApi`.

    Args:
        client: the client of single requests.
        timeout: seconds for one request.
    """

    name = "openai"
    limits = BatchLimits(lines=50_000, bytes=190_000_000)
    finds_by_label = True

    def __init__(self, client: OpenAIClient, timeout: float = 60) -> None:
        self.client, self.max_n, self._timeout = client, client.max_n, timeout
        self._http = BatchHttp(client.connection, timeout)

    def body(self, request: Request, draws: Sequence[int]) -> dict[str, Any]:
        """Return the body of a line."""
        return self.client.request_body(request, draws)

    def sibling(self, model: str) -> OpenAIBatches | None:
        """Return the API for another model of the same server, unless it is OpenAI's."""
        client = self.client.sibling(model)
        return None if client is None else OpenAIBatches(client, self._timeout)

    def line(self, custom_id: str, body: bytes, request: Request) -> bytes:
        """Return a line of the file."""
        return b'{"custom_id":"%s","method":"POST","url":"%s","body":%s}' % (custom_id.encode(), _PATH.encode(), body)

    async def submit(self, label: str, lines: Iterable[bytes]) -> str:
        """Upload the file of requests, make a batch of it, and return its id."""
        import aiohttp

        form = aiohttp.FormData()
        form.add_field("purpose", "batch")
        form.add_field("file", json_lines(lines), filename=f"{label}.jsonl", content_type="application/jsonl")
        file = read_id(await self._http.json("POST", "/files", data=form), "id")
        body = {"input_file_id": file, "endpoint": _PATH, "completion_window": "24h", "metadata": {_LABEL: label}}
        return read_id(await self._http.json("POST", "/batches", body), "id")

    async def find(self, label: str, lines: int, since: float) -> list[str]:
        """Return the id of the batch whose metadata has this label, if there is one."""
        after: dict[str, str] = {}
        while True:
            page = await self._http.json("GET", "/batches", params={"limit": "100", **after})
            batches = [batch for batch in page.get("data") or () if isinstance(batch, dict)]
            for batch in batches:
                if (batch.get("metadata") or {}).get(_LABEL) == label:
                    return [read_id(batch, "id")]
            if not page.get("has_more") or not batches or _number(batches[-1], "created_at") < since - _CLOCK_SKEW:
                return []
            after = {"after": read_id(batches[-1], "id")}

    async def status(self, batch: str) -> BatchStatus:
        """Return the state of a batch."""
        data = await self._http.json("GET", f"/batches/{batch}")
        state, counts = data.get("status"), data.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        done, total = _number(counts, "completed") + _number(counts, "failed"), _number(counts, "total")
        errors = data.get("errors")
        entries = [
            one for one in (errors.get("data") or () if isinstance(errors, dict) else ()) if isinstance(one, dict)
        ]
        words = "; ".join(f"{one.get('message') or one.get('code')}" for one in entries[:3])
        refusal = (words or "no reason is given") if state == "failed" else ""
        is_over = any(_OVER_LIMIT.search(f"{one.get('code')} {one.get('message')}") for one in entries)
        limit = _TOKEN_LIMIT.search(words) if is_over else None
        return BatchStatus(
            state in _ENDED,
            int(done),
            int(total),
            cancelled=state == "cancelled",
            refusal=refusal,
            over_limit=bool(refusal) and is_over,
            token_limit=int(limit[1].replace(",", "")) if limit else None,
            line_errors={one["line"]: str(one.get("message")) for one in entries if isinstance(one.get("line"), int)},
            data=data,
        )

    async def results(self, batch: str, status: BatchStatus) -> AsyncIterator[LineResult]:
        """Yield the lines of the file of results and of the file of errors; a batch that expired may have neither."""
        for name in ("output_file_id", "error_file_id"):
            if status.data.get(name):
                file = read_id(status.data, name)
                async for line in self._http.lines(f"/files/{file}/content"):
                    if isinstance(line, dict) and isinstance(line.get("custom_id"), str):
                        yield read_line(line)

    def parse(self, reply: Any, request: Request, draws: Sequence[int]) -> CompletionBatch:
        """Return the completions of a response."""
        return self.client.read_reply(reply, request, draws, 0.0)

    def error(self, result: LineResult, request: Request, body: bytes) -> CallFailed:
        """Return the error of a line that errored."""
        return self.client.line_error(result.status, result.text, json.loads(body))

    async def cancel(self, batch: str) -> None:
        """Cancel a batch."""
        await self._http.json("POST", f"/batches/{batch}/cancel")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
        await self.client.close()


def read_line(line: Mapping[str, Any]) -> LineResult:
    """Return the result of a line. Failed requests have an error in the body of their response, or one of their own."""
    custom_id, response, error = line["custom_id"], line.get("response"), line.get("error")
    if isinstance(response, dict):
        status, body = response.get("status_code"), response.get("body")
        status = status if isinstance(status, int) and 100 <= status < 600 else 200
        if status < 300 and not (isinstance(body, dict) and body.get("error")):
            return LineResult(custom_id, "succeeded", body)
        return LineResult(custom_id, "errored", status=status if status >= 300 else 500, text=json.dumps(body))
    code = str(error.get("code")) if isinstance(error, dict) else ""
    text = json.dumps({"error": error})
    if code == "batch_expired":
        return LineResult(custom_id, "expired", text=text)
    if code == "batch_cancelled":
        return LineResult(custom_id, "cancelled", text=text)
    return LineResult(custom_id, "errored", status=500, text=text)


def _number(data: Mapping[str, Any], name: str) -> float:
    value = data.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
