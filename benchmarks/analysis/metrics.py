"""Metrics of single tasks besides the accuracy: variants of base problems, spans in a text, and words of answers.

A metric is a ratio of counts that are summed over clusters of results: problems, or families of
problems. Add a function to `_MEASURES` for another kind of task.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.results.result_table import rows_of
from reasoning.benchmarks.statistics import wilson
from reasoning.kinds import SpanMatches, Spans, Text
from reasoning.problem import Example, accepted_answers

Counts = tuple[float, ...]


@dataclass(frozen=True)
class Metric:
    """A metric of one strategy.

    Attributes:
        name: its name in JSON and CSV, such as "macro_accuracy".
        title: its name in tables.
        about: its definition, in one line.
        value: the value, as a share; None if it is not defined, since there is nothing to divide by.
        interval: the 95 % interval; None if the clusters are too few or too alike to have one.
    """

    name: str
    title: str
    about: str
    value: float | None
    interval: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """Return the value and its interval, as `--json` prints them."""
        interval = [round(end, 4) for end in self.interval] if self.interval else None
        return {"value": None if self.value is None else round(self.value, 4), "ci95": interval}

    def cell(self) -> str:
        """Return the value and its interval, in percent."""
        if self.value is None:
            return "–"
        ends = f" ({100 * self.interval[0]:.0f}–{100 * self.interval[1]:.0f})" if self.interval else ""
        return f"{100 * self.value:.1f} %{ends}"


def measure(results: Iterable[Result], examples: Mapping[str, Example]) -> tuple[Metric, ...]:
    """Return the metrics of one strategy's results; none for most tasks. Failed calls do not count.

    Args:
        results: the results of one strategy.
        examples: the examples by id, for metrics that compare answers with targets.
    """
    rows = rows_of(results)
    counted = rows.where(~rows.failed)
    return tuple(metric for measure in _MEASURES for metric in measure(counted, examples))


def measured_examples(examples: Mapping[str, Example]) -> dict[str, Example]:
    """Return the examples that `measure` needs; of most runs none."""
    return {
        name: example
        for name, example in examples.items()
        if isinstance(example.problem.kind, Spans) or _searches_for_text(example)
    }


def _variants(rows: ResultRows, examples: Mapping[str, Example]) -> Iterator[Metric]:
    """Yield the metrics of families that have a base problem: the one whose id is the family's name.

    A family that is smaller than the largest one was not run to its end, and is left out.

    Source: Shi et al. (2023), arXiv 2302.00093, §3.2.
    """
    families: dict[Hashable, list[Result]] = {}
    for result in rows.where(rows.data["family"] >= 0):
        families.setdefault((result.family, result.epoch), []).append(result)
    based = [own for own in families.values() if len(own) > 1 and any(one.problem == one.family for one in own)]
    size = max(map(len, based), default=0)
    counts: dict[Hashable, Counts] = {}
    for own in based:
        if len(own) == size:
            base = [bool(one.correct) for one in own if one.problem == one.family]
            variants = [bool(one.correct) for one in own if one.problem != one.family]
            added = (sum(variants), len(variants), all(variants), 1, sum(base), len(base))
            counts[own[0].family] = _add(counts.get(own[0].family), added)
    if not counts:
        return
    clusters = list(counts.values())
    yield _metric(
        "micro_accuracy",
        "micro",
        "the accuracy on the variants, without the base problems",
        clusters,
        lambda total: _ratio(total[0], total[1]),
    )
    yield _metric(
        "macro_accuracy",
        "macro",
        "the share of base problems of which every variant is solved",
        clusters,
        lambda total: _ratio(total[2], total[3]),
    )
    yield _metric(
        "normalised_accuracy",
        "normalised",
        "the micro accuracy, divided by the accuracy on the base problems",
        clusters,
        lambda total: _ratio(total[0] * total[5], total[1] * total[4]),
        highest=math.inf,
    )


def _spans(rows: ResultRows, examples: Mapping[str, Example]) -> Iterator[Metric]:
    """Yield the F1 of spans over all texts: exact, and relaxed, for which an overlap with the right label suffices.

    An unparsed answer has no spans. If several targets are accepted, the first one counts.
    """
    counts: dict[Hashable, Counts] = {}
    for result in _of_examples(rows, examples, lambda example: isinstance(example.problem.kind, Spans)):
        example = examples[result.problem]
        kind = cast(Spans, example.problem.kind)
        matches = kind.count_matches(
            () if result.value is None else kind.target(result.value),
            kind.target(accepted_answers(example.target)[0]),
        )
        counts[result.cluster] = _add(counts.get(result.cluster), matches)
    if not counts:
        return
    clusters = list(counts.values())
    yield _metric(
        "exact_f1",
        "exact F1",
        "F1 over all spans; one is right if its ends and its label are",
        clusters,
        lambda total: SpanMatches(*map(int, total)).exact_f1,
    )
    yield _metric(
        "relaxed_f1",
        "relaxed F1",
        "F1 over all spans; one is right if it overlaps one with the same label",
        clusters,
        lambda total: SpanMatches(*map(int, total)).relaxed_f1,
    )


def _words(rows: ResultRows, examples: Mapping[str, Example]) -> Iterator[Metric]:
    """Yield the mean F1 of words of text answers to problems with documents to search in.

    An unparsed answer has none. If several targets are accepted, the best counts.

    Source: Rajpurkar et al. (2016), arXiv 1606.05250, §6.1; Yang et al. (2018), arXiv 1809.09600, §5.2.
    """
    counts: dict[Hashable, Counts] = {}
    for result in _of_examples(rows, examples, _searches_for_text):
        example = examples[result.problem]
        kind = cast(Text, example.problem.kind)
        best = max(kind.f1(result.value, target) for target in accepted_answers(example.target))
        counts[result.cluster] = _add(counts.get(result.cluster), (best, 1))
    if counts:
        about = "the mean F1 of the words of text answers, as in SQuAD"
        yield _metric("word_f1", "word F1", about, list(counts.values()), lambda total: _ratio(total[0], total[1]))


def _searches_for_text(example: Example) -> bool:
    return example.problem.corpus is not None and isinstance(example.problem.kind, Text)


def _of_examples(
    rows: ResultRows, examples: Mapping[str, Example], is_wanted: Callable[[Example], bool]
) -> Iterable[Result]:
    """Return the results of those examples. Most runs have none, and then no result is read."""
    wanted = [name for name, example in examples.items() if is_wanted(example)]
    return rows.of_problems(wanted) if wanted else ()


_MEASURES: tuple[Callable[[ResultRows, Mapping[str, Example]], Iterator[Metric]], ...] = (
    _variants,
    _spans,
    _words,
)


def _metric(
    name: str,
    title: str,
    about: str,
    clusters: Sequence[Counts],
    statistic: Callable[[Counts], float | None],
    highest: float = 1.0,
) -> Metric:
    """Return a metric with its jackknife interval, over clusters, with Student's quantile.

    If no cluster makes a difference to a value of 0 or 1, the interval is Wilson's over the clusters.

    Source: Efron and Stein (1981), "The jackknife estimate of variance", Annals of Statistics 9(3).
    """
    total = _add(*clusters)
    value = statistic(total)
    if value is None or len(clusters) < 2:
        return Metric(name, title, about, value, None)
    without = [statistic(tuple(a - b for a, b in zip(total, one, strict=True))) for one in clusters]
    left = [one for one in without if one is not None]
    # Without this cluster there would be nothing to divide by.
    if len(left) < len(clusters):
        return Metric(name, title, about, value, None)
    mean = sum(left) / len(left)
    error = math.sqrt((len(left) - 1) / len(left) * sum((one - mean) ** 2 for one in left))
    if error < 1e-12:
        ends = wilson(int(value) * len(clusters), len(clusters)) if highest == 1 and value in (0.0, 1.0) else None
        return Metric(name, title, about, value, ends)
    from scipy.stats import t

    half = float(t.ppf(0.975, len(clusters) - 1)) * error
    return Metric(name, title, about, value, (max(0.0, value - half), min(highest, value + half)))


def _add(first: Counts | None, *others: Counts) -> Counts:
    rows = [row for row in (first, *others) if row is not None]
    return tuple(map(sum, zip(*rows, strict=True)))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
