"""OpenTelemetry spans that follow its semantic conventions for generative AI.

Spans are recorded only if the application has loaded OpenTelemetry. They hold no prompts and no
replies, which are in the trace of an answer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from reasoning.messages import Completion, Request

_SETTINGS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "stop": "gen_ai.request.stop_sequences",
    "seed": "gen_ai.request.seed",
}


class CallSpan:
    """The span of one request."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def set_response(self, completions: Sequence[Completion]) -> None:
        """Add the finish reasons, the usage and the identifier of the response."""
        self._span.set_attribute("gen_ai.response.finish_reasons", [draw.finish_reason for draw in completions])
        self._span.set_attribute("gen_ai.usage.input_tokens", sum(draw.usage.prompt_tokens for draw in completions))
        self._span.set_attribute(
            "gen_ai.usage.output_tokens", sum(draw.usage.completion_tokens for draw in completions)
        )
        if completions[0].request_id:
            self._span.set_attribute("gen_ai.response.id", completions[0].request_id)


class _NoopSpan(CallSpan):
    """The span of a request if OpenTelemetry is not loaded."""

    def __init__(self) -> None: ...

    def set_response(self, completions: Sequence[Completion]) -> None: ...


_NOOP_CALL = nullcontext(_NoopSpan())
_NOOP = nullcontext()


def stage(name: str) -> AbstractContextManager[Any]:
    """Return a span around a stage of a strategy."""
    tracer = _tracer()
    return _NOOP if tracer is None else tracer.start_as_current_span(name)


def solve(strategy: str) -> AbstractContextManager[Any]:
    """Return a span around a whole solve."""
    tracer = _tracer()
    if tracer is None:
        return _NOOP
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": strategy}
    return tracer.start_as_current_span(f"invoke_agent {strategy}", attributes=attributes)  # type: ignore[no-any-return]


def call(request: Request, draws: int, failed: int) -> AbstractContextManager[CallSpan]:
    """Return a span around one attempt to send a request; an error ends it with the error's type.

    Args:
        request: the request.
        draws: the number of completions to ask for.
        failed: the number of attempts that failed before.
    """
    tracer = _tracer()
    return _NOOP_CALL if tracer is None else _call(tracer, request, draws, failed)


@contextmanager
def _call(tracer: Any, request: Request, draws: int, failed: int) -> Iterator[CallSpan]:
    provider, slash, _ = request.model.partition("/")
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider if slash else "openai",
        "gen_ai.request.model": request.model,
        "gen_ai.request.choice.count": draws,
        "http.request.resend_count": failed,
        **{_SETTINGS[name]: value for name, value in request.sampling.items() if name in _SETTINGS},
    }
    attributes |= _server_attributes(request.endpoint)
    kind = sys.modules["opentelemetry.trace"].SpanKind.CLIENT
    with tracer.start_as_current_span(f"chat {request.model}", kind=kind, attributes=attributes) as span:
        try:
            yield CallSpan(span)
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            raise


def set_server(endpoint: str) -> None:
    """Set the server of the current span, which is one of several."""
    if (api := sys.modules.get("opentelemetry.trace")) is not None:
        api.get_current_span().set_attributes(_server_attributes(endpoint))


def _server_attributes(endpoint: str | None) -> dict[str, Any]:
    if endpoint is None:
        return {}
    address = urlsplit(endpoint)
    port = address.port or (443 if address.scheme == "https" else 80)
    return {"server.address": address.hostname, "server.port": port}


def _tracer() -> Any:
    """Return the application's tracer; None if it has not loaded OpenTelemetry."""
    api = sys.modules.get("opentelemetry.trace")
    return None if api is None else api.get_tracer("reasoning")
