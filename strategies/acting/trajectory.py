"""A trajectory: the steps of a solve with what came of them, and its conversation with a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reasoning.answer import Unparsed
from reasoning.messages import Conversation, Message
from reasoning.prompts import Prompt


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        number: its number, from 1.
        thought: the thought before the action; empty without one.
        action: the action as text, such as `Search[Vael]`; a sparse thought begins with "think:".
        observation: what came of the action; empty for the last step.
    """

    number: int
    thought: str
    action: str
    observation: str = ""

    def __str__(self) -> str:
        parts = {"Thought": self.thought, "Action": self.action, "Observation": self.observation}
        return "\n".join(f"{label} {self.number}: {text}" for label, text in parts.items() if text)


@dataclass
class Trajectory:
    """The steps so far.

    Attributes:
        steps: all steps.
        dropped: the number of first steps that no longer fit into the model's context.
    """

    steps: list[Step] = field(default_factory=list)
    dropped: int = 0

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.steps))

    @property
    def shown(self) -> Sequence[Step]:
        """The steps that the model sees."""
        return self.steps[self.dropped :]

    def by_action(self) -> dict[str, str]:
        """Return the observations by numbered action, as the steps of an answer."""
        return {f"{step.number}. {step.action}": step.observation for step in self.steps}

    def without_answer(self, reason: str) -> Unparsed:
        """Return the trajectory as an answer without a value."""
        return Unparsed(reason, text=str(self), steps=self.by_action())

    def drop_oldest(self) -> bool:
        """Drop the first step that is still shown; return False if it is the last one."""
        if len(self.shown) < 2:
            return False
        self.dropped += 1
        return True

    def with_action(self, action: str) -> list[Step]:
        """Return the steps with an action, in upper or lower case."""
        return [step for step in self.steps if step.action.casefold() == action.casefold()]


def converse(turns: Conversation, steps: Sequence[Step], observation: Prompt, line: str) -> Conversation:
    """Return a conversation in which each step is a turn of the model, and each observation the next turn.

    Args:
        turns: the turns up to the problem, which end with the open line of the first step.
        steps: the steps after it.
        observation: the prompt of an observation.
        line: the word of the open line, "Thought" or "Action".
    """
    messages = [*turns.messages]
    for step in steps:
        opened = observation.fill(
            number=step.number, observation=step.observation, open=f"{line} {step.number + 1}:"
        ).messages
        messages += [
            Message("assistant", model_turn(step, line)),
            Message("user", "\n\n".join(t.content for t in opened)),
        ]
    return turns.with_messages(messages)


def model_turn(step: Step, line: str) -> str:
    """Return what a model writes in a step, after the open line."""
    return step.action if line == "Action" else f"{step.thought}\nAction {step.number}: {step.action}"
