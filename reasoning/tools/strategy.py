"""Another strategy or chain as a tool: it answers a question within the same session, budget and trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from reasoning.answer import Answered, Failed
from reasoning.errors import ToolError, UsageError
from reasoning.kinds import Kind, Text
from reasoning.problem import Problem
from reasoning.session_tools import ToolSession
from reasoning.strategy import Strategy
from reasoning.tools.arguments import text_schema


@dataclass(frozen=True, repr=False)
class StrategyTool:
    """Asks another strategy a question.

    Its calls belong to the same solve: they count against its budget and are in its trace.

    Args:
        strategy: the strategy or chain.
        name: the name for the model; by default the strategy's name in specs.
        description: what it does; by default the summary of its card.
        kind: the kind of answer that it is asked for.

    Raises:
        UsageError: the strategy does not support this kind of answer.
    """

    strategy: Strategy
    name: str = ""
    description: str = ""
    kind: Kind = field(default_factory=Text)
    parameters: ClassVar[Mapping[str, Any]] = text_schema(question="the whole question: nothing else is seen")

    def __post_init__(self) -> None:
        if not isinstance(self.strategy, Strategy):
            raise UsageError(f"StrategyTool takes a strategy such as get('cot'), got {self.strategy!r:.80}")
        self.strategy.check_supports(self.kind)
        card = self.strategy.card
        object.__setattr__(self, "name", self.name or card.name)
        object.__setattr__(self, "description", self.description or f"answers a question by itself. {card.summary}")

    def __repr__(self) -> str:
        plain = StrategyTool(self.strategy)
        if self == plain:
            return repr(self.strategy)
        kind = f", {self.kind!r}" if self.kind != Text() else ""
        return f"StrategyTool({self.strategy!r}, {self.name!r}, {self.description!r}{kind})"

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        """Return the answer as text.

        Raises:
            ToolError: there is no answer.
            CallFailed: a call failed for good.
        """
        answer = await session.solve(self.strategy, Problem(str(arguments["question"]), self.kind))
        if isinstance(answer, Failed):
            raise answer.to_error()
        if not isinstance(answer, Answered):
            raise ToolError(f"{self.name} has no answer: {answer.reason}")
        return self.kind.show(answer.value)
