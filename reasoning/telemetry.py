"""OpenTelemetry spans that follow its semantic conventions for generative AI.

Spans are recorded only if the application has loaded OpenTelemetry. They hold no prompts, no replies and no
messages of a provider, which are in the trace of an answer.

Source: github.com/open-telemetry/semantic-conventions-genai, "Semantic conventions for generative client AI spans"
and "… for GenAI agent and framework spans", the state after v1.41.1 of the general conventions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol
from urllib.parse import urlsplit

from reasoning.errors import CallFailed
from reasoning.messages import Completion, Request
from reasoning.version import __version__

_SETTINGS = {
    "temperature": ("gen_ai.request.temperature", float),
    "top_p": ("gen_ai.request.top_p", float),
    "top_k": ("gen_ai.request.top_k", float),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", float),
    "presence_penalty": ("gen_ai.request.presence_penalty", float),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "max_completion_tokens": ("gen_ai.request.max_tokens", int),
}
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "local": "llama_cpp",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "torch": "pytorch",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""The names of the conventions for the prefixes of models, where they differ."""


class CallSpan(Protocol):
    """The span of one request."""

    def set_response(self, completions: Sequence[Completion]) -> None:
        """Add the finish reasons, the usage and the identifier of the response."""


class _CallSpan:
    def __init__(self, span: Any, operation: str) -> None:
        self._span, self._operation = span, operation

    def set_response(self, completions: Sequence[Completion]) -> None:
        """Add the finish reasons, the usage and the identifier of the response."""
        if not self._operation:
            return
        usages = [draw.usage for draw in completions]
        attributes: dict[str, Any] = {"gen_ai.usage.input_tokens": sum(usage.prompt_tokens for usage in usages)}
        if cached := sum(usage.cached_tokens for usage in usages):
            attributes["gen_ai.usage.cache_read.input_tokens"] = cached
        if written := sum(usage.cache_write_tokens for usage in usages):
            attributes["gen_ai.usage.cache_creation.input_tokens"] = written
        if self._operation == "chat":
            attributes["gen_ai.usage.output_tokens"] = sum(usage.completion_tokens for usage in usages)
            attributes["gen_ai.response.finish_reasons"] = [draw.finish_reason for draw in completions]
            if thought := sum(usage.reasoning_tokens for usage in usages):
                attributes["gen_ai.usage.reasoning.output_tokens"] = thought
        if completions[0].request_id:
            attributes["gen_ai.response.id"] = completions[0].request_id
        self._span.set_attributes(attributes)


class _NoopSpan:
    def set_response(self, completions: Sequence[Completion]) -> None:
        """Record nothing, since OpenTelemetry is not loaded."""


_NOOP_CALL: AbstractContextManager[CallSpan] = nullcontext(_NoopSpan())
_NOOP = nullcontext()


def stage(name: str) -> AbstractContextManager[Any]:
    """Return a span around a stage of a strategy."""
    tracer = _tracer()
    return _NOOP if tracer is None else _span(tracer, name, {})


def solve(strategy: str, model: str, endpoint: str | None) -> AbstractContextManager[Any]:
    """Return a span around a whole solve.

    Args:
        strategy: the strategy's spec.
        model: the model, as in a request.
        endpoint: the base URL of its server; None for the provider's own.
    """
    tracer = _tracer()
    if tracer is None:
        return _NOOP
    provider, name = _split(model, endpoint)
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": strategy,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": name,
    }
    return _span(tracer, f"invoke_agent {strategy}", attributes)


def call(
    request: Request, draws: Sequence[int], failed: int, operation: str = "chat"
) -> AbstractContextManager[CallSpan]:
    """Return a span around one attempt to send a request; an error ends it with the error's type.

    Args:
        request: the request.
        draws: the draws to ask for.
        failed: the number of attempts that failed before.
        operation: "chat", "embeddings", or empty for a call of something else than a model.
    """
    tracer = _tracer()
    return _NOOP_CALL if tracer is None else _call(tracer, request, draws, failed, operation)


@contextmanager
def _call(tracer: Any, request: Request, draws: Sequence[int], failed: int, operation: str) -> Iterator[CallSpan]:
    provider, name = _split(request.model, request.endpoint)
    attributes: dict[str, Any] = {}
    if operation:
        attributes = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": name,
        }
    if operation == "chat":
        attributes |= _request_attributes(request.sampling, draws)
    if failed:
        attributes["http.request.resend_count"] = failed
    attributes |= _server_attributes(request.endpoint)
    kind = sys.modules["opentelemetry.trace"].SpanKind.CLIENT
    with _span(tracer, f"{operation or 'look up'} {name}", attributes, kind=kind) as span:
        yield _CallSpan(span, operation)


@contextmanager
def _span(tracer: Any, name: str, attributes: Mapping[str, Any], **settings: Any) -> Iterator[Any]:
    """Run the body within a span. An error sets its type and not its message, which may quote a prompt."""
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False, **settings
    ) as span:
        try:
            yield span
        except Exception as error:
            status = error.status if type(error) is CallFailed else None
            span.set_attribute("error.type", str(status) if status else type(error).__name__)
            span.set_status(sys.modules["opentelemetry.trace"].StatusCode.ERROR)
            raise


def set_server(endpoint: str) -> None:
    """Set the server of the current span, which is one of several."""
    if (api := sys.modules.get("opentelemetry.trace")) is not None:
        api.get_current_span().set_attributes(_server_attributes(endpoint))


def _request_attributes(sampling: Mapping[str, Any], draws: Sequence[int]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, (attribute, convert) in _SETTINGS.items():
        if isinstance(value := sampling.get(name), int | float):
            attributes[attribute] = convert(value)
    if len(draws) != 1:
        attributes["gen_ai.request.choice.count"] = len(draws)
    if isinstance(seed := sampling.get("seed"), int):
        # As it is sent: draws of equal requests differ in their seeds.
        attributes["gen_ai.request.seed"] = seed + draws[0]
    if stop := sampling.get("stop"):
        attributes["gen_ai.request.stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    form = sampling.get("response_format")
    if isinstance(form, Mapping) and str(form.get("type", "")).startswith("json"):
        attributes["gen_ai.output.type"] = "json"
    return attributes


def _split(model: str, endpoint: str | None) -> tuple[str, str]:
    """Return the provider in the words of the conventions, and the model's name without it.

    A server that the caller names has models of its own, whose names may have a slash, and speaks the
    protocol of OpenAI.
    """
    model = model.removeprefix("embeddings:")
    scheme, colon, _ = model.partition(":")
    if colon and (scheme := scheme.partition("+")[0]) in ("local", "torch", "replay"):
        return _PROVIDERS.get(scheme, scheme), model
    prefix, slash, name = model.partition("/")
    if not slash or (endpoint is not None and prefix != "openai"):
        return "openai", model
    return _PROVIDERS.get(prefix, prefix), name


def _server_attributes(endpoint: str | None) -> dict[str, Any]:
    if endpoint is None:
        return {}
    address = urlsplit(endpoint)
    port = address.port or (443 if address.scheme == "https" else 80)
    return {"server.address": address.hostname, "server.port": port}


def _tracer() -> Any:
    """Return the application's tracer; None if it has not loaded OpenTelemetry."""
    api = sys.modules.get("opentelemetry.trace")
    return None if api is None else api.get_tracer("reasoning", __version__)
