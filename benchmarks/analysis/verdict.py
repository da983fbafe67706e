"""The conclusion that the numbers of a comparison support, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.formatting import join_names, p_phrase, whole_points
from reasoning.benchmarks.analysis.paired import ALPHA, EXACT, OVER_FAMILIES, PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary, best_of
from reasoning.benchmarks.analysis.worst_case import Incomplete, explain_incomplete, find_incomplete
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.runs.race import RaceRecord
from reasoning.benchmarks.statistics import detectable_difference
from reasoning.tables import pluralize


@dataclass(frozen=True)
class Verdict:
    """The verdict on a comparison.

    The best strategy has the most right answers on the common subset. Pairs are compared on
    the problems that both answered, with Holm's correction. A strategy that a race stopped is in no
    pair: the race decided about it, and a p-value has no meaning if the data were stopped because of
    their values.

    Attributes:
        rows: the summaries of all strategies.
        common_rows: the summaries of the compared strategies, on the common subset.
        pairs: the differences of all pairs of compared strategies.
        common: the common subset.
        race: the record of the race, if there was one.
        results: all results.
    """

    rows: Sequence[StrategySummary]
    common_rows: Sequence[StrategySummary]
    pairs: Sequence[PairedDifference]
    common: CommonSubset
    race: RaceRecord | None
    results: ResultRows

    @cached_property
    def best(self) -> StrategySummary | None:
        """The best strategy of the common subset; None if nothing is compared."""
        return best_of(self.common_rows)

    @cached_property
    def against_best(self) -> tuple[PairedDifference, ...]:
        """The best strategy against every other compared strategy, the largest difference first."""
        if self.best is None:
            return ()
        name = self.best.strategy
        pairs = (pair.oriented(name) for pair in self.pairs if name in (pair.first, pair.second))
        return tuple(sorted(pairs, key=lambda pair: -pair.difference.value))

    @property
    def _stopped(self) -> Collection[str]:
        return self.race.stopped if self.race else ()

    def text(self) -> str:
        """Return the verdict: two to four lines, and those of a race."""
        if not self.rows:
            return "There are no results yet, so there is nothing to compare; repeat the run command to continue."
        if not any(row.n for row in self.rows):
            return "Every call failed, so there is nothing to compare."
        race = self.race
        if race is None or not race.stopped:
            note = [] if race is None else ["The race stopped no strategy."]
            return "\n".join([*self._conclusion(), *note])
        not_stopped = [row for row in self.rows if row.strategy not in race.stopped]
        left = [row for row in not_stopped if row.strategy in race.specs] or not_stopped
        conclusion = self._conclusion() if len(not_stopped) > 1 else []
        return "\n".join([self._race_decision(race, left), self._race_savings(race), *conclusion])

    def headline(self) -> str:
        """Return the verdict in one sentence; after a race, its decision."""
        best, against = self.best, self.against_best
        if best is None or not best.correct or not against or self._stopped:
            return self.text().splitlines()[0]
        if withheld := [pair for pair in against if pair.is_withheld]:
            return self._withheld(withheld)
        similar = [pair.second for pair in against if not pair.is_shown]
        lead = f"{best.strategy} has the most right answers{self._scope()} ({best.correct} of {best.n})"
        if not similar:
            second = min(against, key=lambda pair: pair.difference.value)
            value, low, high = map(whole_points, dataclasses.astuple(second.difference))
            rivals = "every other strategy" if not self.common.excluded else "all that it is compared with"
            others = f"{rivals}; the next best, {second.second}," if len(against) > 1 else second.second
            return f"{best.strategy} beats {others} by {value} points (95 %: {low} to {high})."
        ties = [row.strategy for row in self.common_rows if row.correct == best.correct]
        if len(ties) > 1 and len(similar) == len(against):
            equally = f"{join_names(ties)} have equally many right answers{self._scope()} ({best.correct} of {best.n})"
            fewer = [spec for spec in similar if spec not in ties]
            return f"{equally}; {join_names(fewer)} may have fewer by chance." if fewer else f"{equally}."
        if len(similar) == len(against):
            names = "the others" if len(against) > 1 else similar[0]
            return f"{lead}, but is not significantly different from {names}: it may be chance."
        names = similar[0] if len(similar) == 1 else f"{len(similar)} others"
        beaten = len(against) - len(similar)
        return f"{lead} and beats {beaten} of {len(against)}, but is not significantly different from {names}."

    def _conclusion(self) -> list[str]:
        """Return the lines about the compared strategies."""
        best = self.best
        if best is None:
            return ["The strategies answered no problem in common, so nothing is compared."]
        if len(self.common_rows) == 1:
            low, high = best.interval
            return [
                f"{best.strategy} solved {best.correct} of {best.n}: with 95 % confidence its accuracy lies between "
                f"{100 * low:.0f} and {100 * high:.0f} %."
            ]
        if best.correct == 0:
            n = len(self.common.problems)
            problems = f"any of the {n} problems" if n > 1 else "the one problem"
            if self._incomplete:
                cause = explain_incomplete(self._incomplete.values())
                return [f"No strategy solved {problems}, and replies are missing: {cause}"]
            return [f"No strategy solved {problems}: use an easier task or a stronger model."]
        return self._comparison(best)

    def _comparison(self, best: StrategySummary) -> list[str]:
        shown = sorted((pair for pair in self.against_best if pair.is_shown), key=lambda pair: pair.p_adjusted)
        # The best is that of the common subset. On other problems a rival may be better.
        beaten = [pair for pair in shown if pair.difference.value > 0]
        rivals = [pair.second for pair in shown if pair.difference.value < 0]
        withheld = [pair for pair in self.against_best if pair.is_withheld]
        similar = [pair for pair in self.against_best if not pair.is_shown and not pair.is_withheld]
        tests = " and ".join(dict.fromkeys(pair.test for pair in self.pairs))
        tests = f"{tests}, Holm over {len(self.pairs)} pairs" if len(self.pairs) > 1 else tests

        ties = [row.strategy for row in self.common_rows if row.correct == best.correct and row is not best]
        tied = f" (as many as {join_names(ties, 2)})" if ties else ""
        title = "Most right answers" if withheld else "Best"
        lines = [f"{title}{self._scope()}: {best.strategy}, {best.correct} of {best.n} right{tied}."]
        if beaten:
            lines.append(f"It beats {join_names([_margin(pair) for pair in beaten])}; {tests}.")
        if rivals:
            lines.append(f"On all problems that both answered, it is significantly worse than {join_names(rivals)}.")
        if withheld:
            lines.append(self._withheld(withheld))
        if similar:
            lowest = min(pair.p_adjusted for pair in similar)
            p = p_phrase(lowest) if lowest == 1 or len(similar) == 1 else p_phrase(lowest).replace("=", "≥")
            names = join_names([pair.second for pair in similar])
            lines.append(f"Not significantly different: {names} ({p}{'' if beaten else f'; {tests}'}).")
            lines.append(_power(similar, len(self.pairs)))
        return lines

    @cached_property
    def _incomplete(self) -> Mapping[str, Incomplete]:
        """The incomplete answers of the compared strategies."""
        compared = self.results.numbers("strategy", [row.strategy for row in self.common_rows])
        return find_incomplete(self.results.where(np.isin(self.results.data["strategy"], compared)))

    def _withheld(self, pairs: Sequence[PairedDifference]) -> str:
        """Return the sentence on the differences that a limit, a refusal or a failure could have made."""
        names = join_names([pair.second for pair in pairs])
        best = pairs[0].first
        specs = {best, *(pair.second for pair in pairs)}
        cause = explain_incomplete(one for spec, one in self._incomplete.items() if spec in specs)
        return f"No verdict on {best} against {names}, as missing replies could decide it: {cause}"

    def _scope(self) -> str:
        """Return the scope of "best", or "" if it is the whole table."""
        left, problems = " of those left" if self._stopped else "", pluralize(len(self.common.problems), "problem")
        rows = [row for row in self.rows if row.strategy not in self._stopped]
        same = {row.n for row in rows} == {row.n for row in self.common_rows}
        some = any(row.strategy in self.common.excluded for row in rows)
        return left + ("" if same else f" on the {problems} that all{' compared' if some else ''} strategies answered")

    def _race_decision(self, race: RaceRecord, left: Sequence[StrategySummary]) -> str:
        subject = f"The race (a margin of {race.margin:g} point{'' if race.margin == 1 else 's'})"
        if len(left) == 1:
            return f"{subject} left {left[0].strategy}: {left[0].correct} of {left[0].n} right."
        names = join_names([row.strategy for row in left])
        return f"{subject} left {len(left)} of {len(left) + len(race.stopped)} strategies: {names}."

    def _race_savings(self, race: RaceRecord) -> str:
        """Return the sentence on the stopped strategies, the times of their stops, and the savings."""
        results = self.results
        run = {spec: len(np.unique(results.of_strategy(spec).data["problem"])) for spec in race.stopped}
        stopped = [
            f"{spec} after {pluralize(after, 'problem')}" + (f" ({run[spec]} were run)" if run[spec] > after else "")
            for spec, after in race.stopped.items()
        ]
        full = race.results_per_strategy * len(race.specs)
        made = sum(len(results.of_strategy(spec)) for spec in set(race.specs))
        saved = f" {pluralize(made, 'result')} {'was' if made == 1 else 'were'} made instead of {full:,}."
        decision = f"The race stopped {join_names(stopped, len(stopped))}: e-value ≥ {1 / ALPHA:.0f}."
        return decision + (saved if made < full else "")


def _margin(pair: PairedDifference) -> str:
    value, low, high = map(whole_points, dataclasses.astuple(pair.difference))
    return f"{pair.second} by {value} points (95 %: {low} to {high}; {p_phrase(pair.p_adjusted)})"


def _power(similar: Sequence[PairedDifference], pairs: int) -> str:
    """Return the sentence on the smallest difference that the problems can show at this rate of disagreement."""
    n = min(pair.n for pair in similar)
    if any(pair.test == OVER_FAMILIES for pair in similar):
        return f"{pluralize(n, 'problem')} in families show less than {n} independent ones; more families show more."
    disagreement = sum(pair.disagreement * pair.n for pair in similar) / sum(pair.n for pair in similar)
    is_exact = all(pair.test == EXACT for pair in similar)
    least = detectable_difference(n, disagreement, level=ALPHA / pairs, exact=is_exact)
    if least is None:
        few = f"{pluralize(n, 'problem')} {'is' if n == 1 else 'are'} too few"
        return f"{few} to show any difference with {pluralize(pairs, 'pair')} to compare."
    # Strategies disagree on at least as many problems as their accuracies differ by.
    if disagreement < least:
        condition = ", if the better one solves all that the other one solves" if is_exact else ""
    elif is_exact:
        condition = f", for strategies that disagree on {100 * disagreement:.0f} % of the problems, as these do"
    else:
        condition = ", for strategies that differ from problem to problem as much as these"
    return (
        f"{pluralize(n, 'problem')} show differences of about {100 * least:.0f} points or more (8 times in 10"
        f"{condition}); more problems show smaller ones."
    )
