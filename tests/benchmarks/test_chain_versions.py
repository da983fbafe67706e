"""The tables of a chain's cases: what counts, what is left out, and what is said to be shown."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from benchmarks.chains.evaluation import evaluated
from benchmarks.chains.versions import versions
from benchmarks.statistics import mcnemar, tango, wilson
from reasoning import Chain, Prompt, Step
from reasoning.chain.trials.runs import Run
from reasoning.chain.trials.trial import END, Outcome
from reasoning.errors import UsageError

CHAIN = Chain(
    Step("issues", Prompt(input="{text}")),
    Step("tone", Prompt(input="{issues}")),
    Step("reply", Prompt(input="{tone}")),
)
RIGHT = "end, right "


def outcome(case: int, part: str, score: float | None, digest: str = "d") -> Outcome:
    state = "failed" if score is None else "answered"
    return Outcome(f"c{case:02}", digest, part, state, score, None if score is None else score == 1)


def run(outcomes: list[Outcome], version: int = 1, **files: str) -> Run:
    made = Run("mine", version, f"{version}", "m", {}, {f"{name}.md": text for name, text in files.items()})
    return made.with_outcomes(outcomes)


def printed(thing: object) -> str:
    out = io.StringIO()
    Console(file=out, width=140).print(thing)
    return out.getvalue()


def test_each_part_has_its_share_and_a_failed_call_is_left_out() -> None:
    scores = [1.0] * 7 + [0.5, 0.0, None]
    found = evaluated([outcome(n, END, score) for n, score in enumerate(scores)], CHAIN, "mine@1", "m")
    [row] = found.rows
    assert (row.part, row.n, row.failed, row.passed) == (END, 9, 1, 7)
    assert row.share == wilson(7, 9)
    assert row.score == pytest.approx(7.5 / 9)
    assert row.interval[0] < row.score < row.interval[1] <= 1
    assert (found.blames, found.worst) == ((), None)
    assert "1 outcomes could not be told" in printed(found.table())
    only_failed = evaluated([outcome(0, END, None)], CHAIN, "mine@1", "m")
    assert (only_failed.rows[0].n, only_failed.rows[0].share) == (0, (0.0, 1.0))
    assert "nan" not in printed(only_failed.table())


def test_a_step_is_to_blame_only_where_the_interval_is_above_zero() -> None:
    end = [float(n % 2) for n in range(20)]
    outcomes = [outcome(n, END, score) for n, score in enumerate(end)]
    right = [outcome(n, RIGHT + "issues", 1.0) for n in range(20)]
    found = evaluated([*outcomes, *right], CHAIN, "mine@1", "m")
    [blame] = found.blames
    assert (blame.step, blame.before, blame.after, blame.pair.n) == ("issues", 0.5, 1.0, 20)
    expected = tango([True] * 20, [score == 1 for score in end])
    assert blame.pair.difference == expected
    assert blame.pair.adjusted == mcnemar(10, 0)
    assert found.worst is blame
    assert "work on issues: from right inputs it loses 50.0 points at the end\n" in printed(found.table())
    few = evaluated([*outcomes[:2], *right[:2]], CHAIN, "mine@1", "m")
    assert few.worst is None
    assert "no step is to blame that so many cases can show" in printed(few.table())


def test_blame_is_over_cases_that_have_both_and_p_is_adjusted() -> None:
    end = [outcome(n, END, 0.0) for n in range(8)]
    right = [outcome(n, RIGHT + "issues", 1.0) for n in range(6)] + [outcome(7, RIGHT + "issues", None)]
    right += [outcome(n, RIGHT + "tone", float(n < 3)) for n in range(6)]
    found = evaluated([*end, *right], CHAIN, "mine@1", "m")
    assert [(one.step, one.pair.n, one.before, one.after) for one in found.blames] == [
        ("issues", 6, 0, 1),
        ("tone", 6, 1, 0.5),
        ("reply", 6, 0.5, 1),
    ]
    assert found.blames[0].pair.adjusted == pytest.approx(3 * mcnemar(6, 0))
    assert found.worst is found.blames[0]
    assert "; reply may lose as much" not in printed(found.table())
    assert sum(one.pair.difference.value for one in found.blames) == pytest.approx(1)  # all that the end lacks


def test_versions_are_paired_by_case_and_what_was_changed_is_left_out() -> None:
    first = run([outcome(n, END, float(n < 10)) for n in range(20)], 1, a="x", b="y")
    second = run(
        [outcome(n, END, float(n < 15)) for n in range(19)] + [outcome(19, END, 1.0, "other")], 2, a="x", b="z"
    )
    found = versions(first, second)
    [change] = found.changes
    assert (found.common, found.left_out, found.files) == (19, 1, ("b.md",))
    assert change.gained == tuple(f"c{n}" for n in range(10, 15))
    assert change.lost == ()
    assert change.pair.p == mcnemar(5, 0)
    assert change.pair.difference.value == pytest.approx(5 / 19)
    assert "mine@1 → mine@2: b.md; 19 cases in both" in printed(found.table())
    assert "gained, end to end: c10, c11, c12, c13, c14" in printed(found.table())
    assert "lost, end to end" not in printed(found.table())
    assert found.to_json()["changes"][0]["gained"] == list(change.gained)


def test_versions_without_a_common_case_or_a_result_are_refused() -> None:
    first = run([outcome(0, END, 1.0)])
    with pytest.raises(UsageError, match="no case in common that is the same"):
        versions(first, run([outcome(0, END, 1.0, "other")], 2))
    with pytest.raises(UsageError, match="no result in common that could be told"):
        versions(first, run([outcome(0, "issues", 1.0)], 2))
    failed = replace(run([], 2), outcomes={("c00", END): outcome(0, END, None)})
    with pytest.raises(UsageError, match="no result in common"):
        versions(first, failed)
