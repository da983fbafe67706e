"""Parser of responses of the chat completions API.

It does not trust the server to follow the API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, chain, pairwise, repeat
from typing import Any, NamedTuple

from reasoning.errors import CallFailed, PromptRefused
from reasoning.messages import Completion, CompletionBatch, Message, Token, Usage
from reasoning.providers.pricing import Price
from reasoning.providers.thoughts import join_parts, read_blocks, read_thoughts, split_thoughts, tokens_of_text
from reasoning.text_safety import redact
from reasoning.tool_calls import format_reply, hide_block_mark, read_message, read_signatures, record_blocks

_FINISH = {"length": "length", "max_tokens": "length", "model_length": "length", None: "stop", "": "stop"}
"""The finish reasons that servers spell in another way."""

_FILTERED = "content_filter"
_BROKEN_OFF = ("error", "abort")
"""The finish reasons with which gateways and servers report a failure of one choice."""
_CALLS = ("tool_calls", "function_call")
_MAX_COUNT = 10**12


def parse_completions(
    reply: Any,
    seconds: float,
    price: Price | None = None,
    request_id: str = "",
    key: str = "",
    draws: Sequence[int] = (),
    *,
    messages: Sequence[Message] = (),
    tools: bool = False,
    returns_thoughts: bool = False,
    adds_thoughts: bool = False,
) -> CompletionBatch:
    """Return the completions of a response, without malformed choices and those that a content filter withheld.

    The first completion carries the prompt's tokens. A response has one token count for all
    completions, which is divided in proportion to the lengths of their texts. A missing count is 0.
    An invalid count (negative, not a number) is estimated for completions, one token for four
    characters, and is 0 for prompts. If a server gives thoughts and no count of their tokens, that is
    the share of the thoughts in the reply's characters.

    Args:
        reply: the decoded JSON.
        seconds: the duration of the request.
        price: the price of its tokens; None if it is unknown.
        request_id: the provider's id of the request, used if the response has no `id`.
        key: the journal key of the request.
        draws: the draw indices that were requested.
        messages: the turns of the request, which tell whether tags of thoughts were asked for.
        tools: whether the request had tools, so that calls of them are part of the texts; see
            `reasoning.tool_calls`.
        returns_thoughts: whether the API demands the thoughts before a call back in later turns.
        adds_thoughts: whether the tokens that were thought are only in the total of the response's usage, as at
            Google's address; they are billed as completion tokens.

    Raises:
        CallFailed: there is no valid choice. It holds the usage that the response reports.
        PromptRefused: the content filter withheld all choices.
    """
    try:
        parse_choice = partial(_parse_choice, messages=messages, tools=tools, returns_thoughts=returns_thoughts)
        return _parse(reply, seconds, price, request_id, key, draws, parse_choice, adds_thoughts)
    except CallFailed as error:
        error.usage = _billed(reply, price, adds_thoughts)
        raise


class _Choice(NamedTuple):
    text: str
    finish: str
    reasoning: str
    tokens: tuple[Token, ...]
    # The characters of its thoughts.
    thought: int


def _parse(
    reply: Any,
    seconds: float,
    price: Price | None,
    request_id: str,
    key: str,
    draws: Sequence[int],
    parse_choice: Callable[[Any], _Choice],
    adds_thoughts: bool,
) -> CompletionBatch:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not choices:
        raise CallFailed(f"the server's response has no choices: {redact(str(reply))}", retryable=True, status=200)
    parsed, withheld, reason = [], 0, ""
    for choice in choices:
        if isinstance(choice, dict) and choice.get("finish_reason") == _FILTERED:
            withheld += 1
            continue
        try:
            parsed.append(parse_choice(choice))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            reason = redact(str(error))
    if not parsed:
        if withheld == len(choices):
            raise PromptRefused("the provider's content filter withheld the answer", status=200)
        raise CallFailed(f"the server's response cannot be parsed: {reason}", retryable=True, status=200)
    usages = _usages(
        reply.get("usage"),
        [len(one.text) + (one.thought or len(one.reasoning)) for one in parsed],
        [one.thought for one in parsed],
        seconds,
        price,
        adds_thoughts,
    )
    response_id = reply.get("id")
    response_id = response_id[:200] if isinstance(response_id, str) else request_id
    version = "" if price is None else price.version
    completions = [
        Completion(text, finish, used, reasoning, tokens, response_id, version, 0, key, draw)
        for (text, finish, reasoning, tokens, _), used, draw in zip(
            parsed, usages, chain(draws, repeat(0)), strict=False
        )
    ]
    return CompletionBatch(completions, len(choices))


def is_broken_off(choice: Any) -> bool:
    """Return whether the provider reports that it failed while it generated a choice."""
    return isinstance(choice, dict) and (choice.get("finish_reason") in _BROKEN_OFF or bool(choice.get("error")))


def _parse_choice(choice: Any, *, messages: Sequence[Message], tools: bool, returns_thoughts: bool) -> _Choice:
    """Return the parts of a choice.

    An empty text is a completion; no text is one only if there is something else: a refusal,
    reasoning, a tool call, or the end of the token limit. A refusal is stored as reasoning: as text,
    a number in it would be parsed as an answer.

    Raises:
        ValueError: it is no completion, so that it must be requested again.
    """
    if not isinstance(choice, dict):
        raise ValueError(f"a choice is not an object: {choice!r:.100}")
    if is_broken_off(choice):
        raise ValueError(f"a choice was broken off: {choice.get('error') or choice['finish_reason']}")
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ValueError(f"a choice has no message: {choice!r:.100}")
    thoughts = read_thoughts(message)
    text = message.get("content")
    if isinstance(text, list):
        text, in_parts = join_parts(text)
        thoughts = thoughts or in_parts
    finish = choice.get("finish_reason")
    finish = _FINISH.get(finish, finish)
    calls = read_message(message) if tools else []
    is_split = False
    if isinstance(text, str) and text:
        split = split_thoughts(text, truncated=finish == "length", messages=messages)
        is_split = split.text != text
        text, thoughts = split.text, "\n".join(filter(None, [thoughts, split.thoughts]))
        calls += split.calls
    reasoning = thoughts
    if not text and (refusal := message.get("refusal")):
        text, finish, reasoning = "", "refusal", reasoning or refusal
    if text is None and (reasoning or finish == "length" or any(message.get(name) for name in _CALLS)):
        text = ""
    if tools and isinstance(text, str):
        text = format_reply(text, calls) if calls else hide_block_mark(text)
        blocks = read_blocks(message)
        if not blocks and returns_thoughts:
            blocks = [{"type": "reasoning_content", "text": thoughts}]
        blocks += read_signatures(message)
        reasoning = record_blocks(reasoning, blocks if calls else ())
    if not isinstance(text, str):
        raise ValueError(f"the content of a choice must be a text, got {text!r:.100}")
    logprobs = choice.get("logprobs")
    tokens = _tokens(logprobs) if logprobs else ()
    if tokens and (is_split or thoughts):
        tokens = tokens_of_text(tokens, text)
    return _Choice(text, str(finish), str(reasoning), tokens, len(thoughts))


def _tokens(logprobs: Mapping[str, Any]) -> tuple[Token, ...]:
    """Return the sampled tokens with their log-probabilities."""
    return tuple(
        Token(
            str(token.get("token", "")),
            float(token["logprob"]),
            tuple((str(other["token"]), float(other["logprob"])) for other in token.get("top_logprobs") or ()),
        )
        for token in logprobs.get("content") or ()
        if token.get("logprob") is not None
    )


def _usages(
    usage: Any,
    lengths: Sequence[int],
    thoughts: Sequence[int],
    seconds: float,
    price: Price | None,
    adds_thoughts: bool = False,
) -> list[Usage]:
    """Return the usage of each completion.

    Args:
        usage: the usage of the response.
        lengths: the characters of each completion, with its thoughts.
        thoughts: the characters of its thoughts.
        seconds: the duration of the request.
        price: the price of its tokens.
        adds_thoughts: whether the tokens that were thought are only in the total.
    """
    if not isinstance(usage, dict):
        usage = {}
    prompt, total = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details")
    cached_count = details.get("cached_tokens") if isinstance(details, dict) else usage.get("prompt_cache_hit_tokens")
    prompt, total = prompt or 0, sum(lengths) // 4 if total is None else total
    cached = min(_count(cached_count) or 0, prompt)
    # OpenAI's name, and litellm's for Anthropic. Only providers that charge for writes count them.
    named = details.get("cache_write_tokens") if isinstance(details, dict) else None
    written = min(_count(usage.get("cache_creation_input_tokens") if named is None else named) or 0, prompt - cached)
    details = usage.get("completion_tokens_details")
    hidden = (_count(details.get("reasoning_tokens")) if isinstance(details, dict) else 0) or 0
    if adds_thoughts and not hidden:
        hidden = max(0, (_count(usage.get("total_tokens")) or 0) - prompt - total)
    # xAI counts thoughts apart from the completion, and only the total has both.
    if hidden > total or (hidden and _count(usage.get("total_tokens")) == prompt + total + hidden):
        total += hidden
    shares = _split(total, lengths)
    if hidden:
        hidden_shares = [
            min(pair) for pair in zip(_split(hidden, thoughts if any(thoughts) else lengths), shares, strict=True)
        ]
    else:
        hidden_shares = [
            share * thought // length if thought else 0
            for share, thought, length in zip(shares, thoughts, lengths, strict=True)
        ]
    used = []
    for i, (share, thought) in enumerate(zip(shares, hidden_shares, strict=True)):
        tokens = (1, 0 if i else prompt, share, 0 if i else cached)
        of_first = 0 if i else written
        usd = None if price is None else price.usd(Usage(*tokens, cache_write_tokens=of_first), prompt, thought)
        used.append(Usage(*tokens, usd, seconds / len(lengths), thought, of_first))
    return used


def _billed(reply: Any, price: Price | None, adds_thoughts: bool) -> Usage | None:
    """Return the usage of a response without completions; None if it reports none."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    if not isinstance(usage, dict):
        return None
    try:
        [used] = _usages(usage, [0], [0], 0.0, price, adds_thoughts)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None
    return replace(used, calls=0) if used.tokens else None


def _split(total: int, lengths: Sequence[int]) -> list[int]:
    """Divide a total in proportion to lengths; cumulative rounding makes the parts add up to it."""
    if len(lengths) == 1:
        return [total]
    ends = list(accumulate(length + 1 for length in lengths))
    marks = [0, *(total * end // ends[-1] for end in ends)]
    return [after - before for before, after in pairwise(marks)]


def _count(value: Any) -> int | None:
    """Return a number of tokens: 0 if it is missing, None if it is invalid."""
    if value.__class__ is int:
        return value if 0 <= value < _MAX_COUNT else None
    if value is None:
        return 0
    try:
        return int(value) if 0 <= float(value) < _MAX_COUNT else None
    except (TypeError, ValueError, OverflowError):
        return None
