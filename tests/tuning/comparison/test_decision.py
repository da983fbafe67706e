"""Verdicts on synthetic scores: what is shown, what is undecided, what is withheld, and how many cases are needed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from reasoning.messages import Usage
from reasoning.tables import render_text
from reasoning.tuning.comparison.decision import ModelComparison, compare_models
from reasoning.tuning.comparison.model_runs import ModelRun
from reasoning.tuning.comparison.report import describe, to_json

PARTS = ("sort alone", "end to end")
FREE = Usage()


def run(model: str, right: Sequence[float | None], end: Sequence[float | None] = (), usage: Usage = FREE) -> ModelRun:
    """Return a run with these scores of the step alone, and the same or others end to end."""
    scores = {
        part: {f"case {number}": score for number, score in enumerate(given)}
        for part, given in zip(PARTS, (right, end or right), strict=True)
    }
    return ModelRun(model, scores, {}, dict.fromkeys(scores[PARTS[0]], usage) if usage.calls else {})


def verdict(*runs: ModelRun, tolerance: float = 5.0, **more: bool) -> ModelComparison:
    return compare_models("chain", "sort", runs, tolerance, **more)


def outcomes(*runs: ModelRun, **more: float) -> list[str]:
    return [one.outcome for one in verdict(*runs, **more).verdicts]  # type: ignore[arg-type]


ALL = [1.0] * 200


def test_equal_scores_on_enough_cases_replace_and_too_few_do_not() -> None:
    assert outcomes(run("large", ALL), run("small", ALL)) == ["replaces"]
    few = verdict(run("large", ALL[:30]), run("small", ALL[:30])).verdicts[0]
    assert few.outcome == "undecided"
    # Tango's interval of n cases that never differ is z² / (n + z²) wide: 73 cases are below 5 points.
    assert few.parts[0].needed == 90, "a multiple of the 30 cases"
    assert outcomes(run("large", ALL[:72]), run("small", ALL[:72])) == ["undecided"]
    assert outcomes(run("large", ALL[:73]), run("small", ALL[:73])) == ["replaces"]


def test_a_clear_loss_does_not_replace_and_one_part_suffices_for_it() -> None:
    half = [1.0, 0.0] * 100
    assert outcomes(run("large", ALL), run("small", half)) == ["does not replace"]
    assert outcomes(run("large", ALL), run("small", ALL, half)) == ["does not replace"]
    # A loss within the tolerance is accepted even if it is significant.
    nearly = [0.0] * 10 + [1.0] * 190
    found = verdict(run("large", ALL), run("small", nearly), tolerance=15).verdicts[0]
    assert found.outcome == "replaces"
    assert found.parts[0].pair.is_significant


def test_a_better_model_replaces() -> None:
    assert outcomes(run("large", [1.0, 0.0] * 50), run("small", [1.0] * 100), tolerance=0) == ["replaces"]


def test_at_the_tolerance_no_number_of_cases_would_tell() -> None:
    found = verdict(run("large", ALL), run("small", [0.0] * 10 + [1.0] * 190)).verdicts[0]
    assert found.outcome == "undecided"
    assert "at the tolerance" in render_text(describe(verdict(run("large", ALL), run("small", [0.0] * 10 + ALL[10:]))))


def test_the_number_of_cases_is_one_that_decides() -> None:
    rng = random.Random(0)
    a = [float(rng.random() < 0.9) for _ in range(40)]
    b = [score if rng.random() < 0.95 else 1 - score for score in a]
    found = verdict(run("large", a), run("small", b), tolerance=8).verdicts[0].parts[0]
    times = int(found.needed) // 40
    assert times > 1
    assert outcomes(run("large", a * times), run("small", b * times), tolerance=8) != ["undecided"]
    assert outcomes(run("large", a * (times - 1)), run("small", b * (times - 1)), tolerance=8) == ["undecided"]


@pytest.mark.parametrize(
    ("large", "small", "before"),
    [
        # Nine failed calls of the candidate could be nine losses.
        (ALL, [None] * 9 + ALL[9:], "replaces"),
        # Failed calls of the reference could be right answers.
        ([None] * 9 + [0.0] * 191, [0.0] * 200, "replaces"),
        # The losses could be among calls of the candidate that failed with the reference alone.
        ([1.0] * 24 + [None] * 9, [0.0] * 8 + [1.0] * 16 + [1.0] * 9, "does not replace"),
    ],
)
def test_a_verdict_that_failures_could_have_made_is_withheld(
    large: list[float | None], small: list[float | None], before: str
) -> None:
    both = [(a, b) for a, b in zip(large, small, strict=True) if a is not None and b is not None]
    assert outcomes(run("large", [a for a, _ in both]), run("small", [b for _, b in both])) == [before]
    [found] = verdict(run("large", large), run("small", small)).verdicts
    assert found.outcome == "withheld"
    assert "since calls failed" in found.reason


def test_a_loss_that_a_limit_could_have_made_is_withheld() -> None:
    cut = frozenset(f"case {number}" for number in range(100))
    small = replace(run("small", [0.0] * 100 + ALL[100:]), incomplete=dict.fromkeys(PARTS, cut))
    [found] = verdict(run("large", ALL), small).verdicts
    assert found.outcome == "withheld"
    assert "a limit on tokens cut off a reply of small, or it declined" in found.reason
    # Right although it was cut off: the limit has cost nothing.
    whole = replace(run("small", ALL), incomplete=dict.fromkeys(PARTS, cut))
    assert [one.outcome for one in verdict(run("large", ALL), whole).verdicts] == ["replaces"]


def test_no_verdict_where_a_part_has_no_score_or_the_run_was_stopped() -> None:
    [found] = verdict(run("large", ALL), run("small", ALL, [None] * 200)).verdicts
    assert (found.outcome, found.reason) == (
        "withheld",
        "no case has a known score of end to end with both models",
    )
    [found] = verdict(run("large", ALL), run("small", ALL), stopped=True).verdicts
    assert (found.outcome, found.reason) == ("withheld", "not all cases were run")


def test_several_candidates_share_the_level() -> None:
    # 90 equal cases suffice for one candidate, but not for each of four.
    equal = ALL[:90]
    assert outcomes(run("large", equal), run("a", equal)) == ["replaces"]
    assert set(outcomes(run("large", equal), *(run(name, equal) for name in "abcd"))) == {"undecided"}


def test_scores_between_0_and_1_have_students_interval() -> None:
    rng = random.Random(1)
    large = [rng.uniform(0.7, 1) for _ in range(120)]
    small = [min(1.0, max(0.0, score + rng.gauss(0, 0.05))) for score in large]
    found = verdict(run("large", large), run("small", small)).verdicts[0]
    assert found.outcome == "replaces"
    assert found.parts[0].interval.low > -0.05


def test_the_report_says_what_is_saved() -> None:
    dear = Usage(1, 500, 100, usd=0.002, seconds=2.0)
    cheap = Usage(1, 500, 50, seconds=0.5)
    compared = verdict(run("large", ALL, usage=dear), run("small", ALL, usage=cheap))
    text = " ".join(render_text(describe(compared)).split())
    assert "replaces large at sort: it loses less than 5 points (sort alone and end to end; at most 1.9)" in text
    assert "small, per 1,000 inputs: saves $2.00 of the provider, 25.0 minutes of calls, 50,000 tokens" in text
    data = to_json(compared)
    assert data["verdicts"][0]["verdict"] == "replaces"
    assert data["models"][1]["cost_per_input"]["completion_tokens"] == 50
    both = verdict(run("large", ALL, usage=dear), run("small", ALL, usage=replace(cheap, usd=0.0005)))
    assert "small, per 1,000 inputs: saves $1.50, 25.0 minutes" in " ".join(render_text(describe(both)).split())
    worse = verdict(run("large", ALL, usage=cheap), run("small", ALL, usage=replace(dear, completion_tokens=40)))
    text = " ".join(render_text(describe(worse)).split())
    assert "saves 10,000 tokens and takes $2.00 of the provider, 25.0 minutes of calls more" in text
