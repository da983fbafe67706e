"""The gain by structured replies: each candidate with them against the same one without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.formatting import difference_cells
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.tables import pluralize

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison


def describe_structured_gain(comparison: Comparison, structured: Mapping[str, str]) -> list[str]:
    """Return a sentence for each pair of a strategy and its copy with structured replies, if both were compared.

    Args:
        comparison: the comparison.
        structured: the specs with structured replies, by those without.
    """
    rows = {row.strategy: row for row in comparison.common_rows}
    lines = []
    for pair in comparison.pairs:
        for one in (pair, pair.oriented(pair.second)):
            if structured.get(one.second) != one.first or not pair.n:
                continue
            words = "no verdict" if pair.is_withheld else "not significantly different"
            if pair.is_shown:
                words = "better" if one.difference.value > 0 else "worse"
            points = f"{round(100 * one.difference.value):+d} points (95 %: {difference_cells(one)[1]})"
            lines.append(
                f"Structured replies of {one.second}: {words}, {points} on {pluralize(one.n, 'problem')}; "
                f"{_describe_replies(rows[one.first])} against {_describe_replies(rows[one.second])}."
            )
    return lines


def _describe_replies(row: StrategySummary) -> str:
    written = row.usage.completion_tokens / row.n
    return f"{row.unparsed} unparsed and {written:,.0f} completion tokens a problem"
