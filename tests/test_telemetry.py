"""Spans, with the real OpenTelemetry SDK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

import reasoning
from reasoning import event_loop, strategies
from reasoning.errors import CallFailed, PromptRefused
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client
from reasoning.testing import ScriptedLLM
from tests.faults.server import Server, always


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


def parent(span: ReadableSpan, among: tuple[ReadableSpan, ...]) -> str:
    return next(one.name for one in among if span.parent and one.context.span_id == span.parent.span_id)


def test_a_solve_its_stages_and_its_calls_are_spans(spans: InMemorySpanExporter) -> None:
    llm = ScriptedLLM(["6 * 7 is 42.", "42"])
    strategies.get("cot").run(reasoning.Problem("6 * 7?", reasoning.kinds.Number()), llm)
    found = spans.get_finished_spans()
    assert [one.name for one in found] == ["chat scripted", "reasoning", "chat scripted", "answer", "invoke_agent cot"]
    assert [parent(one, found) for one in found[:4]] == ["reasoning", "invoke_agent cot", "answer", "invoke_agent cot"]
    about = dict(found[0].attributes or {})
    assert about["gen_ai.operation.name"] == "chat"
    assert about["gen_ai.request.model"] == "scripted"
    assert about["gen_ai.request.max_tokens"] == 1024
    assert about["gen_ai.response.finish_reasons"] == ("stop",)
    assert about["gen_ai.usage.output_tokens"] == 5
    assert not any("6 * 7" in str(value) for one in found for value in (one.attributes or {}).values())


def test_draws_that_leave_together_are_one_span_under_their_branch(spans: InMemorySpanExporter) -> None:
    llm = ScriptedLLM(lambda messages: "42")
    strategies.get("self_consistency(vanilla, samples=3)").run("6 * 7?", llm)
    calls = [one for one in spans.get_finished_spans() if one.name.startswith("chat")]
    assert [dict(one.attributes or {})["gen_ai.request.choice.count"] for one in calls] == [3]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CallFailed("no, 6 * 7"), "CallFailed"),
        (CallFailed("no, 6 * 7", status=500), "500"),
        (PromptRefused("no, 6 * 7", status=400), "PromptRefused"),
    ],
)
def test_a_failed_attempt_says_so_without_the_message_of_the_provider(
    error: CallFailed, kind: str, spans: InMemorySpanExporter
) -> None:
    answer = strategies.get("vanilla").run("6 * 7?", ScriptedLLM([error]))
    assert answer.state == "failed"
    [call, _] = spans.get_finished_spans()
    assert dict(call.attributes or {})["error.type"] == kind
    assert call.status.status_code is trace.StatusCode.ERROR
    assert "6 * 7" not in call.to_json()


def test_a_request_is_described_as_it_is_sent(spans: InMemorySpanExporter) -> None:
    usage = Usage(1, 10, 5, cached_tokens=4, reasoning_tokens=2, cache_write_tokens=3)
    llm = ScriptedLLM([CallFailed("busy", retryable=True, status=503), Completion("42", usage=usage)])
    settings = {"stop": "END", "seed": 7, "top_k": 20, "temperature": 1, "response_format": {"type": "json_object"}}
    strategies.get("vanilla").run("6 * 7?", llm, sampling=settings)
    first, second, solve = spans.get_finished_spans()
    about = dict(second.attributes or {})
    assert about["gen_ai.request.stop_sequences"] == ("END",)
    assert about["gen_ai.request.seed"] == 7
    assert [type(about[f"gen_ai.request.{name}"]) for name in ("top_k", "temperature", "max_tokens")] == [
        float,
        float,
        int,
    ]
    assert about["gen_ai.output.type"] == "json"
    assert "gen_ai.request.choice.count" not in about
    assert about["gen_ai.usage.cache_read.input_tokens"] == 4
    assert about["gen_ai.usage.cache_creation.input_tokens"] == 3
    assert about["gen_ai.usage.reasoning.output_tokens"] == 2
    assert about["http.request.resend_count"] == 1
    assert "http.request.resend_count" not in (first.attributes or {})
    agent = dict(solve.attributes or {})
    assert (agent["gen_ai.provider.name"], agent["gen_ai.request.model"]) == ("openai", "scripted")
    assert (second.kind, solve.kind) == (trace.SpanKind.CLIENT, trace.SpanKind.INTERNAL)


def test_attributes_are_those_of_the_conventions(spans: InMemorySpanExporter) -> None:
    llm = ScriptedLLM([Completion("42", usage=Usage(1, 10, 5, 4, reasoning_tokens=2), request_id="chatcmpl-1")])
    strategies.get("vanilla").run("6 * 7?", llm, sampling={"frequency_penalty": 0.5, "seed": 1, "stop": ["x"]})
    known = {value for name, value in vars(gen_ai_attributes).items() if name.isupper()}
    found = {name for span in spans.get_finished_spans() for name in span.attributes or {}}
    assert {name for name in found if name.startswith("gen_ai.")} <= known
    operations = {one.value for one in gen_ai_attributes.GenAiOperationNameValues}
    assert {dict(span.attributes or {})["gen_ai.operation.name"] for span in spans.get_finished_spans()} <= operations


@pytest.mark.parametrize(
    ("model", "endpoint", "provider", "name"),
    [
        ("openai/gpt-4o-mini", None, "openai", "gpt-4o-mini"),
        ("openai/gpt-4o-mini", "http://proxy/v1", "openai", "gpt-4o-mini"),
        ("Qwen/Qwen3-8B", "http://gpu:8000/v1", "openai", "Qwen/Qwen3-8B"),
        ("gemini/gemini-2.5-pro", None, "gcp.gemini", "gemini-2.5-pro"),
        ("anthropic/claude", None, "anthropic", "claude"),
        ("openrouter/qwen/qwen3", None, "openrouter", "qwen/qwen3"),
        ("xai/grok", None, "x_ai", "grok"),
        ("local:smollm2-135m@1f", None, "llama_cpp", "local:smollm2-135m@1f"),
    ],
)
def test_the_provider_has_the_name_of_the_conventions(
    model: str, endpoint: str | None, provider: str, name: str, spans: InMemorySpanExporter
) -> None:
    llm = ScriptedLLM(["42"])
    llm.client.model, llm.client.endpoint = model, endpoint
    strategies.get("vanilla").run("6 * 7?", llm)
    about = dict(spans.get_finished_spans()[0].attributes or {})
    assert (about["gen_ai.provider.name"], about["gen_ai.request.model"]) == (provider, name)
    assert spans.get_finished_spans()[0].name == f"chat {name}"


def test_calls_of_embeddings_and_of_other_services_are_no_chats(spans: InMemorySpanExporter) -> None:
    class Service(Client):
        model, operation = "wikipedia", ""

        async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
            return [Completion("a page")]

    class Embeddings(Service):
        model, operation = "embeddings:openai/text-embedding-3-small", "embeddings"

    llm = ScriptedLLM([])
    for client in (Service(), Embeddings()):
        event_loop.run_sync(llm.call_client(client, "mice"))
    looked_up, embedded = spans.get_finished_spans()
    assert (looked_up.name, dict(looked_up.attributes or {})) == ("look up wikipedia", {})
    assert embedded.name == "embeddings text-embedding-3-small"
    assert dict(embedded.attributes or {})["gen_ai.operation.name"] == "embeddings"
    assert "gen_ai.usage.output_tokens" not in (embedded.attributes or {})


@pytest.mark.parametrize(
    ("endpoint", "address", "port"),
    [
        ("http://localhost:8000/v1", "localhost", 8000),
        ("https://models.example.org/v1", "models.example.org", 443),
        ("http://[::1]/v1", "::1", 80),
        (None, None, None),
    ],
)
def test_the_server_is_a_host_and_a_port(
    endpoint: str | None, address: str | None, port: int | None, spans: InMemorySpanExporter
) -> None:
    llm = ScriptedLLM(["42"])
    llm.client.endpoint = endpoint
    strategies.get("vanilla").run("6 * 7?", llm)
    about = dict(spans.get_finished_spans()[0].attributes or {})
    assert (about.get("server.address"), about.get("server.port")) == (address, port)


def test_nothing_of_it_is_loaded_where_the_application_has_not() -> None:
    code = (
        "import sys, reasoning\nfrom reasoning.testing import ScriptedLLM\n"
        "reasoning.strategies.get('vanilla').run('?', ScriptedLLM(['x']))\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_server_is_the_one_that_answers(spans: InMemorySpanExporter) -> None:
    with Server(always("503")) as one, Server() as two:
        with reasoning.connect("m", base_url=[one.url, two.url], journal=False) as llm:
            for k in range(4):
                strategies.get("vanilla").run(f"{k}?", llm)
        calls = [dict(span.attributes or {}) for span in spans.get_finished_spans() if span.name == "chat m"]
        assert {about["server.port"] for about in calls} == {two.port}
