"""A trace in the form that parts.js draws: short lists without what a page does not show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reasoning.images import Image
from reasoning.repetition import find_repetition
from reasoning.tool_calls import plain_thoughts
from reasoning.trace import format_tool_call


def draw_stage(data: Mapping[str, Any]) -> list[Any]:
    """Return a stage as [name, seconds, events].

    A note is its text, a call has turns, settings and replies, and a use of a tool has the tool with its
    arguments, the result and remarks.

    Args:
        data: the stage, as `Trace.to_json` returns it.
    """
    return [data["stage"], data.get("seconds"), [_event(event) for event in data["events"]]]


def _event(data: Mapping[str, Any]) -> Any:
    if "stage" in data:
        return draw_stage(data)
    if "arguments" in data:
        return _tool_call(data)
    if "completions" not in data:
        return data["text"]
    settings = ", ".join(f"{name}={value}" for name, value in data["sampling"].items())
    turns = [
        [role, text, *([str(Image.from_json(image)) for image in images] for images in more)]
        for role, text, *more in data["messages"]
    ]
    return {"turns": turns, "settings": settings, "replies": list(map(draw_reply, data["completions"]))}


def _tool_call(data: Mapping[str, Any]) -> dict[str, Any]:
    remarks = [f"{data['seconds']:.1f} s" if data["is_new"] else "from the journal"]
    if data["error"]:
        remarks.append("an error")
    return {
        "tool": format_tool_call(data["name"], data["arguments"]),
        "result": data["result"],
        "about": ", ".join(remarks),
    }


def draw_reply(data: Mapping[str, Any]) -> list[Any]:
    """Return a reply as [text, completion tokens, seconds, remarks, reasoning]; the numbers are None if unknown."""
    usage = data["usage"]
    remarks = []
    if data.get("finish_reason") == "length":
        remarks.append("truncated by max_tokens")
        if find_repetition(data["text"] or data.get("reasoning") or ""):
            remarks.append("repeats itself")
    if thought := usage.get("reasoning_tokens"):
        remarks.append(f"{thought:,} tokens thought")
    if read := usage.get("cached_tokens"):
        remarks.append(f"{read:,} prompt tokens from a cache")
    if written := usage.get("cache_write_tokens"):
        remarks.append(f"{written:,} prompt tokens written to a cache")
    if data.get("retries"):
        remarks.append(f"after {data['retries']} failed attempts")
    if not data.get("is_new", True):
        remarks.append("from the journal")
    known = usage.get("calls", 1) > 0
    numbers = [usage["completion_tokens"], round(usage["seconds"], 1)] if known else [None, None]
    fields = [data["text"], *numbers, ", ".join(remarks)]
    return [*fields, plain_thoughts(data["reasoning"])] if data.get("reasoning") else fields
