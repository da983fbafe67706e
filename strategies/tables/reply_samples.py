"""Samples of one prompt: those that fail or that the budget does not cover leave the others their use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.branches import FirstCall
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.kinds import YesNo
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.sampling.majority import budget_note, first_text
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.voting import VoteSample, vote
from reasoning.voting.weights import BY_LOGPROB, WeightName


@dataclass(frozen=True)
class Sampling:
    """The samples of one prompt.

    Attributes:
        n: their number.
        temperature: their temperature.
        weigh: their weight in a count: by log-probabilities, which are then requested, or "equal".
    """

    n: int
    temperature: float
    weigh: WeightName = "equal"


Read = Callable[[Completion], Any]
"""Returns what a reply says, or None if it says nothing that counts."""


class _OnePrompt(FirstCallStrategy):
    """A strategy of one call, whose answers are what a function reads from the replies."""

    def __init__(self, turns: Conversation, read: Read, missing: str) -> None:
        self._turns, self._read, self._missing = turns, read, missing

    def first_call(self, problem: Problem) -> FirstCall:
        return FirstCall(self._turns, self._resolve)

    def _resolve(self, reply: Completion) -> Answer:
        value = self._read(reply)
        if isinstance(value, Answer):
            return value
        return Unparsed(self._missing, text=reply.text) if value is None else Answered(value, text=reply.text)


async def sample_replies(
    session: Session,
    turns: Conversation,
    problem: Problem,
    sampling: Sampling,
    read: Read,
    *,
    name: str = "sample",
    missing: str = "the reply lacks what was asked for",
) -> list[VoteSample]:
    """Draw replies to one prompt and read each.

    Args:
        session: the session to ask with.
        turns: the prompt.
        problem: the problem that is solved.
        sampling: the number of replies, their temperature and weight.
        read: returns what a reply says, an answer or any other value; None if nothing.
        name: the name of a sample in the trace.
        missing: the reason of a reply that says nothing.

    Returns:
        The samples in draw order: those that the budget covered, with None as the value of those
        whose call failed.

    Raises:
        BudgetExhausted: the budget covers no sample.
        CallFailed: every call failed.
    """
    draws = await draw_samples(
        _OnePrompt(turns, read, missing),
        problem,
        session,
        sampling.n,
        name=name,
        temperature=sampling.temperature,
        logprobs=sampling.weigh in BY_LOGPROB,
        # Its draws are covered in part or not at all: there is no partial answer of them alone.
        outcome=lambda samples: session.partial or Unparsed("the question itself is not answered"),
    )
    failed = [draw.answer for draw in draws if isinstance(draw.answer, Failed)]
    if len(failed) == len(draws):
        raise failed[0].to_error()
    return draws


def vote_on_replies(draws: list[VoteSample], problem: Problem, sampling: Sampling) -> Answer:
    """Return the answer that most replies state, weighted; a tie between yes and no is a yes.

    Args:
        draws: the samples, with the answers that the problem's kind parsed.
        problem: the problem.
        sampling: the number of samples that were to be drawn, and their weight.

    Source: Ye et al. 2023, arXiv 2301.13808, and its code.
    """
    counted = vote(draws, problem.kind, weigh=sampling.weigh)
    note = "; ".join(filter(None, (counted.note, budget_note(len(draws), sampling.n))))
    counted = replace(counted, note=note)
    if isinstance(problem.kind, YesNo) and counted.tied:
        ordered = sorted(counted.candidates, key=lambda candidate: candidate.value is not True)
        counted = replace(counted, candidates=tuple(ordered))
    if counted.value is None:
        reasons = [draw.answer.reason for draw in draws if draw.answer is not None]
        return Unparsed(f"no sample has an answer: {joined_reasons(reasons)}", text=first_text(draws), votes=counted)
    winner = draws[counted.candidates[0].representative]
    return Answered(counted.value, rule=winner.answer.rule, text=winner.text, confidence=counted.share, votes=counted)


def joined_reasons(reasons: Sequence[str]) -> str:
    """Return different reasons, the most frequent first, with their numbers."""
    counts = sorted({reason: reasons.count(reason) for reason in reasons}.items(), key=lambda item: -item[1])
    return "; ".join(
        f"{reason} ({count} of {len(reasons)})" if len(reasons) > 1 else reason for reason, count in counts[:3]
    )
