"""Problems that come in families: how many more of them it takes, and a race over them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from simulation.coverage import cluster_coverage, curve_coverage

from reasoning.benchmarks import compare
from reasoning.benchmarks.analysis.sample_size import required_problems
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.runs.race import RaceController, shuffled
from reasoning.benchmarks.statistics import design_effect, required_sample_size
from reasoning.messages import Message
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]


def test_the_design_effect_is_what_the_intraclass_correlation_gives() -> None:
    """For families of m equal problems among others: 1 + (m - 1) × correlation, by Kish."""
    chance = np.random.default_rng(3)
    for share in (0.0, 0.3, 1.0):
        common = np.repeat(chance.standard_normal(4000), 5)
        values = np.sqrt(share) * common + np.sqrt(1 - share) * chance.standard_normal(20_000)
        found = design_effect(values.tolist(), (np.arange(20_000) // 5).tolist())
        assert found == pytest.approx(1 + 4 * share, abs=0.12)


def test_the_design_effect_where_little_is_known() -> None:
    assert design_effect([1, 0, -1, 0], range(4)) == 1
    assert design_effect([0, 0, 0, 0], [1, 1, 1, 2]) == pytest.approx((9 + 1) / 4)  # unknown: as if all were the same
    assert design_effect([1, 0, -1, 1], [1, 1, 1, 1]) == 4
    assert design_effect([1, -1, 1, -1], [1, 1, 2, 2]) == 1  # never less


def test_a_pilot_in_families_asks_for_more_problems(tmp_path: Path, sums: Sums) -> None:
    def by_family(messages: tuple[Message, ...]) -> str:
        k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
        misses = (5,) if "step by step" in messages[-1].content else (0, 3)
        return f"The answer is {2 * k + ((k - 1) // 4 in misses)}."

    alone = sums(24)
    together = [replace(one, family=f"f{k // 4}") for k, one in enumerate(alone)]
    told = []
    for name, examples in (("alone", alone), ("together", together)):
        specs = ["vanilla", "cot(stages=1)"]
        compare(specs, examples, ScriptedLLM(by_family), limit=24, out=tmp_path / name, progress=False)
        console = Console(width=120)
        with console.capture() as shown:
            console.print(required_problems(10, tmp_path / name))
        told.append(shown.get())
    differences = [1.0 * ((k // 4 in (0, 3)) - (k // 4 == 5)) for k in range(24)]
    effect = design_effect(differences, [k // 4 for k in range(24)])
    assert 4 < effect < 5
    assert re.search(rf" {required_sample_size(0.1, 0.5):,} *\n", told[0])
    assert f"× {effect:.1f}" in told[1]
    assert re.search(rf" {required_sample_size(0.1, 0.5, effect=effect, exact=False):,} *\n", told[1])
    assert "design effect" in told[1]
    assert "design effect" not in told[0]


def test_a_race_takes_problems_in_an_order_of_its_own_that_the_seed_gives() -> None:
    ids = [f"p{k}" for k in range(400)]
    order = shuffled(ids, 0)
    assert sorted(order) == sorted(ids)
    assert order == shuffled(random.Random(1).sample(ids, 400), 0) != shuffled(ids, 1)
    places = [int(one[1:]) for one in order]
    assert abs(np.corrcoef(places, range(400))[0, 1]) < 0.15


def test_a_race_looks_at_no_problem_before_those_that_its_order_has_first() -> None:
    racing = RaceController(shuffled(["p0", "p1", "p2"], 0), 3, ["a", "b"], 1, 0.0)
    first, *_, last = shuffled(["p0", "p1", "p2"], 0)
    done = {ResultKey(last, spec): Result(last, spec, "f", "answered", spec == "a") for spec in "ab"}
    racing.update(done)
    assert racing.race.problems == 0
    racing.update(done | {ResultKey(first, spec): Result(first, spec, "f", "answered", True) for spec in "ab"})
    assert racing.race.problems == 1


def test_a_race_over_families_says_what_it_is_about(tmp_path: Path, sums: Sums) -> None:
    def only_thinking(messages: tuple[Message, ...]) -> str:
        k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
        return f"The answer is {2 * k + ('step by step' not in messages[-1].content)}."

    examples = [replace(one, family=f"f{k // 40}") for k, one in enumerate(sums(80))]
    given = {"limit": 80, "race": True, "margin": 0, "out": tmp_path, "concurrency": 2, "progress": False}
    found = compare(["vanilla", "cot(stages=1)"], examples, ScriptedLLM(only_thinking), **given)  # type: ignore[arg-type]
    begun = {result.problem for result in found.results}
    assert begun == set(shuffled([str(one.problem.id) for one in examples], 0)[: len(begun)])
    assert ResultsFolder.read(tmp_path).metadata["race"]["over_population"] is False
    assert any("its decision is about the problems of this run" in one for one in found.caveats)
    assert any("Intervals and tests count families, not problems." in one for one in found.caveats)


def test_the_interval_over_families_covers_near_0_and_100_percent_where_students_does_not() -> None:
    found = cluster_coverage(120, 1, 8, 150)
    assert sum(found["clustered"]) / len(found["clustered"]) > 0.92
    assert min(found["clustered"]) > 0.85 > min(found["Student's"])
    assert sum(found["independent"]) / len(found["independent"]) < 0.8


def test_curves_over_families_cover_and_over_problems_do_not() -> None:
    for of in curve_coverage(120, 8, 60).values():
        assert of["families"] > 0.85 > 0.7 > of["problems"]
