"""Comparing from Python: what goes in, what comes out, and what a second call does not do again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import reasoning
from reasoning.benchmarks import Comparison, compare
from reasoning.chain import Chain, Step
from reasoning.engine.budget import Budget
from reasoning.errors import AuthenticationFailed, InputError, MissingExtra, SettingsChanged, UnknownName, UsageError
from reasoning.kinds import Number
from reasoning.messages import Message
from reasoning.problem import Example, Problem
from reasoning.prompts import Prompt
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]
Adds = Callable[..., Callable[[tuple[Message, ...]], str]]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_examples_of_ones_own_and_specs_beside_strategies(sums: Sums, adds: Adds) -> None:
    cot = reasoning.strategies.get("cot")
    found = compare(["vanilla", cot, "cot"], sums(6), ScriptedLLM(adds(2, 3)), progress=False)
    assert isinstance(found, Comparison)
    assert [row.strategy for row in found.rows] == ["vanilla", "cot"]
    assert [row.accuracy for row in found.rows] == [4 / 6, 4 / 6]
    assert (found.n, found.spent.calls, found.stopped, found.folder) == (6, 12, None, None)
    assert found.title == "given · 6 problems · scripted"
    assert str(found).splitlines()[0] == found.title
    assert found.verdict.replace("\n", "  \n") in str(found)
    assert found._repr_html_().count("<tr") == 3
    assert len(found.results) == 12


def test_a_second_call_asks_nobody_and_gives_the_same(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    def once(llm: ScriptedLLM) -> Comparison:
        return compare(["vanilla", "cot"], sums(6), llm, out=tmp_path / "run", progress=False)

    first = once(ScriptedLLM(adds(2)))
    before = files(tmp_path / "run")
    silent = ScriptedLLM([])
    second = once(silent)
    assert silent.requests == []
    assert str(second) == str(first)
    assert second.spent.calls == 0
    assert second.to_json(spent=False) == first.to_json(spent=False)
    assert files(tmp_path / "run") == before
    assert json.loads(before["results.json"]) == first.to_json(spent=False)
    assert before["results.md"].decode() == f"{first}\n"


def test_only_what_is_new_is_run(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    def calls(strategies: str, limit: int) -> int:
        llm = ScriptedLLM(adds())
        found = compare(reasoning.strategies.split(strategies), sums(8), llm, limit=limit, out=tmp_path, progress=False)
        assert found.n == limit
        assert all(row.n == limit for row in found.rows)
        return llm.calls

    assert calls("vanilla", 4) == 4
    assert calls("vanilla", 6) == 2
    assert calls("cot, vanilla", 6) == 6
    assert calls("cot", 3) == 0
    assert calls("cot, vanilla", 8) == 4
    whole = json.loads((tmp_path / "results.json").read_text())
    assert [(row["strategy"], row["n"]) for row in whole["results"]] == [("vanilla", 8), ("cot", 8)]


def test_a_seed_that_changes_nothing_is_no_change(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    for seed in (1, 2):
        compare(["vanilla"], sums(2), ScriptedLLM(adds()), seed=seed, out=tmp_path, progress=False)
    with pytest.raises(SettingsChanged, match=r"temperature 0\.0 → 0\.5"):
        compare(["vanilla"], sums(2), ScriptedLLM(adds(), temperature=0.5), out=tmp_path, progress=False)
    with pytest.raises(SettingsChanged, match="task_version sha256"):
        compare(["vanilla"], sums(3), ScriptedLLM(adds()), out=tmp_path, progress=False)


def test_the_budget_gives_what_there_is(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    llm = ScriptedLLM(adds(), budget=Budget(calls=5))
    found = compare(["vanilla", "cot"], sums(6), llm, out=tmp_path, progress=False)
    assert found.stopped is not None
    assert "budget" in str(found.stopped)
    assert sum(row.n for row in found.rows) == 5
    assert "stopped" in found._repr_html_()


def test_other_stops_are_raised_and_lose_nothing(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    def later(messages: tuple[Message, ...]) -> str | Exception:
        return AuthenticationFailed("no key") if "4 + 4" in messages[-1].content else adds()(messages)

    with pytest.raises(AuthenticationFailed):
        compare(["vanilla"], sums(6), ScriptedLLM(later), out=tmp_path, concurrency=1, progress=False)
    assert json.loads((tmp_path / "results.json").read_text())["results"][0]["n"] == 3
    llm = ScriptedLLM(adds())
    compare(["vanilla"], sums(6), llm, out=tmp_path, progress=False)
    assert llm.calls == 3


@pytest.mark.parametrize(
    ("strategies", "said"),
    [
        (["vanila"], "did you mean 'vanilla'"),
        ([], "at least one strategy"),
        ([Chain(Step("a", Prompt())), Chain(Step("b", Prompt()))], "two different strategies are called 'chain'"),
    ],
)
def test_strategies_that_make_no_sense(sums: Sums, strategies: list[object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compare(strategies, sums(1), ScriptedLLM([]), progress=False)  # type: ignore[arg-type]


def test_tasks_that_make_no_sense(sums: Sums) -> None:
    llm = ScriptedLLM([])
    same = Example(Problem("?", Number(), id="sum-1"), 1)
    for task, error, said in (
        ([], UsageError, "at least one example"),
        ([*sums(1), same], UsageError, "two examples have the id 'sum-1'"),
        (["What?"], UsageError, "a task must be a name, a Task or a list of Examples"),
        ("gsm_symbolik", UnknownName, "gsm_symbolic"),
        ("jsonl:nowhere.jsonl", InputError, "no such file"),
    ):
        with pytest.raises(error, match=said):
            compare(["vanilla"], task, llm, progress=False)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least 1"):
        compare(["vanilla"], sums(1), llm, limit=-1, progress=False)


def test_hostile_questions_answers_and_specs_are_shown_as_text(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script> [red]|\n# `x`\u202e\x1b[2J\x1b]0;owned\x07"
    example = Example(Problem(nasty, id="<b>"), nasty)
    llm = ScriptedLLM(lambda messages: nasty)
    found = compare(["vanilla", "cot"], [example], llm, out=tmp_path, progress=False)
    assert "<script>" not in found._repr_html_()
    from rich.console import Console

    from reasoning.benchmarks.analysis import inspect_results
    from reasoning.benchmarks.results.folder import ResultsFolder

    store = ResultsFolder.read(tmp_path)
    with open(tmp_path / "shown.txt", "w", encoding="utf-8") as file:
        console = Console(file=file, width=100)
        console.print(inspect_results.answer_matrix(store))
        console.print(inspect_results.show_problem(store, "<b>", "cot"))
    shown = (tmp_path / "shown.txt").read_text(encoding="utf-8")
    assert "<script>alert(1)</script> [red]|" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_stored_results_are_read_without_anything_heavy(tmp_path: Path) -> None:
    """A run that finds everything stored loads no task's package and asks no model."""
    code = (
        "import sys; from reasoning.benchmarks import compare; from reasoning.testing import ScriptedLLM;"
        "llm = ScriptedLLM(lambda messages: 'The answer is 3.');"
        "found = compare(['vanilla', 'cot'], 'gsm_symbolic', llm, limit=3, out=sys.argv[1], progress=False);"
        "heavy = ('reasoning_gym', 'pandas', 'scipy', 'litellm', 'rich');"
        "print(llm.calls, *[name for name in heavy if name in sys.modules]);"
        "print(found)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    first, second = (run.partition("\n") for run in runs)
    assert first[0].startswith("6 reasoning_gym")
    assert second[0] == "0"
    assert first[2] == second[2]


def test_as_many_problems_as_fit_into_the_time_and_the_same_again(tmp_path: Path, sums: Sums, adds: Adds) -> None:
    def once(llm: ScriptedLLM, time_limit: float | None = 1.2) -> Comparison:
        return compare(
            ["vanilla", "cot"], sums(60), llm, limit=60, out=tmp_path / "run", concurrency=2, time_limit=time_limit,
            progress=False,
        )  # fmt: skip

    first = once(ScriptedLLM(adds(), latency=0.1))
    assert 1 <= first.n < 60
    assert [row.n for row in first.rows] == [first.n, first.n]
    silent = ScriptedLLM([])
    assert str(once(silent)) == str(first)
    assert silent.requests == []
    assert once(ScriptedLLM(adds(), latency=0.1), time_limit=1.8).n > first.n  # more time continues from there
    assert once(ScriptedLLM(adds()), time_limit=None).n == 60  # without the limit in time the rest is run


def test_results_as_a_data_frame(sums: Sums, adds: Adds) -> None:
    pytest.importorskip("pandas")
    found = compare(["vanilla", "cot"], sums(6), ScriptedLLM(adds(2, 3)), progress=False).frame()
    assert found.shape[0] == 12
    assert found.groupby("strategy")["correct"].mean().to_dict() == {"vanilla": 4 / 6, "cot": 4 / 6}
    assert set(found["rule"]) == {"trigger"}
    assert found["calls"].sum() == 12


def test_a_model_that_cannot_be_loaded_spends_nothing_and_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    budget = Budget(calls=1)
    llm = reasoning.connect("local", budget=budget, journal=reasoning.Journal())
    example = Example(Problem("1 + 1?", Number()), 2)
    with pytest.raises(MissingExtra, match="a local model needs xllamacpp"):
        compare(["cot"], [example], llm, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    assert budget.left == Budget(calls=1).left
