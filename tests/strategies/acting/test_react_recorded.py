"""ReAct on FEVER: the authors' 500 recorded trajectories of text-davinci-002, taken again by our parser."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reasoning import Answer, Problem
from reasoning.messages import Message
from reasoning.session_tools import ToolSession
from reasoning.strategies.acting.react import ReAct
from reasoning.strategies.acting.text_actions import parse_action
from reasoning.testing import ScriptedLLM
from reasoning.tools.arguments import text_schema
from tests.strategies.acting.encyclopaedia import LABELS

RECORDING = Path(__file__).parents[3] / "../shared/replay/react_fever.jsonl.gz"
_SECOND_LINE = (
    "the authors lower-case the first character of the action, here a line break, and refuse Finish and Lookup"
)
_TEXT_AFTER = "the authors refuse an action with text after its bracket"
DIFFERENCES = {
    **dict.fromkeys([("fever-3522", 3), ("fever-565", 4)], _SECOND_LINE),
    **dict.fromkeys([("fever-5074", step) for step in range(3, 8)], _TEXT_AFTER),
}
"""The steps at which our parser takes an action that the authors' environment refused, with the cause."""


class Step(NamedTuple):
    """A recorded step.

    Attributes:
        reply: the model's reply after "Thought 1:".
        action: the action; where the authors' split of the reply failed, the model's second reply.
        observation: the environment's answer.
    """

    reply: str
    action: str
    observation: str

    @property
    def taken(self) -> str | None:
        """The action that the authors' environment took, or None if it refused it."""
        return None if self.observation.startswith("Invalid action") else self.action


@dataclass
class Recorded:
    """The tools of a recorded trajectory: each use gives the observation of the step that the model is in."""

    steps: list[Step]
    at: list[int]
    name: str
    description: str = "recorded"
    parameters: Mapping[str, Any] = field(default_factory=lambda: text_schema(query="recorded"))

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        return self.steps[self.at[-1] - 1].observation


def read_steps(text: str) -> list[Step]:
    """Return the steps of a recorded trajectory. A reply that the authors could not split begins with "ohh..."."""
    steps = []
    for number in range(1, 8):
        before, opened, rest = text.partition(f"Thought {number}:")
        if not opened:
            break
        reply, _, observed = rest.partition(f"\nObservation {number}:")
        unsplit = before.rpartition("ohh...")[2] if "ohh..." in before else ""
        _, _, action = reply.partition(f"Action {number}:")
        text = observed
        steps.append(Step(unsplit or reply, action.strip(), _observation(observed, number)))
    return steps


def _observation(observed: str, number: int) -> str:
    return re.split(rf"\nThought {number + 1}:|ohh\.\.\.", observed)[0].strip()


def take(record: Mapping[str, Any]) -> tuple[list[Step], Answer]:
    """Let ReAct take the recorded steps."""
    steps, at = read_steps(record["samples"][0]), [0]

    def reply(messages: tuple[Message, ...]) -> str:
        line, _, number = messages[-1].content.rpartition("\n")[2].rstrip(":").partition(" ")
        at.append(int(number))
        step = steps[int(number) - 1]
        return step.reply if line == "Thought" else f" {step.action}"

    tools = tuple(Recorded(steps, at, name) for name in ("Search", "Lookup"))
    return steps, ReAct(tools=tools, shots=0).run(Problem(record["question"], LABELS), ScriptedLLM(reply))


@pytest.mark.skipif(not RECORDING.exists(), reason="the recordings are not there")
def test_our_parser_takes_the_recorded_actions_and_ends_with_the_recorded_label() -> None:
    with gzip.open(RECORDING, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    assert len(records) == 500
    compared, correct, labels, differences = 0, 0, [], {}
    for record in records:
        steps, answer = take(record)
        ours = [taken.partition(". ")[2] for taken in answer.steps]
        for number, (step, action) in enumerate(zip(steps, ours, strict=False), 1):
            compared += 1
            taken = action if parse_action(action, ()).name in ("Search", "Lookup", "Finish") else None
            if taken != step.taken:
                differences[record["id"], number] = DIFFERENCES.get((record["id"], number), f"{step} {action}")
        assert len(ours) == len(steps) or (record["id"], len(ours)) in DIFFERENCES
        if (answer.value or "") != record["recorded_prediction"]:
            labels.append((record["id"], record["recorded_prediction"], answer.value))
        correct += answer.value == record["reference"]
    assert differences == DIFFERENCES
    # All 1,250 steps but those of fever-3522 after its answer.
    assert compared == 1246
    # Of the 9 trajectories without an answer this one states it, and it is right.
    assert labels == [("fever-3522", "", "NOT ENOUGH INFO")]
    assert sum(record["recorded_correct"] for record in records) == 270
    assert correct == 271
