"""Worked problems that show a model what a good answer looks like."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt


@dataclass(frozen=True)
class SolvedStep:
    """A sub-question and its answer, in a sentence."""

    question: str
    answer: str


@dataclass(frozen=True)
class Worked:
    """A problem with its answer and the ways that lead there.

    Attributes:
        question: the question, without the options.
        answer: the answer as its kind shows it.
        rationale: the reasoning, in a few short sentences.
        options: what there is to choose from, where the kind is a choice.
        program: Python that ends with the answer in the variable `ans`.
        steps: sub-questions, simplest first; the last is the question itself.
    """

    question: str
    answer: str
    rationale: str = ""
    options: tuple[str, ...] = ()
    program: str = ""
    steps: tuple[SolvedStep, ...] = ()


@cache
def shipped(kind: str) -> tuple[Worked, ...]:
    """The worked problems that come with this package for a kind of answer, by the kind's name; none for some kinds."""
    data = tomllib.loads(files(__package__).joinpath("shipped.toml").read_text("utf-8"))
    return tuple(_worked(record) for record in data.get(kind, ()))


def with_examples(prompt: Prompt, problem: Problem, shots: int, show: Callable[[Worked], Demonstration]) -> Prompt:
    """The prompt with the first `shots` worked problems of the problem's kind; one that has examples keeps its own.

    Args:
        show: makes a demonstration of a worked problem, whose question here is as a problem's: with its options.

    Raises:
        UsageError: there are not so many.
    """
    if prompt.examples or not shots:
        return prompt
    name = problem.kind.name
    if shots > len(known := shipped(name)):
        has = f"only {len(known)} worked problems are" if known else "no worked problem is"
        raise UsageError(
            f"shots={shots}: {has} shipped for answers of the kind {name!r}; give the prompt its own `examples`"
        )
    return prompt.with_(examples=tuple(show(_with_options(worked)) for worked in known[:shots]))


def _with_options(worked: Worked) -> Worked:
    asked = Problem(worked.question, options=worked.options or None)
    return replace(worked, question=asked.values()["problem"])


def _worked(record: dict[str, Any]) -> Worked:
    steps = tuple(SolvedStep(**step) for step in record.pop("steps", ()))
    options = tuple(record.pop("options", ()))
    return Worked(**{name: text.strip() for name, text in record.items()}, options=options, steps=steps)
