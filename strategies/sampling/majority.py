"""The answer on which draws agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.voting import Draw, vote


def spoken(draws: Sequence[Answer | Draw]) -> str:
    """The first text that any of them has: what there is to read where none of them is an answer."""
    return next((draw.text for draw in draws if draw.text.strip()), "")


def voted(draws: Sequence[Draw], problem: Problem) -> Answer:
    """The answer that most draws give, with the vote; its text is the whole chain. Failed where all draws are."""
    answers = [draw.answer for draw in draws if draw.answer is not None]  # each has one
    if all(isinstance(answer, Failed) for answer in answers):
        return answers[0]
    found = vote(draws, problem.kind)
    if found.value is None:
        return Unparsed(found.why, text=spoken(draws), votes=found)
    winner = found.candidates[0].speaker
    return replace(answers[winner], text=draws[winner].text, confidence=found.share, votes=found)
