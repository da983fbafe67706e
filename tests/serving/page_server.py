"""A server with a page on loopback, whose model gives replies that a test may hold back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from reasoning.engine.llm import LLM
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client
from reasoning.serving.aliases import read_aliases
from reasoning.serving.server import Server
from tests.serving.served import serving

ALIASES = {
    "vote": "self_consistency(cot, samples=5)",
    "direct": "vanilla",
    "steps": "least_to_most",
    "deep": "self_consistency(least_to_most, samples=3)",
}
QUESTION = "What is 3 + 4?"


class Replies(Client):
    """A client whose replies are held back while it is not open. A reply costs $0.001, and its prompt has 10 tokens.

    Args:
        reply: the reply to a prompt and its draw.
        latency: the duration of a request, in seconds.
        tokens: the completion tokens of a reply.

    Attributes:
        open: whether replies are given.
        sent: the number of replies that were asked for.
    """

    model, max_n = "scripted", 8

    def __init__(
        self,
        reply: Callable[[str, int], str] = lambda prompt, draw: "The answer is 7.",
        latency: float = 0,
        tokens: int = 5,
    ) -> None:
        self.latency, self.tokens, self.reply, self.open, self.sent = latency, tokens, reply, True, 0

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        self.sent += len(draws)
        while not self.open:  # noqa: ASYNC110  # a test opens it from another thread
            await asyncio.sleep(0.01)
        await asyncio.sleep(self.latency)
        prompt = request.messages[-1].content
        return [
            Completion(self.reply(prompt, draw), usage=Usage(1, 10, self.tokens, usd=0.001, seconds=0.1))
            for draw in draws
        ]

    def price(self, usage: Usage) -> float:
        return 0.001 * usage.calls


@contextmanager
def serve(client: Client, **settings: Any) -> Iterator[str]:
    """Serve the aliases while the block runs, and yield the address of the page.

    Args:
        client: the model.
        **settings: further fields of `Server`; a function is called with the model.
    """
    llm = LLM(client)
    given = {name: value(llm) if callable(value) else value for name, value in settings.items()}
    with serving(
        Server(llm, read_aliases([f"{name}={spec}" for name, spec in ALIASES.items()]), local_only=True, **given)
    ) as url:
        yield f"{url}/"
