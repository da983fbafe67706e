"""Steps in the text form of the papers, one call of the model for each."""

from __future__ import annotations

from typing import Literal

from reasoning.answer import Answered
from reasoning.errors import ContextOverflow
from reasoning.messages import Completion, Conversation, Message
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.acting.text_actions import FINISH, THINK, Action, parse_action, parse_step
from reasoning.strategies.acting.trajectory import Trajectory, converse
from reasoning.tools import Toolbox

_OBJECTIVE = (
    "Answer the question in steps, with the actions below. You see the result of each action as an observation."
)
_OUTSIDE = "Nothing follows it: the observation comes from outside."
# In words: a small model copies the lines of a template instead of filling it.
STEPS = Prompt(
    objective=_OBJECTIVE,
    instructions="The actions:\n{tools}",
    output_format="A step is a thought and an action. The thought says in a sentence what is known and what to find "
    "out next. The action is on the next line, after the word Action and the number of the step: one of the actions "
    f"above, with its argument in square brackets. {_OUTSIDE}",
    input="{problem}\n\n{open}",
)
SPARSE = STEPS.replace(
    output_format="A step is one line: one of the actions above, with its argument in square brackets; or, where it "
    "helps, a thought that begins with think: and says what is known and what to find out next. " + _OUTSIDE
)
ACT_ONLY = STEPS.replace(
    output_format=f"A step is one line: one of the actions above, with its argument in square brackets. {_OUTSIDE}"
)
OBSERVATION = Prompt(input="Observation {number}: {observation}\n\n{open}")
ACTION_LINE = Prompt(
    input="Write the action that follows from this thought, and nothing else: {forms}.\n\nAction {number}:"
)


def open_line(thoughts: str) -> str:
    """Return the word of the line that the model continues."""
    return "Thought" if thoughts == "every" else "Action"


class TextSteps:
    """Asks for one step after the other.

    Args:
        prompt: the prompt of the first step, with demonstrations.
        problem: the problem.
        toolbox: the tools.
        thoughts: the steps that have a thought, as in `react`.
        action_line: the prompt that asks for the action alone.
        observation: the prompt of an observation.
        max_tokens: maximum tokens of a reply.
    """

    def __init__(
        self,
        prompt: Prompt,
        problem: Problem,
        toolbox: Toolbox,
        thoughts: Literal["every", "sparse", "none"],
        action_line: Prompt,
        observation: Prompt,
        max_tokens: int,
    ) -> None:
        self._prompt, self._problem, self._thoughts = prompt, problem, thoughts
        self._line = open_line(thoughts)
        self._names, self._forms, self._tools = (
            toolbox.names,
            toolbox.forms,
            f"{toolbox.describe()}\n{describe_finish(problem)}",
        )
        self._action_line, self._observation, self._max_tokens = action_line, observation, max_tokens

    async def next_step(self, trajectory: Trajectory, session: Session) -> tuple[str, Action]:
        """Return the thought and the action of the next step."""
        number = len(trajectory.steps) + 1
        turns, reply = await self._ask(trajectory, number, session)
        if self._thoughts != "every":
            return "", self._read_action(reply)
        thought, action = parse_step(reply.text, self._names, number)
        if action is not None:
            return thought, _unless_cut_off(action, reply)
        session.note("the reply has no action: a second call asks for it")
        request = self._action_line.fill(number=number, forms=self._forms).messages
        more = (Message("assistant", thought or "…"), Message("user", "\n\n".join(turn.content for turn in request)))
        turns = turns.with_messages((*turns.messages, *more))
        return thought, self._read_action(await self._send(turns, number, session))

    async def _ask(self, trajectory: Trajectory, number: int, session: Session) -> tuple[Conversation, Completion]:
        """Ask for a step, without the oldest steps if the prompt is too long with them."""
        while True:
            opened = f"{self._line} {trajectory.dropped + 1}:"
            turns = self._prompt.render(self._problem, tools=self._tools, open=opened)
            turns = converse(turns, trajectory.shown, self._observation, self._line)
            try:
                return turns, await self._send(turns, number, session)
            except ContextOverflow:
                if not trajectory.drop_oldest():
                    raise
                session.note(f"the prompt is too long: step {trajectory.dropped} is left out")

    async def _send(self, turns: Conversation, number: int, session: Session) -> Completion:
        return await session.ask(turns, stop=[f"\nObservation {number}:"], max_tokens=self._max_tokens)

    def _read_action(self, reply: Completion) -> Action:
        """Return the action of a reply that continues "Action 1:"; an answer in words counts as `Finish`."""
        _, action = parse_step(reply.text, self._names)
        action = action or parse_action(reply.text.strip(), self._names)
        if self._thoughts == "sparse" and action.name.casefold() in (THINK, "thought"):
            return Action(THINK, " ".join(action.answer.split()))
        if not action.name and not reply.truncated:
            answer = self._problem.parse(reply)
            if isinstance(answer, Answered) and answer.is_stated:
                return Action(FINISH, self._problem.kind.show(answer.value))
        return _unless_cut_off(action, reply)


def _unless_cut_off(action: Action, reply: Completion) -> Action:
    """Return an action; one that lacks only its last bracket is complete unless the reply was cut off."""
    return action if action.is_complete or reply.truncated else Action(action.name, action.argument)


def describe_finish(problem: Problem) -> str:
    """Return the line about `Finish`, with the form of the answer."""
    form = problem.kind.direct_instruction().removeprefix("Reply with ")
    return f"- {FINISH}[answer]: ends with the answer to the question." + (f" In the brackets: {form}" if form else "")
