"""The gate of Verify-and-Edit, the chain that it edits, and its replies: verifying questions, facts, "insufficient"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.kinds.phrasing import is_refusal
from reasoning.strategies.decomposition.sub_questions import parse_sub_questions
from reasoning.strategies.reply_parsing import plain_item
from reasoning.strategies.verification.statements import parse_statement
from reasoning.voting import Vote, VoteSample

_UNKNOWN = re.compile(
    r"\W{0,4}(?:the (?:answer|information) (?:is|was) )?"
    r"(?:not found|unknown|none|n/?a|no answer|not (?:known|given|stated))\b"
    r"|\b(?:not|n[o'’]t|no) (?:be )?(?:found|stated|mentioned|specified|provided|given|tell|say|information|mention)\b",
    re.IGNORECASE,
)
_INSUFFICIENT = re.compile(
    r"^[\s*_#>`\"'-]{0,8}(?:(?:the )?(?:final )?answer\W{1,4}(?:is\W{1,4})?"
    r"|(?:the |these |given )?(?:\w{1,12} )?facts (?:are|do)\W{1,4})?(?:insufficient|not suffi\w{1,8})\b",
    re.IGNORECASE | re.MULTILINE,
)


def has_majority(vote: Vote | None, samples: int) -> bool:
    """Return whether the winner has at least half of the samples, counted in votes: 3 of 5."""
    votes = len(vote.candidates[0].draws) if vote is not None and vote.candidates else 0
    return votes >= ceil(samples / 2)


def chain_to_edit(draws: Sequence[VoteSample], vote: Vote | None) -> str:
    """Return the winner's chain with the highest mean log-probability, or its first if one has none.

    Without a winner, it is the first chain with a text.
    """
    if vote is None or not vote.candidates:
        return next((draw.text for draw in draws if draw.text.strip()), "")
    chains = [draws[index] for index in vote.candidates[0].draws]
    known = [chain.mean_logprob for chain in chains]
    if any(logprob is None for logprob in known):
        return chains[0].text
    return max(chains, key=lambda chain: chain.mean_logprob or 0.0).text


def parse_question(reply: str) -> str:
    """Return the first question that a reply asks, or "" if it asks none."""
    reply = strip_think_tags(reply)
    lines = (plain_item(line).strip(" >|") for line in reply.splitlines())
    asked = [*parse_sub_questions(reply), *(line for line in lines if line.endswith(("?", "？")))]
    return next((bare for question in asked if len(bare := question.strip(" >|")) > 1), "")


def parse_fact(reply: str) -> str:
    """Return the sentence that answers a verifying question, or "" if the reply says that it is not found."""
    fact = parse_statement(reply)
    return "" if is_refusal(fact) or _UNKNOWN.search(fact) else fact


def is_insufficient(reply: str) -> bool:
    """Return whether a line of a reply says that the facts do not suffice."""
    return _INSUFFICIENT.search(reply) is not None
