"""Demonstrations by bootstrap with random search: replies of the strategy itself that pass the metric.

The strategy runs on the train pool. Each solved example becomes a demonstration of every prompt that took part in
it. The candidates are labelled examples alone, the first solved ones, and random sets of random sizes.

Source: Khattab et al. (2023), "DSPy: Compiling Declarative Language Model Calls into Self-Improving Pipelines",
arXiv 2310.03714, §4 (BootstrapFewShot and BootstrapFewShotWithRandomSearch).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reasoning.prompts import Demonstration
from reasoning.tables import pluralize
from reasoning.tuning.prompts.demonstrations import demonstrations_of, labelled
from reasoning.tuning.prompts.evaluation import Evaluation
from reasoning.tuning.prompts.optimizer import Workbench
from reasoning.tuning.prompts.parts import ORIGINAL, Candidate

SETS = 18
"""The number of candidates: labelled, unshuffled, and 16 random sets, as in the paper's program."""

DemonstrationSet = dict[str, tuple[Demonstration, ...]]
"""Demonstrations by prompt."""


@dataclass(frozen=True)
class Bootstrap:
    """Demonstrations that pass the metric, with random search."""

    def run(self, bench: Workbench) -> None:
        for origin, demonstrations in demonstration_sets(bench, SETS):
            bench.race(Candidate(demonstrations=demonstrations, origin=origin))


def demonstration_sets(bench: Workbench, most: int) -> Iterator[tuple[str, DemonstrationSet]]:
    """Yield distinct sets of demonstrations with words that describe each.

    Args:
        bench: the workbench.
        most: the largest number of sets.
    """
    if not bench.tunable.shown:
        bench.note("no prompt takes demonstrations")
        return
    evaluations = bench.evaluate(ORIGINAL, bench.train)
    solved = [one for one in evaluations if one.is_perfect and _shown(bench, one)]
    bench.note(f"{len(solved)} of {len(evaluations)} train examples are solved, and show how")
    seen: list[DemonstrationSet] = []
    for origin, found in _sets(bench, evaluations, solved, most):
        if found and found not in seen:
            seen.append(found)
            yield origin, found


def _sets(
    bench: Workbench, evaluations: Sequence[Evaluation], solved: Sequence[Evaluation], most: int
) -> Iterator[tuple[str, DemonstrationSet]]:
    if labelled_set := labelled_demonstrations(bench, evaluations, bench.max_demonstrations):
        [demos] = labelled_set.values()
        yield pluralize(len(demos), "labelled demonstration"), labelled_set
    if not solved:
        return
    first = solved[: bench.max_demonstrations]
    yield f"the first {pluralize(len(first), 'solved demonstration')}", _set_of(bench, first)
    chance = random.Random(bench.seed)
    for _ in range(most - 2):
        size = chance.randint(1, min(bench.max_demonstrations, len(solved)))
        chosen = chance.sample(list(solved), size)
        yield pluralize(size, "random solved demonstration"), _set_of(bench, chosen)


def labelled_demonstrations(bench: Workbench, evaluations: Sequence[Evaluation], number: int) -> DemonstrationSet:
    """Return the first examples with their targets as replies; empty if the strategy has several prompts.

    Args:
        bench: the workbench.
        evaluations: the evaluations of the original on the train pool.
        number: the number of demonstrations.
    """
    if len(bench.tunable.shown) != 1:
        return {}
    [prompt] = bench.tunable.shown
    demos = [demo for one in evaluations if (demo := labelled(one, prompt)) is not None]
    return {prompt: tuple(demos[:number])} if demos and number > 0 else {}


def _shown(bench: Workbench, evaluation: Evaluation) -> bool:
    return any(name in bench.tunable.shown for name in demonstrations_of(evaluation))


def _set_of(bench: Workbench, evaluations: Sequence[Evaluation]) -> DemonstrationSet:
    found: dict[str, list[Demonstration]] = {}
    for evaluation in evaluations:
        for name, demonstration in demonstrations_of(evaluation).items():
            if name in bench.tunable.shown:
                found.setdefault(name, []).append(demonstration)
    return {name: tuple(demos) for name, demos in found.items()}
