"""Samples of inspect_ai as problems."""

from __future__ import annotations

from typing import Any

from inspect_ai.model import ChatMessage, ContentImage, ContentText
from inspect_ai.solver import TaskState

from reasoning.errors import UsageError
from reasoning.images import Image
from reasoning.kinds import Choice, Kind, Text
from reasoning.messages import Message
from reasoning.problem import Problem

_ADDRESSES = ("data:", "https://", "http://")


def to_problem(state: TaskState, kind: Kind) -> Problem:
    """Return the problem of a sample: the last user turn, after the turns before it.

    Args:
        state: the state of the sample.
        kind: the kind of answer; a text becomes a choice if the sample has choices.

    Raises:
        UsageError: the sample has no user turn, or a part that is no text and no image.
    """
    turns = list(state.messages)
    while turns and turns[-1].role != "user":
        turns.pop()
    if not turns:
        raise UsageError(f"the sample {state.sample_id!r} must have a user turn, which is the question")
    *before, asked = map(to_message, turns)
    options = [choice.value for choice in state.choices]
    if options and isinstance(kind, Text):
        kind = Choice(tuple(options))
    return Problem(asked.content, kind, images=asked.images, before=before, id=str(state.sample_id))


def mark_choices(state: TaskState, kind: Kind, value: Any) -> None:
    """Mark the choices of a sample that an answer names, for the scorer `choice`."""
    if isinstance(kind, Choice) and len(state.choices) == len(kind.options):
        letters = value if isinstance(value, list | tuple | set | frozenset) else [value]
        for index in range(len(state.choices)):
            state.choices.mark_choice(index, chr(ord("A") + index) in letters)


def to_message(turn: ChatMessage) -> Message:
    """Return a turn of inspect_ai; what was thought in it is left out.

    Raises:
        UsageError: it has calls of tools, or parts that are no texts and images.
    """
    if turn.role == "tool" or getattr(turn, "tool_calls", None):
        raise UsageError("the turns before the question must have no calls of tools; call the strategy first")
    images: list[Image] = []
    for part in turn.content if isinstance(turn.content, list) else ():
        if isinstance(part, ContentImage):
            if not part.image.startswith(_ADDRESSES):
                raise UsageError(f"an image of a sample must be a data URL or an address, got {part.image!r:.80}")
            images.append(Image.of(part.image))
        elif not isinstance(part, ContentText) and part.type != "reasoning":
            raise UsageError(f"the parts of a turn must be texts and images, got {part.type!r}")
    return Message(turn.role, turn.text, images)
