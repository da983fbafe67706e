"""Problems that a reply recalls before it solves one: whether they are distinct, and what follows them."""

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
    """What is wrong with the problems that a reply recalls; None where they are as many as wanted, and distinct.

    Args:
        alike: the share of common words above which two problems are taken for one.
    """
    recalled = _EXEMPLAR.findall(text[: _starts(text)])
    if len(recalled) < exemplars:
        return f"Only {len(recalled)} of {exemplars} problems were recalled."
    known = [("the initial problem", _words(problem.question))]
    for number, one in enumerate(recalled, 1):
        words = _words(one)
        for name, other in known:
            if len(words & other) > alike * len(words | other):
                return f"Problem {number} is almost the same as {name}."
        known.append((f"problem {number}", words))
    return None


def parse_solution(reply: Completion, problem: Problem) -> Answer:
    """The answer in what follows the last heading "Solve the initial problem"; Unparsed where there is none."""
    if not (last := reply.text[_starts(reply.text) :]):
        return Unparsed("the reply never comes to the initial problem", text=reply.text)
    return replace(problem.parse(replace(reply, text=_HEADER.sub("", last, count=1))), text=reply.text)


def _starts(text: str) -> int:
    """Where the last section begins; the end of the text where there is none."""
    return max((match.start() for match in _HEADER.finditer(text)), default=len(text))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
