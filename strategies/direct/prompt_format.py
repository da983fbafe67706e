"""The same prompts in another format, such as XML, Markdown or JSON (He et al. 2024, arXiv 2411.10541)."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from typing import get_args

from reasoning.answer import Answer
from reasoning.kinds import Choice, Label, Number
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompt_overrides import map_prompts, preview_prompts
from reasoning.prompts import Form, Prompt, Turns
from reasoning.session import Session
from reasoning.strategies.demonstrations import shipped_examples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique


@technique(
    name="rendered",
    title="Prompts in another form",
    authors="He et al.",
    year=2024,
    arxiv="2411.10541",
    calls="base",
    rounds="base",
    counts="base: the base strategy",
    use_when="it is unknown which prompt format suits a model; `bench run --prompt-formats` compares all (GPT-3.5: up "
    "to 40 % between formats in code translation)",
    avoid_when="the model is large, where it matters less (GPT-4), or the format was chosen for another model or task: "
    "the best one does not transfer (arXiv 2411.10541)",
)
class PromptFormat(Strategy):
    """Put every prompt of another strategy into one format.

    The words stay the same; the markup around the sections changes. With `turns="single"`
    everything is in one user turn, including the demonstrations. The paper compares plain text,
    Markdown, JSON and YAML.

    Args:
        base: the strategy whose prompts are formatted.
        form: the markup around a prompt's sections; see `Prompt`.
        turns: "chat" sends demonstrations as turns; "single" sends everything in one turn.

    Source:
        He et al. (2024), "Does Prompt Formatting Have Any Impact on LLM Performance?", arXiv
        2411.10541.
    """

    base: Strategy = ChainOfThought()
    form: Form = "plain"
    turns: Turns = "chat"

    @cached_property
    def effective(self) -> Strategy:
        """The base strategy with its prompts in this format."""

        def set_format(_: str, prompt: Prompt | str) -> Prompt | str:
            return prompt.replace(form=self.form, turns=self.turns) if isinstance(prompt, Prompt) else prompt

        return map_prompts(self.base, set_format)

    def calls_range(self) -> tuple[int, int]:
        return self.base.calls_range()

    def rounds_range(self) -> tuple[int, int] | None:
        return self.base.rounds_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return await self.effective.solve(problem, session)


def format_variants(strategy: Strategy) -> list[Strategy]:
    """Return the strategy, and one with each other format that changes its prompts for a sample problem."""
    problem = sample_problem(strategy)
    formats = [PromptFormat(strategy, form, turns) for turns, form in product(get_args(Turns), get_args(Form))]
    made: dict[tuple[Conversation, ...], Strategy] = {}
    for variant in [strategy, *formats]:
        made.setdefault(tuple(preview_prompts(variant, problem).values()), variant)
    return list(made.values())


def sample_problem(strategy: Strategy) -> Problem:
    """Return a problem of a kind that the strategy supports, from the shipped demonstrations."""
    supported = strategy.card.kinds
    kind = Number if not supported or Number in supported else supported[0]
    if kind is Label:
        return Problem(shipped_examples("sentiment")[0].question, Label(("positive", "negative", "neutral")))
    examples = shipped_examples(kind.name) or shipped_examples(Number.name)
    shortest = min(examples, key=lambda example: len(example.question))
    if kind is Choice:
        return Problem(shortest.question, options=shortest.options)
    return Problem(shortest.question, kind())
