"""Beliefs: the probability that a model's verdict on a statement is "true"."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from reasoning.kinds import YesNo
from reasoning.messages import Completion, Conversation, Token
from reasoning.session import Session

BeliefSource = Literal["logprobs", "greedy", "sampling"]
"""The source of a belief: probabilities of the verdict's tokens, one verdict, or the share of several."""

_TOP_TOKENS = 5
"""The number of likeliest tokens that are requested at each position, as in the paper."""

_VERDICT = (
    r"[\s\"'*_`]{0,4}(?:is|:|=)?[\s\"'*_`:]{0,6}(?:\\\w{1,8}\{)?(?P<not>not[\s*_]{1,4})?(?P<word>true|false)\b"
    r"(?!\W{1,3}(?:or|and|/)\b)"
)
_STATED = re.compile(
    rf"\b(?:statement|claim|sentence|answer|verdict|conclusion|label|judge?ment)\b{_VERDICT}", re.IGNORECASE
)
_POINTED_AT = re.compile(rf"\b(?:it|this|that)\b{_VERDICT}", re.IGNORECASE)
"""A verdict without the word for a statement: "it is true that" may also introduce a reason."""
_WORD = re.compile(r"(?P<not>\bnot[\s*_]{1,4})?\b(?P<word>true|false)\b", re.IGNORECASE)


async def ask_belief(
    turns: Conversation, session: Session, source: BeliefSource, samples: int, max_tokens: int
) -> float | None:
    """Ask for a verdict, and return the probability of "true", or None without a verdict.

    Args:
        turns: the conversation that asks for the verdict.
        session: the session.
        source: where the belief comes from.
        samples: the number of verdicts for "sampling".
        max_tokens: maximum tokens of a reply.
    """
    if source == "sampling":
        return share_of_true(await session.sample(turns, samples, temperature=1, max_tokens=max_tokens))
    if source == "greedy":
        return read_belief(await session.ask(turns, temperature=0, max_tokens=max_tokens))
    return read_belief(
        await session.ask(turns, temperature=0, max_tokens=max_tokens, logprobs=True, top_logprobs=_TOP_TOKENS)
    )


def parse_verdict(text: str) -> bool | None:
    """Return the last verdict on a statement that a reply states, or None.

    Examples:
        >>> parse_verdict("Ships float. Therefore, the statement is **not true**."), parse_verdict("True or false?")
        (False, None)
    """
    found = _find(text)
    return YesNo().parse_reply(text).value if found is None else _value(found)


def read_belief(reply: Completion) -> float | None:
    """Return the probability of the verdict "true" in a reply, or None if it states no verdict.

    It is p("true") / (p("true") + p("false")) among the likeliest tokens where the verdict stands.
    The tokens are searched for that place. Without log-probabilities it is 1 or 0, by the verdict
    that the reply states.

    Args:
        reply: the reply, with its tokens if they were requested.

    Source:
        Jung et al. (2022), arXiv 2205.11822, §3.2; the paper's code takes a position computed with
        another tokenizer.
    """
    verdict = parse_verdict(reply.text)
    if verdict is None or reply.truncated:
        return None
    text = "".join(token.text for token in reply.tokens)
    found = _find(text)
    if found is None:
        return float(verdict)
    token = _token_at(reply.tokens, found.start("word"))
    true, false = _mass(token, "true"), _mass(token, "false")
    if not true + false:
        return float(verdict)
    belief = true / (true + false)
    return 1 - belief if found["not"] else belief


def share_of_true(replies: Sequence[Completion]) -> float | None:
    """Return the share of replies with the verdict "true" among those with a verdict, or None without any."""
    verdicts = [verdict for reply in replies if (verdict := parse_verdict(reply.text)) is not None]
    return sum(verdicts) / len(verdicts) if verdicts else None


def _find(text: str) -> re.Match[str] | None:
    """Return the match of the verdict: the last stated one, or else a word alone on the last line."""
    *_, last = [None, *(list(_STATED.finditer(text)) or list(_POINTED_AT.finditer(text)))]
    if last is not None:
        return last
    start = text.rstrip().rfind("\n") + 1
    words = list(_WORD.finditer(text, start)) if len(text) - start < 40 else []
    return words[0] if len(words) == 1 else None


def _value(match: re.Match[str]) -> bool:
    return (match["word"].lower() == "true") is not bool(match["not"])


def _token_at(tokens: Sequence[Token], position: int) -> Token:
    """Return the token that has the character at a position of the joined text."""
    ends = accumulate(len(token.text) for token in tokens)
    return next(token for token, end in zip(tokens, ends, strict=True) if position < end)


def _mass(token: Token, word: str) -> float:
    """Return the probability of the tokens that are a word, or begin it, at a token's position."""
    likely = {**dict(token.top), token.text: token.logprob}
    return math.fsum(
        math.exp(min(0.0, logprob))
        for text, logprob in likely.items()
        if (bare := text.strip(" \t\n*_\"'`").lower()) and (word.startswith(bare) or bare.startswith(word))
    )
