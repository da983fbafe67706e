"""Recalled problems in a reply: whether they are distinct, and the solution after them."""

from __future__ import annotations

import re
from dataclasses import replace

from reasoning.answer import Answer, Unparsed
from reasoning.messages import Completion
from reasoning.problem import Problem

_HEADER = re.compile(
    r"^\W{0,6}(?:(?:part |step )?\d{1,2}\W{1,4})?solv(?:e|ing) the initial problem", re.MULTILINE | re.IGNORECASE
)
_EXEMPLAR = re.compile(
    r"^\W{0,6}(?:\d{1,2}\W{1,4})?(?:Example )?(?:Q|Question|Problem|Example)\s?\d{0,2}\W{0,4}:\W{0,4}(\w.{8,})$",
    re.MULTILINE,
)


def exemplar_error(text: str, problem: Problem, exemplars: int, alike: float) -> str | None:
    """Return the fault of the problems that a reply recalls, or None if they are enough and distinct.

    The text is sent to the model when the reply is asked for again.

    Args:
        text: the reply.
        problem: the problem to solve.
        exemplars: number of problems that were asked for.
        alike: share of common words above which two problems count as the same.
    """
    recalled = _EXEMPLAR.findall(text[: _last_section(text)])
    if len(recalled) < exemplars:
        return f"Only {len(recalled)} of {exemplars} problems were recalled."
    earlier = [("the initial problem", _words(problem.question))]
    for number, recalled_problem in enumerate(recalled, 1):
        words = _words(recalled_problem)
        for name, other in earlier:
            if len(words & other) > alike * len(words | other):
                return f"Problem {number} is almost the same as {name}."
        earlier.append((f"problem {number}", words))
    return None


def parse_solution(reply: Completion, problem: Problem) -> Answer:
    """Parse the answer after the last heading "Solve the initial problem"; Unparsed without the heading."""
    if not (last_section := reply.text[_last_section(reply.text) :]):
        return Unparsed("the reply does not solve the initial problem", text=reply.text)
    return replace(problem.parse(replace(reply, text=_HEADER.sub("", last_section, count=1))), text=reply.text)


def _last_section(text: str) -> int:
    """Return the position of the last section, or the end of the text."""
    return max((match.start() for match in _HEADER.finditer(text)), default=len(text))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
