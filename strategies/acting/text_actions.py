"""The text form of a step, `Thought 1: … Action 1: Search[…]`, in the forms in which chat models write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.strategies.reply_parsing import json_objects
from reasoning.text_safety import dump_json

FINISH = "Finish"
"""The name of the action that states the answer."""
THINK = "think"
"""The name of a sparse thought, which is an action of its own."""
_MAX_THOUGHT = 2_000
_MAX_SHOWN = 200
"""Characters of an action that cannot be read and is shown to the model again."""
_EDGE = r"[ \t>*_#`~-]{0,12}+"
_LABEL = re.compile(
    rf"(?:^{_EDGE}|(?<=[.!?)\]\"'”] )[*_]{{0,3}}(?=Action))"
    r"(?P<word>thoughts?|thinking|reasoning|action[ _]input|action|observations?|final answer)"
    r"[ \t]?#?(?P<number>\d{0,3})[ \t*_`]{0,6}[:：][ \t*_]{0,6}",
    re.IGNORECASE | re.MULTILINE,
)
"""The label before a part of a step; within a line only that of an action."""
_HEAD = re.compile(
    r"[\s>*_#`~-]{0,20}+(?P<name>[^\W\d_]\w{0,63}(?:[ ][^\W\d_]\w{0,30}){0,2})[*_`]{0,3}[ \t]?"
    r"(?P<open>\[|\(|[:：]|```|[\"“]|\n|\Z)"
)
_FENCE = re.compile(r"```(?:[\w+-]{0,20}[ \t]*\n)?")
_PREFIX = re.compile(r"(?:[\s>*_#`~-]{0,20}+action ?\d{0,3}[*_`]{0,3} ?[:：])*+", re.IGNORECASE)
_CLOSING = {"[": "]", "(": ")"}
_NAME_KEYS = ("action", "tool", "name", "function", "tool_name")
_ARGUMENT_KEYS = ("action_input", "input", "arguments", "args", "parameters", "argument", "tool_input", "answer")
_OPEN_LABEL = re.compile(r"[*_#]{0,4}Action(?: \d{1,3})?[*_]{0,3}")
_LABEL_LINE = re.compile(
    rf"^(?={_EDGE}(?:thought|action|observation|final answer)[ \t]?\d{{0,3}}[ \t*_`]{{0,6}}[:：])", re.I | re.M
)


@dataclass(frozen=True)
class Action:
    """An action as a model wrote it.

    Attributes:
        name: the name of the tool; empty if the text is no action.
        argument: the text in the brackets, or arguments by name.
        is_complete: False if the reply was cut off within the action.
    """

    name: str
    argument: str | Mapping[str, Any]
    is_complete: bool = True

    @property
    def is_finish(self) -> bool:
        """True if the action states the answer."""
        return self.name.casefold().replace(" ", "") in ("finish", "finalanswer")

    @property
    def answer(self) -> str:
        """The text of the argument, such as the answer of a `Finish`."""
        if isinstance(self.argument, str):
            return self.argument
        values = [value if isinstance(value, str) else dump_json(value) for value in self.argument.values()]
        return "".join(values) if len(values) < 2 else dump_json(dict(self.argument))

    def __str__(self) -> str:
        if not self.name:
            return " ".join(self.answer.split())[:_MAX_SHOWN]
        if self.name == THINK:
            return f"{THINK}: {self.argument}"
        written = self.argument if isinstance(self.argument, str) else dump_json(dict(self.argument))
        return f"{FINISH if self.is_finish else self.name}[{written}]"


def parse_step(reply: str, names: Iterable[str], number: int = 1) -> tuple[str, Action | None]:
    """Return the thought and the action of the first step in a reply; None without an action.

    What follows the first action is dropped: further steps, and observations that a model invents.
    Labels may be bold, headings or without a number, and the action may be JSON, in a fence, or
    have its input on a line of its own ("Action Input: …").

    Args:
        reply: the text after the open line "Thought 1:", which it may repeat.
        names: the names of the tools, by which an action without a label is found.
        number: the number of the step. Earlier steps that a reply repeats are dropped.

    Examples:
        >>> parse_step("I need the river.\\nAction 1: Search[Vael]\\nObservation 1: A town.", ["Search"])
        ('I need the river.', Action(name='Search', argument='Vael', is_complete=True))
        >>> parse_step("I need the river.", ["Search"])
        ('I need the river.', None)
    """
    text = strip_think_tags(reply) if "<" in reply else reply
    text = text[_end_of_repetition(text, number) :]
    labels = [(match, match["word"].casefold().rstrip("s").replace("_", " ")) for match in _LABEL.finditer(text)]
    end = next(
        (match.start() for match, word in labels if word == "observation" and text[: match.start()].strip()), None
    )
    if end is not None:
        text, labels = text[:end], [(match, word) for match, word in labels if match.start() < end]
    for index, (match, word) in enumerate(labels):
        if word not in ("action", "final answer"):
            continue
        stops = [other.start() for other, _ in labels[index + 1 : index + 3]] + [len(text)] * 2
        written = text[match.end() : stops[0]].strip()
        if word == "final answer":
            return _thought(text[: match.start()], labels), Action(FINISH, _first_paragraph(written))
        if labels[index + 1 : index + 2] and labels[index + 1][1] == "action input":
            argument = text[labels[index + 1][0].end() : stops[1]]
            return _thought(text[: match.start()], labels), Action(_bare(written), _unfenced(argument))
        if written:
            return _thought(text[: match.start()], labels), parse_action(written, names)
    start, unlabelled = _find_unlabelled(text, names)
    return _thought(text[:start], labels), unlabelled


def _end_of_repetition(text: str, number: int) -> int:
    """Return where a step begins in a reply that repeats the steps before it; 0 if it repeats none."""
    is_repeated = False
    for match in _LABEL.finditer(text) if number > 1 else ():
        if match["number"] == str(number) and match["word"].casefold() in ("thought", "action"):
            return match.start() if is_repeated else 0
        is_repeated = is_repeated or (bool(match["number"]) and int(match["number"]) < number)
    return 0


def parse_action(written: str, names: Iterable[str]) -> Action:
    """Return the action of a text such as `Search[Vael]`, `search("Vael")`, `Search: Vael` or JSON.

    The argument reaches from the first bracket to the last one of its lines. A text that is no
    action has an empty name.
    """
    written = written[_PREFIX.match(written).end() :]  # type: ignore[union-attr]
    if (found := _from_json(written)) is not None:
        return found
    known = "|".join(re.escape(name) for name in (*names, FINISH))
    bracket = re.search(rf"\b({known})[*_`]{{0,3}} ?(?=\[)", written.partition("\n")[0], re.IGNORECASE)
    head = _HEAD.match(written)
    if head is None or (bracket and head["open"] != "["):
        return _bracketed(bracket[1], written, bracket.end()) if bracket else Action("", written)
    name, opening, rest = head["name"], head["open"], written[head.end() :]
    if opening in ("[", "("):
        return _bracketed(name, written, head.start("open"))
    if opening in (":", "："):
        if "```" in rest:
            return Action(name, _unfenced(rest))
        argument = rest.strip().partition("\n")[0]
        return Action(name, argument[1:-1].strip() if argument[:1] + argument[-1:] == "[]" else argument)
    if opening == "```" or (opening == "\n" and rest.lstrip().startswith("```")):
        return Action(name, _unfenced(written[head.start("open") :]))
    is_known = re.fullmatch(known, name, re.IGNORECASE)
    if opening in ('"', "“"):
        return Action(name, rest.partition("\n")[0].rstrip(' ."”')) if is_known else Action("", written)
    return Action(name if " " not in name else "", "" if " " not in name else written)


def mark_labels(text: str) -> str:
    """Return an observation in which no line can pass for a part of a step: such lines begin with "| "."""
    return _LABEL_LINE.sub("| ", text)


def _bracketed(name: str, text: str, at: int) -> Action:
    """Return the action whose argument begins with the bracket at a position.

    The argument ends with the bracket that closes it, or with the last closing bracket of the line if
    no other opens before that. Where the brackets do not match it ends with the last one of the line;
    without one, with the line.
    """
    opening, closing = text[at], _CLOSING[text[at]]
    end = _matching(text, at)
    if end is not None:
        line_end = text.find("\n", end)
        further = text[end : line_end if line_end >= 0 else len(text)]
        return Action(name, text[at + 1 : end + further.rfind(closing) * (opening not in further)].strip())
    line = text[at + 1 :].partition("\n")[0]
    # Brackets in the texts of a program need not match.
    last = text.rfind(closing, at) if not line.strip() else at + 1 + line.rfind(closing)
    if last <= at:
        return Action(name, line.strip(), is_complete=False)
    return Action(name, text[at + 1 : last].strip())


def _matching(text: str, at: int) -> int | None:
    """Return the position of the bracket that closes the one at a position, or None."""
    depth = 0
    for match in re.finditer(rf"[{re.escape(text[at] + _CLOSING[text[at]])}]", text[at:]):
        depth += 1 if match[0] == text[at] else -1
        if depth == 0:
            return at + match.start()
    return None


def _find_unlabelled(text: str, names: Iterable[str]) -> tuple[int, Action | None]:
    """Return the place of an action without a label, and the action: a line with a tool's brackets, or JSON."""
    known = "|".join(re.escape(name) for name in (*names, FINISH))
    if match := re.search(rf"^{_EDGE}(?:{known})[*_`]{{0,3}} ?[\[(]", text, re.IGNORECASE | re.MULTILINE):
        return match.start(), parse_action(text[match.start() :], names)
    if (found := _from_json(text)) is not None:
        return text.find("{"), found
    return len(text), None


def _from_json(text: str) -> Action | None:
    """Return the action that a JSON object in a text names, or None."""
    if "{" not in text:
        return None
    for value in json_objects(text):
        nested = value.get("function")
        if isinstance(nested, Mapping):
            value = dict(nested)
        key = next((key for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
        # Any object may have a name.
        if key is not None and (key in ("action", "tool") or any(other in value for other in _ARGUMENT_KEYS)):
            name, argument = value[key], next((value[other] for other in _ARGUMENT_KEYS if other in value), "")
            return Action(name, argument if isinstance(argument, str | Mapping) else dump_json(argument))
    return None


def _thought(text: str, labels: list[tuple[re.Match[str], str]]) -> str:
    """Return the first thought in the text before an action, without its label."""
    before = [(match, word) for match, word in labels if match.start() < len(text)]
    starts = [match.end() for match, word in before if word in ("thought", "thinking", "reasoning")]
    if starts:
        ends = [match.start() for match, _ in before if match.start() > starts[0]]
        text = text[starts[0] : min(ends, default=len(text))]
    lines = [line.strip() for line in text.replace("<tool_call>", "").replace("```json", "").splitlines()]
    if lines and _OPEN_LABEL.fullmatch(lines[-1]):
        # The limit on tokens cut the reply off within the label of its action.
        del lines[-1]
    return "\n".join(line for line in lines if line.strip("`*_# "))[:_MAX_THOUGHT].strip("* ")


def _first_paragraph(text: str) -> str:
    return text.strip().partition("\n\n")[0].strip()


def _bare(text: str) -> str:
    """Return a name without markup and brackets."""
    return text.strip().partition("\n")[0].strip(" \t*_`\"'[]().")


def _unfenced(text: str) -> str:
    """Return the content of a fence, or the text itself."""
    opened = _FENCE.search(text)
    return (text[opened.end() :].partition("```")[0] if opened else text).strip()
