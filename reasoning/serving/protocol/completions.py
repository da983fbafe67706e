"""The replies of `/v1/chat/completions`, whole and streamed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from reasoning.serving.protocol.bodies import ChatBody, read_body
from reasoning.serving.protocol.chat import ChatRequest
from reasoning.serving.protocol.errors import RequestFailed
from reasoning.serving.protocol.outputs import Solved, format_event, format_usage, to_output
from reasoning.watching import SolveEvent


class Completion:
    """The reply to a chat.

    Args:
        chat: the request.
    """

    def __init__(self, chat: ChatRequest) -> None:
        self._chat = chat
        about = {"created": int(time.time()), "model": chat.alias.name}
        self._first = {"id": f"chatcmpl-{uuid4().hex}", "object": "chat.completion", **about}

    @staticmethod
    def read(content: bytes) -> ChatBody:
        """Return the fields of a body."""
        return read_body(ChatBody, content)

    def whole(self, solved: Solved) -> dict[str, Any]:
        """Return the body of the reply."""
        choices = []
        for index, answer in enumerate(solved.answers):
            output = to_output(answer, self._chat)
            message: dict[str, Any] = {"role": "assistant", "content": output.content, "refusal": output.refusal}
            if output.calls:
                message["tool_calls"] = output.calls
            finish = {"finish_reason": output.finish_reason, "logprobs": None}
            choices.append({"index": index, "message": message, **finish})
        return {**self._first, "choices": choices, "usage": format_usage(solved.used), "reasoning": solved.about}

    def begin(self) -> Iterator[Any]:
        """Yield the chunks before there is an answer."""
        self._first["object"] = "chat.completion.chunk"
        for index in range(self._chat.choices):
            yield self._chunk(index, {"role": "assistant", "content": ""})

    def tell(self, index: int, event: SolveEvent) -> Iterator[Any]:
        """Yield the chunk of an event of a choice, if it is shown."""
        line, data = format_event(event)
        if line or self._chat.body.trace:
            shown = {"reasoning": {"event": data}} if self._chat.body.trace else {}
            yield self._chunk(index, {"reasoning_content": line} if line else {}) | shown

    def end(self, solved: Solved) -> Iterator[Any]:
        """Yield the chunks of the answers, with the usage in the last one, or in one of its own if asked."""
        whole = self.whole(solved)
        totals = {"usage": whole["usage"], "reasoning": whole["reasoning"]}
        is_separate = bool((self._chat.body.stream_options or {}).get("include_usage"))
        for choice in whole["choices"]:
            delta = {name: value for name, value in choice["message"].items() if name != "role" and value is not None}
            if "tool_calls" in delta:
                delta["tool_calls"] = [{**call, "index": place} for place, call in enumerate(delta["tool_calls"])]
            yield self._chunk(choice["index"], delta)
            is_last = choice is whole["choices"][-1] and not is_separate
            yield self._chunk(choice["index"], {}, choice["finish_reason"]) | (totals if is_last else {})
        if is_separate:
            yield {**self._first, "choices": [], **totals}
        yield "[DONE]"

    def fail(self, error: RequestFailed) -> Iterator[Any]:
        """Yield the error that ends the stream."""
        yield error.to_json()

    def _chunk(self, index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**self._first, "choices": [choice]}
