"""Ten recorded samples per problem: the published accuracy, and the draws that each rule would have saved."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from reasoning.benchmarks.statistics.vote_curves import SamplePool, curve
from reasoning.kinds import Text
from reasoning.voting import Beta, Decided, Dirichlet, Fixed, Rule, Window, majority, simulate_stopping, tie_credit

RECORDING = Path(__file__).parents[2] / "../shared/replay/verifycot_date_sc10.jsonl.gz"
KIND = Text()

pytestmark = pytest.mark.skipif(not RECORDING.is_file(), reason="the recording lies beside the checkout")


@pytest.fixture(scope="module")
def problems() -> list[tuple[list[str | None], set[str]]]:
    """Return the answers of each problem's samples, as its authors parsed them, and the right ones."""
    found = []
    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            values = [None if value == "No answer!" else value for value in record["sample_predictions"]]
            right = zip(record["sample_predictions"], record["sample_correct"], strict=True)
            found.append((values, {value for value, fine in right if fine}))
    return found


def accuracy(votes: list[Any], problems: list[Any]) -> float:
    return mean(
        tie_credit(vote, lambda value, right=right: value in right)
        for vote, (_, right) in zip(votes, problems, strict=True)
    )


def test_the_vote_has_the_published_accuracy(problems: list[Any]) -> None:
    votes = [majority(values, KIND) for values, _ in problems]
    assert round(100 * accuracy(votes, problems), 2) == 72.49
    assert sum(vote.tied for vote in votes) == 11


@pytest.mark.parametrize(
    ("rule", "draws", "percent"),
    [
        (Fixed(), 10.0, 72.49),
        (Decided(), 7.13, 72.49),
        (Beta(), 6.33, 72.49),
        (Dirichlet(), 6.40, 72.49),
        (Window(5), 7.76, 72.49),
        (Window(3), 5.43, 72.63),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else None,
)
def test_a_rule_saves_draws(problems: list[Any], rule: Rule, draws: float, percent: float) -> None:
    """The figures are those of the table in docs/explanation/voting.md."""
    found = [simulate_stopping(values, KIND, rule) for values, _ in problems]
    assert round(mean(one.draws for one in found), 2) == draws
    assert round(100 * accuracy([one.vote for one in found], problems), 2) == percent


def test_the_curve_ends_at_the_vote_of_all(problems: list[Any]) -> None:
    pools = [
        SamplePool.from_vote(majority(values, KIND), lambda value, right=right: value in right)
        for values, right in problems
    ]
    points = {point.k: round(100 * point.mean, 1) for point in curve(pools, [1, 3, 5, 10])}
    assert points == {1: 62.4, 3: 68.4, 5: 70.9, 10: 72.5}
    any_of = {point.k: round(100 * point.mean, 1) for point in curve(pools, [1, 10], measure="any")}
    assert any_of == {1: 62.4, 10: 82.9}
