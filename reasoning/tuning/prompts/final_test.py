"""The final test: the best candidate against the original and the plainest use of as many tokens, on the test pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reasoning import event_loop
from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.analysis.worst_case import Incomplete, with_worst_bounds
from reasoning.benchmarks.statistics import clustered_mean, wilson
from reasoning.errors import BudgetExhausted
from reasoning.messages import Usage
from reasoning.strategy import Strategy
from reasoning.tables import pluralize
from reasoning.tuning.prompts.evaluation import Evaluation, evaluate_all
from reasoning.tuning.prompts.pools import Item
from reasoning.tuning.prompts.search import Search

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

ORIGINAL_ARM, TUNED_ARM, PLAIN_ARM = "original", "tuned", "plain"


@dataclass(frozen=True)
class Arm:
    """One of the compared strategies.

    Attributes:
        name: "original", "tuned" or "plain".
        about: what it is, for display.
        strategy: the strategy.
    """

    name: str
    about: str
    strategy: Strategy


@dataclass(frozen=True)
class ArmResult:
    """The result of one compared strategy on the test pool.

    Attributes:
        name, about: as in `Arm`.
        n: the number of examples with a score.
        failed: the number of examples without one, because a call failed.
        truncated: the number of examples that are not solved and whose reply a limit on tokens cut off.
        refused: the number of examples that are not solved and that were refused.
        score: the mean score, from 0 to 1.
        interval: its 95 % interval.
        usage: the usage of all draws, whether new or from the journal.
        remedy: how to get complete answers; empty if they are complete.
    """

    name: str
    about: str
    n: int
    failed: int
    truncated: int
    refused: int
    score: float
    interval: tuple[float, float]
    usage: Usage
    remedy: str = ""

    @property
    def tokens(self) -> float:
        """The mean tokens of one solve."""
        return (self.usage.prompt_tokens + self.usage.completion_tokens) / max(1, self.n)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "name": self.name,
            "about": self.about,
            "n": self.n,
            "failed": self.failed,
            "truncated": self.truncated,
            "refused": self.refused,
            "score": self.score,
            "ci95": list(self.interval),
            "calls": self.usage.calls,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "usd": self.usage.usd,
        }


@dataclass(frozen=True)
class FinalTest:
    """The comparison on the test pool.

    Attributes:
        arms: the results of the compared strategies.
        pairs: the differences of all pairs, with Holm's correction, and a further one for the number of looks.
        size: the number of examples in the pool.
        looks: the number of candidates that were tested on this pool so far, with this one.
        stopped: the error that ended the test early, if any.
    """

    arms: tuple[ArmResult, ...]
    pairs: tuple[PairedDifference, ...]
    size: int
    looks: int = 1
    stopped: BudgetExhausted | None = None

    def arm(self, name: str) -> ArmResult | None:
        """Return the result with a name; None without one."""
        return next((arm for arm in self.arms if arm.name == name), None)

    def difference(self, first: str, second: str) -> PairedDifference | None:
        """Return the difference of two results; None if they were not compared."""
        pair = next((pair for pair in self.pairs if {pair.first, pair.second} == {first, second}), None)
        return None if pair is None else pair.oriented(first)


def run_final_test(arms: Sequence[Arm], items: Sequence[Item], llm: LLM, search: Search, looks: int) -> FinalTest:
    """Evaluate the arms on the test pool, problem by problem, and compare them.

    Args:
        arms: the strategies to compare.
        items: the test pool.
        llm: the model, with the budget of the whole run.
        search: the search, which shows the progress.
        looks: the number of candidates that were tested on this pool, with this one.
    """
    found: dict[str, list[Evaluation]] = {arm.name: [] for arm in arms}
    search.progress.stage = "final test"

    def receiver(arm: Arm) -> Any:
        def receive(evaluation: Evaluation) -> None:
            found[arm.name].append(evaluation)
            done = sum(map(len, found.values()))
            search.show(f"{done} of {len(arms) * len(items)} solves")

        return receive

    jobs = [(arm.strategy, item, receiver(arm)) for item in items for arm in arms]
    stopped = None
    try:
        event_loop.run_sync(evaluate_all(jobs, llm, search.guard))
    except BudgetExhausted as error:
        stopped = error
    return compare(arms, found, len(items), looks, stopped)


def compare(
    arms: Sequence[Arm],
    found: Mapping[str, Sequence[Evaluation]],
    size: int,
    looks: int = 1,
    stopped: BudgetExhausted | None = None,
) -> FinalTest:
    """Return the comparison of evaluations."""
    families = {one.item.id: one.item.family for each in found.values() for one in each if one.item.family}
    scores = {
        name: {one.item.id: one.score for one in sorted(each, key=lambda one: one.item.id) if one.score is not None}
        for name, each in found.items()
    }
    pairs = paired_differences(scores, [arm.name for arm in arms], families)
    every = [one for each in found.values() for one in each]
    if any(one.could_be > one.least or one.score is None for one in every):
        bounds = {name: {one.item.id: (one.least, one.could_be) for one in each} for name, each in found.items()}
        pairs = with_worst_bounds(pairs, bounds, families)
    pairs = [
        replace(
            pair,
            p_adjusted=min(1.0, looks * pair.p_adjusted),
            p_worst=None if pair.p_worst is None else min(1.0, looks * pair.p_worst),
        )
        for pair in pairs
    ]
    results = tuple(_result(arm, found[arm.name], families) for arm in arms)
    return FinalTest(results, tuple(pairs), size, looks, stopped)


def _result(arm: Arm, evaluations: Sequence[Evaluation], families: Mapping[str, str]) -> ArmResult:
    known = [one for one in evaluations if one.score is not None]
    scores = [one.least for one in known]
    mean = sum(scores) / len(scores) if scores else 0.0
    if all(score in (0.0, 1.0) for score in scores) and not families:
        interval = wilson(round(sum(scores)), len(scores))
    else:
        estimate = clustered_mean(scores, [families.get(one.item.id, one.item.id) for one in known])
        interval = (max(0.0, estimate.low), min(1.0, estimate.high))
    lost = [one for one in evaluations if one.score is not None and one.could_be > one.least]
    limit = min((one.token_limit for one in lost if one.token_limit), default=0)
    failed, cut, refused = (
        len(evaluations) - len(known),
        sum(one.truncated for one in lost),
        sum(one.refused for one in lost),
    )
    incomplete = Incomplete(repr(arm.strategy), len(evaluations), cut, 0, refused, failed, limit)
    return ArmResult(
        *(arm.name, arm.about, len(known), failed, cut, refused, mean, interval),
        *(Usage.total(one.usage for one in evaluations), incomplete.remedy),
    )


def describe_lost(test: FinalTest) -> str:
    """Return the answers that a limit, a refusal or a failure may have cost, as the end of a sentence."""
    parts = []
    for arm in test.arms:
        counts = {
            "cut off by the limit on tokens": arm.truncated,
            "refused": arm.refused,
            "lost to failed calls": arm.failed,
        }
        causes = [f"{pluralize(count, 'answer')} {cause}" for cause, count in counts.items() if count]
        if causes:
            parts.append(f"{arm.name}: {', '.join(causes)}" + (f" ({arm.remedy})" if arm.remedy else ""))
    return "; ".join(parts)
