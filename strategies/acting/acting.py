"""Taking an action, guarding against repetition, and finishing: the same for every form of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.acting.text_actions import FINISH, THINK, Action, mark_labels
from reasoning.strategies.acting.trajectory import Step, Trajectory
from reasoning.strategy import Strategy
from reasoning.tools import StrategyTool, Toolbox
from reasoning.tools.arguments import unquote

OK = "OK."
"""The observation of a sparse thought."""
_CUT_OFF = "Invalid action: it was cut off. Write a shorter thought and a shorter action."


async def take_action(
    toolbox: Toolbox, trajectory: Trajectory, thought: str, action: Action, session: Session, max_chars: int
) -> None:
    """Take an action and add the step to the trajectory.

    A strategy is not asked again what it was asked before. The result is cut, and none of its lines
    can pass for a thought, an action or an observation.
    """
    number, written = len(trajectory.steps) + 1, str(action)
    earlier = trajectory.with_action(written)
    if action.name == THINK:
        result = OK
    elif not action.is_complete:
        session.note(result := _CUT_OFF)
    elif earlier and _is_strategy(toolbox, action):
        result = earlier[0].observation
    else:
        result = (await toolbox.use(action.name, action.argument, session)).text
    observation = mark_labels(result.strip() or "(nothing)")
    if len(observation) > max_chars:
        observation = f"{observation[:max_chars]}…"
    same = next((step for step in earlier if step.observation == observation and action.name != THINK), None)
    if same is not None:
        session.note(f"the action of step {same.number} is repeated, with the same result")
        observation = f"The same as observation {same.number}. Take another action, or finish."
    trajectory.steps.append(Step(number, thought, written, observation))


def finish(problem: Problem, trajectory: Trajectory, thought: str, action: Action) -> Answer:
    """Return the answer that `Finish` states, with the trajectory as its text."""
    trajectory.steps.append(Step(len(trajectory.steps) + 1, thought, str(action)))
    answer = read_answer(problem, action.answer)
    if not action.is_complete:
        answer = Unparsed("the answer was cut off")
    elif not isinstance(answer, Answered):
        answer = Unparsed(f"{FINISH}[…] states no answer: {answer.reason}")
    return replace(answer, text=str(trajectory), steps=trajectory.by_action())


def read_answer(problem: Problem, text: str) -> Answered | Unparsed:
    """Return the answer in the brackets of `Finish`: the whole text if that is one, else the answer that it states."""
    stated = unquote(text)
    answer = problem.parse(f"The answer is {stated}") if stated else problem.parse("")
    return answer if isinstance(answer, Answered) else problem.parse(stated)


def strategies_in(tools: Iterable[Any]) -> list[Strategy]:
    """Return the strategies among the values of `tools=`."""
    values = (tool.strategy if isinstance(tool, StrategyTool) else tool for tool in tools)
    return [value for value in values if isinstance(value, Strategy)]


def change_strategies(tools: tuple[Any, ...], change: Callable[[Strategy], Strategy]) -> tuple[Any, ...]:
    """Return the values of `tools=` with every strategy replaced by `change(strategy)`."""
    return tuple(
        change(tool)
        if isinstance(tool, Strategy)
        else replace(tool, strategy=change(tool.strategy))
        if isinstance(tool, StrategyTool)
        else tool
        for tool in tools
    )


def _is_strategy(toolbox: Toolbox, action: Action) -> bool:
    return any(isinstance(tool, StrategyTool) and tool.name.casefold() == action.name.casefold() for tool in toolbox)
