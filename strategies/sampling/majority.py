"""The majority of samples as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.voting import VoteSample, vote


def first_text(draws: Sequence[Answer | VoteSample]) -> str:
    """Return the first text that is not empty; it is shown if no sample has an answer."""
    return next((draw.text for draw in draws if draw.text.strip()), "")


def majority_answer(draws: Sequence[VoteSample], problem: Problem) -> Answer:
    """Return the answer that most samples give, with the vote and the text of the winner's whole chain.

    If all samples failed, return the first failure.
    """
    # Each sample of a strategy has an answer.
    answers: list[Answer] = [draw.answer for draw in draws if draw.answer is not None]
    if all(isinstance(answer, Failed) for answer in answers):
        return answers[0]
    result = vote(draws, problem.kind)
    if result.value is None:
        return Unparsed(result.reason, text=first_text(draws), votes=result)
    winner = result.candidates[0].representative
    return replace(answers[winner], text=draws[winner].text, confidence=result.share, votes=result)
