"""Parsing replies: numbered lists, labelled parts, truncated tails; and turning replies into the next prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any

from reasoning.answer import Failed
from reasoning.errors import CallFailed
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session

_BULLET = re.compile(r"(?:\d{1,2}[.):]|[-*•]|Q\d{0,2}[.:])\s*")
_NUMBER = re.compile(
    r"^[ \t]{0,8}(?:\*\*|#{1,3}[ \t]?)?(?:(?:step|option|choice|candidate) )?#?(\d{1,2})(?:[.):](?!\d)|\*\*)[ \t*:.]*",
    re.IGNORECASE | re.MULTILINE,
)
_MAX_ITEM_CHARS = 400
"""Maximum length of an item: a longer one is not a short question."""
_SAME_STEP = 0.6
"""Similarity above which a step repeats another one."""


async def ask_or_skip(session: Session, turns: Conversation, consequence: str, **settings: Any) -> Completion | Failed:
    """Ask, and continue without a reply if the call fails.

    Args:
        session: the session that asks.
        turns: the conversation to send.
        consequence: the consequence of a failed call, for the note in the trace, such as "the first
            answer is used".
        settings: sampling parameters of the call.

    Returns:
        The reply, or `Failed`.

    Raises:
        CallFailed: the error ends the run, such as a wrong API key.
    """
    try:
        return await session.ask(turns, **settings)
    except CallFailed as error:
        if error.ends_run:
            raise
        session.note(f"{consequence}, since the call failed: {error}")
        return Failed.of(error)


def continue_with(turns: Conversation, reply: str, prompt: Prompt, **values: object) -> Conversation:
    """Return the conversation with the model's reply and the next prompt appended.

    Args:
        turns: the conversation so far.
        reply: the model's reply to it.
        prompt: the next prompt; its turns are joined into one user turn.
        values: values of the prompt's placeholders.
    """
    return turns.then(reply, "\n\n".join(turn.content for turn in prompt.fill(**values).messages))


def parse_items(text: str) -> list[str]:
    """Return the items of a numbered or bulleted list, one per line, in order and without repetitions.

    Items of fewer than 3 or more than 400 characters are left out.
    """
    items: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if mark := _BULLET.match(line):
            item = line[mark.end() :].removeprefix("**").removesuffix("**").strip()
            if 3 <= len(item) <= _MAX_ITEM_CHARS:
                items[normalize_question(item)] = item
    return list(items.values())


def parse_numbered(text: str) -> list[tuple[int, str]]:
    """Return the items of a list such as `1. …` or `#1. …` with their numbers.

    An item may span several lines. Text before the first number and empty items are ignored.
    Without a numbered line the result is empty.

    Examples:
        >>> parse_numbered("The steps:\\n1. Add 2 and 3.\\n2. Double it.")
        [(1, 'Add 2 and 3.'), (2, 'Double it.')]
    """
    return [(int(mark[1]), item) for mark, item in split_by_labels(text, _NUMBER) if item]


def format_numbered(items: Iterable[str], mark: str = "") -> str:
    """Format items as a numbered list, one per line.

    Args:
        items: the items.
        mark: a character before each number, such as `#`.

    Examples:
        >>> print(format_numbered(["Add 2 and 3.", "Double it."], "#"))
        #1. Add 2 and 3.
        #2. Double it.
    """
    return "\n".join(f"{mark}{number}. {item}" for number, item in enumerate(items, 1))


def new_steps(text: str, known: Sequence[str] = ()) -> list[str]:
    """Return the steps that a reply adds to known ones.

    The reply may repeat the known steps, continue their numbers, or count from 1 again. If no line
    is numbered, every line is a step.

    Args:
        text: the reply.
        known: the steps so far.
    """
    numbered = parse_numbered(text) or list(enumerate((line.strip() for line in text.splitlines()), len(known) + 1))
    later = [step for number, step in numbered if number > len(known)]
    restarted = bool(numbered and known) and numbered[0][0] == 1 and not _alike(numbered[0][1], known[0])
    steps = [step for _, step in numbered] if restarted or not later else later
    return [step for step in steps if step and step not in known]


def split_by_labels(text: str, label: re.Pattern[str]) -> list[tuple[re.Match[str], str]]:
    """Split a text at its labels.

    Args:
        text: a reply.
        label: matches each label.

    Returns:
        Each match with the text from its end to the next label. Text before the first label is left
        out.
    """
    marks = list(label.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [(mark, text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=False)]


def with_headings(label: str, texts: Iterable[str]) -> str:
    """Join texts, each below a numbered heading such as "Draft 1:".

    A line within a text that looks like such a heading is marked with "| ", so that no text can
    pass for another.
    """
    heading = re.compile(rf"^(?=[ \t]*{label} \d)", re.IGNORECASE | re.MULTILINE)
    parts = enumerate((heading.sub("| ", text.strip()) for text in texts), 1)
    return "\n\n".join(f"{label} {number}:\n{text}" for number, text in parts)


def normalize_question(text: str) -> str:
    """Return a question in the form in which questions are compared: lower case, without punctuation."""
    return re.sub(r"\W+", " ", text.lower()).strip()


def append_answer(text: str, value: Any, problem: Problem) -> str:
    """Append the answer to a chain of thought, unless it can be parsed from it."""
    kind = problem.kind
    if value is None or ((parsed := kind.parse(text)) is not None and kind.same(parsed, value)):
        return text
    return f"{text}\nThe answer is {kind.show(value)}."


def drop_truncated_tail(reply: Completion) -> str:
    """Return a reply's text, without the incomplete last line or sentence if it was truncated."""
    ends = (reply.text.rfind(end) for end in ("\n", ". ", "? ", "! "))
    return reply.text[: max(ends) + 1].rstrip() if reply.truncated else reply.text


def _alike(first: str, second: str) -> bool:
    return SequenceMatcher(None, first.lower(), second.lower()).ratio() > _SAME_STEP
