"""The tables of a chain's cases: what counts, what is left out, and what is said to be shown."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from reasoning import Chain, Prompt, Step
from reasoning.benchmarks.chains.evaluation import summarize_evaluation
from reasoning.benchmarks.chains.run_history import RecordedRun
from reasoning.benchmarks.chains.runner import END, PartScore
from reasoning.benchmarks.chains.versions import compare_versions
from reasoning.benchmarks.statistics import mcnemar, tango, wilson
from reasoning.errors import UsageError

CHAIN = Chain(
    Step("issues", Prompt(input="{text}")),
    Step("tone", Prompt(input="{issues}")),
    Step("reply", Prompt(input="{tone}")),
)
GOLD = "end to end, gold "


def outcome(case: int, part: str, score: float | None, digest: str = "d") -> PartScore:
    state = "failed" if score is None else "answered"
    return PartScore(f"c{case:02}", digest, part, state, score, None if score is None else score == 1)


def run(outcomes: list[PartScore], version: int = 1, **files: str) -> RecordedRun:
    made = RecordedRun("mine", version, f"{version}", "m", {}, {f"{name}.md": text for name, text in files.items()})
    return made.with_scores(outcomes)


def printed(thing: object, width: int = 140) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(thing)
    return out.getvalue()


def test_each_part_has_its_share_and_a_failed_call_is_left_out() -> None:
    scores = [1.0] * 7 + [0.5, 0.0, None]
    found = summarize_evaluation([outcome(n, END, score) for n, score in enumerate(scores)], CHAIN, "mine@1", "m")
    [row] = found.rows
    assert (row.part, row.n, row.failed, row.passed) == (END, 9, 1, 7)
    assert row.share == wilson(7, 9)
    assert row.score == pytest.approx(7.5 / 9)
    assert row.interval[0] < row.score < row.interval[1] <= 1
    assert (found.losses, found.worst) == ((), None)
    assert "1 score unknown because of failed calls" in printed(found.table())
    only_failed = summarize_evaluation([outcome(0, END, None)], CHAIN, "mine@1", "m")
    assert (only_failed.rows[0].n, only_failed.rows[0].share) == (0, (0.0, 1.0))
    assert "nan" not in printed(only_failed.table())


def test_a_step_is_to_blame_only_where_the_interval_is_above_zero() -> None:
    end = [float(n % 2) for n in range(20)]
    outcomes = [outcome(n, END, score) for n, score in enumerate(end)]
    right = [outcome(n, GOLD + "issues", 1.0) for n in range(20)]
    found = summarize_evaluation([*outcomes, *right], CHAIN, "mine@1", "m")
    [blame] = found.losses
    assert (blame.step, blame.before, blame.after, blame.pair.n) == ("issues", 0.5, 1.0, 20)
    expected = tango([True] * 20, [score == 1 for score in end])
    assert blame.pair.difference == expected
    assert blame.pair.p_adjusted == mcnemar(10, 0)
    assert found.worst is blame
    assert "work on issues: with gold inputs it loses 50.0 points at the end\n" in printed(found.table())
    few = summarize_evaluation([*outcomes[:2], *right[:2]], CHAIN, "mine@1", "m")
    assert few.worst is None
    assert "no step causes a loss that is significant" in printed(few.table())


def test_blame_is_over_cases_that_have_both_and_p_is_adjusted() -> None:
    end = [outcome(n, END, 0.0) for n in range(10)]
    right = [outcome(n, GOLD + "issues", 1.0) for n in range(8)] + [outcome(9, GOLD + "issues", None)]
    right += [outcome(n, GOLD + "tone", float(n < 4)) for n in range(8)]
    found = summarize_evaluation([*end, *right], CHAIN, "mine@1", "m")
    assert [(one.step, one.pair.n, one.before, one.after) for one in found.losses] == [
        ("issues", 8, 0, 1),
        ("tone", 8, 1, 0.5),
        ("reply", 8, 0.5, 1),
    ]
    assert found.losses[0].pair.p_adjusted == pytest.approx(3 * mcnemar(8, 0))
    assert found.worst is found.losses[0]
    few = summarize_evaluation([one for one in [*end, *right] if one.case < "c06"], CHAIN, "mine@1", "m")
    pair = few.losses[0].pair
    assert pair.difference.low > 0
    assert pair.p < 0.05 < pair.p_adjusted  # six cases would do for one step, and not for the first of three
    assert few.worst is None
    assert "; reply may lose as much" not in printed(found.table())
    assert sum(one.pair.difference.value for one in found.losses) == pytest.approx(1)  # all that the end lacks


def test_versions_are_paired_by_case_and_what_was_changed_is_left_out() -> None:
    first = run([outcome(n, END, float(n < 10)) for n in range(20)], 1, a="x", b="y")
    second = run(
        [outcome(n, END, float(n < 15)) for n in range(19)] + [outcome(19, END, 1.0, "other")], 2, a="x", b="z"
    )
    found = compare_versions(first, second)
    [change] = found.changes
    assert (found.common, found.left_out, found.files) == (19, 1, ("b.md",))
    assert change.gained == tuple(f"c{n}" for n in range(10, 15))
    assert change.lost == ()
    assert change.pair.p == mcnemar(5, 0)
    assert change.pair.difference.value == pytest.approx(5 / 19)
    assert "before: mine@1, after: mine@2: b.md; 19 cases in both" in printed(found.table())
    assert "gained, end to end: c10, c11, c12, c13, c14" in printed(found.table())
    assert "lost, end to end" not in printed(found.table())
    assert found.to_json()["changes"][0]["gained"] == list(change.gained)


def test_versions_without_a_common_case_or_a_result_are_refused() -> None:
    first = run([outcome(0, END, 1.0)])
    with pytest.raises(UsageError, match="no unchanged case in common"):
        compare_versions(first, run([outcome(0, END, 1.0, "other")], 2))
    with pytest.raises(UsageError, match="no known score of a case in common"):
        compare_versions(first, run([outcome(0, "issues", 1.0)], 2))
    failed = replace(run([], 2), scores={("c00", END): outcome(0, END, None)})
    with pytest.raises(UsageError, match="no known score"):
        compare_versions(first, failed)


@pytest.mark.parametrize("losses", [[0.4], [0.5, 0.25], [0.3, 0.3], [0.5, 0.5, 0.25], [0.3, 0.3, 0.3], [1, 1, 1]])
def test_one_two_and_three_cases_show_no_loss(losses: list[float]) -> None:
    end = [outcome(n, END, 0.9 - 0.9 * loss) for n, loss in enumerate(losses)]
    right = [outcome(n, GOLD + "issues", 0.9) for n in range(len(losses))]
    found = summarize_evaluation([*end, *right], CHAIN, "mine@1", "m")
    assert (found.worst, found.losses[0].pair.n) == (None, len(losses))
    assert found.to_json()["work_on"] is None


def test_a_step_without_gold_results_has_no_loss_and_is_named() -> None:
    scores = [outcome(n, part, 1.0) for n in range(3) for part in (END, GOLD + "issues")]
    found = summarize_evaluation(scores, CHAIN, "mine@1", "m", unchecked=2)
    assert [one.step for one in found.losses] == ["issues"]
    assert found.not_attributed == {"tone": ("tone",), "reply": ("tone",)}
    assert "no loss is known for reply: no case that checks the end has gold values of tone" in found.summary
    assert "2 cases without a check: left out" in found.summary
    assert summarize_evaluation([outcome(0, "issues", 1.0)], CHAIN, "mine@1", "m").not_attributed == {}


def test_parts_that_are_compared_share_the_level_and_the_end_has_a_verdict() -> None:
    def made(good: int, version: int) -> RecordedRun:
        parts = [(END, good), ("issues", 0), ("tone", 0)]
        return run([outcome(n, part, float(n < many)) for part, many in parts for n in range(20)], version)

    found = compare_versions(made(4, 1), made(10, 2))
    assert found.end is not None
    assert (found.end.pair.p, found.end.pair.p_adjusted) == (mcnemar(6, 0), pytest.approx(3 * mcnemar(6, 0)))
    assert found.to_json()["changes"][0]["p"] == found.end.pair.p_adjusted
    assert found.verdict.startswith(
        "mine@1 and mine@2 are not significantly different end to end: 20 cases show differences of"
    )
    better = compare_versions(made(4, 1), made(14, 2))
    assert better.verdict.startswith("mine@2 is better than mine@1 end to end by 50.0 points (95 %: ")
    worse = compare_versions(made(14, 1), made(4, 2), tolerance=2)
    assert worse.verdict.startswith("mine@1 is better than mine@2 end to end by 50.0 points (95 %: ")
    assert (worse.passed, better.passed, compare_versions(made(4, 1), made(3, 2), tolerance=5).passed) == (
        False,
        True,
        True,
    )
    assert "fails: end to end became worse by more than 2 points" in printed(worse.table())
    only_issues = compare_versions(run([outcome(0, "issues", 1.0)]), run([outcome(0, "issues", 1.0)], 2), tolerance=50)
    assert (only_issues.passed, only_issues.end) == (False, None)
    assert (
        "too few to show any" in compare_versions(run([outcome(0, END, 1.0)]), run([outcome(0, END, 0.0)], 2)).verdict
    )


def test_settings_that_differ_are_said() -> None:
    first, second = run([outcome(0, END, 1.0)]), run([outcome(0, END, 1.0)], 2)
    assert "settings" not in printed(compare_versions(first, second).table())
    found = compare_versions(replace(first, sampling={"max_tokens": 1024}), replace(second, sampling={"max_tokens": 5}))
    assert "the settings differ, which may cause a difference: max_tokens 1024 and 5" in found.notes


def test_80_columns_are_enough_and_no_name_is_cut() -> None:
    chain = Chain(
        Step("issues", Prompt(input="{text}")),
        Step("recommendations_of_what_to_do", Prompt(input="{issues}")),
    )
    parts = [f"{step}{how}" for step in ("issues", "recommendations_of_what_to_do") for how in (" alone", "")]
    outcomes = [outcome(n, part, n / 19) for part in (*parts, END, GOLD + "issues") for n in range(20)]
    narrow = printed(summarize_evaluation(outcomes, chain, "mine@1", "m").table(), 80)
    narrow += printed(compare_versions(run(outcomes), run(outcomes, 2)).table(), 80)
    assert "…" not in narrow
    assert max(map(len, narrow.split("\n"))) <= 80
    assert "+0.0" in narrow
    assert "recommendations_of_what_to_do" in "".join(line.split(" ")[0] for line in narrow.split("\n"))


def test_a_notebook_shows_them_and_nothing_in_them_is_markup() -> None:
    outcomes = [outcome(n, part, float(n % 2)) for part in ("<b>x", END, GOLD + "issues") for n in range(4)]
    hostile = replace(run(outcomes), chain="<script>")
    for shown in (compare_versions(hostile, hostile), summarize_evaluation(outcomes, CHAIN, "<script>@1", "m")):
        html = shown._repr_html_()
        assert "&lt;script&gt;@1" in html
        assert "<script>" not in html
        assert END in repr(shown)
        assert "<script>@1" in str(shown)
        assert END in html


def test_a_loss_that_could_hide_in_failed_cases_fails() -> None:
    first = run([outcome(n, END, 1.0) for n in range(10)])
    second = run([outcome(n, END, None if n < 2 else 1.0) for n in range(10)], 2)
    found = compare_versions(first, second, tolerance=10)
    assert found.end is not None
    assert (found.end.failed, found.end.pair.difference.value, found.end.lowest) == (2, 0, pytest.approx(-0.2))
    assert not found.passed
    assert "2 cases failed; with them the change could be -20.0 points" in printed(found.table())
    assert compare_versions(first, second, tolerance=20).passed
    assert compare_versions(second, first, tolerance=0).passed  # what failed before and is right now
