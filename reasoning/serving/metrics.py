"""Counts and durations of requests, in the text form of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from reasoning.usage import Usage

_BOUNDS = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""Upper bounds of the durations that are counted together, in seconds."""
_SECONDS, _FLIGHT = "reasoning_request_seconds", "reasoning_requests_in_flight"
_HELP = {
    "reasoning_requests_total": ("counter", "Requests by model and HTTP status."),
    "reasoning_answers_total": ("counter", "Answers by model and state."),
    "reasoning_calls_total": ("counter", "Calls of the model behind, bought (new) or from the journal (recorded)."),
    "reasoning_tokens_total": ("counter", "Tokens of bought calls by model and kind."),
    "reasoning_usd_total": ("counter", "US dollars of bought calls whose price is known."),
    _SECONDS: ("histogram", "Seconds from a request to the end of its reply, by model."),
}


class Metrics:
    """The numbers of a server since it started.

    Attributes:
        in_flight: the requests that are being answered.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        # The names of models are those of aliases, which have no sign that must be escaped.
        self._counts: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._durations: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def count_answers(self, model: str, states: Sequence[str]) -> None:
        """Count the answers of a request."""
        for state in states:
            self._counts["reasoning_answers_total", f'model="{model}",state="{state}"'] += 1

    def count_calls(self, model: str, used: Usage, spent: Usage) -> None:
        """Count the calls of a request, and the part of them that was bought for it."""
        counts, of_model = self._counts, f'model="{model}"'
        counts["reasoning_calls_total", f'{of_model},source="new"'] += spent.calls
        counts["reasoning_calls_total", f'{of_model},source="recorded"'] += used.calls - spent.calls
        counts["reasoning_tokens_total", f'{of_model},kind="prompt"'] += spent.prompt_tokens
        counts["reasoning_tokens_total", f'{of_model},kind="completion"'] += spent.completion_tokens
        counts["reasoning_usd_total", of_model] += spent.usd or 0.0

    def count_request(self, model: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self._counts["reasoning_requests_total", f'model="{model}",status="{status}"'] += 1
        self._durations.setdefault(model, [0] * (len(_BOUNDS) + 1))[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds[model] += seconds

    def to_text(self) -> str:
        """Return all numbers in the text form 0.0.4."""
        lines = []
        for name, (kind, about) in _HELP.items():
            lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
            found = [(labels, value) for (of, labels), value in self._counts.items() if of == name]
            lines += [f"{name}{{{labels}}} {value:.12g}" for labels, value in found]
        for model, durations in self._durations.items():
            of_model, bounds = f'model="{model}"', (*(f"{bound:g}" for bound in _BOUNDS), "+Inf")
            for bound, count in zip(bounds, accumulate(durations), strict=True):
                lines.append(f'{_SECONDS}_bucket{{{of_model},le="{bound}"}} {count}')
            lines.append(f"{_SECONDS}_sum{{{of_model}}} {self._seconds[model]:.12g}")
            lines.append(f"{_SECONDS}_count{{{of_model}}} {sum(durations)}")
        lines += [f"# HELP {_FLIGHT} Requests that are being answered.", f"# TYPE {_FLIGHT} gauge"]
        return "\n".join([*lines, f"{_FLIGHT} {self.in_flight}"]) + "\n"
