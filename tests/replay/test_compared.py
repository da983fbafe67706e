"""Statistics of recorded replies: the published accuracies, the p-values of statsmodels, and the current page."""

from __future__ import annotations

from functools import cache

import pytest

from reasoning.benchmarks.statistics.vote_curves import curve
from tests.replay.compared import GSM8K, PAGE, THREE, pools, right, tables, techniques
from tests.replay.lines import FOLDER
from tests.replay.make import MARKS

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="no recordings next to the checkout")


@cache
def found() -> dict[str, dict[str, float]]:
    return {name: right(name) for name in GSM8K}


def test_the_three_techniques_answered_the_same_problems_as_well_as_was_published() -> None:
    questions = [set(found()[name]) for name in THREE]
    assert questions[0] == questions[1] == questions[2]
    assert len(questions[0]) == 1319
    accuracy = {name: round(100 * sum(found()[name].values()) / 1319, 2) for name in THREE}
    assert accuracy == {"cot": 63.31, "pal": 72.78, "ltm": 38.29}


def test_p_values_are_statsmodels() -> None:
    """statsmodels 0.15.0: mcnemar(table, exact=True).pvalue and multipletests(…, method="holm")."""
    theirs = {
        ("cot", "pal"): (1.0289577878047867e-10, 1.0289577878047867e-10),
        ("cot", "ltm"): (4.143929178432804e-49, 8.287858356865608e-49),
        ("pal", "ltm"): (6.156053318638734e-90, 1.8468159955916203e-89),
    }
    ours = {(pair.first, pair.second): (pair.p, pair.p_adjusted) for pair in techniques(found())}
    assert ours.keys() == theirs.keys()
    for pair, values in theirs.items():
        assert ours[pair] == pytest.approx(values, rel=1e-10, abs=0)


def test_the_curve_ends_at_the_published_majority_and_its_interval_is_over_passages() -> None:
    of_families, alone = curve(pools(True), [1, 10]), curve(pools(False), [1, 10])
    assert round(100 * of_families[1].mean, 2) == 72.49
    assert of_families[0].mean == alone[0].mean
    assert len({pool.cluster for pool in pools(True)}) == 41
    for over, single in zip(of_families, alone, strict=True):
        assert over.high - over.low > 2 * (single.high - single.low)


def test_the_page_shows_these_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(MARKS[0])[2].partition(MARKS[1])[0] == tables()
