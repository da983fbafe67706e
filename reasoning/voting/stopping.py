"""When enough samples have been drawn: rules over the keys that were drawn so far, in draw order.

A rule sees how the draws fell, never when they came back; so the answer and the number of draws do not depend on
latencies. An unread or failed draw (None) is drawn, and no vote.
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
RuleName = Literal["fixed", "decided", "beta", "dirichlet", "window"]
"""A rule by its name; see `named`."""
_COUNTABLE = 600  # votes beyond which exp(-x) is no number, and the bound has to do


class Rule(Protocol):
    """A stopping rule; a frozen value."""

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        """Whether these draws are enough.

        Args:
            keys: what was drawn so far, in draw order; None for a draw without a vote.
            max_draws: the number of draws at which everything ends.
        """
        ...


@dataclass(frozen=True)
class Fixed:
    """Draw all."""

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        return len(keys) >= max_draws


@dataclass(frozen=True)
class Decided:
    """Stop when the majority can no longer change: the lead is greater than the number of draws that are left.

    The winner is the same as with all draws, ties included; its share may be another one. (Not so where a function of
    two values groups them: a later draw may then join two candidates.)
    """

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        first, second = top_two_counts(keys)
        return first - second > max_draws - len(keys)


@dataclass(frozen=True)
class Beta:
    """Stop when the first candidate is more frequent than the second with a probability of at least `threshold`.

    The two alone are looked at, under a uniform prior. With 0.95, four draws that agree are enough.
    Source: Adaptive-Consistency, Aggarwal et al. 2023, arXiv 2305.11860 (the Beta criterion, its default; 0.95).
    """

    threshold: float = 0.95

    def __post_init__(self) -> None:
        _check(self.threshold)

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        return p_leads(*top_two_counts(keys)) >= self.threshold


@dataclass(frozen=True)
class Dirichlet:
    """Stop when the first candidate is the most frequent of all with a probability of at least `threshold`.

    All candidates that were drawn are looked at, under a uniform prior; where there is one only, one more that was not.
    Never stops before `Beta` with the same threshold.
    Source: Adaptive-Consistency, Aggarwal et al. 2023, arXiv 2305.11860 (the Dirichlet criterion).
    """

    threshold: float = 0.95

    def __post_init__(self) -> None:
        _check(self.threshold)

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        first, *others = ranked_counts(keys) or [0]
        others = others or [0]
        pairs = [p_leads(first, one) for one in others]
        if pairs[0] < self.threshold:  # less likely still against all of them together
            return False
        at_least = 1 - sum(1 - one for one in pairs)  # as Bonferroni bounds it
        if at_least >= self.threshold or first > _COUNTABLE:
            return at_least >= self.threshold
        return p_leads_all(first, tuple(others)) >= self.threshold


@dataclass(frozen=True)
class Window:
    """Stop after a window of draws that all say the same. Windows lie end to end; an unread draw agrees with nothing.

    All draws vote, also those of earlier windows.
    Source: early-stopping self-consistency, Li et al. 2024, arXiv 2401.10480. What votes, and that an unread draw
    breaks a window, is ours.
    """

    size: int = 5

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UsageError(f"window={self.size}: at least one draw")

    def should_stop(self, keys: Keys, max_draws: int) -> bool:
        window = keys[len(keys) - self.size :] if keys and len(keys) % self.size == 0 else ()
        return bool(window) and window[0] is not None and len(set(window)) == 1


def rule_by_name(name: RuleName, threshold: float = 0.95, window: int = 5) -> Rule:
    """A rule by its name.

    Args:
        threshold: of the rules that have a probability.
        window: the size of a window.
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
    """After how many of these draws the rule stops; None where it wants more.

    Args:
        keys: in draw order.
        max_draws: the number of draws at which everything ends; by default as many as there are keys.
    """
    max_draws = len(keys) if max_draws is None else max_draws
    for drawn in range(1, min(len(keys), max_draws) + 1):
        if drawn == max_draws or rule.should_stop(keys[:drawn], max_draws):
            return drawn
    return None


def next_batch_size(keys: Keys, rule: Rule, max_draws: int) -> int:
    """How many draws to ask for next, at once: the fewest after which the rule could stop.

    That is, if they all said what leads now (or what was said last, which a window may wait for). Fewer could not end
    it, so they need not be waited for; and none is bought that the rule would not have asked for one by one, unless a
    draw joins two candidates (see `AnswerClasses`).
    """
    left = max_draws - len(keys)
    if isinstance(rule, Fixed) or left <= 1:
        return left
    said = Counter(key for key in keys if key is not None)
    hopes: list[Hashable] = [key for key, _ in said.most_common(1)] or [object()]
    if keys and keys[-1] is not None:
        hopes.append(keys[-1])
    for more in range(1, left):
        if any(rule.should_stop([*keys, *[hope] * more], max_draws) for hope in hopes):
            return more
    return left


def ranked_counts(keys: Keys) -> list[int]:
    """The number of votes of each candidate, the most first."""
    return sorted(Counter(key for key in keys if key is not None).values(), reverse=True)


def top_two_counts(keys: Keys) -> tuple[int, int]:
    """The numbers of votes of the first and the second candidate; 0 where there is none."""
    first, second, *_ = [*ranked_counts(keys), 0, 0]
    return first, second


@lru_cache(maxsize=4096)
def p_leads(first: int, second: int) -> float:
    """P(p > 1/2) for p of Beta(first + 1, second + 1): that the first candidate is the more frequent one of two.

    For whole numbers this is a binomial tail: of first + second + 1 throws of a coin, at most `first` are heads.
    """
    n = first + second + 1
    return float(sum(math.comb(n, heads) for heads in range(first + 1)) / 2**n)


@lru_cache(maxsize=4096)
def p_leads_all(first: int, others: tuple[int, ...]) -> float:
    """P(p1 is the greatest) for p of Dirichlet(first + 1, *others + 1), to about 1e-9.

    With independent X_i of Gamma(counts + 1), it is the integral of the first's density times the others' distribution
    functions, taken by the double-exponential rule, x = exp(t - exp(-t)) (Takahasi and Mori 1974).
    """
    step = 1 / max(16.0, 8 * math.sqrt(first + 1))
    alike = Counter(others)
    total = 0.0
    for place in range(math.floor(-4 / step), math.ceil((2 + math.log(first + 64)) / step) + 1):
        t = place * step
        x = math.exp(t - math.exp(-t))
        term = math.exp(first * math.log(x) - x - math.lgamma(first + 1)) * x * (1 + math.exp(-t))
        if term < 1e-18:  # far from the peak
            continue
        poisson, below = math.exp(-x), 0.0  # P(Gamma(c + 1) <= x) is that of more than c events of rate x
        for count in range(max(alike) + 1):
            below += poisson
            if count in alike:
                term *= max(0.0, 1 - below) ** alike[count]
            poisson *= x / (count + 1)
        total += term
    return total * step


def _check(threshold: float) -> None:
    if not 0.5 < threshold < 1:
        raise UsageError(f"threshold={threshold}: a probability above 0.5 and below 1")
