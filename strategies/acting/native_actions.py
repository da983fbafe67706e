"""Steps with the tool calls of the model's API: the same trajectory as the text form, in another encoding."""

from __future__ import annotations

from reasoning.errors import ContextOverflow, UsageError
from reasoning.messages import Completion, Message
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.acting.text_actions import FINISH, Action
from reasoning.strategies.acting.trajectory import Trajectory
from reasoning.tool_calls import NativeCall, format_reply, parse_reply
from reasoning.tools import Toolbox
from reasoning.tools.arguments import text_schema

NATIVE = Prompt(
    objective="Answer the question with the help of the functions. First say in a sentence what is known and what to "
    f"find out next, then call one function. Call {FINISH} with the answer when you know it.",
    input="{problem}",
)
_RESULT = Prompt(input="{observation}")


class NativeActions:
    """Asks for one tool call after the other.

    A reply's text is its thought, and its first call the action. A reply without a call states the
    answer. Results are turns of the role "tool".

    Args:
        prompt: the prompt of the first step.
        problem: the problem.
        toolbox: the tools.
        max_tokens: maximum tokens of a reply.
    """

    def __init__(self, prompt: Prompt, problem: Problem, toolbox: Toolbox, max_tokens: int) -> None:
        self._turns, self._max_tokens = prompt.render(problem), max_tokens
        form = problem.kind.direct_instruction().removeprefix("Reply with ") or "the whole answer"
        finish = {"name": FINISH, "description": "ends with the answer", "parameters": text_schema(answer=form)}
        self._schemas = [*toolbox.schemas(), {"type": "function", "function": finish}]
        self._calls: list[tuple[NativeCall, str]] = []

    async def next_step(self, trajectory: Trajectory, session: Session) -> tuple[str, Action]:
        """Return the thought and the action of the next step."""
        reply = await self._ask(trajectory, session)
        thought, calls = parse_reply(reply.text)
        if not calls:
            # The text states the answer; a reply that was cut off states none.
            return "", Action(FINISH, thought, is_complete=not reply.truncated)
        self._calls.append((calls[0], reply.reasoning))
        return thought, Action(calls[0].name, self._written(calls[0]))

    def _written(self, call: NativeCall) -> str | dict[str, object]:
        """Return the arguments as the text form would write them: the only argument alone."""
        if isinstance(call.arguments, str) or len(call.arguments) != 1:
            return call.arguments if isinstance(call.arguments, str) else dict(call.arguments)
        [value] = call.arguments.values()
        return value if isinstance(value, str) else dict(call.arguments)

    async def _ask(self, trajectory: Trajectory, session: Session) -> Completion:
        while True:
            messages = [*self._turns.messages]
            for step, (call, reasoning) in zip(trajectory.shown, self._calls[trajectory.dropped :], strict=True):
                messages += [
                    Message("assistant", format_reply(step.thought, [call], reasoning)),
                    Message("tool", _RESULT.fill(observation=step.observation).messages[-1].content),
                ]
            turns = self._turns.with_messages(messages)
            try:
                reply = await session.ask(turns, tools=self._schemas, max_tokens=self._max_tokens)
            except ContextOverflow:
                if not trajectory.drop_oldest():
                    raise
                session.note(f"the prompt is too long: step {trajectory.dropped} is left out")
                continue
            if not any("tools" in call.sampling for call in session.trace.calls()):
                raise UsageError("the model takes no native tool calls; use react(actions='text')")
            return reply
