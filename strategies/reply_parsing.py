"""Replies as other prompts take them: one without which it goes on, the items of a list, a chain with its answer."""

from __future__ import annotations

import re
from typing import Any

from reasoning.answer import Failed
from reasoning.errors import CallFailed
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session

_MARK = re.compile(r"(?:\d{1,2}[.):]|[-*•]|Q\d{0,2}[.:])\s*")
_LONGEST = 400  # characters of an item; what is longer is no short question


async def asked(session: Session, turns: Conversation, instead: str, **settings: Any) -> Completion | Failed:
    """The reply; where the call fails, the trace says what there is instead. What ends the run is raised."""
    try:
        return await session.ask(turns, **settings)
    except CallFailed as error:
        if error.ends_run:
            raise
        session.note(f"{instead}, since the call failed: {error}")
        return Failed(str(error))


def going_on(turns: Conversation, reply: str, prompt: Prompt, **values: object) -> Conversation:
    """The conversation with the model's reply and a prompt for the next one."""
    return turns.then(reply, "\n\n".join(turn.content for turn in prompt.fill(**values).messages))


def listed(text: str) -> list[str]:
    """The items of a numbered or bulleted list, one a line, in order and without repetitions."""
    found: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if mark := _MARK.match(line):
            item = line[mark.end() :].removeprefix("**").removesuffix("**").strip()
            if 3 <= len(item) <= _LONGEST:
                found[folded(item)] = item
    return list(found.values())


def folded(text: str) -> str:
    """A question as questions are compared: in one case, without punctuation."""
    return re.sub(r"\W+", " ", text.lower()).strip()


def with_answer(text: str, value: Any, problem: Problem) -> str:
    """A chain, and behind it its answer, where the chain alone is not read as that: a program's was computed."""
    kind = problem.kind
    if value is None or ((read := kind.parse(text)) is not None and kind.same(read, value)):
        return text
    return f"{text}\nThe answer is {kind.show(value)}."


def whole(reply: Completion) -> str:
    """A reply without the line or sentence that was cut off."""
    ends = (reply.text.rfind(end) for end in ("\n", ". ", "? ", "! "))
    return reply.text[: max(ends) + 1].rstrip() if reply.truncated else reply.text
