"""A server on loopback that calls tools like OpenAI's API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.providers import families
from tests.providers.families import Answer, Body


def calling(*calls: tuple[str, Any], text: str | None = None) -> dict[str, Any]:
    """Return a message that calls tools; arguments that are no text are sent as JSON."""
    return {
        "role": "assistant",
        "content": text,
        "tool_calls": [
            {
                "id": f"provider_{index}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
                },
            }
            for index, (name, arguments) in enumerate(calls)
        ],
    }


@contextmanager
def serve(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Body]]]:
    """Serve messages in their order; yield the base URL and the bodies that arrive."""
    seen: list[Body] = []

    def answer(body: Body) -> Answer:
        seen.append(body)
        message = messages[min(len(seen), len(messages)) - 1]
        if (refused := message.get("refuses")) and refused in body:
            return 400, {"error": {"message": f"Unsupported parameter: '{refused}' is not supported with this model."}}
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        return 200, {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": dict(message), "finish_reason": finish}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 59},
        }

    with families.serve(answer) as (address, _):
        yield f"{address}/v1", seen
