"""Independent repetitions: their own draws, their own results, an interval that knows they are of one problem."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from reasoning.benchmarks import compare
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.paired import (
    EXACT,
    OVER_FAMILIES,
    OVER_PROBLEMS,
    paired_differences,
)
from reasoning.benchmarks.analysis.score_table import families, scores_by_problem
from reasoning.benchmarks.analysis.summary import summarize
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.statistics import clustered_mean, clustered_share, wilson
from reasoning.cli.app import app
from reasoning.draw_stream import EPOCH_STRIDE
from reasoning.errors import UsageError
from reasoning.journal import Journal
from reasoning.messages import Completion, Conversation, Message
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]


def unsure(messages: tuple[Message, ...]) -> str:
    """Right at the first and third time that a problem is asked."""
    k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
    unsure.asked[k] = unsure.asked.get(k, 0) + 1  # type: ignore[attr-defined]
    return f"The answer is {2 * k + (k > 2 and unsure.asked[k] == 2)}."  # type: ignore[attr-defined]


def test_each_repetition_takes_draws_of_its_own_and_more_of_them_cost_only_the_new_ones(
    tmp_path: Path, sums: Sums
) -> None:
    unsure.asked = {}  # type: ignore[attr-defined]
    llm = ScriptedLLM(unsure)
    found = compare(["vanilla"], sums(4), llm, out=tmp_path / "run", epochs=2, progress=False)
    assert llm.calls == 8
    assert (found.n, found.rows[0].n, found.rows[0].correct) == (4, 8, 6)
    assert "4 problems × 2 repetitions" in found.title
    more = compare(["vanilla"], sums(4), llm, out=tmp_path / "run", epochs=3, progress=False)
    assert llm.calls == 12
    assert (more.rows[0].n, more.rows[0].correct) == (12, 10)
    stored = ResultsFolder.read(tmp_path / "run")
    assert {key.epoch for key in stored.results} == {0, 1, 2}
    assert stored.results[ResultKey("sum-4", "vanilla", 1)].value == "9"
    trace = stored.trace("sum-4", "vanilla", 1)
    assert trace is not None
    assert [draw.text for call in trace.calls() for draw in call.completions] == ["The answer is 9."]
    assert compare(["vanilla"], sums(4), ScriptedLLM([]), out=tmp_path / "run", epochs=3, progress=False).n == 4


def test_a_list_of_problems_says_that_it_shows_the_first_repetition(tmp_path: Path, sums: Sums) -> None:
    for epochs, said in ((1, False), (3, True)):
        llm = ScriptedLLM(lambda messages: "The answer is 2.")
        compare(["vanilla"], sums(2), llm, out=tmp_path / str(epochs), epochs=epochs, progress=False)
        shown = CliRunner().invoke(app(), ["bench", "show", str(tmp_path / str(epochs))]).stdout
        assert ("the first of 3 repetitions" in shown) is said


def results(spec: str, right: list[list[bool]]) -> list[Result]:
    return [
        Result(f"p{problem}", spec, "f", "answered", one, epoch=epoch)
        for problem, ones in enumerate(right)
        for epoch, one in enumerate(ones)
    ]


def test_the_interval_is_clustered_by_problem() -> None:
    right = [[True, True], [True, False], [False, False], [False, False], [True, True], [False, True]]
    (row,) = summarize(results("a", right), ["a"])
    found = clustered_share([one for ones in right for one in ones], [k for k in range(6) for _ in range(2)])
    assert row.interval == found
    (sure,) = summarize(results("a", [[True, True], [False, False], [True, True]]), ["a"])
    assert sure.interval == wilson(2, 3)  # repeating what never changes tells nothing new


def test_pairs_over_repetitions_compare_means() -> None:
    made = [*results("a", [[True, True], [True, False], [True, True]] * 8)]
    made += results("b", [[True, False], [False, False], [True, False]] * 8)
    (pair,) = paired_differences(scores_by_problem(made), ["a", "b"])
    assert pair.n == 24
    assert pair.difference.value == pytest.approx(0.5)
    assert pair.difference.low <= 0.5 <= pair.difference.high
    assert pair.test == OVER_PROBLEMS
    assert pair.p == pytest.approx(2 / 1.5**24)  # the same difference everywhere
    assert pair.disagreement == pytest.approx(0.25)  # the mean square, which the variance of a difference is made of
    assert pair.superiority == 1
    turned = pair.oriented("b")
    assert (turned.first, turned.second, turned.difference.value) == ("b", "a", pytest.approx(-0.5))
    assert turned.superiority == 0
    assert pair.oriented("a") is pair


def judged(made: list[Result]) -> str:
    return Comparison("t", "m", 2, tuple(summarize(made, ["a", "b"])), results=tuple(made)).verdict


def test_two_problems_are_no_certainty() -> None:
    made = [*results("a", [[True, True]] * 2), *results("b", [[True, False]] * 2)]
    (pair,) = paired_differences(scores_by_problem(made), ["a", "b"])
    assert pair.p > 0.5
    assert pair.difference.low < 0 < pair.difference.high
    said = judged(made)
    assert "beats" not in said
    assert "Not significantly different: b" in said


def family(made: list[Result], size: int) -> list[Result]:
    """The same, with problems in families of this size."""
    return [replace(one, family=f"f{int(one.problem[1:]) // size}") for one in made]


def test_problems_of_a_family_are_not_independent() -> None:
    alone = [*results("a", [[True]] * 12 + [[False]] * 4), *results("b", [[True]] * 4 + [[False]] * 12)]
    together = family(alone, 4)
    (pair,) = paired_differences(scores_by_problem(alone), ["a", "b"])
    (apart,) = paired_differences(scores_by_problem(together), ["a", "b"], families(together))
    assert (pair.test, apart.test) == (EXACT, OVER_FAMILIES)
    assert pair.p < 0.01 < 0.1 < apart.p
    found = clustered_mean([0.0] * 4 + [1.0] * 8 + [0.0] * 4, [k // 4 for k in range(16)])
    assert (apart.difference.low, apart.difference.high) == (max(-1, found.low), min(1, found.high))
    for single, of_families in zip(summarize(alone, ["a", "b"]), summarize(together, ["a", "b"]), strict=True):
        assert single.accuracy == of_families.accuracy
        assert of_families.interval[0] < single.interval[0]
    assert summarize(together, ["a"])[0].interval == wilson(3, 4)
    assert summarize(family(alone, 1), ["a"])[0].interval == wilson(12, 16)
    assert paired_differences(scores_by_problem(alone), ["a", "b"], families(family(alone, 1))) == [pair]
    assert OVER_FAMILIES in judged(together)
    assert "16 problems in families show less" in judged(together)


def test_families_of_unequal_size_have_an_interval_around_the_accuracy() -> None:
    made = [replace(one, family="a" if k else "b") for k, one in enumerate(results("s", [[False]] + [[True]] * 9))]
    (row,) = summarize(made, ["s"])
    assert row.interval[0] <= row.accuracy <= row.interval[1]


def test_no_repetition_is_refused(sums: Sums) -> None:
    with pytest.raises(UsageError, match="epochs must be from 1 to 2048, got 0"):
        compare(["vanilla"], sums(1), ScriptedLLM([]), epochs=0, progress=False)


def test_more_epochs_than_there_are_cost_nothing(tmp_path: Path, sums: Sums) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    llm = ScriptedLLM(lambda messages: "The answer is 4.", journal=journal)
    with pytest.raises(UsageError, match="epochs must be from 1 to 2048, got 2049"):
        compare(["vanilla"], sums(1), llm, epochs=2_049, progress=False)
    request = llm.request(Conversation((Message("user", "?"),)), {})
    journal.write(request, [Completion("4", draw=2_046 * EPOCH_STRIDE)])
    compare(["vanilla"], sums(1), llm, new_samples=True, out=tmp_path / "last", progress=False)
    assert ResultsFolder.read(tmp_path / "last").metadata["first_epoch"] == 2_047
    assert llm.calls == 1
    with pytest.raises(UsageError, match=r"last holds samples from epoch 2,047 on: at most 1 epoch, got 2"):
        compare(["vanilla"], sums(1), llm, epochs=2, new_samples=True, out=tmp_path / "last", progress=False)
    with pytest.raises(UsageError, match="2,048 epochs, and 2,046 in a row are not free"):
        compare(["vanilla"], sums(1), llm, epochs=2_046, new_samples=True, out=tmp_path / "new", progress=False)
    assert llm.calls == 1
    compare(["vanilla"], sums(1), llm, epochs=3, new_samples=True, out=tmp_path / "new", progress=False)
    assert (ResultsFolder.read(tmp_path / "new").metadata["first_epoch"], llm.calls) == (1, 4)


def test_new_samples_of_an_empty_journal_are_continued(tmp_path: Path, sums: Sums) -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 4.")
    for calls in (2, 4):
        compare(["vanilla"], sums(4), llm, new_samples=True, out=tmp_path / "run", limit=calls, progress=False)
        assert llm.calls == calls
