"""Recalled problems in a reply: whether they are distinct, and the solution after them."""

from __future__ import annotations

import re
from dataclasses import replace

from reasoning.answer import Answer, Unparsed
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.strategies.reply_parsing import split_by_labels

# "## 2. ", "**Part 2:** ", "② "
_LEAD = r"^[^\w\n①-⑳]{0,8}(?:(?:(?:part|step) )?(?:\d{1,2}|[①-⑳])[^\w\n]{1,6})?"
_HEADER = re.compile(
    _LEAD + r"(?:(?:finally|now|next),? )?(?:let(?:['’]s| us) )?(?:(?:now|finally) )?"
    r"(?:solv(?:e|ing)|(?:step-by-step )?solution (?:to|of|for)|back to|answer to|answering)"
    r" (?:(?:the|our) )?(?:initial|original) (?:problem|question)",
    re.MULTILINE | re.IGNORECASE,
)
# A heading only if problems were recalled before it: a reply may begin with the initial problem.
_INITIAL = re.compile(
    r"^(?:#{1,6} ?[^\w\n]{0,6}|\*\*|__)(?:(?:(?:part|step) )?\d{1,2}[^\w\n]{1,6})?(?:the )?(?:initial|original) "
    r"(?:problem|question)(?:['’]s)?(?: (?:solution|and (?:its )?solution|solved|again))?[^\w\n]*$",
    re.MULTILINE | re.IGNORECASE,
)
_EXEMPLAR = re.compile(
    _LEAD + r"(?:(?:relevant|similar|related|recalled|analogous|example) )?"
    r"(?P<word>Q|Question|Problem|Example|Exemplar)(?:[ #]{0,2}(?:\d{1,2}|[①-⑳]))?(?: \([^()\n]{1,80}\))?"
    r"(?:[^\w\n:：]{0,4}[:：]|(?<=\d)[.)]|[^\w\n]{0,4}$)[^\w\n]{0,6}",
    re.MULTILINE | re.IGNORECASE,
)
_SECTION = re.compile(
    _LEAD + r"(?:relevant|recalled|similar|related|analogous|example) (?:example )?problems\b[^\n]{0,40}$",
    re.MULTILINE | re.IGNORECASE,
)
_ITEM = re.compile(r"^[^\w\n]{0,6}\d{1,2}[.)][^\w\n]{1,6}(?=\w)", re.MULTILINE)
_ROW = re.compile(r"^[ \t]{0,8}\|([^\n]{1,4000})\|[ \t]*$", re.MULTILINE)
_SOLUTION = re.compile(
    r"^[^\w\n]{0,8}(?:A|Ans|Answer|Solution|Explanation|Explained solution|Result)(?:[ #]{0,2}\d{1,2})?"
    r"(?:[^\w\n:：]{0,4}[:：]|[^\w\n]{0,4}$)",
    re.MULTILINE | re.IGNORECASE,
)
_MIN_CHARS = 9
"""Minimum length of a recalled problem."""


def exemplar_error(text: str, problem: Problem, exemplars: int, alike: float) -> str | None:
    """Return the fault of the problems that a reply recalls, or None if they are enough and distinct.

    The text is sent to the model when the reply is asked for again.

    Args:
        text: the reply.
        problem: the problem to solve.
        exemplars: number of problems that were asked for.
        alike: share of common words above which two problems count as the same.
    """
    end = _last_section(text)
    # Core concepts in front of the section have examples, too.
    section = _SECTION.search(text, 0, end)
    recalled = recalled_problems(text[section.end() if section else 0 : end])
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


def recalled_problems(text: str) -> list[str]:
    """Return the problems that a text recalls, without their solutions.

    They are labelled ("Q:", "**Problem 2**", "### Example 3: …"), or else the questions of a numbered
    list, or else the rows of a table.
    """
    labelled = split_by_labels(text, _EXEMPLAR)
    words = [label["word"].lower() for label, _ in labelled]
    parts = [
        _without_solution(part)
        for (_, part), word, following in zip(labelled, words, [*words[1:], ""], strict=False)
        if not _is_title(part) or following in ("", word)
    ]
    if problems := [part for part in parts if len(part) >= _MIN_CHARS]:
        return problems
    items = [_without_solution(part) for _, part in split_by_labels(text, _ITEM)]
    if problems := [part for part in items if "?" in part]:
        return problems
    cells = [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(text)]
    return [next((cell for cell in row if "?" in cell), max(row, key=len)) for row in cells[2:]]


def parse_solution(reply: Completion, problem: Problem) -> Answer:
    """Parse the answer after the last heading "Solve the initial problem"; Unparsed without the heading."""
    if not (last_section := reply.text[_last_section(reply.text) :]):
        return Unparsed("the reply does not solve the initial problem", text=reply.text)
    header = _HEADER.match(last_section) or _INITIAL.match(last_section)
    solution = last_section[header.end() if header else 0 :]
    return replace(problem.parse(replace(reply, text=solution)), text=reply.text)


def _is_title(part: str) -> bool:
    """Return whether the text after a label may be a title: "Tossing coins" in "### Problem 1: Tossing coins"."""
    return "\n" not in part and "?" not in part


def _without_solution(text: str) -> str:
    """Return a recalled problem up to the label of its solution."""
    solution = _SOLUTION.search(text)
    return text[: solution.start() if solution else len(text)].strip(" \t\n*_#-")


def _last_section(text: str) -> int:
    """Return the position of the last section, or the end of the text."""
    starts = [match.start() for match in _HEADER.finditer(text)]
    if not starts and (exemplars := [match.start() for match in _EXEMPLAR.finditer(text)]):
        # One label may follow, which says the initial problem again.
        earliest = exemplars[-2:][0]
        starts = [match.start() for match in _INITIAL.finditer(text) if match.start() > earliest]
    return max(starts, default=len(text))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
