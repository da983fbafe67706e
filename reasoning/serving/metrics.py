"""Counts and durations of requests, in the text form of Prometheus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from reasoning.usage import Usage

_BUCKETS = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, float("inf"))
"""Upper bounds of the durations that are counted together, in seconds."""
_HELP = {
    "reasoning_requests_total": ("counter", "Requests by model and HTTP status."),
    "reasoning_answers_total": ("counter", "Answers by model and state."),
    "reasoning_calls_total": ("counter", "Calls of the model behind, bought (new) or from the journal (recorded)."),
    "reasoning_tokens_total": ("counter", "Tokens of bought calls by model and kind."),
    "reasoning_usd_total": ("counter", "US dollars of bought calls whose price is known."),
    "reasoning_requests_in_flight": ("gauge", "Requests that are being answered."),
    "reasoning_request_seconds": ("histogram", "Seconds from a request to the end of its reply, by model."),
}


class Metrics:
    """The numbers of a server since it started.

    Attributes:
        in_flight: the requests that are being answered.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self._values: defaultdict[tuple[str, str], float] = defaultdict(float)

    def count_answers(self, model: str, states: Sequence[str], used: Usage, spent: Usage) -> None:
        """Count the answers of a request, and what they took."""
        for state in states:
            self._add("reasoning_answers_total", 1, model=model, state=state)
        for source, calls in (("new", spent.calls), ("recorded", used.calls - spent.calls)):
            self._add("reasoning_calls_total", calls, model=model, source=source)
        for kind, tokens in (("prompt", spent.prompt_tokens), ("completion", spent.completion_tokens)):
            self._add("reasoning_tokens_total", tokens, model=model, kind=kind)
        self._add("reasoning_usd_total", spent.usd or 0.0, model=model)

    def count_request(self, model: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self._add("reasoning_requests_total", 1, model=model, status=str(status))
        for bound in _BUCKETS:
            le = "+Inf" if bound == float("inf") else f"{bound:g}"
            self._add("reasoning_request_seconds_bucket", float(seconds <= bound), model=model, le=le)
        self._add("reasoning_request_seconds_sum", seconds, model=model)
        self._add("reasoning_request_seconds_count", 1, model=model)

    def to_text(self) -> str:
        """Return all numbers in the text form 0.0.4."""
        values = {**self._values, ("reasoning_requests_in_flight", ""): float(self.in_flight)}
        lines = []
        for name, (kind, about) in _HELP.items():
            lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
            for (series, labels), value in values.items():
                if series == name or (kind == "histogram" and series.startswith(f"{name}_")):
                    lines.append(f"{series}{labels} {value:.12g}")
        return "\n".join(lines) + "\n"

    def _add(self, name: str, value: float, **labels: str) -> None:
        # Names of models are those of aliases, which have no sign that must be escaped.
        written = ",".join(f'{label}="{text}"' for label, text in labels.items())
        self._values[name, f"{{{written}}}"] += value
