"""What the numbers of a table allow to say, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.paired import EXACT, OVER_FAMILIES, PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.summary_table import many
from reasoning.benchmarks.runs.race import RaceRecord
from reasoning.benchmarks.statistics import detectable_difference

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison

ALPHA = 0.05
"""The chance, over the whole table, of telling two strategies apart that are equally good."""


def verdict(found: Comparison) -> str:
    """Which strategies can, and which cannot, be told apart from the best: two to four lines, and those of a race.

    What is compared is what all of them answered (`common_subset`); its pairs are over the problems that both
    answered, with Holm's correction (`paired`). A strategy that a race has stopped is in no pair: it has the
    race's decision, and a p-value of data that stopped because of what they said has no meaning.
    """
    if not found.rows:
        return "There is no result yet, so there is nothing to compare; the command of the run goes on."
    if not any(row.n for row in found.rows):
        return "Nothing came through, so there is nothing to compare."
    raced = found.race
    if raced is None or not raced.stopped:
        nobody = [] if raced is None else ["Racing stopped nobody: all are still in the running."]
        return "\n".join([*_said(found), *nobody])
    left = [row for row in found.rows if row.strategy not in raced.stopped]
    said = _said(found) if len(left) > 1 else []
    return "\n".join([_decided(raced, left), _stopped(found, raced), *said])


def _said(found: Comparison) -> list[str]:
    """Of those that are compared."""
    best = found.best
    if best is None:
        return ["They have no answered problem in common, so nothing is compared."]
    if len(found.common_rows) == 1:
        low, high = best.interval
        return [
            f"{best.strategy} solved {best.correct} of {best.n}: with 95 % confidence its accuracy lies between "
            f"{100 * low:.0f} and {100 * high:.0f} %."
        ]
    if best.correct == 0:
        n = len(found.common.problems)
        asked = f"any of the {n} problems" if n > 1 else "the one problem"
        return [f"No strategy solved {asked}: only an easier task or a stronger model tells more."]
    return _lines(found, best)


def _lines(found: Comparison, best: StrategySummary) -> list[str]:
    every = found.pairs
    beaten = sorted((pair for pair in found.against_best if pair.p_adjusted < ALPHA), key=lambda pair: pair.p_adjusted)
    level_with = [pair for pair in found.against_best if pair.p_adjusted >= ALPHA]
    test = " and ".join(dict.fromkeys(pair.test for pair in every))
    holding = f"{test}, Holm over {len(every)} pairs" if len(every) > 1 else test

    ties = [row.strategy for row in found.common_rows if row.correct == best.correct and row is not best]
    tied = f" (as many as {join_names(ties, 2)})" if ties else ""
    lines = [f"Best{best_scope(found)}: {best.strategy}, {best.correct} of {best.n} right{tied}."]
    if beaten:
        lines.append(f"It beats {join_names([_beaten(pair) for pair in beaten])}; {holding}.")
    if level_with:
        lowest = min(pair.p_adjusted for pair in level_with)
        at_least = _p(lowest) if lowest == 1 or len(level_with) == 1 else _p(lowest).replace("=", "≥")
        tests = "" if beaten else f"; {holding}"
        others = join_names([pair.second for pair in level_with])
        lines.append(f"Not told apart from it: {others} ({at_least}{tests}).")
        lines.append(_reach(level_with, len(every)))
    return lines


def best_scope(found: Comparison) -> str:
    """Of what the best is the best, where that is not the whole table."""
    out = found.race.stopped if found.race else {}
    left, problems = " of those left" if out else "", many(len(found.common.problems), "problem")
    rows = [row for row in found.rows if row.strategy not in out]
    same = {row.n for row in rows} == {row.n for row in found.common_rows}
    few = any(row.strategy in found.common.excluded for row in rows)
    return left + ("" if same else f" on the {problems} that all{' compared' if few else ''} strategies answered")


def _decided(raced: RaceRecord, left: Sequence[StrategySummary]) -> str:
    """What the race has decided, in a sentence."""
    margin = f"The race (a margin of {raced.margin:g} point{'' if raced.margin == 1 else 's'})"
    if len(left) == 1:
        return f"{margin} left {left[0].strategy}: {left[0].correct} of {left[0].n} right."
    names = join_names([row.strategy for row in left])
    return f"{margin} left {len(left)} of {len(left) + len(raced.stopped)} strategies: {names}."


def _stopped(found: Comparison, raced: RaceRecord) -> str:
    """Whom it has stopped, when, and what that saved."""
    begun = {spec: len({one.problem for one in found.results if one.strategy == spec}) for spec in raced.stopped}
    each = [
        f"{spec} after {many(after, 'problem')}" + (f" ({begun[spec]} were run)" if begun[spec] > after else "")
        for spec, after in raced.stopped.items()
    ]
    made = (
        f"{many(len(found.results), 'result')} were made rather than {raced.results_per_strategy * len(found.rows):,}"
    )
    return f"Racing stopped {join_names(each, len(each))}: e-value ≥ {1 / ALPHA:.0f}. {made}."


def _beaten(pair: PairedDifference) -> str:
    found = pair.difference
    value, low, high = whole_points(found.value), whole_points(found.low), whole_points(found.high)
    return f"{pair.second} by {value} points (95 %: {low} to {high}; {_p(pair.p_adjusted)})"


def _reach(level_with: Sequence[PairedDifference], pairs: int) -> str:
    """What so many problems can show, given how often these strategies disagree."""
    n = min(pair.n for pair in level_with)
    if any(pair.test == OVER_FAMILIES for pair in level_with):
        return f"{many(n, 'problem')} in families show less than as many that stand alone; more families show more."
    share = sum(pair.disagreement * pair.n for pair in level_with) / sum(pair.n for pair in level_with)
    needed = detectable_difference(n, share, level=ALPHA / pairs)
    if needed is None:
        few = f"{many(n, 'problem')} {'is' if n == 1 else 'are'} too few"
        return f"{few} to show any difference with {many(pairs, 'pair')} to compare."
    how = f"disagree on {100 * share:.0f} % of the problems, as these do"
    if any(pair.test != EXACT for pair in level_with):
        how = "differ from problem to problem as much as these"
    return (
        f"{n} problems show differences of about {100 * needed:.0f} points or more (8 times in 10, for strategies that "
        f"{how}); more problems show smaller ones."
    )


def join_names(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence; of more than `most` and one, the others are counted."""
    shown = list(names) if len(names) <= most + 1 else [*names[:most], f"{len(names) - most} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def whole_points(difference: float) -> str:
    """A difference in accuracy in whole points; 0 has no sign."""
    return str(round(100 * difference))


def _p(value: float) -> str:
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.0995 else f"p = {value:.2f}" if value < 0.995 else "p = 1"
