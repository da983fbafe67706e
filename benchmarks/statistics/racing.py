"""Racing: strategies that can no longer be the best are stopped, however often one looks.

For each pair a bet is kept against "the first is better than the second by more than the margin". As long as that is
true, the bet's capital is expected not to grow, so it passes 1/level with a chance of at most the level at *any* time
(Ville's inequality): looking after every problem is no sin. Capital that has passed it is evidence enough to stop the
first. Sources: Waudby-Smith and Ramdas (2023), "Estimating means of bounded random variables by betting", JRSS B 86(1);
Ramdas, Grünwald, Vovk and Shafer (2023), "Game-theoretic statistics and safe anytime-valid inference", Statistical
Science 38(4); Vovk and Wang (2021), "E-values: calibration, combination and applications", Annals of Statistics 49(3),
for the average over rivals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STAKES: Floats = np.array([0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
"""Shares of the capital that are put on each problem; the capital is split evenly among them at the start."""


def winnings(got: Floats, margin: float) -> Floats:
    """The logarithm of what each stake becomes by one problem: shape (…, one, rival, stake) from (…, strategy).

    Args:
        got: what each strategy got on the problem, from 0 to 1; not a number where it has no result.
        margin: a difference that does not matter.
    """
    gain = (got[..., None, :] - got[..., :, None] + margin) / (1 - margin)  # at least -1
    return np.asarray(np.nan_to_num(np.log1p(gain[..., None] * STAKES)))


def evidence(log_capital: Floats) -> Floats:
    """The logarithm of what betting against each strategy has won, on average over rivals and stakes."""
    k = log_capital.shape[-2]
    rivals = ~np.eye(k, dtype=bool)
    logs = log_capital[..., rivals, :].reshape(*log_capital.shape[:-3], k, -1)
    top = np.maximum(logs.max(axis=-1, initial=0.0), 0.0)
    return np.asarray(top + np.log(np.exp(logs - top[..., None]).mean(axis=-1)))


class Race:
    """Which strategies are still in the running.

    Args:
        names: the strategies.
        level: the chance to stop the best one, though it is better than each other by at least the margin.
        margin: a difference in accuracy, from 0 up to below 1, that does not matter. With 0, strategies that are
            equally good all run to the end.

    Attributes:
        out: the strategies that were stopped, with the number of problems after which.
        problems: how many were seen.
    """

    def __init__(self, names: Sequence[str], level: float = 0.05, margin: float = 0.0) -> None:
        if not 0 < level < 1 or not 0 <= margin < 1:
            raise ValueError(f"level={level} lies between 0 and 1, margin={margin} from 0 to below 1")
        self.names, self.level, self.margin = tuple(names), level, margin
        self.out: dict[str, int] = {}
        self.problems = 0
        self._log_capital = np.zeros((len(self.names), len(self.names), len(STAKES)))  # against whom, for whom

    @property
    def running(self) -> list[str]:
        """The strategies that were not stopped."""
        return [name for name in self.names if name not in self.out]

    def see(self, right: Mapping[str, float]) -> list[str]:
        """Take in one problem; gives the strategies that are stopped by it.

        Args:
            right: by strategy, what it got on the problem, from 0 to 1; one that has no result is left out.
        """
        self.problems += 1
        got = np.array([right.get(name, np.nan) for name in self.names])
        self._log_capital += winnings(got, self.margin)
        against = self.evidence()
        stopped = []
        for name in sorted(self.running, key=against.__getitem__, reverse=True):
            if len(self.running) > 1 and against[name] >= -math.log(self.level):
                self.out[name] = self.problems
                stopped.append(name)
        return stopped

    def evidence(self) -> dict[str, float]:
        """By strategy, the logarithm of what betting against it has won, on average over its rivals."""
        if len(self.names) < 2:
            return dict.fromkeys(self.names, 0.0)
        return dict(zip(self.names, evidence(self._log_capital).tolist(), strict=True))
