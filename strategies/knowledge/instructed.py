"""Instructed prompting: say that what is irrelevant may be ignored (Shi et al. 2023, arXiv 2302.00093)."""

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
    """A copy of a strategy whose prompts all begin with an instruction, those of the strategies within it too.

    Raises:
        UsageError: it has no prompt.
    """

    def told(_: str, prompt: Prompt | str) -> Prompt | str:
        if isinstance(prompt, str):
            return prompt
        literal = re.sub(r"\{(\w+)\}", r"{{\1}}", instruction)  # no placeholder, whatever it holds
        return prompt.replace(objective=f"{literal} {prompt.objective}".rstrip())

    if not any(isinstance(one, Prompt) for one in prompts(strategy).values()):
        raise UsageError(f"{strategy!r} has no prompt among its parameters that an instruction could be put into")
    return map_prompts(strategy, told)


@technique(
    name="instructed",
    title="Instructed prompting",
    authors="Shi et al.",
    year=2023,
    arxiv="2302.00093",
    calls="base",
    rounds="base",
    counts="those of the base strategy",
    use_when="questions hold sentences that have nothing to do with what is asked: with it, plain examples do as well "
    "as examples that show such sentences (GSM-IC, code-davinci-002), and clean questions lose nothing",
    avoid_when="the model is small or of another family, where it may not help: with LLaMA-2-70B-chat it was "
    "inconsistent and removing the text was not (arXiv 2311.11829); or everything in the question matters",
)
class InstructedPrompting(Strategy):
    """Put one sentence in front of every prompt of another strategy.

    In chat it stands in the system turn, before the examples, as in the paper; a prompt without a system turn gets
    one. Few simple examples are more robust than many complex ones. The sentence says in our words what the paper's
    says; it can be any other: `instruction`.

    Args:
        instruction: the sentence.
    """

    base: Strategy = ChainOfThought()
    instruction: str = IGNORE

    def __post_init__(self) -> None:
        self.check_parameters()
        if not self.instruction.strip():
            raise UsageError("instructed(instruction=''): there is no sentence to put in front of the prompts")
        self.effective  # noqa: B018  # a base without prompts is refused here

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
