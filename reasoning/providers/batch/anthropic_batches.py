"""Anthropic's Message Batches. litellm translates the requests and the messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from reasoning.messages import CompletionBatch, Request
from reasoning.providers.batch.api import BatchLimits, BatchStatus, LineResult
from reasoning.providers.batch.http import read_id
from reasoning.providers.batch.litellm_batches import LiteLLMBatches, cannot_read, read_address
from reasoning.providers.litellm_client import LiteLLMClient, load_litellm

_ADDRESS = "https://api.anthropic.com"
_VERSION = "2023-06-01"
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}
_OTHERS = ("expired", "canceled")
_CLOCK_SKEW = 120.0
"""Seconds by which the clock of the provider may differ from ours."""


class AnthropicBatches(LiteLLMBatches):
    """The batches of one model of Anthropic; see `BatchApi`.

    The API keeps no label of a batch, so that a batch which is found is known to be ours by its results alone.
    """

    name = "anthropic"
    key_variables = ("ANTHROPIC_API_KEY",)
    # Of 256 MB, with room for the marks of a prompt cache.
    limits = BatchLimits(lines=100_000, bytes=200_000_000)
    finds_by_label = False

    def __init__(self, client: LiteLLMClient, api_key: str | None = None, timeout: float = 60) -> None:
        super().__init__(client, api_key, timeout)
        self._betas = set[str]()
        """The features of the API that requests use and that must be asked for."""

    def _connection(self) -> tuple[str, Mapping[str, str], tuple[str, ...]]:
        key = self._require_key()
        address = read_address(_ADDRESS, ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"))
        return address, {"x-api-key": key, "anthropic-version": _VERSION}, (key,)

    def body(self, request: Request, draws: Sequence[int]) -> dict[str, Any]:
        """Return the parameters of a message.

        Raises:
            SettingRefused: the API has no such setting.
            CallFailed: litellm cannot translate the request.
        """
        litellm = load_litellm()
        settings = self._settings(request, draws, besides=("top_k",))
        config = litellm.AnthropicConfig()
        if (cache := self.client.prompt_cache) is not None:
            cache.note(request)
        turns = [dict(turn) for turn in self.client.wire_turns(request)]
        try:
            given = {name: value for name, value in settings.items() if name != "top_k"}
            parameters = config.map_openai_params(
                non_default_params=given, optional_params={}, model=self._name, drop_params=False
            )
            config.update_headers_with_optional_anthropic_beta(asked := dict[str, str](), parameters)
            # A field of litellm's own.
            parameters.pop("json_mode", None)
            body: dict[str, Any] = config.transform_request(
                model=self._name, messages=turns, optional_params=parameters, litellm_params={}, headers={}
            )
        except Exception as error:
            raise self._cannot_send(error) from None
        self._betas |= set(filter(None, asked.get("anthropic-beta", "").split(",")))
        if "top_k" in settings:
            body["top_k"] = settings["top_k"]
        return {**body, **(request.sampling.get("extra_body") or {})}

    def line(self, custom_id: str, body: bytes, request: Request) -> bytes:
        """Return a request of the batch, with the marks that are known now that all of its lines are."""
        if (cache := self.client.prompt_cache) is not None and cache.marks(request):
            body = json.dumps(self.body(request, [0]), separators=(",", ":")).encode()
        return b'{"custom_id":"%s","params":%s}' % (custom_id.encode(), body)

    async def submit(self, label: str, lines: Iterable[bytes]) -> str:
        """Submit a batch, and return its id."""
        data = b'{"requests":[' + b",".join(lines) + b"]}"
        headers = {"Content-Type": "application/json"}
        if self._betas:
            headers["anthropic-beta"] = ",".join(sorted(self._betas))
        return read_id(await self._http.json("POST", "/v1/messages/batches", data=data, headers=headers))

    async def find(self, label: str, lines: int, since: float) -> list[str]:
        """Return the ids of the batches of this size that were made since the submission, the oldest first."""
        found, after = list[str](), dict[str, str]()
        while True:
            page = await self._http.json("GET", "/v1/messages/batches", params={"limit": "100", **after})
            batches = [batch for batch in page.get("data") or () if isinstance(batch, dict)]
            recent = [batch for batch in batches if _created(batch) > since - _CLOCK_SKEW]
            found += [read_id(batch) for batch in recent if sum(_counts(batch).values()) == lines]
            if not page.get("has_more") or len(recent) < len(batches) or not batches:
                return found[::-1]
            after = {"after_id": read_id(batches[-1])}

    async def status(self, batch: str) -> BatchStatus:
        """Return the state of a batch."""
        data = await self._http.json("GET", f"/v1/messages/batches/{batch}")
        counts = _counts(data)
        total = sum(counts.values())
        ended = data.get("processing_status") == "ended"
        cancelled = bool(data.get("cancel_initiated_at"))
        return BatchStatus(ended, total - counts["processing"], total, cancelled=cancelled, data=data)

    async def results(self, batch: str, status: BatchStatus) -> AsyncIterator[LineResult]:
        """Yield the results of a batch."""
        async for line in self._http.lines(f"/v1/messages/batches/{batch}/results"):
            if isinstance(line, dict) and isinstance(line.get("custom_id"), str):
                yield _result(line)

    def parse(self, reply: Any, request: Request, draws: Sequence[int]) -> CompletionBatch:
        """Return the completion of a message."""
        import httpx

        litellm = load_litellm()
        if not isinstance(reply, dict) or not isinstance(reply.get("content"), list):
            raise cannot_read(f"it has no content: {reply}")
        if not isinstance(reply.get("usage"), dict):
            reply = {**reply, "usage": {"input_tokens": 0, "output_tokens": 0}}
        try:
            response = litellm.AnthropicConfig().transform_parsed_response(
                completion_response=reply,
                raw_response=httpx.Response(200),
                model_response=litellm.ModelResponse(),
                # A model without structured replies of its own is given a tool for them.
                json_mode="response_format" in request.sampling,
            )
            plain: dict[str, Any] = response.model_dump(warnings=False)
        except Exception as error:
            raise cannot_read(error) from None
        # litellm makes an id of its own; the provider's is of use to its support.
        plain["id"] = reply.get("id")
        return self.client.read_reply(plain, request, draws, 0.0)

    async def cancel(self, batch: str) -> None:
        """Cancel a batch."""
        await self._http.json("POST", f"/v1/messages/batches/{batch}/cancel")


def _result(line: Mapping[str, Any]) -> LineResult:
    custom_id, result = line["custom_id"], line.get("result")
    result = result if isinstance(result, dict) else {}
    if (kind := result.get("type")) == "succeeded":
        return LineResult(custom_id, "succeeded", result.get("message"))
    if kind in _OTHERS:
        return LineResult(custom_id, "expired" if kind == "expired" else "cancelled")
    error = result.get("error")
    inner = error.get("error", error) if isinstance(error, dict) else {}
    code = inner.get("type") if isinstance(inner, dict) else None
    return LineResult(custom_id, "errored", status=_STATUSES.get(str(code), 500), text=json.dumps({"error": inner}))


def _counts(batch: Mapping[str, Any]) -> dict[str, int]:
    counts = batch.get("request_counts")
    names = ("processing", "succeeded", "errored", "canceled", "expired")
    given = counts if isinstance(counts, dict) else {}
    return {name: given[name] if isinstance(given.get(name), int) else 0 for name in names}


def _created(batch: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(batch.get("created_at"))).timestamp()
    except ValueError:
        return 0.0
