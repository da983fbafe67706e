"""Chain of thought on a model that thinks by itself, which pays twice: in thoughts, and in the steps that it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reasoning import registry
from reasoning.benchmarks.analysis.formatting import difference_cells
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.errors import ReasoningError
from reasoning.strategies.direct.effort import Effort
from reasoning.strategies.direct.vanilla import Vanilla
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison


def describe_double_thought(comparison: Comparison) -> list[str]:
    """Return a sentence for each chain of thought that pays twice; an empty list if the numbers show none.

    It does if the model thinks in both solves, chain of thought takes more completion tokens than direct prompting at
    the same effort, since it also writes its steps, and is not significantly better. Nothing is said about a pair
    whose verdict is withheld.
    """
    rows = {row.strategy: row for row in comparison.common_rows}
    found = []
    for pair in comparison.pairs:
        for one in (pair, pair.oriented(pair.second)):
            if one.first in rows and one.second in rows and _is_direct_and_chain(one.second, one.first):
                found += _describe(one, rows[one.first], rows[one.second])
    return found


def _describe(pair: PairedDifference, chain: StrategySummary, direct: StrategySummary) -> list[str]:
    """Return the sentence about a chain of thought, the first of the pair, if it pays twice."""
    thinks = chain.usage.reasoning_tokens > 0 and direct.usage.reasoning_tokens > 0
    is_better = pair.is_shown and pair.difference.value > 0
    if not thinks or is_better or pair.is_withheld or not chain.n or not direct.n:
        return []
    written, thought = _per_problem(chain)
    direct_written, direct_thought = _per_problem(direct)
    if written <= direct_written or written + thought <= direct_written + direct_thought:
        return []
    points = f"{round(100 * pair.difference.value):+d} points (95 %: {difference_cells(pair)[1]})"
    return [
        f"Chain of thought pays twice: {chain.strategy} thinks {thought:,.0f} tokens a problem and writes "
        f"{written:,.0f}, {direct.strategy} thinks {direct_thought:,.0f} and writes {direct_written:,.0f}; the "
        f"steps bring {points}, which is not significantly better."
    ]


def _per_problem(row: StrategySummary) -> tuple[float, float]:
    """Return the tokens of a solve that were written, and those that were thought."""
    usage = row.usage
    return (usage.completion_tokens - usage.reasoning_tokens) / row.n, usage.reasoning_tokens / row.n


def _is_direct_and_chain(direct: str, chain: str) -> bool:
    """Return whether one spec is direct prompting and the other chain of thought, with the same effort."""
    try:
        (effort, base), (other_effort, other_base) = map(_split_effort, map(registry.get, (direct, chain)))
    except ReasoningError:
        return False
    return effort == other_effort and isinstance(base, Vanilla) and isinstance(other_base, ChainOfThought)


def _split_effort(strategy: Strategy) -> tuple[object, Strategy]:
    """Return the effort of a strategy, and the strategy without it."""
    return (strategy.sampling, strategy.base) if isinstance(strategy, Effort) else ({}, strategy)
