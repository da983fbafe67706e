"""Mistral's batch API: a file of requests, a job for one model, and two files of results."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from reasoning.messages import CompletionBatch, Request
from reasoning.providers.batch.api import BatchLimits, BatchStatus, LineResult
from reasoning.providers.batch.http import json_lines, read_id
from reasoning.providers.batch.litellm_batches import LiteLLMBatches, cannot_read, count, read_address
from reasoning.providers.batch.openai_batches import read_line
from reasoning.providers.litellm_client import load_litellm
from reasoning.tool_calls import to_wire

_ADDRESS = "https://api.mistral.ai"
_PATH = "/v1/chat/completions"
_LABEL = "reasoning_label"
_ENDED = ("SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED")
_HOURS = 24
"""The hours after which the provider ends a job; the lines that are done by then are kept."""
_PAGE = 100


class MistralBatches(LiteLLMBatches):
    """The batches of one model of Mistral; see `BatchApi`."""

    name = "mistral"
    key_variables = ("MISTRAL_API_KEY",)
    # A file may have 512 MB; all jobs of a workspace together a million requests.
    limits = BatchLimits(lines=100_000, bytes=250_000_000)
    finds_by_label = True

    def _connection(self) -> tuple[str, Mapping[str, str], tuple[str, ...]]:
        key = self._require_key()
        return read_address(_ADDRESS, ("MISTRAL_API_BASE",)), {"Authorization": f"Bearer {key}"}, (key,)

    def body(self, request: Request, draws: Sequence[int]) -> dict[str, Any]:
        """Return the body of a line. The model belongs to the job.

        Raises:
            SettingRefused: the API has no such setting.
            CallFailed: litellm cannot translate the request.
        """
        litellm = load_litellm()
        with warnings.catch_warnings():
            # The import of litellm's part for Mistral warns about a detail of its own types.
            warnings.simplefilter("ignore")
            config = litellm.MistralConfig()
        settings = self._settings(request, draws)
        turns = [dict(turn) for turn in to_wire(request.messages, tools="tools" in settings)]
        try:
            parameters = litellm.utils.get_optional_params(model=self._name, custom_llm_provider="mistral", **settings)
            body: dict[str, Any] = config.transform_request(
                model=self._name, messages=turns, optional_params=parameters, litellm_params={}, headers={}
            )
        except Exception as error:
            raise self._cannot_send(error) from None
        body |= body.pop("extra_body", None) or {}
        del body["model"]
        return {**body, **(request.sampling.get("extra_body") or {})}

    def line(self, custom_id: str, body: bytes, request: Request) -> bytes:
        """Return a line of the file."""
        return b'{"custom_id":"%s","body":%s}' % (custom_id.encode(), body)

    async def submit(self, label: str, lines: Iterable[bytes]) -> str:
        """Upload the file of requests, make a job of it, and return its id."""
        import aiohttp

        form = aiohttp.FormData()
        form.add_field("purpose", "batch")
        form.add_field("file", json_lines(lines), filename=f"{label}.jsonl", content_type="application/jsonl")
        file = read_id(await self._http.json("POST", "/v1/files", data=form))
        job = {
            "input_files": [file],
            "endpoint": _PATH,
            "model": self._name,
            "metadata": {_LABEL: label},
            "timeout_hours": _HOURS,
        }
        return read_id(await self._http.json("POST", "/v1/batch/jobs", job))

    async def find(self, label: str, lines: int, since: float) -> list[str]:
        """Return the id of the job whose metadata has this label, if there is one."""
        # The order of the list is not documented, so that all of it is read.
        number, seen = 0, set[str]()
        while True:
            params = {"page": str(number), "page_size": str(_PAGE)}
            page = await self._http.json("GET", "/v1/batch/jobs", params=params)
            jobs = [job for job in page.get("data") or () if isinstance(job, dict)]
            for job in jobs:
                if (job.get("metadata") or {}).get(_LABEL) == label:
                    return [read_id(job)]
            new = {read_id(job) for job in jobs} - seen
            if not new:
                return []
            seen |= new
            number += 1

    async def status(self, batch: str) -> BatchStatus:
        """Return the state of a job. One that failed as a whole is refused, unless some of its lines are done."""
        data = await self._http.json("GET", f"/v1/batch/jobs/{batch}")
        state = data.get("status")
        total, done = count(data, "total_requests"), count(data, "succeeded_requests") + count(data, "failed_requests")
        listed = data.get("errors")
        entries = [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict)]
        words = "; ".join(str(one.get("message")) for one in entries[:3]) or "no reason is given"
        has_results = bool(data.get("output_file") or data.get("error_file") or count(data, "succeeded_requests"))
        return BatchStatus(
            state in _ENDED,
            done,
            total,
            cancelled=state == "CANCELLED",
            refusal=words if state == "FAILED" and not has_results else "",
            data=data,
        )

    async def results(self, batch: str, status: BatchStatus) -> AsyncIterator[LineResult]:
        """Yield the lines of the file of results and of the file of errors; a job that ended early may have neither."""
        for name in ("output_file", "error_file"):
            if status.data.get(name):
                file = read_id(status.data, name)
                async for line in self._http.lines(f"/v1/files/{file}/content"):
                    if isinstance(line, dict) and isinstance(line.get("custom_id"), str):
                        yield read_line(line)

    def parse(self, reply: Any, request: Request, draws: Sequence[int]) -> CompletionBatch:
        """Return the completion of a response."""
        if not isinstance(reply, dict):
            raise cannot_read(f"it is no object: {reply}")
        return self.client.read_reply(reply, request, draws, 0.0)

    async def cancel(self, batch: str) -> None:
        """Cancel a job."""
        await self._http.json("POST", f"/v1/batch/jobs/{batch}/cancel")
