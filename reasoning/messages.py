"""The values exchanged with a model: messages, requests, completions and usage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from reasoning.short_repr import shorten
from reasoning.text_safety import escape_turn_marks

_encoded = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


class Token(NamedTuple):
    """A sampled token and its log-probability.

    Attributes:
        text: the token.
        logprob: its log-probability.
        top: the likeliest tokens at its position with their log-probabilities, if requested.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


def parse_tokens(data: Any) -> tuple[Token, ...]:
    """Return the tokens of decoded JSON: a list of `[text, logprob, [[text, logprob], …]]`.

    Raises:
        ValueError, TypeError: the value holds no tokens.
    """
    return tuple(Token(text, logprob, tuple((other, value) for other, value in top)) for text, logprob, top in data)


class Message(NamedTuple):
    """One chat turn. `role` is "system", "user", "assistant", or "tool" for the result of a native tool call."""

    role: str
    content: str


@dataclass(frozen=True)
class Conversation:
    """Chat turns that are ready to be sent.

    Attributes:
        messages: the turns.
        static_prefix: the number of leading turns that are the same for every problem
            (instructions, demonstrations); a hint for prefix caches.
        response_format: the sampling parameter of this name for the reply to these turns, and for
            no later one; see `Prompt.structured`.
    """

    messages: tuple[Message, ...]
    static_prefix: int = 0
    response_format: Mapping[str, Any] | None = field(default=None, hash=False)

    def then(self, reply: str, text: str) -> Conversation:
        """Return the conversation with the model's reply, verbatim, and another user turn."""
        turns = Message("assistant", reply), Message("user", escape_turn_marks(text))
        return Conversation((*self.messages, *turns), self.static_prefix)


@dataclass(frozen=True)
class Request:
    """A request to a model, the same for every draw from it.

    Attributes:
        model: the model as the journal names it; for local weights with their fingerprint.
        messages: the chat turns.
        sampling: every sampling parameter that is sent (temperature, max_tokens, stop, …).
        endpoint: the base URL; None for the provider's own.
        static_prefix: the number of leading messages that are the same for every problem. It is a
            hint for prefix caches and changes nothing that is sent, so it is not part of the key.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    endpoint: str | None = None
    static_prefix: int = field(default=0, compare=False)

    @cached_property
    def canonical(self) -> str:
        """The request as canonical JSON, with sorted keys. It holds no API key and no header."""
        return _encoded(
            {
                "endpoint": self.endpoint,
                "model": self.model,
                "messages": self.messages,
                "sampling": dict(self.sampling),
            }
        )

    @cached_property
    def key(self) -> str:
        """The SHA-256 of the canonical JSON, in hexadecimal: the key of the journal."""
        return hashlib.sha256(self.canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def max_tokens(self) -> int:
        """The maximum number of completion tokens of one draw; `extra_body` takes precedence."""
        sent = {**self.sampling, **extra} if (extra := self.sampling.get("extra_body")) else self.sampling
        return max(int(sent.get("max_tokens") or 0), int(sent.get("max_completion_tokens") or 0))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, money and time.

    Of several draws of one request, the first carries the prompt's tokens.

    Attributes:
        calls: the number of completions.
        prompt_tokens, completion_tokens: tokens as the provider counted them.
        cached_tokens: prompt tokens that came from the provider's prefix cache.
        usd: US dollars; None, not 0, if no price is known (a local model, an unknown one).
        seconds: the summed duration of the calls.
        reasoning_tokens: the part of the completion tokens that was thought. If a server gives thoughts
            without a count, it is estimated by their share of the reply's characters.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        # A usage without calls may have no price, which must not make the sum unknown.
        if self.usd is None:
            usd = None if self.calls else other.usd
        elif other.usd is None:
            usd = None if other.calls else self.usd
        else:
            usd = self.usd + other.usd
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            usd,
            self.seconds + other.seconds,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    def __sub__(self, earlier: Usage) -> Usage:
        """Return the increase of a running total since `earlier`."""
        return Usage(
            self.calls - earlier.calls,
            self.prompt_tokens - earlier.prompt_tokens,
            self.completion_tokens - earlier.completion_tokens,
            self.cached_tokens - earlier.cached_tokens,
            None if self.usd is None else self.usd - (earlier.usd or 0.0),
            self.seconds - earlier.seconds,
            self.reasoning_tokens - earlier.reasoning_tokens,
        )

    def with_seconds(self, seconds: float) -> Usage:
        """Return the same usage with another duration.

        `dataclasses.replace` would take five times as long.
        """
        return Usage(
            self.calls,
            self.prompt_tokens,
            self.completion_tokens,
            self.cached_tokens,
            self.usd,
            seconds,
            self.reasoning_tokens,
        )

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """Return the sum of usages, in a fraction of the time of adding them with `+`."""
        calls = prompt = completion = cached = reasoning = 0
        usd: float | None = None
        seconds = 0.0
        for usage in usages:
            if usd is None:
                usd = None if calls else usage.usd
            elif usage.usd is not None:
                usd += usage.usd
            elif usage.calls:
                usd = None
            calls += usage.calls
            prompt += usage.prompt_tokens
            completion += usage.completion_tokens
            cached += usage.cached_tokens
            seconds += usage.seconds
            reasoning += usage.reasoning_tokens
        return cls(calls, prompt, completion, cached, usd, seconds, reasoning)

    def __str__(self) -> str:
        """Return "3 calls · 512 + 140 tokens (96 thought) · $0.0021 · 4.2 s"."""
        thought = f" ({self.reasoning_tokens:,} thought)" if self.reasoning_tokens else ""
        parts = [
            f"{self.calls:,} call{'' if self.calls == 1 else 's'}",
            f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens{thought}",
        ]
        if self.cached_tokens:
            parts.append(f"{self.cached_tokens / max(self.prompt_tokens, 1):.0%} of the prompts from a prefix cache")
        if self.usd is not None:
            parts.append(f"${self.usd:.4f}")
        if self.seconds >= 0.05:
            parts.append(f"{self.seconds:.1f} s")
        return " · ".join(parts)

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """One draw from a model.

    Attributes:
        text: the reply, without hidden reasoning.
        finish_reason: "stop"; "length" if `max_tokens` cut the reply off; "refusal" if the model
            declined.
        usage: the usage of this draw.
        reasoning: `reasoning_content` of a reasoning model; no answer is ever parsed from it.
        tokens: the tokens with their log-probabilities, if requested (`logprobs=True`).
        request_id: the provider's identifier of the request, for its support.
        prices: the version of the price table behind `usage.usd`.
        retries: the number of attempts that failed before this one.
        key, draw: the key of the draw in the journal: the request's hash and the draw's index.
        is_new: whether it was paid for now; False for a draw that the journal returned.
        max_tokens: the limit that cut the reply off, as a session knows it; 0 for a whole reply.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = Usage(calls=1)
    reasoning: str = ""
    tokens: tuple[Token, ...] = ()
    request_id: str = ""
    prices: str = ""
    retries: int = 0
    key: str = ""
    draw: int = 0
    is_new: bool = True
    max_tokens: int = field(default=0, compare=False)

    def recorded(self, key: str, draw: int, seconds: float, retries: int) -> Completion:
        """Return the draw with its key, its share of the duration, and the number of retries."""
        return Completion(
            self.text,
            self.finish_reason,
            self.usage.with_seconds(seconds),
            self.reasoning,
            self.tokens,
            self.request_id,
            self.prices,
            retries,
            key,
            draw,
        )

    def __repr__(self) -> str:
        """Return the text, cut, the usage, and what is not as usual."""
        about = [] if self.finish_reason == "stop" else [f"finish_reason={self.finish_reason!r}"]
        about += [f"reasoning={shorten(self.reasoning)}"] if self.reasoning else []
        about += [f"tokens=<{len(self.tokens)}>"] if self.tokens else []
        about += [] if self.is_new else ["is_new=False"]
        return f"Completion({', '.join([shorten(self.text, 200), f'usage=<{self.usage}>', *about])})"

    @property
    def logprob(self) -> float | None:
        """The mean log-probability of the tokens; None if they were not requested."""
        return sum(token.logprob for token in self.tokens) / len(self.tokens) if self.tokens else None

    @property
    def truncated(self) -> bool:
        """True if `max_tokens` cut the text off."""
        return self.finish_reason == "length"


class CompletionBatch(list[Completion]):
    """The draws of one response.

    Attributes:
        choices: the number of choices in the response, including those that a content filter held
            back.
    """

    def __init__(self, draws: Iterable[Completion], choices: int) -> None:
        super().__init__(draws)
        self.choices = choices
