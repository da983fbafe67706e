"""Native tool calls as text: the form in which a completion records them, and the messages that are sent.

Pictures become parts of the content of their turn.

Requests and completions are texts, in the journal as everywhere. A call of a tool is recorded as

    <tool_call>
    {"name": "Search", "arguments": {"entity": "Vael"}}
    </tool_call>

after the text of the reply, which is how Hermes and Qwen write it. Clients turn such an assistant
turn, and the turns of the role "tool" after it, into the fields of the API when a request has `tools`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from reasoning.messages import Message
from reasoning.text_safety import dump_json

_CALL = re.compile(r"<tool_call>\s*+(.*?)\s*+(?:</tool_call>|\Z)", re.DOTALL)


class NativeCall(NamedTuple):
    """A call of a tool that a model asks for. Arguments that are no JSON object are one text."""

    name: str
    arguments: Mapping[str, Any] | str


def format_reply(text: str, calls: Iterable[NativeCall]) -> str:
    """Return the text of a reply with its calls, in the form in which it is recorded."""
    # No argument closes the mark: "<\\/" is another way to write "</" in JSON.
    values = [dump_json({"name": call.name, "arguments": call.arguments}).replace("</", "<\\/") for call in calls]
    return "\n".join(filter(None, [text.strip(), *(f"<tool_call>\n{value}\n</tool_call>" for value in values)]))


def parse_reply(reply: str) -> tuple[str, list[NativeCall]]:
    """Return the text of a reply without its calls, and the calls; what is no call is left out.

    Examples:
        >>> parse_reply(format_reply("I look it up.", [NativeCall("Search", {"entity": "Vael"})]))
        ('I look it up.', [NativeCall(name='Search', arguments={'entity': 'Vael'})])
    """
    if "<tool_call>" not in reply:
        return reply.strip(), []
    calls = []
    for match in _CALL.finditer(reply):
        try:
            value = json.loads(match[1])
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            arguments = value.get("arguments", {})
            calls.append(NativeCall(value["name"], arguments if isinstance(arguments, Mapping | str) else {}))
    return _CALL.sub("", reply).strip(), calls


def read_message(message: Mapping[str, Any]) -> list[NativeCall]:
    """Return the calls in a message of the chat completions API, without those that name no function."""
    calls = []
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(name := function.get("name"), str):
            continue
        arguments = function.get("arguments") or {}
        if isinstance(arguments, str):
            try:
                parsed = json.loads(arguments)
            except (ValueError, RecursionError):
                parsed = None
            arguments = parsed if isinstance(parsed, Mapping) else arguments
        calls.append(NativeCall(name, arguments if isinstance(arguments, Mapping | str) else {}))
    return calls


def _content(turn: Message) -> str | list[dict[str, Any]]:
    """Return the content of a turn in the form of the API: a text, or parts if there are pictures."""
    if not turn.images:
        return turn.content
    # Anthropic and Google advise to put pictures before the text; for the others the order does not matter.
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": image.address}} for image in turn.images]
    return [*parts, {"type": "text", "text": turn.content}] if turn.content else parts


def to_wire(messages: Sequence[Message], *, tools: bool) -> list[dict[str, Any]]:
    """Return chat turns in the form of the API.

    Args:
        messages: the turns.
        tools: whether the request has tools; without them every turn is sent as its text.
    """
    if not tools:
        return [{"role": turn.role, "content": _content(turn)} for turn in messages]
    sent: list[dict[str, Any]] = []
    waiting: list[str] = []
    made = 0
    for turn in messages:
        if turn.role == "tool":
            # The results are in the order of the calls.
            call_id = waiting.pop(0) if waiting else f"call_{made}"
            sent.append({"role": "tool", "tool_call_id": call_id, "content": turn.content})
            continue
        text, calls = parse_reply(turn.content) if turn.role == "assistant" else (turn.content, [])
        one: dict[str, Any] = {"role": turn.role, "content": text if not calls else text or None}
        if turn.images:
            one["content"] = _content(turn)
        waiting = [f"call_{made + index}" for index in range(1, len(calls) + 1)]
        made += len(calls)
        if calls:
            one["tool_calls"] = [
                {
                    "id": call_id,
                    "type": "function",
                    "function": {
                        "name": call.name,
                        "arguments": call.arguments if isinstance(call.arguments, str) else dump_json(call.arguments),
                    },
                }
                for call_id, call in zip(waiting, calls, strict=True)
            ]
        sent.append(one)
    return sent
