"""An answer as the reply of `/v1/chat/completions`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.display import vote_bars
from reasoning.kinds import Text
from reasoning.pages.drawn_trace import draw_stage
from reasoning.serving.protocol.chat import ChatRequest, format_value
from reasoning.text_safety import dump_json
from reasoning.token_estimate import estimate_tokens
from reasoning.tool_calls import NativeCall, parse_reply
from reasoning.usage import Usage
from reasoning.voting import Vote

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
    calls: Sequence[NativeCall] = ()
    finish_reason: str = "stop"

    def to_message(self) -> dict[str, Any]:
        """Return the message of a choice."""
        message: dict[str, Any] = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        if self.calls:
            message["tool_calls"] = [_call_json(call) for call in self.calls]
        return message


def _call_json(call: NativeCall) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call.arguments, str) else dump_json(call.arguments)
    function = {"name": call.name, "arguments": arguments}
    return {"id": f"call_{uuid4().hex[:24]}", "type": "function", "function": function}


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
            return Output(text or None, None, calls, "tool_calls")
    if not isinstance(answer, Answered):
        stopped = isinstance(answer, Unparsed) and answer.stopped_by is not None
        reason = "content_filter" if ends & {"refusal", "content_filter"} else "stop"
        if stopped or ends == {"length"}:
            reason = "length"
            if isinstance(chat.problem.kind, Text) and answer.text and chat.alias.has_one_call:
                # The beginning of the text, as the protocol gives it.
                return Output(_cut(answer.text, chat, limit)[0], finish_reason=reason)
        return Output(None, answer.reason, finish_reason=reason)
    kind = chat.alias.kind if chat.alias.is_chain else chat.problem.kind
    content, is_cut = _cut(format_value(kind, answer.value), chat, limit)
    return Output(content, finish_reason="length" if is_cut else "stop")


def _cut(content: str, chat: ChatRequest, limit: int | None) -> tuple[str, bool]:
    """Return the content up to the first stop text, within the limit of tokens, and whether the limit cut it."""
    content = content[: min((place for stop in chat.stop if (place := content.find(stop)) >= 0), default=None)]
    if limit is None or estimate_tokens(content) <= limit:
        return content, False
    low, high = 0, len(content)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate_tokens(content[:middle]) <= limit else (low, middle - 1)
    return content[:low], True


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
        "state": first.state,
        "value": first.value,
        "confidence": first.confidence,
        "calls": used.calls,
        "new_calls": spent.calls,
        "usd": spent.usd if spent.calls else 0.0,
        "spent": format_spent(spent),
        "seconds": round(seconds, 3),
        "reason": first.reason,
        "series": series,
    }
    if len(answers) > 1:
        about["choices"] = [
            {"state": one.state, "value": one.value, "confidence": one.confidence, "reason": one.reason}
            for one in answers
        ]
    # Such as a setting that the model does not take.
    if notes := [*dict.fromkeys(note for trace in traces for note in trace.notes())]:
        about["notes"] = notes[:_MAX_NOTES]
    if first.votes:
        about["votes"] = _votes(first.votes)
    if first.steps:
        about["steps"] = dict(first.steps)
    if chat.trace:
        recorded = [trace.to_json() for trace in traces]
        shown = list(map(draw_stage, recorded)) if chat.trace == "drawn" else recorded
        about["trace"] = shown[0] if len(shown) == 1 else shown
    return about


def _votes(votes: Vote) -> dict[str, Any]:
    candidates = [
        {"value": value, "about": about, "share": share, "wins": wins} for share, value, about, wins in vote_bars(votes)
    ]
    return {"candidates": candidates, "notes": votes.notes}


def format_spent(spent: Usage) -> dict[str, Any]:
    """Return what was bought now, without what was recorded."""
    tokens = {"prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.completion_tokens}
    return {"calls": spent.calls, **tokens, "usd": spent.usd if spent.calls else 0.0}


def format_usage(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the sum over all calls of all answers, whether bought now or recorded."""
    used = Usage.total(answer.usage for answer in answers)
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }


def begin(chat: ChatRequest, *, chunk: bool = False) -> dict[str, Any]:
    """Return the fields with which every completion and every chunk of a stream begins."""
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion.chunk" if chunk else "chat.completion",
        "created": int(time.time()),
        "model": chat.alias.name,
    }


def to_completion(answers: Sequence[Answer], chat: ChatRequest, about: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a reply."""
    outputs = [to_output(answer, chat) for answer in answers]
    choices = [
        {"index": index, "message": one.to_message(), "finish_reason": one.finish_reason, "logprobs": None}
        for index, one in enumerate(outputs)
    ]
    return {**begin(chat), "choices": choices, "usage": format_usage(answers), "reasoning": about}
