"""What the numbers of a table allow to say, in words."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.pairs import Outcomes, Pair, pairs
from benchmarks.rows import Row
from benchmarks.statistics import smallest_difference

LEVEL = 0.05
"""The chance, over the whole table, of telling two strategies apart that are equally good."""


def verdict(rows: Sequence[Row], outcomes: Outcomes) -> str:
    """Which strategies can, and which cannot, be told apart from the best: two to four lines.

    All pairs are compared over the problems that both answered, with Holm's correction; see `benchmarks.pairs`.
    """
    rows = [row for row in rows if row.n]
    if not rows:
        return "Nothing came through, so there is nothing to compare."
    best = min(rows, key=lambda row: (-row.accuracy, row.usage.completion_tokens))
    if len(rows) == 1:
        low, high = best.interval
        return (
            f"{best.strategy} solved {best.correct} of {best.n}: with 95 % confidence its accuracy lies between "
            f"{100 * low:.0f} and {100 * high:.0f} %."
        )
    if best.correct == 0:
        n = len({problem for by_problem in outcomes.values() for problem in by_problem})
        asked = f"any of the {n} problems" if n > 1 else "the one problem"
        return f"No strategy solved {asked}: only an easier task or a stronger model tells more."
    return "\n".join(_lines(best, rows, outcomes))


def _lines(best: Row, rows: Sequence[Row], outcomes: Outcomes) -> list[str]:
    every = pairs(outcomes, [row.strategy for row in rows])
    with_best = [pair.seen_from(best.strategy) for pair in every if best.strategy in (pair.first, pair.second)]
    beaten = sorted((pair for pair in with_best if pair.adjusted < LEVEL), key=lambda pair: pair.adjusted)
    level_with = [pair for pair in with_best if pair.adjusted >= LEVEL]
    once = all(share in (0.0, 1.0) for by_problem in outcomes.values() for share in by_problem.values())
    test = "exact McNemar" if once else "paired t-tests over problems"
    holding = f"{test}, Holm over {len(every)} pairs" if len(every) > 1 else test

    ties = [row.strategy for row in rows if row.accuracy == best.accuracy and row is not best]
    tied = f" (as many as {_listed(ties, 2)})" if ties else ""
    lines = [f"Best: {best.strategy}, {best.correct} of {best.n} right{tied}."]
    if beaten:
        lines.append(f"It beats {_listed([_beaten(pair) for pair in beaten])}; {holding}.")
    if level_with:
        lowest = min(pair.adjusted for pair in level_with)
        at_least = _p(lowest) if lowest == 1 or len(level_with) == 1 else _p(lowest).replace("=", "≥")
        tests = "" if beaten else f"; {holding}"
        others = _listed([pair.second for pair in level_with])
        lines.append(f"Not told apart from it: {others} ({at_least}{tests}).")
        lines.append(_reach(level_with, len(every)))
    return lines


def _beaten(pair: Pair) -> str:
    found = pair.difference
    points = (
        f"{100 * found.value:.0f} points (95 %: {100 * found.low:.0f} to {100 * found.high:.0f}; {_p(pair.adjusted)})"
    )
    return f"{pair.second} by {points}"


def _reach(level_with: Sequence[Pair], pairs: int) -> str:
    """What so many problems can show, given how often these strategies disagree."""
    n = min(pair.n for pair in level_with)
    if n == 0:
        return "They have no answered problem in common."
    share = sum(pair.disagree * pair.n for pair in level_with) / sum(pair.n for pair in level_with)
    needed = smallest_difference(n, share, level=LEVEL / pairs)
    if needed is None:
        return f"{n} problems are too few to show any difference with {pairs} pair{'s' * (pairs > 1)} to compare."
    return (
        f"{n} problems show differences of about {100 * needed:.0f} points or more (8 times in 10, for strategies that "
        f"disagree on {100 * share:.0f} % of the problems, as these do); more problems show smaller ones."
    )


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} others")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _p(value: float) -> str:
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.0995 else f"p = {value:.2f}" if value < 0.995 else "p = 1"
