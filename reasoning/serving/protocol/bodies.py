"""The bodies of requests: Structs of msgspec, which checks their types, bounds and depth as it parses them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta, Raw, Struct

from reasoning.errors import nearest
from reasoning.serving.protocol.errors import RequestFailed

IGNORED = frozenset(
    [
        *("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "include"),
        *("prompt_cache_retention", "parallel_tool_calls", "truncation", "stream_options", "modalities"),
    ]
)
"""Fields that change nothing about an answer here, and are not read."""
_EMPTY = (b"null", b"false", b"0", b"[]", b"{}", b'""')
"""Values of unknown fields that ask for nothing. 0.0 and "auto" are no defaults of every field."""
_PROBLEM = re.compile(r"(?P<what>.*?(?:field `(?P<missing>\w+)`)?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)

Role = Literal["system", "developer", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_CHOICES = {"role": get_args(Role), "reasoning_effort": get_args(Effort), "trace": (True, False, "drawn")}
Tokens = Annotated[int, Meta(ge=1, le=10_000_000)]
Objects = list[dict[str, Any]]
B = TypeVar("B", bound="Body")


class Turn(Struct):
    """One message of a chat."""

    role: Role
    content: str | Objects | None = None
    tool_calls: Objects | None = None
    tool_call_id: str | None = None


class Body(Struct, kw_only=True):
    """The fields that both endpoints take, and those of our own: `kind`, `series` and `trace`."""

    model: str
    # A server that refuses a wrong value might be taken to refuse the setting.
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: Effort | None = None
    verbosity: str | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stream: bool | None = None
    tools: Objects | None = None
    tool_choice: Any = None
    kind: str | dict[str, Any] | None = None
    series: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    trace: bool | Literal["drawn"] | None = None


class ChatBody(Body, kw_only=True):
    """The body of `/v1/chat/completions`."""

    messages: Annotated[list[Turn], Meta(min_length=1, max_length=10_000)]
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    stop: str | list[str] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stream_options: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None


class ResponsesBody(Body, kw_only=True):
    """The body of `/v1/responses`."""

    input: str | Objects
    instructions: str | None = None
    max_output_tokens: Tokens | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None


_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def read_body(form: type[B], content: bytes) -> B:
    """Return the fields of a body.

    Raises:
        RequestFailed: it is no JSON object, a field has a wrong type, or is not supported.
    """
    try:
        body, given = msgspec.json.decode(content, type=form), _decode_fields(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refuse(error) from None
    for name, value in given.items():
        if name not in form.__struct_fields__ and name not in IGNORED and bytes(value) not in _EMPTY:
            near = nearest(name, form.__struct_fields__)
            hint = f"did you mean {near!r}?" if near else "leave it out"
            problem = f"the field {name!r:.60} is not supported; {hint}"
            raise RequestFailed(400, problem, "unsupported_parameter", param=name)
    return body


def refuse(error: Exception) -> RequestFailed:
    """Return the error of a body that msgspec does not take."""
    where, what = find_problem(error)
    return RequestFailed(400, f"{where or 'the body'}: {what}", "invalid_type", param=where)


def find_problem(error: Exception) -> tuple[str, str]:
    """Return the place of a wrong value, such as `messages.0.role`, and what is wrong with it."""
    found = _PROBLEM.fullmatch(str(error))
    assert found is not None
    place = (found["path"] or "").replace("[...]", "").replace("[", ".").replace("]", "")
    where = ".".join(filter(None, (place, found["missing"])))
    what = "a value is missing" if found["missing"] else found["what"].replace("`", "").replace("Expected", "must be")
    if what.startswith("Invalid enum"):
        what = f"must be one of {', '.join(map(str, _CHOICES[place.rpartition('.')[2]]))}"
    return where, what
