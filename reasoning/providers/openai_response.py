"""Reading the reply to a chat request, in its OpenAI form. What a server sends is not trusted to have that form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, pairwise, repeat
from typing import Any

from reasoning.errors import CallFailed
from reasoning.messages import Completion, CompletionBatch, Token, Usage
from reasoning.providers.pricing import Price
from reasoning.text_safety import redact

_FINISH = {"length": "length", "max_tokens": "length", "model_length": "length", None: "stop", "": "stop"}
"""What servers call the end of a draw, where they do not call it as we do."""

_FILTERED = "content_filter"
_ABSURD = 10**12


def parse_completions(
    reply: Any,
    seconds: float,
    price: Price | None = None,
    request_id: str = "",
    key: str = "",
    draws: Sequence[int] = (),
) -> CompletionBatch:
    """The draws of a reply. What a content filter held back is left out; it can be asked for again.

    The first draw carries the prompt's tokens. The tokens of several draws come as one sum, which is split by the
    lengths of their texts. A count that is not there is 0; one that makes no sense (negative, no number) is estimated
    for completions, a token for four characters, and is 0 for prompts, which are not at hand here.

    Args:
        reply: the decoded JSON.
        seconds: how long the request took.
        price: what its tokens cost, or None where that is not known.
        request_id: the provider's name for the request, where the reply has no `id`.
        key, draws: the places in the journal that were asked for.

    Raises:
        CallFailed: no choices in it (retryable), or none that the content filter let through (lasting).
    """
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not choices:
        raise CallFailed(
            f"the model's server answered without choices: {redact(str(reply))}", retryable=True, status=200
        )
    try:
        said = [_said(choice) for choice in choices if choice.get("finish_reason") != _FILTERED]
        if not said:
            raise CallFailed("the provider's content filter held the answer back", status=200)
        lengths = [len(text) + len(reasoning) for text, _, reasoning, _ in said]
        usages = _usages(reply.get("usage"), lengths, seconds, price)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        said_so = redact(str(error))
        raise CallFailed(f"the model's server answered oddly: {said_so}", retryable=True, status=200) from None
    name = reply.get("id")
    name = name[:200] if isinstance(name, str) else request_id
    version = "" if price is None else price.version
    drawn = [
        Completion(text, finish, used, reasoning, tokens, name, version, 0, key, draw)
        for (text, finish, reasoning, tokens), used, draw in zip(said, usages, chain(draws, repeat(0)), strict=False)
    ]
    return CompletionBatch(drawn, len(choices))


def _said(choice: Mapping[str, Any]) -> tuple[str, str, str, tuple[Token, ...]]:
    """Text, reason of its end, hidden reasoning and tokens of a choice.

    A refusal is no text, or a number in its words would be read as an answer; it is kept where reasoning is.
    """
    message = choice.get("message") or {}
    text = message.get("content") or ""
    if isinstance(text, list):  # typed parts
        text = "".join(part.get("text") or "" for part in text if isinstance(part, dict))
    finish = choice.get("finish_reason")
    finish = _FINISH.get(finish, finish)
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    if not text and (refusal := message.get("refusal")):
        finish, reasoning = "refusal", reasoning or refusal
    drawn = choice.get("logprobs")
    return str(text), str(finish), str(reasoning), _tokens(drawn) if drawn else ()


def _tokens(logprobs: Mapping[str, Any]) -> tuple[Token, ...]:
    """The drawn tokens with their log-probabilities, of a choice that has them."""
    return tuple(
        Token(
            str(token.get("token", "")),
            float(token["logprob"]),
            tuple((str(other["token"]), float(other["logprob"])) for other in token.get("top_logprobs") or ()),
        )
        for token in logprobs.get("content") or ()
        if token.get("logprob") is not None
    )


def _usages(usage: Any, lengths: Sequence[int], seconds: float, price: Price | None) -> list[Usage]:
    """What each draw used, by the characters of each."""
    if not isinstance(usage, dict):
        usage = {}
    prompt, total = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    hit = details.get("cached_tokens") if isinstance(details, dict) else usage.get("prompt_cache_hit_tokens")
    prompt, total = prompt or 0, sum(lengths) // 4 if total is None else total
    cached = min(_count(hit) or 0, prompt)
    each = seconds / len(lengths)
    shares = _split(total, lengths)
    if price is None:
        return [Usage(1, 0 if i else prompt, share, 0 if i else cached, None, each) for i, share in enumerate(shares)]
    details = usage.get("completion_tokens_details")
    thought = _count(details.get("reasoning_tokens")) if isinstance(details, dict) else 0
    used = []
    for i, (share, hidden) in enumerate(zip(shares, _split(min(thought or 0, total), lengths), strict=True)):
        tokens = (1, 0 if i else prompt, share, 0 if i else cached)
        used.append(Usage(*tokens, price.usd(Usage(*tokens), prompt, hidden), each))
    return used


def _split(total: int, lengths: Sequence[int]) -> list[int]:
    """A sum in shares by length; rounded cumulatively, so that they add up to it."""
    if len(lengths) == 1:
        return [total]
    ends = list(accumulate(length + 1 for length in lengths))
    marks = [0, *(total * end // ends[-1] for end in ends)]
    return [after - before for before, after in pairwise(marks)]


def _count(value: Any) -> int | None:
    """A number of tokens: 0 if it is not there, None if it makes no sense."""
    if value.__class__ is int:
        return value if 0 <= value < _ABSURD else None
    if value is None:
        return 0
    try:
        return int(value) if 0 <= float(value) < _ABSURD else None
    except (TypeError, ValueError, OverflowError):
        return None
