"""Handlers and demonstrations that a controller is shown for a question."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from reasoning.kinds import Kind, Number
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.decomposition.handlers import TEXT_FUNCTIONS, Handler
from reasoning.strategy import Strategy

_ABOUT_TEXT = re.compile(
    r"\b(?:words?|letters?|characters?|strings?|sentences?|syllables?|vowels?|consonants?)\b|[\"“”„«»]", re.IGNORECASE
)
_NUMBER = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|half|third"
    r"|quarter|twice|thrice|double|triple|percent)\b|\w(?:teen|ty)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"\[(\w+)\]")


def suited_handlers(handlers: Sequence[Handler], kind: Kind, question: str) -> tuple[Handler, ...]:
    """Return the handlers that a controller is shown for a question.

    Where a number is asked for, those that give numbers come first, and the shipped functions on
    texts are left out unless the question is about a text: about words or letters, or with a
    quotation.
    """
    if not isinstance(kind, Number):
        return tuple(handlers)
    shown = [handler for handler in handlers if handler.by not in TEXT_FUNCTIONS or _ABOUT_TEXT.search(question)]
    return tuple(sorted(shown or handlers, key=lambda handler: not isinstance(handler.kind, Number)))


def lacks_numbers(handler: Handler, questions: Sequence[str]) -> bool:
    """Return whether a handler that calculates, and sees its question only, is given no number."""
    blind = isinstance(handler.kind, Number) and isinstance(handler.by, Strategy) and not handler.sees_passage
    return blind and not any(_NUMBER.search(question) for question in questions)


def without_programs_of(hidden: Collection[str], controller: Prompt) -> Prompt:
    """Return the prompt without the demonstrated programs that use a hidden handler, unless no program is left."""
    programs: list[list[Demonstration]] = []
    for example in controller.examples:
        if example.input.startswith("QC:") or not programs:
            programs.append([])
        programs[-1].append(example)
    used = [{name.lower() for example in program for name in _NAME.findall(example.output)} for program in programs]
    kept = [program for program, names in zip(programs, used, strict=True) if names.isdisjoint(hidden)]
    if not kept or len(kept) == len(programs):
        return controller
    return controller.replace(examples=tuple(example for program in kept for example in program))


def without_ends(controller: Prompt) -> Prompt:
    """Return the prompt without the turns of its demonstrations that end a program."""
    return controller.replace(
        examples=tuple(example for example in controller.examples if "[eoq]" not in example.output.lower())
    )
