"""The bodies of requests that are read, field by field; pydantic bounds their depth and checks their types."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reasoning.errors import nearest
from reasoning.serving.protocol.errors import RequestFailed

MAX_CHOICES, MAX_TOKENS = 128, 10_000_000
IGNORED = frozenset(
    [
        *("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "include"),
        *("prompt_cache_retention", "parallel_tool_calls", "truncation", "stream_options", "modalities"),
    ]
)
"""Fields that change nothing about an answer here, and are not read."""
_UNIONS = ("str", "list[str]", "dict[str,any]", "list[dict[str,any]]")
"""Parts of pydantic's places that name the type that was tried."""

B = TypeVar("B", bound="Body")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class Turn(_Strict):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None


class Body(_Strict):
    """The fields that both endpoints take, and those of our own: `kind`, `series` and `trace`."""

    model: str
    # A server that refuses a wrong value might be taken to refuse the setting.
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = None
    stream: bool | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    kind: str | dict[str, Any] | None = None
    series: str | None = Field(None, min_length=1, max_length=100)
    trace: bool | Literal["drawn"] | None = None


class ChatBody(Body):
    """The body of `/v1/chat/completions`; the numbers without a type here are sampling parameters."""

    messages: list[Turn] = Field(min_length=1, max_length=10_000)
    n: int | None = Field(None, ge=1, le=MAX_CHOICES)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    max_tokens: int | None = Field(None, ge=1, le=MAX_TOKENS)
    max_completion_tokens: int | None = Field(None, ge=1, le=MAX_TOKENS)
    stream_options: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: str | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None


def read_body(form: type[B], content: bytes | dict[str, Any]) -> B:
    """Return the fields of a body.

    Raises:
        RequestFailed: it is no JSON object, a field has a wrong type, or is not supported.
    """
    try:
        body = form.model_validate_json(content) if isinstance(content, bytes) else form.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part not in _UNIONS)
        message = f"{where or 'the body'}: {first['msg']}"
        raise RequestFailed(400, message, "invalid_type", param=where or None) from None
    for name, value in (body.model_extra or {}).items():
        # 0.0 and "auto" are no defaults of every field; an absent value, false and an empty one are.
        if name not in IGNORED and value not in (None, False, [], {}, ""):
            near = nearest(name, form.model_fields)
            hint = f"did you mean {near!r}?" if near else "leave it out"
            problem = f"the field {name!r:.60} is not supported; {hint}"
            raise RequestFailed(400, problem, "unsupported_parameter", param=name)
    return body
