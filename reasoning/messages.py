"""What is asked of a model and what comes back: the words that every layer below the session speaks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from reasoning.text_safety import escape_turn_marks

_encoded = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


class Token(NamedTuple):
    """A token that was drawn, its log-probability, and those of the likeliest tokens at its place, where asked for."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


def parse_tokens(said: Any) -> tuple[Token, ...]:
    """The tokens of JSON that has been read.

    Raises:
        ValueError, TypeError: it holds no tokens.
    """
    return tuple(Token(text, logprob, tuple((other, value) for other, value in top)) for text, logprob, top in said)


class Message(NamedTuple):
    """One chat turn. `role` is "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Conversation:
    """Chat turns that are ready to be sent.

    Attributes:
        messages: the turns.
        shared: how many leading turns are the same for every problem (for prefix caches).
    """

    messages: tuple[Message, ...]
    static_prefix: int = 0

    def then(self, reply: str, text: str) -> Conversation:
        """The conversation that goes on: the model's reply, kept word for word, and a next user's turn."""
        turns = Message("assistant", reply), Message("user", escape_turn_marks(text))
        return Conversation((*self.messages, *turns), self.static_prefix)


@dataclass(frozen=True)
class Request:
    """One question to a model, the same for every draw from it.

    Attributes:
        model: the model as the journal names it; for local weights this includes their fingerprint.
        messages: the chat turns.
        sampling: every setting that goes out (temperature, max_tokens, stop, …).
        endpoint: the base URL, or None for the provider's own.
        shared: how many leading messages are the same for every problem (instructions, demonstrations).
            A hint for prefix caches; it changes nothing that is sent, so it is not part of the key.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    endpoint: str | None = None
    static_prefix: int = field(default=0, compare=False)

    @cached_property
    def canonical(self) -> str:
        """The request as JSON of one form. Holds no key and no header."""
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
        """SHA-256 of the canonical request: what the journal is keyed by."""
        return hashlib.sha256(self.canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def max_tokens(self) -> int:
        """The most tokens that one draw may take; what `extra_body` says goes out instead of the setting."""
        said = {**self.sampling, **extra} if (extra := self.sampling.get("extra_body")) else self.sampling
        return max(int(said.get("max_tokens") or 0), int(said.get("max_completion_tokens") or 0))


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used. Of several draws that went out as one request, the first carries the prompt's tokens.

    Attributes:
        calls: completions.
        prompt_tokens, completion_tokens: as the provider counted them.
        cached_tokens: how many of the prompt's tokens came from the provider's prefix cache.
        usd: US dollars, or None where there is no price (a local model, an unknown one): never a silent 0.
        seconds: time of the calls, one after the other.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        if self.calls == 0 or other.calls == 0:  # nothing used yet: an unknown price on neither side
            usd = other.usd if self.calls == 0 else self.usd
        else:
            usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            usd,
            self.seconds + other.seconds,
        )

    def with_seconds(self, seconds: float) -> Usage:
        """The same in another time; as `dataclasses.replace` would make it, which takes five times as long."""
        return Usage(self.calls, self.prompt_tokens, self.completion_tokens, self.cached_tokens, self.usd, seconds)

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """The sum of the usages of many draws; the same as adding them up one by one, for a fraction of the time."""
        calls = prompt = completion = cached = 0
        usd: float | None = None
        seconds = 0.0
        for one in usages:
            if not calls:
                usd = one.usd
            elif one.calls:
                usd = None if usd is None or one.usd is None else usd + one.usd
            calls += one.calls
            prompt += one.prompt_tokens
            completion += one.completion_tokens
            cached += one.cached_tokens
            seconds += one.seconds
        return cls(calls, prompt, completion, cached, usd, seconds)

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """One draw from a model.

    Attributes:
        text: what the model said, without its hidden reasoning.
        finish_reason: "stop", "length" when it was cut off by `max_tokens`, "refusal" when the model declined.
        usage: what this draw used.
        reasoning: `reasoning_content` of a reasoning model; kept apart, never read for an answer.
        tokens: the tokens with their log-probabilities, where asked for (`logprobs=True`).
        request_id: the provider's name for the request, to ask them about it.
        prices: the version of the price table that `usage.usd` comes from.
        retries: how many attempts failed before this one.
        key, draw: its place in the journal: the request's hash and the index of the draw.
        spent: whether it was paid for now; False for a draw that the journal returned.
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

    def recorded(self, key: str, draw: int, seconds: float, retries: int) -> Completion:
        """As it is recorded: with its place in the journal, its share of the time, and the attempts that failed."""
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

    @property
    def logprob(self) -> float | None:
        """Mean log-probability of the tokens; None where they were not asked for."""
        return sum(token.logprob for token in self.tokens) / len(self.tokens) if self.tokens else None

    @property
    def truncated(self) -> bool:
        """Whether `max_tokens` cut the text off."""
        return self.finish_reason == "length"


class CompletionBatch(list[Completion]):
    """The draws of one reply.

    Attributes:
        choices: how many the reply had, with those that a content filter held back.
    """

    def __init__(self, draws: Iterable[Completion], choices: int) -> None:
        super().__init__(draws)
        self.choices = choices
