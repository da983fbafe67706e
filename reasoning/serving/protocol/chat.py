"""A chat as a problem: the last user turn is the question, and what comes before it goes before every prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from reasoning.errors import ReasoningError, UsageError
from reasoning.kinds import Json, Kind, Text
from reasoning.kinds.registry import from_json
from reasoning.problem import Problem
from reasoning.sampling_params import validate_params
from reasoning.serving.aliases import Alias
from reasoning.serving.protocol.body import ChatBody, Turn
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
        choices: the number of independent answers.
        series: the name of the series of draws; None for the server's default.
        is_fresh: whether the draws are those of a new series.
        stop: texts before which the answer ends.
        max_tokens: the limit of an answer; None for none.
        stream: whether the reply is streamed.
        separate_usage: whether the usage of a stream comes in a chunk of its own, as the client asked.
        trace: whether the reply has the trace; "drawn" for the form that pages in the browser draw.
    """

    alias: Alias
    problem: Problem
    sampling: Mapping[str, Any]
    choices: int = 1
    series: str | None = None
    is_fresh: bool = False
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    stream: bool = False
    separate_usage: bool = False
    trace: bool | Literal["drawn"] = False


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
    kind = _read_kind(body, alias)
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    seeded = None if body.seed is None else f"seed {body.seed}"
    try:
        validate_params(sampling, "of the request")
        problem = _read_problem(body.messages, kind, tools="tools" in sampling)
        alias.strategy.check_supports(problem.kind)
    except ReasoningError as error:
        raise error if isinstance(error, RequestFailed) else RequestFailed(400, str(error), "invalid_value") from None
    return ChatRequest(
        *(alias, problem, sampling, body.n or 1),
        # Another seed is another output, and the same one the same: so are the draws of a series.
        series=None if body.series == "new" else " ".join(filter(None, (body.series, seeded))) or None,
        is_fresh=body.series == "new",
        stop=tuple(filter(None, stop)),
        max_tokens=limit,
        stream=bool(body.stream),
        separate_usage=bool((body.stream_options or {}).get("include_usage")),
        trace=body.trace or False,
    )


def new_series() -> str:
    """Return the name of a series that no other request has."""
    return f"new {uuid4().hex}"


def no_model(name: str, aliases: Mapping[str, Alias]) -> RequestFailed:
    """Return the error of a name that is not served."""
    known = f"no model {name!r:.60}; known: {', '.join(aliases)}"
    return RequestFailed(404, known, "model_not_found", param="model")


def _read_problem(turns: Sequence[Turn], kind: Kind, *, tools: bool) -> Problem:
    last = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None:
        raise RequestFailed(400, "the last message must be of the role user, which asks the question", param="messages")
    if turns[-1].role in ("assistant", "system", "developer"):
        raise RequestFailed(400, f"the last message must be of the role user, got {turns[-1].role}", param="messages")
    read = list(read_turns(turns, tools=tools))
    question = read[last]
    if not question.content.strip():
        raise RequestFailed(400, "the last user message has no text", param=f"messages.{last}.content")
    # Results of tools come after the question, which is then asked again after them.
    before = read if last < len(turns) - 1 else read[:last]
    return Problem(question.content, kind, images=question.images, before=before)


def _read_kind(body: ChatBody, alias: Alias) -> Kind:
    form = (body.response_format or {}).get("type", "text")
    if body.kind is None and form == "text":
        return alias.kind
    if body.kind is not None and form != "text":
        raise RequestFailed(400, "give either kind or response_format", param="kind")
    if alias.is_chain:
        raise RequestFailed(400, f"{alias.name} is a chain, whose last step says the kind of its answers", param="kind")
    data: Any = body.kind
    if form == "json_object":
        data = "json"
    elif form == "json_schema":
        given = (body.response_format or {}).get("json_schema")
        schema = given.get("schema") if isinstance(given, dict) else None
        if not isinstance(schema, dict) or schema.get("type") not in ("object", "array"):
            wanted = "the schema of response_format must have the type object or array"
            raise RequestFailed(400, wanted, param="response_format")
        data = {"kind": "json", "schema": schema}
    elif form != "text":
        raise RequestFailed(400, f"response_format must be text, json_object or json_schema, got {form!r:.40}")
    check_schema(data)
    try:
        return from_json(data)
    except (UsageError, TypeError, ValueError) as error:
        where = "response_format" if body.kind is None else "kind"
        raise RequestFailed(400, str(error), "invalid_value", param=where) from None


def _read_tools(body: ChatBody, alias: Alias) -> list[dict[str, Any]]:
    """Return the tools, which a strategy of one call passes on."""
    if not alias.has_one_call or not isinstance(alias.kind, Text):
        raise RequestFailed(
            400,
            f"{alias.name} ({alias.spec}) passes no tools on, since it makes several calls; serve a strategy of one "
            "call such as vanilla, or one that has tools of its own such as react",
            "unsupported_parameter",
            param="tools",
        )
    if body.tool_choice not in (None, "auto"):
        raise RequestFailed(400, f"tool_choice must be auto or none, got {body.tool_choice!r:.40}", param="tool_choice")
    return body.tools or []


def format_value(kind: Kind, value: Any) -> str:
    """Return a value as the content of a reply."""
    return json.dumps(value, ensure_ascii=False) if isinstance(kind, Json) else kind.show(value)
