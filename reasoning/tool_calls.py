"""Native tool calls as text: the form in which a completion records them, and the messages that are sent.

Pictures become parts of the content of their turn.

Requests and completions are texts, in the journal as everywhere. A call of a tool is recorded as

    <tool_call>
    {"name": "Search", "arguments": {"entity": "Vael"}}
    </tool_call>

after the text of the reply, which is how Hermes and Qwen write it. Clients turn such an assistant
turn, and the turns of the role "tool" after it, into the fields of the API when a request has `tools`.

Some APIs demand that a later turn gives back what was thought before a call: Anthropic's signed blocks,
DeepSeek's `reasoning_content`, the signatures of Gemini's calls. The reasoning of such a completion ends
with these blocks as JSON, within `<thinking_blocks>` on lines of their own, and the assistant turn begins
with the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reasoning.messages import Message
from reasoning.text_safety import dump_json

_CALL = re.compile(r"<tool_call>\s*+(.*?)\s*+(?:</tool_call>|\Z)", re.DOTALL)
_FENCE = re.compile(r"`{3,}[\w ]{0,20}\s*\Z")
_DECODER = json.JSONDecoder()
_MAX_OBJECTS = 100
"""The braces of a reply at which a call is looked for."""
_SIGNATURE = "thought_signature"
_SIGNATURES = {"extra_content": ("google", _SIGNATURE), "provider_specific_fields": (_SIGNATURE,)}
"""The fields of a call in which a signature is, with the names on the way to it."""
_OPEN, _CLOSE = "<thinking_blocks>\n", "\n</thinking_blocks>"


class NativeCall(NamedTuple):
    """A call of a tool that a model asks for. Arguments that are no JSON object are one text."""

    name: str
    arguments: Mapping[str, Any] | str


def format_reply(text: str, calls: Iterable[NativeCall], reasoning: str = "") -> str:
    """Return the text of a reply with its calls, in the form in which it is recorded.

    Args:
        text: the text.
        calls: the calls.
        reasoning: the reasoning of the completion, for the assistant turn of a later request: the blocks that
            it ends with, if any, are given back.
    """
    blocks = reasoning.rpartition(_OPEN)[2] if reasoning.endswith(_CLOSE) else ""
    given_back = f"{_OPEN}{blocks}\n" if blocks else ""
    text = hide_block_mark(text)
    # No argument closes the mark: "<\\/" is another way to write "</" in JSON.
    values = [dump_json({"name": call.name, "arguments": call.arguments}).replace("</", "<\\/") for call in calls]
    marked = (f"<tool_call>\n{value}\n</tool_call>" for value in values)
    return given_back + "\n".join(filter(None, [text.strip(), *marked]))


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


def mark_calls(text: str, names: Container[str]) -> str:
    """Return a reply in the form in which it is recorded, if it has calls of tools as bare JSON; otherwise unchanged.

    A call is an object with a tool's name and an object of arguments, in a code block or not. What the model
    writes after its first call is left out, except for further calls.

    Args:
        text: the text of a reply.
        names: the names of the tools; an object with another name is no call.

    Examples:
        >>> print(mark_calls('I look it up. {"name": "Search", "arguments": {"entity": "Vael"}}', {"Search"}))
        I look it up.
        <tool_call>
        {"name": "Search", "arguments": {"entity": "Vael"}}
        </tool_call>
    """
    if parse_reply(text)[1]:
        return text
    calls, said, position = list[NativeCall](), text, 0
    for _ in range(_MAX_OBJECTS):
        if (position := text.find("{", position)) < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
            continue
        arguments = value.get("arguments", {})
        if isinstance(name := value.get("name"), str) and name in names and isinstance(arguments, Mapping):
            said = said if calls else _FENCE.sub("", text[:position])
            calls.append(NativeCall(name, arguments))
        position = end
    return format_reply(said, calls) if calls else text


def record_blocks(thoughts: str, blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return the reasoning of a completion whose blocks a later turn must give back.

    Args:
        thoughts: the thoughts in plain text.
        blocks: Anthropic's thinking blocks, one block of the type "reasoning_content" with its text, or those of
            `read_signatures`.
    """
    thoughts = hide_block_mark(thoughts)
    # Without "<" no block can hold a mark.
    written = dump_json(list(blocks)).replace("<", "\\u003c")
    return f"{thoughts}\n{_OPEN}{written}{_CLOSE}" if blocks else thoughts


def plain_thoughts(reasoning: str) -> str:
    """Return the reasoning of a completion without the blocks that `record_blocks` added."""
    return reasoning.rpartition(f"\n{_OPEN}")[0] if reasoning.endswith(_CLOSE) else reasoning


def hide_block_mark(text: str) -> str:
    """Return a text of a model in which no mark of blocks can be read."""
    return text.replace("thinking_blocks>", "thinking_blocks >") if "thinking_blocks>" in text else text


def _take_blocks(content: str) -> tuple[list[dict[str, Any]], str]:
    """Return the blocks with which an assistant turn begins, and the rest of it."""
    if not content.startswith(_OPEN):
        return [], content
    written, _, rest = content.removeprefix(_OPEN).partition(_CLOSE)
    try:
        blocks = json.loads(written)
    except (ValueError, RecursionError):
        return [], rest.strip()
    return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else [], rest.strip()


def _block_fields(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of an assistant turn that give blocks back."""
    texts = [block["text"] for block in blocks if block.get("type") == "reasoning_content"]
    signed = [block for block in blocks if block.get("type") not in ("reasoning_content", _SIGNATURE)]
    return ({"reasoning_content": texts[0]} if texts else {}) | ({"thinking_blocks": signed} if signed else {})


def read_message(message: Mapping[str, Any]) -> list[NativeCall]:
    """Return the calls in a message of the chat completions API, without those that name no function."""
    calls = []
    for call in _named_calls(message):
        arguments = call["function"].get("arguments") or {}
        if isinstance(arguments, str):
            try:
                parsed = json.loads(arguments)
            except (ValueError, RecursionError):
                parsed = None
            arguments = parsed if isinstance(parsed, Mapping) else arguments
        calls.append(NativeCall(call["function"]["name"], arguments if isinstance(arguments, Mapping | str) else {}))
    return calls


def _named_calls(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the calls of a message that name a function."""
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            yield call


def read_signatures(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the signatures of the calls in a message, as blocks that a later turn must give back.

    Gemini signs calls since its third version, and refuses a turn whose calls lack the signature, or thinks worse
    after it. The signature is in `extra_content` at Google's address, and in `provider_specific_fields` from litellm.

    Source: https://ai.google.dev/gemini-api/docs/thought-signatures
    """
    blocks = list[dict[str, Any]]()
    for place, call in enumerate(_named_calls(message)):
        for field, path in _SIGNATURES.items():
            value: Any = call.get(field)
            for name in path:
                value = value.get(name) if isinstance(value, Mapping) else None
            if isinstance(value, str) and value:
                blocks.append({"type": _SIGNATURE, "call": place, "field": field, "signature": value})
                break
    return blocks


def _sign(calls: list[dict[str, Any]], blocks: Sequence[Mapping[str, Any]]) -> None:
    """Give calls the signatures with which they came, in the fields where those were."""
    for block in blocks:
        place, field = block.get("call"), block.get("field")
        if block.get("type") == _SIGNATURE and isinstance(place, int) and place < len(calls) and field in _SIGNATURES:
            value: Any = block.get("signature")
            for name in reversed(_SIGNATURES[field]):
                value = {name: value}
            calls[place][field] = value


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
        blocks, calls, text = list[dict[str, Any]](), list[NativeCall](), turn.content
        if turn.role == "assistant":
            blocks, text = _take_blocks(text)
            text, calls = parse_reply(text)
        one: dict[str, Any] = {"role": turn.role, "content": text if not calls else text or None}
        if turn.images:
            one["content"] = _content(turn)
        one |= _block_fields(blocks)
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
            _sign(one["tool_calls"], blocks)
        sent.append(one)
    return sent
