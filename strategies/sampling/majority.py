"""The majority of samples as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.voting import Vote, VoteSample, vote


def first_text(draws: Sequence[Answer | VoteSample]) -> str:
    """Return the first text that is not empty; it is shown if no sample has an answer."""
    return next((draw.text for draw in draws if draw.text.strip()), "")


def budget_note(drawn: int, wanted: int) -> str:
    """Return a caveat about samples that the budget of the problem did not cover; empty if all were drawn."""
    return f"{drawn} of at most {wanted} samples, since the budget is used up" if drawn < wanted else ""


def unparsed_reason(result: Vote) -> str:
    """Return why a vote has no winner, with its caveat."""
    return "; ".join(filter(None, (result.reason, result.note)))


def majority_answer(draws: Sequence[VoteSample], problem: Problem, wanted: int = 0) -> Answer:
    """Return the answer that most samples give, with the vote and the text of the winner's whole chain.

    If all samples failed, return the first failure.

    Args:
        draws: the samples.
        problem: the problem.
        wanted: the number of samples that were to be drawn; the vote says if there are fewer.
    """
    # Each sample of a strategy has an answer.
    answers: list[Answer] = [draw.answer for draw in draws if draw.answer is not None]
    if all(isinstance(answer, Failed) for answer in answers):
        return answers[0]
    result = replace(vote(draws, problem.kind), note=budget_note(len(draws), wanted))
    if result.value is None:
        return Unparsed(unparsed_reason(result), text=first_text(draws), votes=result)
    winner = result.candidates[0].representative
    return replace(answers[winner], text=draws[winner].text, confidence=result.share, votes=result)
