"""Aliases as tools for agents: their descriptions, the problem of a call, and its result."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.errors import ReasoningError, UsageError
from reasoning.kinds import Choice, Kind
from reasoning.kinds.registry import KINDS, get
from reasoning.problem import Problem
from reasoning.serving.aliases import Alias
from reasoning.serving.protocol.chat import format_value
from reasoning.text_safety import dump_json, strip_control

_NAME = re.compile(r"[^A-Za-z0-9_-]")
"""The characters that some clients do not accept in the name of a tool."""
MAX_QUESTION = 1_000_000
"""The most characters of a text in the arguments of a call."""

OUTPUT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "state": {
            "enum": ["answered", "unparsed", "failed"],
            "description": "answered; unparsed: the model replied without a readable answer; failed: a call failed",
        },
        "value": {"description": "the answer; null unless the state is answered"},
        "confidence": {
            "type": ["number", "null"],
            "description": "0 to 1 if the technique measures it, such as the winner's share of the votes; else null",
        },
        "reason": {"type": "string", "description": "why there is no answer; empty if there is one"},
        "strategy": {"type": "string"},
        "calls": {"type": "integer", "description": "completions that the answer rests on"},
        "new_calls": {"type": "integer", "description": "those that were bought now; the others were recorded"},
        "prompt_tokens": {"type": "integer"},
        "completion_tokens": {"type": "integer"},
        "usd": {"type": ["number", "null"], "description": "US dollars spent now; null if the price is unknown"},
        "seconds": {"type": "number"},
        "steps": {"type": "object", "description": "the results of a chain's steps, by name"},
    },
    "required": ["state", "value", "confidence", "reason", "strategy", "calls", "new_calls", "usd", "seconds"],
}


def name_tools(aliases: Mapping[str, Alias]) -> dict[str, Alias]:
    """Return the aliases by the names of their tools: letters, digits, `_` and `-`, at most 64.

    Raises:
        UsageError: two aliases have the same name then.
    """
    tools: dict[str, Alias] = {}
    for alias in aliases.values():
        name = _NAME.sub("_", alias.name)[:64]
        if name in tools:
            raise UsageError(
                f"the aliases {tools[name].name!r} and {alias.name!r} must differ as names of tools, and both are "
                f"{name!r}: rename one"
            )
        tools[name] = alias
    return tools


def describe_tool(alias: Alias, model: str) -> str:
    """Return the description of a tool, from which an agent chooses."""
    card, (low, high) = alias.strategy.card, alias.strategy.calls_range()
    calls = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    about = f"{card.title}: {card.summary}" if card.title and card.summary else card.title or card.summary
    lines = [
        f"Answer a question with {model}. {about}".strip(),
        f"Makes {calls} model call{'' if (low, high) == (1, 1) else 's'}.",
        f"Use it when: {card.use_when}" if card.use_when else "",
        f"Avoid it when: {card.avoid_when}" if card.avoid_when else "",
        "The question must say all that is needed: earlier messages are not seen.",
    ]
    return "\n".join(filter(None, lines))


def input_schema(alias: Alias) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments."""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_QUESTION}
    properties: dict[str, Any] = {
        "question": {**text, "description": "The question, with all that is needed to answer it."}
    }
    if not alias.is_chain:
        properties |= {
            "context": {**text, "description": "A passage that the question is about."},
            "options": {
                "type": "array",
                "items": text,
                "minItems": 2,
                "maxItems": 26,
                "uniqueItems": True,
                "description": "The answers to choose from, if there are some; the value is then the letter of one.",
            },
            "kind": {
                "enum": _plain_kinds(),
                "description": f"The kind of answer; {alias.kind.name} by default.",
            },
        }
    properties["fresh"] = {
        "type": "boolean",
        "description": "Draw an independent new answer instead of repeating the recorded one. It costs new calls.",
    }
    return {"type": "object", "properties": properties, "required": ["question"], "additionalProperties": False}


def _plain_kinds() -> list[str]:
    """Return the kinds that need no parameters, whose classes have a default for each."""
    plain = []
    for name in KINDS:
        try:
            get(name)
        except (TypeError, ReasoningError):
            continue
        plain.append(name)
    return plain


def read_call(alias: Alias, arguments: Mapping[str, Any]) -> Problem:
    """Return the problem that a call asks for.

    Raises:
        UsageError: an argument is wrong; names it.
    """
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]
    from jsonschema.validators import Draft202012Validator  # type: ignore[import-untyped]

    if error := best_match(Draft202012Validator(input_schema(alias)).iter_errors(arguments)):
        place = ".".join(map(str, error.absolute_path)) or "the arguments"
        # The beginning of a message may be a long value, and its end is the reason.
        message = error.message if len(error.message) <= 300 else f"{error.message[:100]} … {error.message[-100:]}"
        raise UsageError(f"{place}: {message}; see the tool's input schema")
    if not arguments["question"].strip():
        raise UsageError("the question must have a text besides spaces")
    kind: Kind = get(arguments["kind"]) if "kind" in arguments else alias.kind
    if options := arguments.get("options"):
        if "kind" in arguments:
            raise UsageError("options and kind exclude each other: the value is one of the options")
        kind = Choice(tuple(options))
    if not alias.is_chain:
        alias.strategy.check_supports(kind)
    return Problem(arguments["question"], kind, context=arguments.get("context"), options=arguments.get("options"))


def to_structured(answer: Answer, seconds: float) -> dict[str, Any]:
    """Return the structured content of a result, which fits `OUTPUT_SCHEMA`."""
    spent = None if answer.trace is None else answer.trace.spent
    about: dict[str, Any] = {
        "state": answer.state,
        "value": answer.value,
        "confidence": answer.confidence,
        "reason": answer.reason,
        "strategy": repr(answer.strategy),
        "calls": answer.usage.calls,
        "new_calls": spent.calls if spent else 0,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
        "usd": spent.usd if spent and spent.calls else 0.0,
        "seconds": round(seconds, 3),
    }
    if answer.steps:
        about["steps"] = dict(answer.steps)
    data: dict[str, Any] = json.loads(dump_json(about, default=str))
    return data


def to_text(answer: Answer, alias: Alias, kind: Kind, budget: str) -> str:
    """Return the text of a result: the answer, or the reason why it is missing and what to do.

    Args:
        answer: the answer.
        alias: the strategy or chain that gave it.
        kind: the kind of answer.
        budget: the budget of a call, in words; empty without one.
    """
    if isinstance(answer, Answered):
        text = format_value(kind, answer.value)
        if isinstance(kind, Choice):
            given = kind.options
            options = given if isinstance(given, Mapping) else dict(zip(kind.labels, given, strict=False))
            text = f"{text}: {options[answer.value]}" if answer.value in options else text
        return strip_control(text)
    reason = answer.reason.rstrip(".?!")
    if isinstance(answer, Unparsed):
        if answer.stopped_by is not None:
            of_call = f" (a call may spend {budget})" if budget else ""
            advice = f"The budget is used up{of_call}: ask a simpler question, or use a tool of fewer calls."
        else:
            # A chain takes no kind.
            name_kind = "" if alias.is_chain else "name a kind, "
            advice = f"Say in the question what form the answer must have, {name_kind}or call again with fresh=true."
        return strip_control(f"No answer: {reason}. {advice}")
    return strip_control(f"The call failed: {reason}. Calling again pays only for what is missing.")
