"""Racing: a sequential test that stops strategies which can no longer be the best of a run.

The problems of a run are taken in random order. For each ordered pair, a bet is placed against the
hypothesis "on all problems of the run, the first is better than the second by the margin". The results
so far determine what the remaining problems would have to give. Under the hypothesis the capital of the
bet is a supermartingale, so it exceeds 1/level with a probability of at most the level at *any* time
(Ville's inequality): the race may test after every problem. Capital above 1/level stops the first
strategy. The order alone is random, so the problems may be families, or no random sample at all.

In a run of infinitely many problems, no remaining problem can make up for the results so far. The same bets are
then against the hypothesis "on all problems of this kind". That needs more problems, and treats them as
independent draws.

Sources: Waudby-Smith and Ramdas (2020), "Confidence sequences for sampling without replacement", NeurIPS 33, and
(2023), "Estimating means of bounded random variables by betting", JRSS B 86(1), §5; Ramdas, Grünwald, Vovk and Shafer
(2023), "Game-theoretic statistics and safe anytime-valid inference", Statistical Science 38(4); Vovk and Wang (2021),
"E-values: calibration, combination and applications", Annals of Statistics 49(3), for the average over rivals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STAKES: Floats = np.array([0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
"""The stakes of the bets, as shares of the amount that may be lost on a problem."""
_MIN_DIVISOR = 1e-9
"""The least divisor, to avoid a division by 0."""


def gaps(values: Floats, margin: float, most: Floats | None = None) -> Floats:
    """Return the lead of each rival over each strategy, plus the margin.

    Args:
        values: the values of the strategies, of shape (…, strategy); NaN if there is no result.
        margin: the difference that does not matter.
        most: the greatest possible values, for the strategy that a rival leads; by default `values`.

    Returns:
        An array of shape (…, strategy, rival).
    """
    own = values if most is None else most
    return np.asarray(values[..., None, :] - own[..., :, None] + margin)


def winnings(gap: Floats, owed: Floats, margin: float) -> Floats:
    """Return the factor by which one problem multiplies each stake, with the stakes as the first axis.

    Args:
        gap: the leads of `gaps`; NaN if one of the two has no result.
        owed: the sum of the earlier leads divided by the number of remaining problems: what the first
            strategy must regain on each to be the best.
        margin: the difference that does not matter.
    """
    # The most that it regains, beyond what it owes, on a problem that it alone solves; may be negative.
    room = 1 - margin - owed
    gain = np.maximum((gap + owed) / np.maximum(room, _MIN_DIVISOR), -1)
    return np.asarray(1 + np.multiply.outer(STAKES, np.nan_to_num(gain)))


def initial_capital(strategies: int) -> Floats:
    """Return a capital of 1 against each strategy, divided equally among its rivals and the stakes."""
    against = (1 - np.eye(strategies)) / max(1, strategies - 1) / len(STAKES)
    return np.repeat(against[None], len(STAKES), axis=0)


class Race:
    """A race of strategies over problems in random order.

    Args:
        strategies: the strategies.
        total: the number of problems of the run; infinity if they are a sample of all problems.
        level: the probability to stop the strategy that would be the best on all problems by at least
            the margin, above 0 and below 1.
        margin: the difference in accuracy that does not matter, from 0 to below 1.

    Attributes:
        stopped: the stopped strategies, each with the number of problems after which it was stopped.
        problems: the number of problems seen.

    Raises:
        ValueError: `level` or `margin` is out of range.

    Examples:
        >>> race = Race(["a", "b"], total=12)
        >>> while len(race.remaining) > 1:
        ...     stopped = race.update({"a": 1.0, "b": 0.0})
        >>> stopped, race.remaining
        (['b'], ['a'])
    """

    def __init__(self, strategies: Sequence[str], total: float, level: float = 0.05, margin: float = 0.0) -> None:
        if not 0 < level < 1 or not 0 <= margin < 1:
            raise ValueError(
                f"level must be above 0 and below 1, and margin from 0 to below 1, got {level} and {margin}"
            )
        self.strategies, self.total, self.level, self.margin = tuple(strategies), total, level, margin
        self.stopped: dict[str, int] = {}
        self.problems = 0
        k = len(self.strategies)
        # The lead of each rival (column) over each strategy (row).
        self._lead: Floats = np.zeros((k, k))
        self._capital = initial_capital(k)

    @property
    def remaining(self) -> list[str]:
        """The strategies that have not been stopped."""
        return [name for name in self.strategies if name not in self.stopped]

    def update(self, right: Mapping[str, float], most: Mapping[str, float] | None = None) -> list[str]:
        """Take in one problem, and return the strategies that it stops.

        Args:
            right: the value of each strategy on the problem, from 0 to 1, without strategies that have
                no result.
            most: the greatest possible values, if some are uncertain. A strategy is stopped only if it
                would be with these values, while those of its rivals are the least possible ones.

        Raises:
            ValueError: all problems have been seen.
        """
        if self.problems == self.total:
            raise ValueError(f"all {self.total} problems of the race have been seen")
        values, greatest = (
            np.array([by_name.get(name, np.nan) for name in self.strategies])
            for by_name in (right, right if most is None else most)
        )
        gap = gaps(values, self.margin, greatest)
        self._capital *= winnings(gap, self._lead / (self.total - self.problems), self.margin)
        self._lead += np.nan_to_num(gap)
        self.problems += 1
        against = self.evidence()
        stopped = []
        for name in sorted(self.remaining, key=against.__getitem__, reverse=True):
            if len(self.remaining) > 1 and against[name] >= 1 / self.level:
                self.stopped[name] = self.problems
                stopped.append(name)
        return stopped

    def evidence(self) -> dict[str, float]:
        """Return the e-value against each strategy: what a bet of 1 against it has become."""
        return dict(zip(self.strategies, self._capital.sum(axis=(0, 2)).tolist(), strict=True))
