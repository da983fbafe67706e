"""Numbers and names as they appear in tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from reasoning.benchmarks.analysis.paired import PairedDifference


def join_names(names: Sequence[str], limit: int = 5) -> str:
    """Return names for a sentence, as in "a, b and c". Beyond `limit` + 1 names, the rest are counted."""
    shown = list(names) if len(names) <= limit + 1 else [*names[:limit], f"{len(names) - limit} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def whole_points(difference: float) -> str:
    """Return a difference in accuracy in whole points; 0 has no sign."""
    return str(round(100 * difference))


def percent(share: float) -> str:
    """Return a share as a cell, such as "41.7 %"."""
    return f"{100 * share:.1f} %"


def p_cell(p: float) -> str:
    """Return a p-value as a cell."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_phrase(p: float) -> str:
    """Return a p-value for a sentence, such as "p = 0.25"."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}" if p < 0.995 else "p = 1"


def difference_cells(pair: PairedDifference) -> tuple[str, str, str]:
    """Return a difference in points, its interval, and the adjusted p-value, as cells."""
    difference = pair.difference
    # adding 0.0 removes the sign of a negative zero
    value = round(100 * difference.value, 1) + 0.0
    interval = f"{round(100 * difference.low):+d} to {round(100 * difference.high):+d}"
    return f"{value:+.1f}", interval, p_cell(pair.p_adjusted)
