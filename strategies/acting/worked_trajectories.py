"""Worked trajectories for few-shot prompts: shipped ones by kind of answer, and those of a user's file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from reasoning.errors import InputError, UsageError
from reasoning.kinds import Kind, Text
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.acting.text_actions import FINISH, parse_action
from reasoning.strategies.acting.trajectory import Step, model_turn

_STEP_FIELDS = ("thought", "action", "observation")


@dataclass(frozen=True)
class WorkedTrajectory:
    """A question with the steps that answer it, the last of which is `Finish[…]`.

    Attributes:
        question: the question, as it is asked.
        kind: the name of its kind of answer.
        steps: the steps.
    """

    question: str
    kind: str
    steps: tuple[Step, ...]

    @property
    def answer(self) -> str:
        """The answer that the last step states."""
        return parse_action(self.steps[-1].action, ()).answer

    @property
    def tools(self) -> frozenset[str]:
        """The names of the tools that its actions use, in lower case."""
        return frozenset(parse_action(step.action, ()).name.casefold() for step in self.steps[:-1])

    def demonstrations(self, line: str, observation: Prompt) -> list[Demonstration]:
        """Return a demonstration for each step: what the model sees, and what it writes.

        Args:
            line: the word of the open line, "Thought" or "Action".
            observation: the prompt of an observation.
        """
        shown, seen = [], f"{self.question}\n\n{line} 1:"
        for step in self.steps:
            shown.append(Demonstration(seen, model_turn(step, line)))
            turns = observation.fill(
                number=step.number, observation=step.observation, open=f"{line} {step.number + 1}:"
            ).messages
            seen = turns[-1].content
        return shown


def with_trajectories(
    prompt: Prompt,
    kind: Kind,
    names: Iterable[str],
    shots: int,
    source: str | None,
    *,
    thoughts: str,
    observation: Prompt,
) -> Prompt:
    """Add worked trajectories to a prompt; a prompt with its own examples is returned unchanged.

    Only those are shown whose actions the model has: first those for the kind of answer (for labels,
    those whose answer is one), then those that end with a short text.

    Args:
        prompt: the prompt.
        kind: the kind of answer.
        names: the names of the tools.
        shots: the maximum number of trajectories.
        source: a file with others, in the form of `trajectories.toml`; None for the shipped ones.
        thoughts: "every", "sparse" or "none", as in `react`.
        observation: the prompt of an observation.

    Raises:
        InputError: the file cannot be read, or a trajectory in it is wrong.
    """
    if prompt.examples or not shots:
        return prompt
    available = {name.casefold() for name in names}
    usable = [one for one in _trajectories(source) if one.tools <= available]
    fitting = [one for one in usable if one.kind == kind.name and _is_answer(kind, one.answer)]
    others = [one for one in usable if one.kind == Text.name and one not in fitting]
    line = "Thought" if thoughts == "every" else "Action"
    chosen = [_in_form(one, thoughts) for one in (fitting or others)[:shots]]
    return prompt.replace(examples=tuple(demo for one in chosen for demo in one.demonstrations(line, observation)))


def _is_answer(kind: Kind, answer: str) -> bool:
    """Return whether an answer is one of the kind: a label must be one of the problem's labels."""
    try:
        kind.target(answer)
    except UsageError:
        return kind.parse(answer) is not None
    return True


def _in_form(trajectory: WorkedTrajectory, thoughts: str) -> WorkedTrajectory:
    """Return a trajectory with a thought in every step, in the first and the last only, or in none."""
    if thoughts == "every":
        return trajectory
    steps: list[Step] = []
    for index, step in enumerate(trajectory.steps):
        if thoughts == "sparse" and index in (0, len(trajectory.steps) - 1):
            steps.append(Step(len(steps) + 1, "", f"think: {step.thought}", "OK."))
        steps.append(Step(len(steps) + 1, "", step.action, step.observation))
    return replace(trajectory, steps=tuple(steps))


def _trajectories(source: str | None) -> tuple[WorkedTrajectory, ...]:
    if source is None:
        return _shipped()
    path = Path(source)
    try:
        return _read_file(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


@lru_cache(1)
def _shipped() -> tuple[WorkedTrajectory, ...]:
    text = files(__package__).joinpath("trajectories.toml").read_text("utf-8")
    return _read(tomllib.loads(text), "trajectories.toml")


@lru_cache(32)
def _read_file(path: Path, changed: int) -> tuple[WorkedTrajectory, ...]:
    try:
        return _read(tomllib.loads(path.read_text("utf-8")), str(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: {error}") from None


def _read(data: Mapping[str, Any], where: str) -> tuple[WorkedTrajectory, ...]:
    records = data.get("trajectory")
    if not isinstance(records, list) or not records:
        raise InputError(f"{where}: must have trajectories, each below [[trajectory]]")
    return tuple(_trajectory(record, f"{where}: trajectory {number}") for number, record in enumerate(records, 1))


def _trajectory(record: Mapping[str, Any], where: str) -> WorkedTrajectory:
    steps = record.get("steps")
    if not str(record.get("question", "")).strip() or not isinstance(steps, list) or not steps:
        raise InputError(f"{where}: must have a question and a list of steps")
    made = []
    for number, step in enumerate(steps, 1):
        if not isinstance(step, dict) or not step.get("action") or step.keys() - set(_STEP_FIELDS):
            raise InputError(f"{where}: step {number} must be an object with thought, action and observation")
        thought, action, observation = (str(step.get(name, "")).strip() for name in _STEP_FIELDS)
        made.append(Step(number, thought, action, observation))
    if parse_action(made[-1].action, ()).name != FINISH:
        raise InputError(f"{where}: the last action must be {FINISH}[answer], got {made[-1].action!r:.80}")
    return WorkedTrajectory(str(record["question"]).strip(), str(record.get("kind", Text.name)), tuple(made))
