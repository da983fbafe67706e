"""Passages as evidence for verification questions: the search, and the questions with the passages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reasoning.branches import gather
from reasoning.kinds import Text
from reasoning.problem import Problem
from reasoning.retrieval import Passage, Retriever
from reasoning.session import Session
from reasoning.session_tools import format_passages

EVIDENCE = 3
"""The passages that are shown for one question."""
_MAX_PASSAGE = 1_500
"""Characters of a passage; the rest is cut off."""
# The question is last: a model of 0.5 B parameters then said what the passages say, and not "unknown".
_FROM_PASSAGES = 'Use only the passages above; if they do not say it, the answer is "unknown".\n\n{question}'
_SILENT = re.compile(
    r"\b(?:passages?|texts?|context|sources?|documents?)\b[^.\n]{0,40}?(?:\b(?:not|no|never)\b|n['’]t\b)"
    r"|\b(?:no|not enough|insufficient) (?:information|mention)\b"
    r"|\b(?:unknown|not (?:stated|mentioned|specified|given))\b",
    re.IGNORECASE,
)
"""A finding that says that the passages do not have the answer."""


async def find_passages(questions: Sequence[str], retriever: Retriever, session: Session) -> list[tuple[Passage, ...]]:
    """Search for each question, and return the passages to show for it; empty if nothing is found.

    Raises:
        CallFailed: a call of the retriever failed for good.
    """
    found = await gather([session.tools.search(retriever, question, EVIDENCE) for question in questions])
    # Without their scores, the same passage of two searches is equal.
    return [
        tuple(Passage(one.text[:_MAX_PASSAGE], one.title, one.source, one.position) for one in passages)
        for passages in found
    ]


def question_problem(question: str, evidence: Sequence[Passage], problem: Problem) -> Problem:
    """Return the problem of a verification question, with the passages from which it is answered."""
    # Several questions in one have an answer of several lines.
    kind = Text(whole="\n" in question)
    if not evidence:
        return Problem(question, kind, context=problem.context, table=problem.table)
    context = "\n\n".join(filter(None, (problem.context, format_passages(evidence))))
    return Problem(_FROM_PASSAGES.format(question=question), kind, context=context, table=problem.table)


def is_silent(finding: str) -> bool:
    """Return whether every line of a finding says that the passages do not have the answer."""
    return all(_SILENT.search(line[:300]) for line in finding.splitlines() if line.strip())
