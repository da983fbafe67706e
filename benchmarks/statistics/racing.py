"""Racing: strategies that can no longer be the best of a run are stopped, however often one looks.

A run has a number of problems, which are taken in a random order. For each pair a bet is kept against "on all of them
the first is better than the second by the margin". What was seen says what the problems that are left would have to
give for that, and as long as it is true the bet's capital is expected not to grow, so it passes 1/level with a chance
of at most the level at *any* time (Ville's inequality): looking after every problem is no sin. Capital that has passed
it is evidence enough to stop the first. The order is all that is random, so the problems may be anything: families, or
no sample of any others.

Of a run without an end nothing is left to make up for what was seen, and the same bets are against "on all problems
like these". That takes more of them, and takes each for an independent draw.

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
"""Shares of what may be lost that are put on each problem."""
_NONE = 1e-9
"""Instead of no room, so that nothing is divided by 0."""


def gaps(got: Floats, margin: float) -> Floats:
    """By how much each rival got more than each strategy, plus the margin: shape (…, one, rival) from (…, strategy)."""
    return np.asarray(got[..., None, :] - got[..., :, None] + margin)


def winnings(gap: Floats, owed: Floats, margin: float) -> Floats:
    """What each stake becomes by one problem, times what it was, with the stakes as the first axis.

    Args:
        gap: see `gaps`; not a number where one of the two has no result.
        owed: the gaps of the problems before, added up and shared out over those that were left: what the first must
            get back on each to be the best.
        margin: a difference that does not matter.
    """
    room = 1 - margin - owed  # what it gets back, beyond what it owes, on a problem that only it solves; at times none
    gain = np.maximum((gap + owed) / np.maximum(room, _NONE), -1)
    return np.asarray(1 + np.multiply.outer(STAKES, np.nan_to_num(gain)))


def initial_capital(strategies: int) -> Floats:
    """A capital of 1 against each strategy, as it is split among its rivals and the stakes."""
    against = (1 - np.eye(strategies)) / max(1, strategies - 1) / len(STAKES)
    return np.repeat(against[None], len(STAKES), axis=0)


class Race:
    """Which strategies are still in the running.

    Args:
        names: the strategies.
        of: how many problems the run has, which are seen in a random order; infinity where they are a sample of all.
        level: the chance to stop the one that would be the best on all of them, by at least the margin.
        margin: a difference in accuracy, from 0 up to below 1, that does not matter.

    Attributes:
        out: the strategies that were stopped, with the number of problems after which.
        problems: how many were seen.
    """

    def __init__(self, strategies: Sequence[str], total: float, level: float = 0.05, margin: float = 0.0) -> None:
        if not 0 < level < 1 or not 0 <= margin < 1:
            raise ValueError(f"level={level} lies between 0 and 1, margin={margin} from 0 to below 1")
        self.strategies, self.total, self.level, self.margin = tuple(strategies), total, level, margin
        self.stopped: dict[str, int] = {}
        self.problems = 0
        k = len(self.strategies)
        self._lead: Floats = np.zeros((k, k))  # of the rival over the strategy
        self._capital = initial_capital(k)

    @property
    def remaining(self) -> list[str]:
        """The strategies that were not stopped."""
        return [name for name in self.strategies if name not in self.stopped]

    def update(self, right: Mapping[str, float]) -> list[str]:
        """Take in one problem; gives the strategies that are stopped by it.

        Args:
            right: by strategy, what it got on the problem, from 0 to 1; one that has no result is left out.

        Raises:
            ValueError: all problems were seen.
        """
        if self.problems == self.total:
            raise ValueError(f"a race of {self.total} problems has seen them all")
        gap = gaps(np.array([right.get(name, np.nan) for name in self.strategies]), self.margin)
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
        """By strategy the e-value against it: what betting 1 against it has become."""
        return dict(zip(self.strategies, self._capital.sum(axis=(0, 2)).tolist(), strict=True))
