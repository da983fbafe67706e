"""Recorded prompts: what a strategy fills its prompts with, and which of them it uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import TypeVar

from reasoning.chain.chain import Chain
from reasoning.messages import Conversation, Message
from reasoning.prompt_overrides import map_prompts, prompts
from reasoning.prompts import Prompt
from reasoning.strategy import Strategy

S = TypeVar("S", bound=Strategy)


@dataclass(frozen=True)
class Fill:
    """One filled prompt.

    Attributes:
        name: the prompt's name.
        messages: the turns that were made of it.
        input: the text of its input, as a demonstration would show it.
    """

    name: str
    messages: tuple[Message, ...]
    input: str


def record_fills(strategy: S, fills: list[Fill]) -> S:
    """Return a copy of a strategy that appends each filled prompt to a list. It sends the same requests."""

    def record(name: str, prompt: Prompt | str) -> Prompt | str:
        if isinstance(prompt, str):
            return prompt
        sections = {one.name: getattr(prompt, one.name) for one in fields(Prompt)}
        return _RecordedPrompt(**sections, name=name, fills=fills)

    return map_prompts(strategy, record)


@dataclass(frozen=True)
class _RecordedPrompt(Prompt):
    """A prompt that records what it is filled with."""

    name: str = ""
    fills: list[Fill] = field(default_factory=list, compare=False, repr=False)

    def fill(self, **values: object) -> Conversation:
        filled = super().fill(**values)
        shown = Prompt(self.input).fill(**values).messages[-1].content
        self.fills.append(Fill(self.name, filled.messages, shown))
        return filled


def prompt_names(strategy: Strategy) -> set[str]:
    """Return the names of all prompts of a strategy, without its phrases."""
    return {name for name, prompt in prompts(strategy).items() if isinstance(prompt, Prompt)}


def used_prompts(strategy: Strategy, fills: Iterable[Fill]) -> set[str]:
    """Return the names of the prompts to tune: the filled ones, and those of a chain's steps; all if none is filled."""
    names = prompt_names(strategy)
    steps = {name for name in names if isinstance(strategy, Chain) and name.startswith(f"{strategy.card.name}.")}
    return {fill.name for fill in fills} | steps or names
