"""Worked examples with a wrong explanation next to the right one (Chia et al. 2023, arXiv 2311.09277)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reasoning.kinds import Kind, YesNo
from reasoning.kinds.label import Label
from reasoning.prompts import Demonstration
from reasoning.strategies.demonstrations.rendering import example_menu
from reasoning.strategies.demonstrations.worked_example import WorkedExample

_VALUE = r"[$€£]?\d+(?:[.,:/]\d+)*%?"
# The objects that are moved: an equation as one unit, or a value; a quoted text, or a name within a sentence.
_VALUES = re.compile(rf"{_VALUE}(?: [-+*/] {_VALUE}){{1,12}} = {_VALUE}|{_VALUE}")
_NAMES = re.compile(r"\"[^\"\n]{1,40}\"|(?<=[a-z,] )(?<!option )[A-Z][a-z]*|(?<![\w'])(?<!\d )[b-z](?![\w'])")
_MAX_ROTATIONS = 20
_SENTENCE_END = re.compile(r"[.!?]\s|\n")


@dataclass(frozen=True)
class _Object:
    """An object of a chain, its place in it, and the object that stands there in the shuffled chain."""

    start: int
    end: int
    text: str
    new: str


def shuffle_values(chain: str) -> str:
    """Rotate the objects of a chain of thought: values among values, names among names.

    The rotation that leaves the fewest objects unchanged is chosen. An equation counts as its
    result. No model is asked.

    Source:
        Chia et al. (2023), arXiv 2311.09277.
    """
    return _replaced(chain, _shuffled(chain))


def _replaced(chain: str, moved: list[_Object]) -> str:
    for one in reversed(moved):
        chain = chain[: one.start] + one.new + chain[one.end :]
    return chain


def _shuffled(chain: str) -> list[_Object]:
    """Return all objects of a chain in their order, with those that take their places."""
    values = [(match.start(), match.end(), match[0]) for match in _VALUES.finditer(chain)]
    names = [
        (match.start(), match.end(), match[0])
        for match in _NAMES.finditer(chain)
        # A number in quotes is moved with the values.
        if not any(start < match.end() and match.start() < end for start, end, _ in values)
    ]
    moved: list[_Object] = []
    for places in (values, names):
        texts = [text for _, _, text in places]
        rotations = [texts[offset:] + texts[:offset] for offset in range(min(len(texts), _MAX_ROTATIONS))]
        changed = [sum(map(str.__ne__, map(_plain, rotation), map(_plain, texts))) for rotation in rotations]
        best = rotations[changed.index(max(changed))] if any(changed) else texts
        moved += [_Object(*place, new) for place, new in zip(places, best, strict=True)]
    return sorted(moved, key=lambda one: one.start)


def _plain(text: str) -> str:
    return text.rpartition("= ")[2].strip('"')


def wrong_explanation(example: WorkedExample, kind: Kind) -> tuple[str, str] | None:
    """Return a wrong explanation and the wrong answer in which it ends, or None.

    A written one is preferred. Otherwise the objects of the right explanation are shuffled, and the
    wrong answer is the object that then stands in the place of the right one, in the last sentence.
    A shuffled explanation that still ends in the right answer, or in an object that the kind or the
    menu does not know, is dropped. A chain that leads to yes or no or to a label does not name it,
    so that shuffling cannot make a wrong one.

    Args:
        example: the example, with its answer as the kind shows it.
        kind: the kind of answer of the problem.
    """
    menu = example_menu(example, kind) if example.options else None
    if example.wrong_rationale:
        wrong = example.wrong_answer
        return (example.wrong_rationale, wrong) if _is_wrong(wrong, example.answer, menu or kind) else None
    if not example.options and isinstance(kind, YesNo | Label):
        return None
    moved = _shuffled(example.rationale)
    chain = _replaced(example.rationale, moved)
    right = menu.target(example.answer) if menu else example.answer
    stated = [*menu.options][menu.labels.index(right)] if menu else right
    place = next((one for one in reversed(moved) if _same_text(_plain(one.text), stated, kind)), None)
    if place is None or place.start < _last_sentence(example, menu is not None):
        return None
    wrong = _plain(place.new)
    if menu is not None:
        labels = [label for label, option in zip(menu.labels, menu.options, strict=True) if option == wrong]
        if not labels or labels[0] == right:
            return None
        return chain.replace(f"option {right}", f"option {labels[0]}"), labels[0]
    return (chain, wrong) if _is_wrong(wrong, right, kind) else None


def _is_wrong(wrong: str, right: str, kind: Kind) -> bool:
    values = kind.parse(f"The answer is {wrong}."), kind.parse(f"The answer is {right}.")
    return None not in values and not kind.same(*values)


def _same_text(text: str, stated: str, kind: Kind) -> bool:
    """Return whether an object states the answer: the same text, or the same value of the kind ("9.40" for 9.4)."""
    if text.casefold() == stated.casefold():
        return True
    values = kind.parse(f"The answer is {text}."), kind.parse(f"The answer is {stated}.")
    return None not in values and kind.same(*values)


def _last_sentence(example: WorkedExample, names_option: bool) -> int:
    """Return where the last sentence of an explanation begins, not counting "That is option C."."""
    chain = example.rationale.rstrip()
    if names_option and len(example.lines) > 1 and "option" in example.lines[-1]:
        chain = chain.removesuffix(example.lines[-1]).rstrip()
    return max((match.end() for match in _SENTENCE_END.finditer(chain)), default=0)


def contrastive_demonstration(example: WorkedExample, kind: Kind) -> Demonstration | None:
    """Show a question with a right and a wrong explanation and answer; return None without a wrong explanation."""
    found = wrong_explanation(example, kind)
    if found is None:
        return None
    chain, wrong = found
    labelled = f"Answer: {example.answer}\n\nWrong explanation: {chain}\n\nWrong answer: {wrong}"
    return Demonstration(f"Question: {example.question}", labelled, f"Explanation: {example.rationale}")
