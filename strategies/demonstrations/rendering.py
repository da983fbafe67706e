"""Worked examples as a problem's kind of answer shows them: its labels, its separator, its spelling."""

from __future__ import annotations

import re
from dataclasses import replace

from reasoning.errors import UsageError
from reasoning.kinds import Choice, Code, Kind, Text
from reasoning.kinds.label import Label
from reasoning.strategies.demonstrations.worked_example import WorkedExample

_OPTION = re.compile(r"\boption ([A-Z])\b")
_MARK_CHARS = 2
"""Maximum length of a label that marks an option, such as "A" or "10"."""


def example_menu(example: WorkedExample, kind: Kind) -> Choice:
    """Return the options of an example, with the labels of the problem's kind if it has enough of them."""
    labels = kind.labels if isinstance(kind, Choice) else ()
    return Choice(example.options, labels=labels[: len(example.options)] if len(labels) >= len(example.options) else ())


def in_kind(example: WorkedExample, kind: Kind) -> WorkedExample | None:
    """Return an example with its answer in the form that a kind shows, or None if its answer is not of the kind.

    An answer that the kind parses as it stands is kept, except for the spelling of a label. The
    label of an option becomes that of the problem's kind, also in the reasoning.

    Examples:
        >>> from reasoning.kinds import Items, Number
        >>> tins = WorkedExample("Which tins?", "red, green", items=("red", "green"))
        >>> in_kind(tins, Items(sep=";")).answer
        'red; green'
        >>> in_kind(tins, Number()) is None
        True
    """
    if example.options:
        # Labels that are words, such as "entailment", are answers themselves and not marks of options.
        words = isinstance(kind, Choice) and not kind.options and max(map(len, kind.labels)) > _MARK_CHARS
        return None if words else _relabelled(example, kind)
    # The answer of these kinds may be a whole reply, which is shown as it was written.
    if isinstance(kind, Code | Text):
        return example
    try:
        value = kind.target(example.items or example.answer)
    except UsageError:
        return None
    closed = isinstance(kind, Label | Choice)
    shown = example.answer if not closed and _states(kind, example.answer, value) else kind.show(value)
    return replace(example, answer=shown) if _states(kind, shown, value) else None


def _states(kind: Kind, answer: str, value: object) -> bool:
    """Return whether an answer is parsed as a value in the sentence of a demonstration."""
    parsed = kind.parse(f"The answer is {answer}.")
    return parsed is not None and kind.same(parsed, value)


def _relabelled(example: WorkedExample, kind: Kind) -> WorkedExample:
    """Return an example of a choice with the labels of a kind, also in its reasoning: "That is option 3."."""
    before, after = Choice(example.options), example_menu(example, kind)
    if before.labels == after.labels:
        return example
    new = dict(zip(before.labels, after.labels, strict=True))
    try:
        answer = new[before.target(example.answer)]
        wrong = new[before.target(example.wrong_answer)] if example.wrong_answer else ""
    except UsageError:
        return example

    def relabel(text: str) -> str:
        return _OPTION.sub(lambda match: f"option {new.get(match[1], match[1])}", text)

    return replace(
        example,
        answer=answer,
        rationale=relabel(example.rationale),
        steps=tuple(replace(step, answer=relabel(step.answer)) for step in example.steps),
        symbols=relabel(example.symbols),
        wrong_rationale=relabel(example.wrong_rationale),
        wrong_answer=wrong,
    )
