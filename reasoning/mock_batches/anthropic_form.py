"""Anthropic's form of batches, and its single messages, with the cache of prompts that both share."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reasoning.mock_batches.anthropic_cache import MockPromptCache
from reasoning.mock_batches.batches import Batch, Line, MockBatches
from reasoning.mock_batches.form import MockForm, content_of, to_json

if TYPE_CHECKING:
    from aiohttp import web

_NAMES = {"processing": "processing", "expired": "expired", "failed": "errored", "cancelled": "canceled"}

_FIELDS = {
    *("model", "messages", "max_tokens", "system", "temperature", "top_k", "top_p", "stop_sequences", "stream"),
    *("metadata", "tools", "tool_choice", "thinking", "service_tier", "output_config", "output_format", "container"),
    *("context_management", "mcp_servers", "cache_control"),
}
"""The fields of a request; the API refuses others."""
_COUNTED = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


class AnthropicForm(MockForm):
    """Requests in the call that makes a batch, and one stream of results. A batch has no label."""

    def __init__(self, batches: MockBatches) -> None:
        super().__init__(batches)
        self._cache = MockPromptCache()
        self._asked = Counter[str]()
        self._results: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        from aiohttp import web

        return [
            web.post("/v1/messages", self._answer),
            web.post("/v1/messages/batches", self._create),
            web.get("/v1/messages/batches", self._list),
            web.get("/v1/messages/batches/{id}", self.get),
            web.get("/v1/messages/batches/{id}/results", self.content),
            web.post("/v1/messages/batches/{id}/cancel", self.cancel),
        ]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a single message."""
        body = await request.json()
        if problem := self._find_problem(body):
            return to_json({"type": "error", "error": {"type": "invalid_request_error", "message": problem}}, 400)
        prompt = self._line("", body).prompt
        draw, self._asked[prompt] = self._asked[prompt], self._asked[prompt] + 1
        usage, beginnings = self._cache.count(body)
        # Before the reply begins, no other request can read what this one writes.
        await asyncio.sleep(self.batches.seconds)
        self._cache.store(beginnings)
        return to_json(self._message(f"msg_{sum(self._asked.values())}", body, self.batches.reply(prompt, draw), usage))

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
                if line.custom_id not in self._results:
                    self._results[line.custom_id] = self._result(line)
                row = {"custom_id": line.custom_id, "result": self._results[line.custom_id]}
                yield from [row] * (1 + (line.outcome == "duplicate"))

    def _result(self, line: Line) -> dict[str, Any]:
        if line.outcome in ("expired", "cancelled"):
            return {"type": _NAMES[line.outcome]}
        if line.outcome == "failed":
            refusal = self.faults.refuse(line.prompt)
            kind = "invalid_request_error" if refusal else "api_error"
            error = {"type": kind, "message": refusal or "Internal server error"}
            return {"type": "errored", "error": {"type": "error", "error": error}}
        if problem := self._find_problem(line.body):
            error = {"type": "invalid_request_error", "message": problem}
            return {"type": "errored", "error": {"type": "error", "error": error}}
        usage, beginnings = self._cache.count(line.body)
        # Lines of a batch run at the same time, so that some find the cache empty.
        if not random.Random(f"{self.faults.seed} cold {line.custom_id}").random() < self.faults.cold:
            self._cache.store(beginnings)
        elif usage["cache_read_input_tokens"]:
            usage = MockPromptCache().count(line.body)[0]
        [text] = self.batches.texts(line)
        return {"type": "succeeded", "message": self._message(f"msg_{line.custom_id}", line.body, text, usage)}

    def _find_problem(self, body: Mapping[str, Any]) -> str:
        """Return why the API refuses a request; empty if it does not."""
        if unknown := next((name for name in body if name not in _FIELDS), None):
            return f"{unknown}: Extra inputs are not permitted"
        return self._cache.find_problem(body)

    def _message(self, name: str, body: Mapping[str, Any], text: str, usage: Mapping[str, Any]) -> dict[str, Any]:
        used = {**usage, "output_tokens": len(text.split())}
        for kind in _COUNTED:
            self.batches.tokens[kind] += used[kind]
        return {
            "id": name,
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": used,
        }
