"""Worked examples made of chains of thought: the checks that a chain must pass, and its text on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reasoning.answer import Answer, Answered
from reasoning.kinds import Choice, Number
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.sandbox.program_in_text import find_program
from reasoning.strategies.demonstrations.worked_example import WorkedExample
from reasoning.strategies.reply_parsing import match_item_mark
from reasoning.voting.filters import count_steps, states_answer

_LAST_WORDS = 10
_MATH_MARKS = {"\\[": "\\]", "$$": "$$", "\\begin{": "\\end{"}
_CLOSED = re.compile(r"[.!?:;。！？：][)\]\"'”»]{0,3}$|[\]$}]$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_NUMERAL = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_MAX_CHARS = 8_000
"""Maximum length of a chain that is checked further; a longer one has too many steps in any case."""


def question_fault(problem: Problem, max_words: int) -> str | None:
    """Return the reason why a question is not shown as a demonstration; None if it may be."""
    return f"the question has more than {max_words} words" if len(problem.question.split()) > max_words else None


def chain_fault(problem: Problem, reply: Completion, answer: Answer, max_steps: int) -> str | None:
    """Return the reason why a chain of thought is not shown as a demonstration; None if it may be.

    The rules are those of the paper and its code, read for chat models: a step is a line, but a
    formula belongs to the line above it, and the item after a line that ends with a colon to that
    line.

    Args:
        problem: the problem.
        reply: the reply with the chain.
        answer: the answer that was parsed from it, or asked for after it.
        max_steps: the most steps of the chain.

    Source:
        Zhang et al. (2022), arXiv 2210.03493, §4.2: short questions and chains; the authors' code: the
        chain is complete and gives the answer at its end, for arithmetic.
    """
    if not isinstance(answer, Answered):
        return "the chain has no answer"
    if reply.truncated:
        return "the chain was cut off"
    if len(reply.text) > _MAX_CHARS or count_steps("\n".join(_steps(reply.text))) > max_steps:
        return f"the chain has more than {max_steps} steps"
    if "```" in reply.text or find_program(reply.text) is not None:
        return "the chain has a program"
    text = flatten_chain(reply.text)
    if not text:
        return "the chain has no reasoning"
    if isinstance(problem.kind, Number) and not _ends_with(f"{text} {_statement(reply.text)}", answer.value, problem):
        return "the chain does not end with its answer"
    return None


def chain_example(problem: Problem, chain: str, value: object) -> WorkedExample:
    """Return the worked example of a chain of thought.

    Args:
        problem: the problem. Its context and table are part of the example's question.
        chain: the chain, which becomes one line without the sentence that states the answer.
        value: the answer.
    """
    options = tuple(problem.kind.options) if isinstance(problem.kind, Choice) else ()
    question, answer = problem.values()["question_only"].strip(), problem.kind.show(value)
    return WorkedExample(question, answer, flatten_chain(chain), options)


def flatten_chain(text: str) -> str:
    """Return a chain of thought on one line, without list marks, headings' marks and bold type.

    A sentence at its end that only states the answer is left out. A line without a mark at its end
    gets a full stop.

    Examples:
        >>> flatten_chain("**Step 1:** There are 3 boxes of 8\\n- 3 * 8 = 24\\n\\nThe answer is 24.")
        'There are 3 boxes of 8. 3 * 8 = 24.'
    """
    return " ".join(chain_lines(text))


def chain_lines(text: str) -> list[str]:
    """Return the steps of a chain of thought as in `flatten_chain`, each on a line of its own."""
    lines = [step if _CLOSED.search(step[-4:]) else f"{step}." for step in _steps(text)]
    while lines:
        sentences = _SENTENCE_END.split(lines[-1])
        while sentences and states_answer(sentences[-1]):
            sentences.pop()
        if sentences:
            return [*lines[:-1], " ".join(sentences)]
        lines.pop()
    return []


def _steps(text: str) -> list[str]:
    """Return the steps of a chain: its lines, each with the formulas and the item that belong to it."""
    steps: list[str] = []
    is_open, closing = False, ""
    for line in _lines(text):
        opening = next((mark for mark in _MATH_MARKS if line.startswith(mark)), "")
        if steps and (is_open or closing or opening):
            steps[-1] += f" {line}"
        else:
            steps.append(line)
        if not closing and opening and _MATH_MARKS[opening] not in line[len(opening) :]:
            closing = _MATH_MARKS[opening]
        elif closing and closing in line:
            closing = ""
        is_open = line.endswith(":")
    return steps


def _lines(text: str) -> Iterator[str]:
    for line in map(str.strip, text.splitlines()):
        mark = match_item_mark(line)
        bare = (line[mark.end() :] if mark else line).lstrip("#> ").replace("**", "").replace("__", "").strip()
        if any(map(str.isalnum, bare)) or bare in ("\\[", "\\]", "$$"):
            yield " ".join(bare.split())


def _statement(text: str) -> str:
    """Return the last line of a chain, which may only state the answer."""
    return next((line for line in reversed(text.splitlines()) if any(map(str.isalnum, line))), "")


def _ends_with(text: str, value: object, problem: Problem) -> bool:
    """Return whether the last sentence or the last words of a chain contain a number."""
    kind, sentences = problem.kind, _SENTENCE_END.split(text)
    tail = max(" ".join(text.split()[-_LAST_WORDS:]), sentences[-1], key=len)
    numbers = [float(numeral.replace(",", "")) for numeral in _NUMERAL.findall(tail) if len(numeral) < 300]
    parsed = kind.parse(tail)
    return any(kind.same(number, value) for number in [*numbers, *([] if parsed is None else [parsed])])
