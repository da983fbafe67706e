"""The answer on which draws agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.voting import Draw, vote


def voted(draws: Sequence[Draw], problem: Problem) -> Answer:
    """The answer that most draws give, with the vote; its text is the whole chain. Failed where all draws are."""
    answers = [draw.answer for draw in draws if draw.answer is not None]  # each has one
    if all(isinstance(answer, Failed) for answer in answers):
        return answers[0]
    found = vote(draws, problem.kind)
    if found.value is None:
        return Unparsed(found.why, text=draws[0].text, votes=found)
    winner = found.candidates[0].speaker
    return replace(answers[winner], text=draws[winner].text, confidence=found.share, votes=found)
