"""The same prompts in another form: plain text, XML, Markdown, JSON, prefixes (He et al. 2024, arXiv 2411.10541)."""

from __future__ import annotations

from functools import cached_property

from reasoning.answer import Answer
from reasoning.problem import Problem
from reasoning.prompt_overrides import map_prompts
from reasoning.prompts import Form, Prompt, Turns
from reasoning.session import Session
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
    counts="those of the base strategy",
    use_when="it is open which form a model reads best; `bench run --forms` compares all (GPT-3.5: up to 40 % apart "
    "between forms when it translates code)",
    avoid_when="the model is large, where forms matter less (GPT-4), or the form was found on another model or task: "
    "what is best does not carry over (arXiv 2411.10541)",
)
class PromptFormat(Strategy):
    """Put every prompt of another strategy into one form.

    The words stay the same; the marks around the sections change, and with `turns="single"` all goes into one user's
    turn, demonstrations included. The paper compares plain text, Markdown, JSON and YAML.

    Args:
        form: the marks around a prompt's sections.
        turns: "chat" has the demonstrations as turns; "single" has all in one.
    """

    base: Strategy = ChainOfThought()
    form: Form = "plain"
    turns: Turns = "chat"

    @cached_property
    def effective(self) -> Strategy:
        """The base strategy with its prompts in this form."""

        def shaped(_: str, prompt: Prompt | str) -> Prompt | str:
            return prompt.replace(form=self.form, turns=self.turns) if isinstance(prompt, Prompt) else prompt

        return map_prompts(self.base, shaped)

    def calls_range(self) -> tuple[int, int]:
        return self.base.calls_range()

    def rounds_range(self) -> tuple[int, int] | None:
        return self.base.rounds_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return await self.effective.solve(problem, session)
