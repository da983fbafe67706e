"""Demonstrations by bootstrap with random search: replies of the strategy itself that pass the metric.

The strategy runs on the train pool. Each solved example becomes a demonstration of every prompt that took part in
it. If there is one prompt alone, the others are shown with their targets. The candidates are labelled examples alone,
the first solved ones, and random sets of random sizes.

Source: Khattab et al. (2023), "DSPy: Compiling Declarative Language Model Calls into Self-Improving Pipelines",
arXiv 2310.03714, §4 (BootstrapFewShot and BootstrapFewShotWithRandomSearch).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    if solved:
        first = solved[: bench.max_demonstrations]
        yield f"the first {pluralize(len(first), 'solved demonstration')}", _join(bench, map(demonstrations_of, first))
    # An example that is not solved is shown with its target, as the paper's program does.
    shown = [(True, demonstrations_of(one)) for one in solved]
    others = [one for one in evaluations if one not in solved]
    shown += [(False, found) for one in others if (found := _labelled(bench, one))]
    chance = random.Random(bench.seed)
    for _ in range(most - 2 if shown else 0):
        chosen = chance.sample(shown, chance.randint(1, min(bench.max_demonstrations, len(shown))))
        own = sum(is_solved for is_solved, _ in chosen)
        counts = {"solved": own, "labelled": len(chosen) - own}
        what = " and ".join(f"{count} {word}" for word, count in counts.items() if count)
        yield f"{what} at random", _join(bench, (found for _, found in chosen))


def labelled_demonstrations(bench: Workbench, evaluations: Sequence[Evaluation], number: int) -> DemonstrationSet:
    """Return the first examples with their targets as replies; empty if the strategy has several prompts.

    Args:
        bench: the workbench.
        evaluations: the evaluations of the original on the train pool.
        number: the number of demonstrations.
    """
    found = [one for evaluation in evaluations if (one := _labelled(bench, evaluation))]
    return _join(bench, found[: max(0, number)])


def _labelled(bench: Workbench, evaluation: Evaluation) -> dict[str, Demonstration]:
    """Return an example with its target as the reply; empty if its only prompt cannot show it."""
    if len(bench.tunable.shown) != 1:
        return {}
    [prompt] = bench.tunable.shown
    demonstration = labelled(evaluation, prompt)
    return {} if demonstration is None else {prompt: demonstration}


def _shown(bench: Workbench, evaluation: Evaluation) -> bool:
    return any(name in bench.tunable.shown for name in demonstrations_of(evaluation))


def _join(bench: Workbench, shown: Iterable[Mapping[str, Demonstration]]) -> DemonstrationSet:
    """Return the demonstrations of several examples, by prompt."""
    found: dict[str, list[Demonstration]] = {}
    for one in shown:
        for name, demonstration in one.items():
            if name in bench.tunable.shown:
                found.setdefault(name, []).append(demonstration)
    return {name: tuple(demos) for name, demos in found.items()}
