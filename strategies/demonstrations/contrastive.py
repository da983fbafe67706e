"""Worked examples with a wrong explanation next to the right one (Chia et al. 2023, arXiv 2311.09277)."""

from __future__ import annotations

import re

from reasoning.kinds import Choice, Kind, YesNo
from reasoning.kinds.label import Label
from reasoning.prompts import Demonstration
from reasoning.strategies.demonstrations.worked_example import WorkedExample

_VALUE = r"[$€£]?\d+(?:[.,:/]\d+)*%?"
# The objects that are moved: an equation as one unit, or a value; a quoted text, or a name within a sentence.
_VALUES = re.compile(rf"{_VALUE}(?: [-+*/] {_VALUE}){{1,12}} = {_VALUE}|{_VALUE}")
_MAX_ROTATIONS = 20
_NAMES = re.compile(r"\"[^\"\n]{1,40}\"|(?<=[a-z,] )(?<!option )[A-Z][a-z]*|(?<![\w'])(?<!\d )[b-z](?![\w'])")


def shuffle_values(chain: str) -> str:
    """Rotate the objects of a chain of thought: values among values, names among names.

    The rotation that leaves the fewest objects unchanged is chosen. An equation counts as its
    result. No model is asked.

    Source:
        Chia et al. (2023), arXiv 2311.09277.
    """
    for objects in (_VALUES, _NAMES):
        values = objects.findall(chain)
        rotations = [
            map(_plain_value, values[offset:] + values[:offset]) for offset in range(min(len(values), _MAX_ROTATIONS))
        ]
        changed = [sum(map(str.__ne__, rotation, map(_plain_value, values))) for rotation in rotations]
        if any(changed):
            offset = changed.index(max(changed))
            rotated = iter(values[offset:] + values[:offset])
            chain = objects.sub(lambda _: next(rotated), chain)  # noqa: B023  # consumed within this iteration
    return chain


def _plain_value(value: str) -> str:
    return value.rpartition("= ")[2].strip('"')


def wrong_answer(example: WorkedExample, chain: str, kind: Kind) -> str | None:
    """Return a wrong answer, or None.

    It is another option or label, the opposite of yes or no, or else the last object of the
    shuffled chain.
    """
    candidates = ["yes", "no"] if isinstance(kind, YesNo) else [*kind.options] if isinstance(kind, Label) else []
    if example.options:
        kind = Choice(example.options)
        next_label = kind.labels.index(kind.target(example.answer)) + 1
        candidates = [*kind.labels[next_label:], *kind.labels[:next_label]]
    last = [_plain_value(value) for objects in (_NAMES, _VALUES) for value in objects.findall(chain)]
    correct = kind.parse(example.answer)
    for candidate in candidates or reversed(last):
        value = kind.parse(candidate)
        if value is not None and correct is not None and not kind.same(value, correct):
            return candidate
    return None


def contrastive_demonstration(example: WorkedExample, kind: Kind) -> Demonstration | None:
    """Show a question with a right and a wrong explanation and answer; return None if shuffling changes nothing."""
    chain = shuffle_values(example.rationale)
    wrong = wrong_answer(example, chain, kind)
    if chain == example.rationale or wrong is None:
        return None
    if example.options:
        chain = chain.replace(f"option {example.answer}", f"option {wrong}")
    labelled = f"Answer: {example.answer}\n\nWrong explanation: {chain}\n\nWrong answer: {wrong}"
    return Demonstration(f"Question: {example.question}", labelled, f"Explanation: {example.rationale}")
