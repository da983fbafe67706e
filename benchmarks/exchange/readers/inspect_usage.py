"""The calls of a sample of inspect_ai: usage, time, and replies that were cut off or declined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reasoning.benchmarks.exchange.solves import UNITS, to_count, to_seconds
from reasoning.messages import Usage

_CUT = ("max_tokens", "model_length")


@dataclass(frozen=True)
class Calls:
    """The calls of a sample, without those of its scorers.

    Attributes:
        usage: what they used.
        unrecorded: the parts of it that the log does not have.
        truncated, refused: the number of replies that a limit cut off, and that were declined.
        token_limit: the lowest limit that cut a reply off; 0 if it is unknown.
    """

    usage: Usage
    unrecorded: tuple[str, ...]
    truncated: int
    refused: int
    token_limit: int

    @classmethod
    def of(cls, sample: Mapping[str, Any], choices: Sequence[Mapping[str, Any]]) -> Calls:
        """Return the calls of a sample.

        Args:
            sample: the sample.
            choices: the choices of its output, for logs without events.
        """
        events = list(_model_events(sample))
        if not events:
            cut, refused = _stops(choices)
            usages = [one for one in _mapping(sample.get("model_usage")).values() if isinstance(one, Mapping)]
            usage = Usage.total(_usage(one) for one in usages)
            return cls(usage, ("calls", "seconds", *(() if usages else ("tokens",))), cut, refused, 0)
        spent: list[Usage] = []
        limits: list[int] = []
        calls, seconds, cut, refused, complete, timed = 0, 0.0, 0, 0, True, True
        for event in events:
            output = _mapping(event.get("output"))
            own = [_mapping(one) for one in output.get("choices") or ()]
            if event.get("error") or not own:
                continue
            calls += len(own)
            more_cut, more_refused = _stops(own)
            cut, refused = cut + more_cut, refused + more_refused
            limit = to_count(_mapping(event.get("config")).get("max_tokens"))
            limits += [limit] if more_cut and limit else []
            complete = complete and isinstance(output.get("usage"), Mapping)
            spent.append(_usage(_mapping(output.get("usage"))))
            taken = to_seconds(output.get("time"))
            timed, seconds = timed and taken is not None, seconds + (taken or 0.0)
        total = Usage.total(spent)
        usage = replace(total, calls=calls, usd=total.usd if complete else None, seconds=seconds)
        missing = (*(() if complete else ("tokens",)), *(() if timed else ("seconds",)))
        return cls(usage, missing, cut, refused, min(limits, default=0))

    @classmethod
    def of_ours(cls, told: Mapping[str, Any]) -> Calls | None:
        """Return the calls of a sample that this library has exported; None for another one."""
        usage = told.get("usage")
        if not isinstance(usage, Mapping):
            return None
        names = ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
        calls, prompt, completion, cached, thought = (to_count(usage.get(name)) for name in names)
        usd, seconds = to_seconds(usage.get("usd")), to_seconds(usage.get("seconds")) or 0.0
        written = to_count(usage.get("cache_write_tokens"))
        known = Usage(calls, prompt, completion, cached, usd, seconds, thought, written)
        missing = told.get("unrecorded")
        unrecorded = tuple(part for part in UNITS if isinstance(missing, list) and part in missing)
        others = (to_count(told.get(name)) for name in ("truncated", "refused", "token_limit"))
        return cls(known, unrecorded, *others)


def _model_events(sample: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the calls of models outside of the spans of scorers."""
    scoring: set[Any] = set()
    for event in sample.get("events") or ():
        if not isinstance(event, Mapping):
            continue
        kind = event.get("event")
        if kind == "span_begin":
            of_scorer = event.get("type") in ("scorer", "scorers") or event.get("name") == "scorers"
            if of_scorer or event.get("parent_id") in scoring:
                scoring.add(event.get("id"))
        elif kind == "model" and event.get("span_id") not in scoring:
            yield event


def _stops(choices: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the number of choices that were cut off, and that were declined."""
    reasons = [one.get("stop_reason") for one in choices]
    return sum(reason in _CUT for reason in reasons), sum(reason == "content_filter" for reason in reasons)


def _usage(data: Mapping[str, Any]) -> Usage:
    """Return a usage of inspect_ai, whose input tokens leave out those that a cache read or wrote."""
    cached, written = to_count(data.get("input_tokens_cache_read")), to_count(data.get("input_tokens_cache_write"))
    return Usage(
        1,
        to_count(data.get("input_tokens")) + cached + written,
        to_count(data.get("output_tokens")),
        cached,
        to_seconds(data.get("total_cost")),
        0.0,
        to_count(data.get("reasoning_tokens")),
        written,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
