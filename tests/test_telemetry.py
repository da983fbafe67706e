"""Spans, with the real OpenTelemetry SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import reasoning
from reasoning import strategies
from reasoning.errors import CallFailed
from reasoning.testing import ScriptedLLM


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


def test_a_failed_attempt_says_so(spans: InMemorySpanExporter) -> None:
    llm = ScriptedLLM([CallFailed("no"), "42"])
    answer = strategies.get("vanilla").run("6 * 7?", llm)
    assert answer.state == "failed"
    [call, _] = spans.get_finished_spans()
    assert dict(call.attributes or {})["error.type"] == "CallFailed"


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
