"""Parsing replies: numbered lists, labelled parts, truncated tails; and turning replies into the next prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from reasoning.answer import Failed
from reasoning.errors import CallFailed
from reasoning.kinds.json_repair import find_json
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session

_FRAME = r"(?:>\s?)*+(?:\#{1,6}\s+)?"
_BULLET = r"(?:[•‣▪●◦]\s*|[-+–—*]\s+|[-*](?=[^\W\d_][^*]*$))(?:\[[xX\s]?\]\s+)?"
_LABEL = (
    r"(?i:q|(?:sub-?)?question|step|part|event|wording|version|variant|variation|alternative|paraphrase"
    r"|rewording|rephrasing|option|choice|candidate)"
)
_ORDINAL = rf"""(?:
      (?:{_LABEL}\s?)?\#?\d{{1,2}}(?:\.\d{{1,2}}){{0,2}}[*_]{{0,3}}\s?\\?[.):：．）、。](?!\d)
    | {_LABEL}\s?\#?\d{{1,2}}(?:[*_]{{0,3}}$|[*_]{{0,3}}\s[-–—]\s)
    | (?i:q)[.:]
    | [(（](?:\d{{1,2}}|[a-z]|[ivx]{{2,4}})[)）] | [a-h]\)
    | [①-⑳❶-❿➀-➓] | \d\ufe0f?\u20e3
    | \|\s*[*_]{{0,3}}\d{{1,2}}[*_]{{0,3}}[.)]?\s*\|
    | (?<=\*\*)\d{{1,2}}(?=\*\*\s)
)"""
_MARK = re.compile(
    rf"{_FRAME}(?:{_BULLET})?(?:[*_]{{1,3}}\s?)?(?P<ordinal>{_ORDINAL})[*_]{{0,3}}\s* | {_FRAME}{_BULLET}", re.VERBOSE
)
"""The mark before an item where its line begins: quotation, heading, bullet, checkbox, bold, number or letter."""
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_QUOTES = {('"', '"'), ("“", "”"), ("„", "“"), ("‚", "‘"), ("‘", "’"), ("«", "»"), ("»", "«"), ("「", "」")}
_OBJECT = re.compile(r"\{(?=\s*[\"'“])")
_JSON = re.compile(r"[\[{](?=\s*[\"'“{\[])")
_NUMBER_FORM = (
    r"(?:\#{1,6}[ \t]?)?(?:\*\*)?[(（]?(?:(?:step|option|choice|candidate) )?[#＃]?"
    r"(?:(\d{1,2})(?:[.):：．）、](?!\d)|\*\*|(?<=step \d)(?:[ \t][-–—][ \t]|[ \t]*$))|([①-⑳]))[ \t*:.]*"
)
_NUMBER = re.compile(r"^[ \t]{0,8}(?:>[ \t]?)?" + _NUMBER_FORM, re.IGNORECASE | re.MULTILINE)
_BULLET_NUMBER = re.compile(r"^[-*•][ \t]" + _NUMBER_FORM, re.IGNORECASE | re.MULTILINE)
_MIN_ITEM_CHARS = 3
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


def parse_items(text: str, *, several_lines: bool = False) -> list[str]:
    """Return the items of a numbered or bulleted list, one per line, in order and without repetitions.

    A mark may be bold, a heading, a letter, a circled number or the first cell of a table's row
    ("**1. …**", "### Step 1: …", "(a) …", "| 1 | … |"); an item may stand on the line below its
    number. Bold type and quotes around an item are removed. Without such a list, the texts of a
    JSON list count. Items of fewer than 3 or more than 400 characters, and those without a letter
    or digit, are left out.

    Args:
        text: the reply.
        several_lines: whether the lines below an item belong to it, up to a line that is empty or
            begins with a mark, or until the item ends with a question mark.

    Examples:
        >>> parse_items("Sure!\\n**1. How many trays?**\\n2) “How many rolls?”")
        ['How many trays?', 'How many rolls?']
    """
    found: list[str] = []
    is_number = is_open = False
    for line in map(str.strip, text.splitlines()):
        if not line:
            is_open = False
            continue
        mark = match_item_mark(line)
        if mark or is_number:
            found.append(line[mark.end() if mark else 0 :])
            is_open = several_lines
        elif is_open and any(map(str.isalnum, line)) and not found[-1].rstrip('*_"”“ ').endswith("?"):
            found[-1] += f" {line}"
        is_number = mark is not None and bool(mark["ordinal"]) and not line[mark.end() :].strip("*_: ")
    items = {normalize_question(item): item for item in map(plain_item, found or _json_texts(text))}
    return [item for key, item in items.items() if key and len(item) >= _MIN_ITEM_CHARS]


def match_item_mark(line: str) -> re.Match[str] | None:
    """Return the match of the mark with which a list's line begins, or None; its group `ordinal` is a number."""
    return _MARK.match(line)


def plain_item(text: str) -> str:
    """Return an item without bold type, quotes around it and a table's last bar; empty if it is too long."""
    if len(text) > 2 * _MAX_ITEM_CHARS:
        return ""
    item = _BOLD.sub(r"\1", text).strip().removesuffix("|").strip("* \t")
    quotes, inner = (item[:1], item[-1:]), item[1:-1]
    if quotes in _QUOTES and not any(quote in inner for quote in quotes):
        item = inner.strip()
    return item if len(item) <= _MAX_ITEM_CHARS else ""


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a reply, in order, without those that cannot be read."""
    found = (candidate.value for candidate in find_json(text, _OBJECT) if not candidate.error)
    return (value for value in found if isinstance(value, dict))


def _json_texts(text: str) -> list[str]:
    """Return the texts of the first JSON list in a reply: its texts, or the first text of each of its objects."""
    value = next((candidate.value for candidate in find_json(text, _JSON) if not candidate.error), None)
    if isinstance(value, dict):
        value = next((part for part in value.values() if isinstance(part, list)), list(value.values()))
    rows = ([*row.values()] if isinstance(row, dict) else [row] for row in value or ())
    return [next((cell for cell in row if isinstance(cell, str)), "") for row in rows]


def parse_numbered(text: str) -> list[tuple[int, str]]:
    """Return the items of a list such as `1. …`, `#1. …`, `(1) …`, `① …` or `**Step 1:** …` with their numbers.

    An item may span several lines. Text before the first number and empty items are ignored.
    Without a numbered line the result is empty.

    Examples:
        >>> parse_numbered("The steps:\\n1. Add 2 and 3.\\n2. Double it.")
        [(1, 'Add 2 and 3.'), (2, 'Double it.')]
    """
    marks = split_by_labels(text, _NUMBER)
    if not marks and (bulleted := split_by_labels(text, _BULLET_NUMBER)) and bulleted[0][0][1] == "1":
        # Numbers in bullets are often those of a summary; a list of steps begins with 1.
        marks = bulleted
    return [(int(mark[1] or unicodedata.numeric(mark[2])), item) for mark, item in marks if item]


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


def end_with_answer(text: str, value: Any, problem: Problem) -> str:
    """Return a chain of thought that ends with the sentence that states its answer, as a demonstration does."""
    sentence = f"The answer is {problem.kind.show(value)}."
    return text.rstrip() if text.rstrip().endswith(sentence) else f"{text.rstrip()}\n{sentence}"


def drop_truncated_tail(reply: Completion) -> str:
    """Return a reply's text, without the incomplete last line or sentence if it was truncated."""
    ends = (reply.text.rfind(end) for end in ("\n", ". ", "? ", "! "))
    return reply.text[: max(ends) + 1].rstrip() if reply.truncated else reply.text


def _alike(first: str, second: str) -> bool:
    return SequenceMatcher(None, first.lower(), second.lower()).ratio() > _SAME_STEP
