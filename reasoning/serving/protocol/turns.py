"""The messages of a chat as turns: texts, pictures, and calls of tools with their results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from reasoning.images import Image
from reasoning.messages import Message
from reasoning.serving.protocol.bodies import Turn
from reasoning.serving.protocol.errors import RequestFailed
from reasoning.tool_calls import format_reply, read_message

_LINK = re.compile(r"https?://[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_DATA = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)


def read_turns(turns: Sequence[Turn], *, tools: bool) -> Iterator[Message]:
    """Yield the turns of messages.

    Args:
        turns: the messages.
        tools: whether the strategy's calls have tools; without them, a result of a tool is a user turn.

    Raises:
        RequestFailed: a part of a message is not read.
    """
    names: dict[str, str] = {}
    for index, turn in enumerate(turns):
        where = f"messages.{index}.content"
        text, images = _read_content(turn.content, where)
        if turn.role == "assistant" and turn.tool_calls:
            calls = read_message({"tool_calls": turn.tool_calls})
            names |= {str(one.get("id")): call.name for one, call in zip(turn.tool_calls, calls, strict=False)}
            text = format_reply(text, calls)
        if turn.role == "tool" and not tools:
            name = names.get(turn.tool_call_id or "", "tool")
            yield Message("user", f"Result of {name}:\n{text}", images)
        else:
            yield Message("system" if turn.role == "developer" else turn.role, text, images)


def _read_content(content: str | list[dict[str, Any]] | None, where: str) -> tuple[str, list[Image]]:
    if not isinstance(content, list):
        return content or "", []
    texts, images = list[str](), list[Image]()
    for part in content:
        kind, value = part.get("type"), part.get("text", part.get("refusal", part.get("image_url")))
        if kind == "image_url" or kind == "input_image":
            images.append(_read_image(value.get("url") if isinstance(value, dict) else value, where))
        elif kind in ("text", "input_text", "output_text", "refusal") and isinstance(value, str):
            texts.append(value)
        else:
            raise RequestFailed(400, f"{where}: parts must be texts or images, got {kind!r:.40}", param=where)
    return "\n".join(texts), images


def _read_image(address: Any, where: str) -> Image:
    """Return the image of a URL, which is passed on, or of bytes. The path of a file is never one."""
    if isinstance(address, str) and _LINK.fullmatch(address):
        return Image(url=address)
    if isinstance(address, str) and _DATA.match(address):
        return Image.of(address)
    wanted = f"{where}: an image must be an http(s) or base64 data URL, got {address!r:.40}"
    raise RequestFailed(400, wanted, param=where)
