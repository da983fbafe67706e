"""Instructed prompting: say that irrelevant information may be ignored (Shi et al. 2023, arXiv 2302.00093)."""

from __future__ import annotations

import re
from functools import cached_property

from reasoning.answer import Answer
from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.prompt_overrides import map_prompts, prompts
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique

IGNORE = "A question may come with information that has nothing to do with it. Feel free to ignore such information."


def with_instruction(strategy: Strategy, instruction: str) -> Strategy:
    """Return a copy of a strategy whose prompts all begin with an instruction, including those of nested strategies.

    Args:
        strategy: the strategy.
        instruction: a sentence; braces in it are literal.

    Raises:
        UsageError: the strategy has no prompt.
    """

    def prepend(_: str, prompt: Prompt | str) -> Prompt | str:
        if isinstance(prompt, str):
            return prompt
        # Braces in the instruction are not placeholders.
        literal = re.sub(r"\{(\w+)\}", r"{{\1}}", instruction)
        return prompt.replace(objective=f"{literal} {prompt.objective}".rstrip())

    if not any(isinstance(prompt, Prompt) for prompt in prompts(strategy).values()):
        raise UsageError(f"{strategy!r} has no prompt among its parameters to put an instruction into")
    return map_prompts(strategy, prepend)


@technique(
    name="instructed",
    title="Instructed prompting",
    authors="Shi et al.",
    year=2023,
    arxiv="2302.00093",
    calls="base",
    rounds="base",
    counts="base: the base strategy",
    use_when="questions contain irrelevant sentences: with the instruction, plain demonstrations do as well "
    "as demonstrations with such sentences (GSM-IC, code-davinci-002), and clean questions lose nothing",
    avoid_when="the model is small or of another family, where it may not help: with LLaMA-2-70B-chat it was "
    "inconsistent, while removing the text was not (arXiv 2311.11829); or everything in the question matters",
)
class InstructedPrompting(Strategy):
    """Put one sentence in front of every prompt of another strategy.

    In a chat it stands in the system turn, before the demonstrations, as in the paper; a prompt
    without a system turn gets one. Few simple demonstrations are more robust than many complex
    ones. The default sentence paraphrases the paper's.

    Args:
        base: the strategy whose prompts get the sentence.
        instruction: the sentence.

    Source:
        Shi et al. (2023), "Large Language Models Can Be Easily Distracted by Irrelevant Context",
        arXiv 2302.00093.
    """

    base: Strategy = ChainOfThought()
    instruction: str = IGNORE

    def __post_init__(self) -> None:
        self.check_parameters()
        if not self.instruction.strip():
            raise UsageError("instructed: instruction must not be empty")
        self.effective  # noqa: B018  # raises for a base without prompts

    @cached_property
    def effective(self) -> Strategy:
        """The base strategy with the sentence in its prompts."""
        return with_instruction(self.base, self.instruction)

    def calls_range(self) -> tuple[int, int]:
        return self.base.calls_range()

    def rounds_range(self) -> tuple[int, int] | None:
        return self.base.rounds_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return await self.effective.solve(problem, session)
