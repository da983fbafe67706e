"""The answer on which draws agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.voting import VoteSample, vote


def first_text(draws: Sequence[Answer | VoteSample]) -> str:
    """The first text that any of them has: what there is to read where none of them is an answer."""
    return next((draw.text for draw in draws if draw.text.strip()), "")


def majority_answer(draws: Sequence[VoteSample], problem: Problem) -> Answer:
    """The answer that most draws give, with the vote; its text is the whole chain. Failed where all draws are."""
    answers: list[Answer] = [draw.answer for draw in draws if draw.answer is not None]  # each has one
    if all(isinstance(answer, Failed) for answer in answers):
        return answers[0]
    found = vote(draws, problem.kind)
    if found.value is None:
        return Unparsed(found.reason, text=first_text(draws), votes=found)
    winner = found.candidates[0].representative
    return replace(answers[winner], text=draws[winner].text, confidence=found.share, votes=found)
