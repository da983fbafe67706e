"""Worked problems with a wrong explanation beside the right one (Chia et al. 2023, arXiv 2311.09277)."""

from __future__ import annotations

import re

from reasoning.kinds import Choice, Kind, YesNo
from reasoning.kinds.label import Label
from reasoning.prompts import Demonstration
from reasoning.strategies.demonstrations.worked_example import WorkedExample

_VALUE = r"[$€£]?\d+(?:[.,:/]\d+)*%?"
# What is moved around: an equation as one unit, or a value; a quoted text, or a name within a sentence.
_VALUES = re.compile(rf"{_VALUE}(?: [-+*/] {_VALUE}){{1,12}} = {_VALUE}|{_VALUE}")
_TURNS = 20  # so many of them are tried
_NAMES = re.compile(r"\"[^\"\n]{1,40}\"|(?<=[a-z,] )(?<!option )[A-Z][a-z]*|(?<![\w'])(?<!\d )[b-z](?![\w'])")


def shuffle_values(chain: str) -> str:
    """A chain with its objects at each other's places: values at those of values, names at those of names.

    They go round by as many places as leaves the fewest as they are; an equation is worth what it comes to. No model
    is asked.
    """
    for objects in (_VALUES, _NAMES):
        said = objects.findall(chain)
        turned = [map(_worth, said[by:] + said[:by]) for by in range(min(len(said), _TURNS))]
        changed = [sum(map(str.__ne__, one, map(_worth, said))) for one in turned]
        if any(changed):
            by = changed.index(max(changed))
            moved = iter(said[by:] + said[:by])
            chain = objects.sub(lambda _: next(moved), chain)  # noqa: B023  # used up within the turn
    return chain


def _worth(said: str) -> str:
    return said.rpartition("= ")[2].strip('"')


def wrong_answer(worked: WorkedExample, chain: str, kind: Kind) -> str | None:
    """A wrong answer: another option or label, the other one of yes and no, or what now stands last in the chain."""
    others = ["yes", "no"] if isinstance(kind, YesNo) else [*kind.options] if isinstance(kind, Label) else []
    if worked.options:
        kind = Choice(worked.options)
        at = kind.labels.index(kind.target(worked.answer)) + 1
        others = [*kind.labels[at:], *kind.labels[:at]]
    last = [_worth(said) for objects in (_NAMES, _VALUES) for said in objects.findall(chain)]
    right = kind.parse(worked.answer)
    for other in others or reversed(last):
        value = kind.parse(other)
        if value is not None and right is not None and not kind.same(value, right):
            return other
    return None


def contrastive_demonstration(worked: WorkedExample, kind: Kind) -> Demonstration | None:
    """A question with the right and the wrong way to answer it; None where shuffling changes nothing."""
    chain = shuffle_values(worked.rationale)
    wrong = wrong_answer(worked, chain, kind)
    if chain == worked.rationale or wrong is None:
        return None
    if worked.options:
        chain = chain.replace(f"option {worked.answer}", f"option {wrong}")
    labelled = f"Answer: {worked.answer}\n\nWrong explanation: {chain}\n\nWrong answer: {wrong}"
    return Demonstration(f"Question: {worked.question}", labelled, f"Explanation: {worked.rationale}")
