"""The values exchanged with a model: messages, requests, completions and usage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from reasoning.images import Image
from reasoning.short_repr import shorten
from reasoning.text_safety import escape_turn_marks
from reasoning.usage import Usage as Usage

_ONE_CALL = Usage(calls=1)
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


class _Turn(NamedTuple):
    role: str
    content: str


class Message(_Turn):
    """One chat turn, a pair of a role and a text, with the pictures that are sent with it.

    Attributes:
        role: "system", "user", "assistant", or "tool" for the result of a native tool call.
        content: the text.
        images: the pictures. They are no part of the pair, so that `role, content = message` holds
            for every turn, but turns with different pictures are different.
    """

    images: tuple[Image, ...] = ()

    def __new__(cls, role: str, content: str, images: Iterable[Image] = ()) -> Message:
        message = super().__new__(cls, role, content)
        if images:
            message.images = tuple(images)
        return message

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (*self, self.images)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.images == getattr(other, "images", ())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = _Turn.__hash__

    def to_json(self) -> list[Any]:
        """Return `[role, content]`, and if there are images, the list of what identifies them."""
        return [*self, [image.to_json() for image in self.images]] if self.images else [*self]

    @classmethod
    def from_json(cls, data: Any) -> Message:
        """Return the turn of `to_json`; its images have no bytes.

        Raises:
            ValueError, TypeError, KeyError: the value is not a turn.
        """
        role, content, *more = data
        if len(more) > 1:
            raise ValueError("a message must be a role, a text and a list of images")
        return cls(role, content, [Image.from_json(image) for image in more[0]] if more else ())


@dataclass(frozen=True)
class Conversation:
    """Chat turns that are ready to be sent.

    Attributes:
        messages: the turns.
        static_prefix: the number of leading turns that are the same for every problem
            (instructions, demonstrations); a hint for prefix caches.
        response_format: the sampling parameter of this name for the reply to these turns, and for
            no later one; see `Prompt.structured`.
        input_turn: the number of leading turns before the one that shows the problem.
    """

    messages: tuple[Message, ...]
    static_prefix: int = 0
    response_format: Mapping[str, Any] | None = field(default=None, hash=False)
    input_turn: int = 0

    def then(self, reply: str, text: str) -> Conversation:
        """Return the conversation with the model's reply, verbatim, and another user turn."""
        turns = Message("assistant", reply), Message("user", escape_turn_marks(text))
        return self.with_messages((*self.messages, *turns))

    def with_messages(self, messages: Iterable[Message]) -> Conversation:
        """Return a conversation of other turns with the same beginning."""
        return Conversation(tuple(messages), self.static_prefix, input_turn=self.input_turn)

    def after(self, earlier: Sequence[Message]) -> Conversation:
        """Return the conversation with the earlier turns of another one before it.

        The system texts of both become one system turn at the beginning, the earlier one first, since
        many models take no other.
        """
        given, turns = _split_system(earlier)
        own, rest = _split_system(self.messages)
        system = "\n\n".join(turn.content for turn in (*given, *own))
        before = [*([Message("system", system)] if system else []), *turns]
        input_turn = len(before) + max(self.input_turn - len(own), 0)
        # What is the same for every problem is no longer at the beginning.
        return replace(self, messages=(*before, *rest), static_prefix=0, input_turn=input_turn)

    def with_images(self, images: tuple[Image, ...]) -> Conversation:
        """Return the conversation with pictures in its first user turn from `input_turn` on."""
        turns = [*self.messages]
        for index in (*range(max(self.static_prefix, self.input_turn), len(turns)), *reversed(range(len(turns)))):
            turn = turns[index]
            if turn.role == "user":
                turns[index] = Message(turn.role, turn.content, dict.fromkeys((*images, *turn.images)))
                break
        return replace(self, messages=tuple(turns))


def _split_system(turns: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return the system turns at the beginning, and the rest."""
    first = next((index for index, turn in enumerate(turns) if turn.role != "system"), len(turns))
    return turns[:first], turns[first:]


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
        series: the name of an independent series of draws; empty for the usual one. It is not sent,
            and it is a part of the key only if it is set.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    endpoint: str | None = None
    static_prefix: int = field(default=0, compare=False)
    series: str = ""

    @cached_property
    def canonical(self) -> str:
        """The request as canonical JSON, with sorted keys. It holds no API key and no header."""
        return _encoded(
            {
                "endpoint": self.endpoint,
                "model": self.model,
                "messages": [turn.to_json() if turn.images else turn for turn in self.messages],
                "sampling": dict(self.sampling),
                **({"series": self.series} if self.series else {}),
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
    usage: Usage = _ONE_CALL
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
