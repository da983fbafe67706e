"""The value of a reply to a step: parsed by the step's function or its kind, then validated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reasoning.answer import Answered
from reasoning.chain.step import Step
from reasoning.chain.user_code import StepError, user_code
from reasoning.chain.validators import as_validators, coerce, first_error
from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text


@dataclass(frozen=True)
class StepInputs:
    """The inputs of a step as values and as texts, and the error and the reply of the previous attempt."""

    values: Mapping[str, Any]
    texts: Mapping[str, str]
    retry: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> tuple[Any, str]:
        """Return a value and its text."""
        if name in self.retry:
            return self.retry[name], self.retry[name]
        return self.values[name], self.texts[name]


@dataclass(frozen=True)
class StepResult:
    """A value, and the message of the validator that rejects it; None if all accept it."""

    value: Any
    error: str | None
    text: str = ""
    rule: str = ""
    steps: Mapping[str, Any] = field(default_factory=dict)

    def to_answer(self) -> Answered:
        """Return an accepted value as the answer of the step."""
        return Answered(self.value, rule=self.rule, text=self.text, steps=self.steps)


def read_reply(step: Step, text: str, values: Mapping[str, Any]) -> tuple[Any, str | None]:
    """Return the value of a reply to a step, and the error message of the parser or validator that rejects it.

    Args:
        step: a step with a prompt.
        text: the reply.
        values: the chain's inputs and the earlier results by name; with `for_each` also the item.
    """
    try:
        result = parse_reply(step, text, StepInputs(values, {}))
    except StepError as error:
        return None, str(error)
    return result.value, result.error


def parse_reply(step: Step, text: str, inputs: StepInputs, by_strategy: StepResult | None = None) -> StepResult:
    """Parse a reply with the step's function or its kind, and validate the value.

    Args:
        step: the step.
        text: the reply.
        inputs: the inputs of the step.
        by_strategy: what a strategy has parsed, instead of the kind.
    """
    result = _parse_with_function(step, text, inputs) or by_strategy
    if result is None:
        value, rule = step.returns.parse_reply(text)
        result = StepResult(value, None, text, rule)
    return validate(step, result, inputs)


def validate(step: Step, result: StepResult, inputs: StepInputs) -> StepResult:
    """Return the result with the error of the kind, or else of the first validator that rejects the value."""
    if result.error is not None:
        return result
    if result.value is None:
        return replace(result, error=step.kind.error_message(result.text) or result.rule)
    with user_code("its check"):
        return replace(result, error=first_error(result.value, inputs.values, step.kind, as_validators(step.check)))


def _parse_with_function(step: Step, text: str, inputs: StepInputs) -> StepResult | None:
    """Return the result of the step's own parser; None if the step has none, or if it leaves the reply to the kind."""
    if step.parse is None or (step.structured and _is_structured(step, text)):
        return None
    with user_code("its parse"):
        value = step.parse(visible_text(text, None), inputs.values)
    if value is None:
        return None
    try:
        return StepResult(coerce(step.kind, value), None, text, "parse")
    except UsageError as error:
        return StepResult(None, f"its parse gave {error}", text, "parse")


def _is_structured(step: Step, text: str) -> bool:
    """Return whether a reply is a JSON object with the fields that the format of a structured step demands."""
    assert step.response_format is not None
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        return False
    demanded = step.response_format["json_schema"]["schema"].get("required", ())
    return isinstance(reply, dict) and reply.keys() >= set(demanded)
