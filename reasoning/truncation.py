"""Replies that the limit on their tokens cut off, and those of which it left nothing but reasoning."""

from __future__ import annotations

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.messages import Completion
from reasoning.trace import Trace


def is_only_reasoning(reply: Completion) -> bool:
    """Return whether a reply ended before it had any text besides its reasoning.

    Providers that hide reasoning return an empty text: tokens were generated, and none is shown.
    """
    if not (reply.truncated or (reply.finish_reason == "stop" and reply.reasoning)):
        return False
    return not strip_think_tags(reply.text).strip() and (not reply.text or "<" in reply.text)


def describe_only_reasoning(reply: Completion, *others: Completion) -> str:
    """Return why a reply that holds nothing but reasoning has no answer, and what to do.

    Args:
        reply: the reply.
        others: further such replies, whose limits are named, too.
    """
    if not reply.truncated:
        return "the model ended its reply within its thoughts"
    limits = sorted({one.max_tokens for one in (reply, *others) if one.truncated})
    if len(limits) > 1:
        used = f"limits from {limits[0]:,} to {limits[-1]:,} tokens were"
    else:
        used = f"the limit of {limits[0]:,} tokens was" if limits[0] else "the limit on tokens (max_tokens) was"
    return f"{used} used up by thinking; raise max_tokens, or lower reasoning_effort"


def name_truncation(reason: str, trace: Trace) -> str:
    """Return why a solve has no answer, with the number of its replies that hold nothing but reasoning."""
    replies = [reply for call in trace.calls() for reply in call.completions]
    cut = [reply for reply in replies if is_only_reasoning(reply)]
    if not cut:
        return reason
    cause, counted = describe_only_reasoning(cut[-1]), describe_only_reasoning(cut[-1], *cut)
    if len(replies) > 1:
        counted = f"in {len(cut)} of {len(replies)} replies, {counted}"
    return reason.replace(cause, counted) if cause in reason else f"{reason}; {counted}"
