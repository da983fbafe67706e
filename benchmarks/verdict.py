"""What the numbers of a table allow to say, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from benchmarks.rows import Row
from benchmarks.statistics import disagreements, holm, mcnemar, smallest_difference

LEVEL = 0.05
"""The chance, over the whole table, of telling two strategies apart that are equally good."""

Outcomes = Mapping[str, Mapping[str, bool]]
"""By strategy and problem: whether the answer was right. Failed calls are left out."""


def verdict(rows: Sequence[Row], outcomes: Outcomes) -> str:
    """Which strategies can, and which cannot, be told apart from the best: two to four lines.

    All pairs are compared by exact McNemar tests over the problems that both answered, with Holm's correction.
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
        return f"No strategy solved any of the {best.n} problems: only an easier task or a stronger model tells more."
    return "\n".join(_lines(best, rows, outcomes))


def _lines(best: Row, rows: Sequence[Row], outcomes: Outcomes) -> list[str]:
    pairs = list(combinations([row.strategy for row in rows], 2))
    against = {pair: _paired(outcomes[pair[0]], outcomes[pair[1]]) for pair in pairs}
    adjusted = holm({pair: mcnemar(only_a, only_b) for pair, (only_a, only_b, _) in against.items()})
    others = [row.strategy for row in rows if row is not best]
    with_best = {other: next(pair for pair in pairs if set(pair) == {other, best.strategy}) for other in others}
    p = {other: adjusted[pair] for other, pair in with_best.items()}
    beaten = sorted((other for other in others if p[other] < LEVEL), key=p.__getitem__)
    level_with = [other for other in others if p[other] >= LEVEL]

    ties = [row.strategy for row in rows if row.accuracy == best.accuracy and row is not best]
    tied = f" (as many as {_listed(ties, 2)})" if ties else ""
    lines = [f"Best: {best.strategy}, {best.correct} of {best.n} right{tied}."]
    holding = f"exact McNemar, Holm over {len(pairs)} pairs" if len(pairs) > 1 else "exact McNemar"
    if beaten:
        lines.append(f"It beats {_listed([f'{other} ({_p(p[other])})' for other in beaten])}; {holding}.")
    if level_with:
        lowest = min(p[other] for other in level_with)
        at_least = _p(lowest) if lowest == 1 or len(level_with) == 1 else _p(lowest).replace("=", "≥")
        tests = "" if beaten else f"; {holding}"
        lines.append(f"Not told apart from it: {_listed(level_with)} ({at_least}{tests}).")
        lines.append(_reach([against[with_best[other]] for other in level_with], len(pairs)))
    return lines


def _reach(against: Sequence[tuple[int, int, int]], pairs: int) -> str:
    """What so many problems can show, given how often these strategies disagree."""
    n = min(common for *_, common in against)
    if n == 0:
        return "They have no answered problem in common."
    share = sum(only_a + only_b for only_a, only_b, _ in against) / sum(common for *_, common in against)
    needed = smallest_difference(n, share, level=LEVEL / pairs)
    if needed is None:
        return f"{n} problems are too few to show any difference with {pairs} pair{'s' * (pairs > 1)} to compare."
    return (
        f"{n} problems show differences of about {100 * needed:.0f} points or more (8 times in 10, for strategies that "
        f"disagree on {100 * share:.0f} % of the problems, as these do); more problems show smaller ones."
    )


def _paired(a: Mapping[str, bool], b: Mapping[str, bool]) -> tuple[int, int, int]:
    common = [problem for problem in a if problem in b]
    return *disagreements([a[one] for one in common], [b[one] for one in common]), len(common)


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} others")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _p(value: float) -> str:
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.0995 else f"p = {value:.2f}" if value < 0.995 else "p = 1"
