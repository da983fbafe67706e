"""Stopping rules that decide after each draw whether to stop sampling.

A rule depends on the draws in draw order and not on their arrival, so neither the answer nor the
number of draws depends on latencies. An unparsed or failed draw (None) counts as a draw, but not
as a vote.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from reasoning.errors import UsageError

Keys = Sequence[Hashable | None]
"""The candidates of the draws so far, in draw order; None for a draw without a vote."""

RuleName = Literal["fixed", "decided", "beta", "dirichlet", "window"]
"""The name of a rule; see `rule_by_name`."""

# Beyond this number of votes exp(-x) underflows, and only the bound can be used.
_MAX_INTEGRATED = 600


class Rule(Protocol):
    """A stopping rule. A frozen value."""

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        """Return whether these draws are enough.

        Args:
            keys: the candidates of the draws so far, in draw order; None for a draw without a vote.
            max_draws: the number of draws at which the sampling ends in any case.
        """
        ...


@dataclass(frozen=True)
class Fixed:
    """Draw all samples."""

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        return len(keys) >= max_draws


@dataclass(frozen=True)
class Decided:
    """Stop when the majority can no longer change: the lead is greater than the number of remaining draws.

    The winner is the same as with all draws, including ties; its share may differ. This does not
    hold if a function of two values joins candidates, because a later draw may then join two of
    them.
    """

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        first, second = top_two_counts(keys)
        return first - second > max_draws - len(keys)


@dataclass(frozen=True)
class Beta:
    """Stop when the first candidate is more frequent than the second with a probability of at least `threshold`.

    Only these two are considered, under a uniform prior. With 0.95, four draws that agree are
    enough.

    Attributes:
        threshold: the probability, above 0.5 and below 1.

    Source: Adaptive-Consistency, Aggarwal et al. 2023, arXiv 2305.11860 (the Beta criterion, its
    default, with 0.95).
    """

    threshold: float = 0.95

    def __post_init__(self) -> None:
        _check(self.threshold)

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        return p_leads(*top_two_counts(keys)) >= self.threshold


@dataclass(frozen=True)
class Dirichlet:
    """Stop when the first candidate is the most frequent of all with a probability of at least `threshold`.

    All candidates that were drawn are considered, under a uniform prior. If there is only one, a
    second candidate without votes is added. This rule never stops before `Beta` with the same
    threshold.

    Attributes:
        threshold: the probability, above 0.5 and below 1.

    Source: Adaptive-Consistency, Aggarwal et al. 2023, arXiv 2305.11860 (the Dirichlet criterion).
    """

    threshold: float = 0.95

    def __post_init__(self) -> None:
        _check(self.threshold)

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        first, *rest = ranked_counts(keys) or [0]
        rest = rest or [0]
        pairwise = [p_leads(first, count) for count in rest]
        # The probability against all of them together is lower still.
        if pairwise[0] < self.threshold:
            return False
        # The Bonferroni bound.
        lower_bound = 1 - sum(1 - p for p in pairwise)
        if lower_bound >= self.threshold or first > _MAX_INTEGRATED:
            return lower_bound >= self.threshold
        return p_leads_all(first, tuple(rest)) >= self.threshold


@dataclass(frozen=True)
class Window:
    """Stop after a window of draws that all agree.

    Windows follow each other without overlap; an unparsed draw agrees with nothing. All draws vote,
    including those of earlier windows.

    Attributes:
        size: the number of draws in a window, at least 1.

    Source: early-stopping self-consistency, Li et al. 2024, arXiv 2401.10480. The set of draws that
    vote, and the rule that an unparsed draw breaks a window, are ours.
    """

    size: int = 5

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UsageError(f"window must be at least 1 draw, got {self.size}")

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        window = keys[len(keys) - self.size :] if keys and len(keys) % self.size == 0 else ()
        return bool(window) and window[0] is not None and len(set(window)) == 1


def rule_by_name(name: RuleName, threshold: float = 0.95, window: int = 5) -> Rule:
    """Return the rule with this name.

    Args:
        name: the name of the rule.
        threshold: the probability of `Beta` and `Dirichlet`, above 0.5 and below 1.
        window: the number of draws in a window of `Window`.

    Raises:
        UsageError: the threshold or the window is out of its range.
    """
    rules: dict[RuleName, Callable[[], Rule]] = {
        "fixed": Fixed,
        "decided": Decided,
        "beta": lambda: Beta(threshold),
        "dirichlet": lambda: Dirichlet(threshold),
        "window": lambda: Window(window),
    }
    return rules[name]()


def stopping_point(keys: Keys, rule: Rule, max_draws: int | None = None) -> int | None:
    """Return the number of these draws after which the rule stops; None if it needs more.

    Args:
        keys: the candidates of the draws, in draw order; None for a draw without a vote.
        rule: the stopping rule.
        max_draws: the number of draws at which the sampling ends in any case; None for the number
            of keys.

    Examples:
        >>> stopping_point(["a", "a", "b", "a", "a", "a"], Beta(0.95))
        6
        >>> stopping_point(["a", "a", "a", "a", "b"], Beta(0.95))
        4
    """
    max_draws = len(keys) if max_draws is None else max_draws
    for drawn in range(1, min(len(keys), max_draws) + 1):
        if drawn == max_draws or rule.should_stop(keys[:drawn], max_draws):
            return drawn
    return None


def next_batch_size(keys: Keys, rule: Rule, max_draws: int) -> int:
    """Return the number of draws to request next at once: the fewest after which the rule could stop.

    The rule could stop if all of them voted for the leader, or for the last candidate, which may
    complete a window. A smaller batch could not end the sampling. So no draw is requested that the
    rule would not have requested one by one, unless a draw joins two candidates (see
    `AnswerClasses`).

    Args:
        keys: the candidates of the draws so far, in draw order; None for a draw without a vote.
        rule: the stopping rule.
        max_draws: the number of draws at which the sampling ends in any case.
    """
    left = max_draws - len(keys)
    if isinstance(rule, Fixed) or left <= 1:
        return left
    votes = Counter(key for key in keys if key is not None)
    possible_winners: list[Hashable] = [key for key, _ in votes.most_common(1)] or [object()]
    if keys and keys[-1] is not None:
        possible_winners.append(keys[-1])
    for more in range(1, left):
        if any(rule.should_stop([*keys, *[winner] * more], max_draws) for winner in possible_winners):
            return more
    return left


def ranked_counts(keys: Keys) -> list[int]:
    """Return the number of votes of each candidate, in descending order."""
    return sorted(Counter(key for key in keys if key is not None).values(), reverse=True)


def top_two_counts(keys: Keys) -> tuple[int, int]:
    """Return the numbers of votes of the first and the second candidate; 0 for a missing one."""
    first, second, *_ = [*ranked_counts(keys), 0, 0]
    return first, second


@lru_cache(maxsize=4096)
def p_leads(first: int, second: int) -> float:
    """Return the probability that the first candidate is the more frequent one of two.

    This is P(p > 1/2) for p ~ Beta(first + 1, second + 1). For whole numbers it is a binomial tail:
    the probability that at most `first` of first + second + 1 tosses of a fair coin are heads.

    Args:
        first: the votes of the first candidate.
        second: the votes of the second candidate.

    Examples:
        >>> p_leads(4, 0)
        0.96875
    """
    n = first + second + 1
    return float(sum(math.comb(n, heads) for heads in range(first + 1)) / 2**n)


@lru_cache(maxsize=4096)
def p_leads_all(first: int, others: tuple[int, ...]) -> float:
    """Return the probability that the first candidate is the most frequent of all, to about 1e-9.

    This is P(p1 is the greatest) for p ~ Dirichlet(first + 1, *others + 1). With independent X_i ~
    Gamma(count + 1) it is the integral of the first's density times the others' distribution
    functions, computed by the double-exponential rule, x = exp(t - exp(-t)).

    Args:
        first: the votes of the first candidate.
        others: the votes of all other candidates.

    Source: Takahasi and Mori 1974 (the double-exponential rule).
    """
    step = 1 / max(16.0, 8 * math.sqrt(first + 1))
    multiplicity = Counter(others)
    total = 0.0
    for index in range(math.floor(-4 / step), math.ceil((2 + math.log(first + 64)) / step) + 1):
        t = index * step
        x = math.exp(t - math.exp(-t))
        term = math.exp(first * math.log(x) - x - math.lgamma(first + 1)) * x * (1 + math.exp(-t))
        # Far from the peak.
        if term < 1e-18:
            continue
        # P(Gamma(c + 1) <= x) is the probability of more than c Poisson events of rate x.
        poisson, below = math.exp(-x), 0.0
        for count in range(max(multiplicity) + 1):
            below += poisson
            if count in multiplicity:
                term *= max(0.0, 1 - below) ** multiplicity[count]
            poisson *= x / (count + 1)
        total += term
    return total * step


def _check(threshold: float) -> None:
    if not 0.5 < threshold < 1:
        raise UsageError(f"threshold must be a probability above 0.5 and below 1, got {threshold}")
