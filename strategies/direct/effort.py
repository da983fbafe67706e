"""Effort of thought: another strategy with a model that thinks more or less before it answers (OpenAI 2025)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reasoning.answer import Answer
from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM


@technique(
    name="at",
    title="Effort of thought",
    authors="OpenAI",
    year=2025,
    arxiv="2508.10925",
    calls="base",
    rounds="base",
    counts="base: the base strategy",
    requires=("a model that takes an effort",),
    use_when="the model thinks before it answers and takes an effort: more of it may pay more than a technique "
    "(gpt-oss-120b on AIME 2025: 50.4, 80.0 and 92.5 % at low, medium and high; arXiv 2508.10925)",
    avoid_when="a lower effort is as good, since a high one costs several times the tokens. Chain of thought on such a "
    "model pays twice (o3-mini and o4-mini on GPQA: 2.9 and 3.1 points more, Gemini 2.5 Flash 3.3 less, with 20 to 80 "
    "% more time; arXiv 2506.07142)",
)
class Effort(Strategy):
    """Let the model think with an effort, or within a number of tokens, in every call of another strategy.

    Techniques and efforts are rows of one table: `at(vanilla, effort="high")` is no technique with a
    high effort. A model that does not take the setting raises an error, since its answers would be
    those of another effort.

    Args:
        base: the strategy whose calls have the effort.
        effort: the value of `reasoning_effort`, such as "low"; None for the model's own.
        thinking_tokens: the number of tokens of thought instead, where a provider counts them; None for
            no number.

    Source:
        OpenAI (2025), "gpt-oss-120b & gpt-oss-20b Model Card", arXiv 2508.10925, section 2.5.2
        (variable effort reasoning).
    """

    base: Strategy = ChainOfThought()
    effort: str | None = None
    thinking_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.effort is not None and (not isinstance(self.effort, str) or not self.effort):
            raise UsageError(f"effort must be a text such as 'low', got {self.effort!r}")
        if self.effort is not None and self.thinking_tokens is not None:
            raise UsageError("at takes an effort or a number of thinking_tokens, got both")
        if self.thinking_tokens is not None:
            self.check_parameters(thinking_tokens=0)

    @property
    def sampling(self) -> dict[str, Any]:
        """The sampling parameters that the calls have."""
        settings = {"reasoning_effort": self.effort, "thinking_tokens": self.thinking_tokens}
        return {name: value for name, value in settings.items() if value is not None}

    def calls_range(self) -> tuple[int, int]:
        return self.base.calls_range()

    def rounds_range(self) -> tuple[int, int] | None:
        return self.base.rounds_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return await self.base.solve(problem, session.with_effort(self.sampling))


def at_efforts(strategies: Iterable[Strategy], efforts: Iterable[str]) -> list[Strategy]:
    """Return each strategy at each effort; one that has an effort already stays as it is."""
    listed = list(efforts)
    found: dict[str, Strategy] = {}
    for strategy in strategies:
        for one in [strategy] if has_effort(strategy) else [Effort(strategy, effort) for effort in listed]:
            found.setdefault(repr(one), one)
    return list(found.values())


def has_effort(strategy: Strategy) -> bool:
    """Return whether a strategy, or one inside it, sets an effort."""
    return isinstance(strategy, Effort) or any(map(has_effort, strategy.inner_strategies()))


def effort_settings(strategy: Strategy) -> dict[str, Any]:
    """Return the sampling parameters of the first effort in a strategy; an empty dict if it sets none."""
    if isinstance(strategy, Effort):
        return strategy.sampling
    return next(filter(None, map(effort_settings, strategy.inner_strategies())), {})


def check_effort(strategy: Strategy, llm: LLM) -> None:
    """Check before a run that a model takes the efforts of a strategy.

    Raises:
        UsageError: it does not; the message names what it takes.
    """
    if isinstance(strategy, Effort):
        llm.check_effort(strategy.sampling)
    for inner in strategy.inner_strategies():
        check_effort(inner, llm)


def parse_efforts(text: str) -> list[str]:
    """Parse efforts separated by commas, such as "low, medium, high".

    Raises:
        UsageError: an effort is empty or repeated.
    """
    efforts = [effort.strip() for effort in text.split(",")]
    if not all(efforts) or len(set(efforts)) < len(efforts):
        raise UsageError(f"--effort must be different efforts separated by commas, such as low,high, got {text!r}")
    return efforts
