"""A chat as a problem: the last user turn is the question, and what comes before it goes before every prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from reasoning.errors import ReasoningError, UsageError
from reasoning.kinds import Json, Kind, Text
from reasoning.kinds.registry import from_json
from reasoning.problem import Problem
from reasoning.sampling_params import validate_params
from reasoning.serving.aliases import Alias
from reasoning.serving.protocol.bodies import ChatBody
from reasoning.serving.protocol.dspy_fields import DspyFields
from reasoning.serving.protocol.errors import RequestFailed
from reasoning.serving.protocol.schemas import check_schema
from reasoning.serving.protocol.turns import read_turns

_SAMPLING = (
    *("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty"),
    *("logit_bias", "reasoning_effort", "verbosity"),
)


@dataclass(frozen=True)
class ChatRequest:
    """A chat that has been read.

    Attributes:
        alias: what answers.
        problem: the problem.
        sampling: the sampling parameters of the solve.
        body: the other fields of the request.
    """

    alias: Alias
    problem: Problem
    sampling: Mapping[str, Any]
    body: ChatBody

    @property
    def choices(self) -> int:
        """The number of independent answers."""
        return self.body.n or 1

    @property
    def is_fresh(self) -> bool:
        """True if the draws are those of a new series."""
        return self.body.series == "new"

    @property
    def series(self) -> str | None:
        """The name of the series of draws; None for the server's default."""
        # Another seed is another output, and the same one the same: so are the draws of a series.
        seeded = None if self.body.seed is None else f"seed {self.body.seed}"
        return None if self.is_fresh else " ".join(filter(None, (self.body.series, seeded))) or None

    @property
    def max_tokens(self) -> int | None:
        """The limit of an answer; None for none."""
        return self.body.max_completion_tokens or self.body.max_tokens

    @property
    def stop(self) -> list[str]:
        """The texts before which the answer ends."""
        stop = self.body.stop
        return [stop] if isinstance(stop, str) else stop or []


def read_chat(body: ChatBody, aliases: Mapping[str, Alias]) -> ChatRequest:
    """Return the request of a body.

    Raises:
        RequestFailed: the request asks for something that is not there.
    """
    if (alias := aliases.get(body.model)) is None:
        raise no_model(body.model, aliases)
    sampling = {name: value for name in _SAMPLING if (value := getattr(body, name)) is not None}
    limit = body.max_completion_tokens or body.max_tokens
    if alias.has_one_call and limit:
        # The reply of the only call is the output.
        sampling["max_tokens"] = limit
    if body.tools and body.tool_choice != "none":
        sampling["tools"] = _read_tools(body, alias)
    try:
        validate_params(sampling, "of the request")
        problem = _read_problem(body, alias, tools="tools" in sampling)
        alias.strategy.check_supports(problem.kind)
    except RequestFailed:
        raise
    except ReasoningError as error:
        raise RequestFailed(400, str(error), "invalid_value") from None
    return ChatRequest(alias, problem, sampling, body)


def new_series() -> str:
    """Return the name of a series that no other request has."""
    return f"new {uuid4().hex}"


def no_model(name: str, aliases: Mapping[str, Alias]) -> RequestFailed:
    """Return the error of a name that is not served."""
    known = f"no model {name!r:.60}; known: {', '.join(aliases)}"
    return RequestFailed(404, known, "model_not_found", param="model")


def format_value(kind: Kind, value: Any) -> str:
    """Return a value as the content of a reply."""
    return json.dumps(value, ensure_ascii=False) if isinstance(kind, Json) else kind.show(value)


def _read_problem(body: ChatBody, alias: Alias, *, tools: bool) -> Problem:
    turns = body.messages
    last = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None or turns[-1].role not in ("user", "tool"):
        wanted = f"the last message must be of the role user, which asks the question; got role {turns[-1].role}"
        raise RequestFailed(400, wanted, param="messages")
    read = list(read_turns(turns, tools=tools))
    question = read[last]
    if not question.content.strip():
        raise RequestFailed(400, "the last user message has no text", param=f"messages.{last}.content")
    # Results of tools come after the question, which is then asked again after them.
    before = read if last < len(turns) - 1 else read[:last]
    kind = _read_kind(body, alias, question.content)
    return Problem(question.content, kind, images=question.images, before=before)


def _read_kind(body: ChatBody, alias: Alias, question: str) -> Kind:
    form = (body.response_format or {}).get("type", "text")
    if body.kind is None and form == "text":
        return (None if alias.is_chain else DspyFields.find(question, alias.kind)) or alias.kind
    if body.kind is not None and form != "text":
        raise RequestFailed(400, "give either kind or response_format", param="kind")
    if alias.is_chain:
        raise RequestFailed(400, f"{alias.name} is a chain, whose last step says the kind of its answers", param="kind")
    where, data = ("kind", body.kind) if form == "text" else ("response_format", _read_format(body, form))
    check_schema(data)
    try:
        return from_json(data)
    except (UsageError, TypeError, ValueError) as error:
        raise RequestFailed(400, str(error), "invalid_value", param=where) from None


def _read_format(body: ChatBody, form: Any) -> Any:
    """Return the kind of a `response_format` as JSON."""
    if form == "json_object":
        return "json"
    if form != "json_schema":
        wanted = f"response_format must be text, json_object or json_schema, got {form!r:.40}"
        raise RequestFailed(400, wanted, param="response_format")
    given = (body.response_format or {}).get("json_schema")
    schema = given.get("schema") if isinstance(given, dict) else None
    if not isinstance(schema, dict) or schema.get("type") not in ("object", "array"):
        wanted = "the schema of response_format must have the type object or array"
        raise RequestFailed(400, wanted, param="response_format")
    return {"kind": "json", "schema": schema}


def _read_tools(body: ChatBody, alias: Alias) -> Any:
    """Return the tools, which a strategy of one call passes on."""
    if not alias.has_one_call or not isinstance(alias.kind, Text):
        why = f"its answers are of the kind {alias.kind.name}" if alias.has_one_call else "it makes several calls"
        wanted = (
            "serve a strategy of one call with the kind text such as vanilla, or one with its own tools such as react"
        )
        problem = f"{alias.name} ({alias.spec}) passes no tools on, since {why}; {wanted}"
        raise RequestFailed(400, problem, "unsupported_parameter", param="tools")
    if body.tool_choice not in (None, "auto"):
        raise RequestFailed(400, f"tool_choice must be auto or none, got {body.tool_choice!r:.40}", param="tool_choice")
    for index, tool in enumerate(body.tools or ()):
        function = tool.get("function")
        if (
            tool.get("type") != "function"
            or not isinstance(function, dict)
            or not isinstance(function.get("name"), str)
        ):
            where = f"tools.{index}"
            raise RequestFailed(400, f"{where}: must be a function with a name, got {tool!r:.80}", param=where)
    return body.tools
