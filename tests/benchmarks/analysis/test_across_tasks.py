"""The summary of several runs: which strategy is better on which task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reasoning.benchmarks import compare
from reasoning.benchmarks.analysis.across_tasks import TaskSummary
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.cli.app import app
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM


def run(folder: Path, task: str, right: dict[str, int], n: int = 12) -> Comparison:
    """Run vanilla and cot on a file of problems; each answers the first `right` of them rightly."""
    path = folder / f"{task}.jsonl"
    path.write_text("\n".join(json.dumps({"question": f"What is {i} + 0?", "answer": i}) for i in range(n)))

    def reply(turns: list[object]) -> str:
        text = str(turns)
        number = int(text.partition("What is ")[2].partition(" ")[0])
        spec = "cot" if "step by step" in text else "vanilla"
        return f"The answer is {number if number < right[spec] else 99}."

    return compare(["vanilla", "cot"], f"jsonl:{path}", ScriptedLLM(reply), limit=n, out=folder / task, progress=False)


def test_a_technique_that_pays_on_one_task_and_hurts_on_another(tmp_path: Path) -> None:
    sums = run(tmp_path, "sums", {"vanilla": 2, "cot": 12})
    moods = run(tmp_path, "moods", {"vanilla": 11, "cot": 3})
    summary = TaskSummary([sums, moods])
    assert summary.reversal == ("cot", "vanilla")
    assert summary.text() == (
        "On jsonl:sums.jsonl cot beats vanilla by 83 points (p = 0.002); "
        "on jsonl:moods.jsonl vanilla beats cot by 67 points (p = 0.008): "
        "cot pays on one task and hurts on another."
    )
    examples = [(better, worse, problem[-5:]) for _, better, worse, problem in summary.examples()]
    assert [better for better, *_ in examples] == ["cot", "vanilla"]
    for comparison, better, worse, problem in summary.examples():
        right = {result.strategy: result.correct for result in comparison.results if result.problem == problem}
        assert right == {better: True, worse: False}


def test_what_is_not_decided_is_said(tmp_path: Path) -> None:
    sums = run(tmp_path, "sums", {"vanilla": 2, "cot": 12})
    even = run(tmp_path, "even", {"vanilla": 6, "cot": 7})
    text = TaskSummary([sums, even]).text()
    assert "even.jsonl there is no verdict (12 problems): undecided on 1 of 2 tasks" in text
    nothing = run(tmp_path, "nothing", {"vanilla": 6, "cot": 6})
    assert TaskSummary([even, nothing]).text().endswith(": nothing is decided, and the verdict of each run says why.")
    assert list(TaskSummary([even, nothing]).examples()) == []


def test_the_same_technique_is_best_everywhere(tmp_path: Path) -> None:
    runs = [run(tmp_path, name, {"vanilla": 2, "cot": 12}) for name in ("a", "b")]
    assert TaskSummary(runs).text().endswith(": cot has the most right answers on each.")


def test_one_run_is_no_summary(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least two runs, got 1"):
        TaskSummary([run(tmp_path, "a", {"vanilla": 2, "cot": 12})])


def test_the_commands_that_it_prints_show_two_strategies_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    for name, right in (("sums", {"vanilla": 2, "cot": 12}), ("moods", {"vanilla": 11, "cot": 3})):
        run(tmp_path, name, right)
        folders.append(str(tmp_path / name))
    command = CliRunner()
    told = command.invoke(app(), ["bench", "summary", *folders])
    assert told.exit_code == 0, told.exception
    assert "cot pays on one task and hurts on another." in told.stdout
    lines = [line for line in told.stderr.splitlines() if line.startswith("side by side: reasoning ")]
    assert len(lines) == 2
    monkeypatch.setenv("COLUMNS", "100")
    words = lines[0].removeprefix("side by side: reasoning ").split()
    shown = command.invoke(app(), words).stdout
    [heads] = [line for line in shown.splitlines() if "cot  ✓" in line]
    assert "vanilla  ✗ 99" in heads
    monkeypatch.setenv("COLUMNS", "60")
    narrow = command.invoke(app(), words).stdout
    assert "vanilla  ✗ 99" not in next(line for line in narrow.splitlines() if "cot  ✓" in line)
    assert "vanilla  ✗ 99" in narrow
    data = json.loads(command.invoke(app(), ["bench", "summary", *folders, "--json"]).stdout)
    assert data["reversal"] == ["cot", "vanilla"]
    assert [task["better"] for task in data["tasks"]] == ["cot", "vanilla"]


def test_the_matrix_of_some_strategies(tmp_path: Path) -> None:
    run(tmp_path, "sums", {"vanilla": 2, "cot": 12})
    shown = CliRunner().invoke(app(), ["bench", "show", str(tmp_path / "sums"), "-s", "cot"]).stdout
    assert "(1) cot" in shown
    assert "vanilla" not in shown
