"""An answer as the output of a reply, with its usage and the field `reasoning`, for both endpoints."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.display import vote_bars
from reasoning.kinds import Text
from reasoning.pages.drawn_trace import draw_stage
from reasoning.record_lines import dump_line
from reasoning.serving.protocol.chat import ChatRequest, format_value
from reasoning.text_safety import dump_json
from reasoning.token_estimate import estimate_tokens
from reasoning.tool_calls import parse_reply
from reasoning.usage import Usage
from reasoning.watching import SolveEvent

_MAX_NOTES = 20


class Output(NamedTuple):
    """The parts of a reply.

    Attributes:
        content: the text, or None.
        refusal: why there is no answer; None if there is one.
        calls: the calls of the client's tools.
        finish_reason: "stop", "length", "content_filter" or "tool_calls".
    """

    content: str | None
    refusal: str | None = None
    calls: Sequence[dict[str, Any]] = ()
    finish_reason: str = "stop"


class Solved(NamedTuple):
    """The result of a request.

    Attributes:
        answers: the answers, one for each choice.
        used: the sum over all calls of all answers, whether bought now or recorded.
        about: the field `reasoning` of the reply.
    """

    answers: Sequence[Answer]
    used: Usage
    about: dict[str, Any]


def to_output(answer: Answer, chat: ChatRequest) -> Output:
    """Return what the reply to a request says."""
    last = None if answer.trace is None else next(reversed([*answer.trace.calls()]), None)
    ends = {draw.finish_reason for draw in last.completions} if last else set()
    # The only call may have had the limit itself, in exact tokens.
    is_exact = chat.alias.has_one_call and last is not None and last.sampling.get("max_tokens") == chat.max_tokens
    limit = None if is_exact else chat.max_tokens
    if "tools" in chat.sampling and last is not None:
        text, calls = parse_reply(last.completions[0].text)
        if calls:
            return Output(text or None, None, [_call_json(call.name, call.arguments) for call in calls], "tool_calls")
    if isinstance(answer, Answered):
        kind = chat.alias.kind if chat.alias.is_chain else chat.problem.kind
        content, is_cut = _cut(format_value(kind, answer.value), chat, limit)
        return Output(content, finish_reason="length" if is_cut else "stop")
    if ends != {"length"} and not (isinstance(answer, Unparsed) and answer.stopped_by):
        is_withheld = ends & {"refusal", "content_filter"}
        return Output(None, answer.reason, finish_reason="content_filter" if is_withheld else "stop")
    if isinstance(chat.problem.kind, Text) and answer.text and chat.alias.has_one_call:
        # The beginning of the text, as the protocol gives it.
        return Output(_cut(answer.text, chat, limit)[0], finish_reason="length")
    return Output(None, answer.reason, finish_reason="length")


def _call_json(name: str, arguments: Any) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else dump_json(arguments)
    return {"id": f"call_{uuid4().hex[:24]}", "type": "function", "function": {"name": name, "arguments": text}}


def _cut(content: str, chat: ChatRequest, limit: int | None) -> tuple[str, bool]:
    """Return the content up to the first stop text, within the limit of tokens, and whether the limit cut it."""
    places = (content.find(stop) for stop in chat.stop if stop)
    content = content[: min((place for place in places if place >= 0), default=None)]
    if limit is None or estimate_tokens(content) <= limit:
        return content, False
    # The first end at which there are too many tokens.
    end = bisect_left(range(len(content)), True, key=lambda end: estimate_tokens(content[:end]) > limit)
    return content[: end - 1], True


def describe(
    answers: Sequence[Answer], chat: ChatRequest, series: str | None, seconds: float, used: Usage, spent: Usage
) -> dict[str, Any]:
    """Return the field `reasoning` of a reply: the first answer, and what all of them took.

    Args:
        answers: the answers, one for each choice.
        chat: the request.
        series: the series of draws that was used.
        seconds: the wall time.
        used: the sum over all calls of all answers.
        spent: the part of it that was bought now.
    """
    first, traces = answers[0], [answer.trace for answer in answers if answer.trace is not None]
    about: dict[str, Any] = {
        "strategy": chat.alias.spec,
        **_state(first),
        "calls": used.calls,
        "new_calls": spent.calls,
        "usd": spent.usd if spent.calls else 0.0,
        "spent": format_spent(spent),
        "seconds": round(seconds, 3),
        "series": series,
    }
    if len(answers) > 1:
        about["choices"] = list(map(_state, answers))
    # Such as a setting that the model does not take.
    if notes := [*dict.fromkeys(note for trace in traces for note in trace.notes())]:
        about["notes"] = notes[:_MAX_NOTES]
    if first.votes:
        bars = [dict(zip(("share", "value", "about", "wins"), bar, strict=True)) for bar in vote_bars(first.votes)]
        about["votes"] = {"candidates": bars, "notes": first.votes.notes}
    if first.steps:
        about["steps"] = dict(first.steps)
    if chat.body.trace:
        recorded = [trace.to_json() for trace in traces]
        shown = list(map(draw_stage, recorded)) if chat.body.trace == "drawn" else recorded
        about["trace"] = shown[0] if len(shown) == 1 else shown
    return about


def _state(answer: Answer) -> dict[str, Any]:
    return {"state": answer.state, "value": answer.value, "confidence": answer.confidence, "reason": answer.reason}


def to_bytes(data: dict[str, Any]) -> bytes:
    """Return a reply as a line of JSON. Values of kinds that JSON does not know are texts."""
    return dump_line(data, lambda: json.loads(dump_json(data, default=str)))


def format_spent(spent: Usage) -> dict[str, Any]:
    """Return what was bought now, without what was recorded."""
    tokens = {"prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.completion_tokens}
    return {"calls": spent.calls, **tokens, "usd": spent.usd if spent.calls else 0.0}


def format_usage(used: Usage, asked: str = "prompt", replied: str = "completion") -> dict[str, Any]:
    """Return the field `usage`, in the words of an endpoint."""
    return {
        f"{asked}_tokens": used.prompt_tokens,
        f"{replied}_tokens": used.completion_tokens,
        "total_tokens": used.tokens,
        f"{asked}_tokens_details": {"cached_tokens": used.cached_tokens},
        f"{replied}_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


def format_event(event: SolveEvent) -> tuple[str, dict[str, Any]]:
    """Return one line for a stage that begins or ends, empty for other events; and the event as JSON."""
    used, name, line = event.usage, " / ".join(event.path) or event.stage, ""
    if event.type == "stage_began":
        line = f"{name} begins\n"
    elif event.type == "stage_ended":
        calls = f", {used.calls} call{'' if used.calls == 1 else 's'}" if used.calls else ""
        line = f"{name} ends after {event.seconds or 0:.1f} s{calls}{f': {event.error}' if event.error else ''}\n"
    data: dict[str, Any] = {"type": event.type, "stage": event.stage, "path": list(event.path)}
    if used.calls:
        tokens = {"prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens, "usd": used.usd}
        data["usage"] = {"calls": used.calls, "new_calls": event.spent.calls, **tokens}
        data["spent"] = format_spent(event.spent)
    more = {"draws": event.draws, "text": event.text, "error": event.error, "seconds": event.seconds}
    return line, data | {name: value for name, value in more.items() if value not in ("", 0, None)}
