"""Export of results folders: logs of inspect_ai, Parquet, data frames, a leaderboard."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import reasoning
from reasoning.benchmarks import Comparison, compare
from reasoning.benchmarks.analysis.rows import COLUMNS
from reasoning.benchmarks.exchange.exporting import export
from reasoning.benchmarks.exchange.formats import read_log
from reasoning.benchmarks.exchange.importing import import_logs
from reasoning.benchmarks.exchange.tables import LEADERBOARD
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import CallFailed, InputError, UnknownName, UsageError
from reasoning.messages import Completion, Message
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]
LOGS = Path(__file__).parent / "logs"
SPECS = ["vanilla", "cot", "self_consistency(cot, samples=3)"]


def reply(messages: tuple[Message, ...]) -> Completion | str | Exception:
    """A model that is often right, and sometimes cut off, unreadable or down."""
    text = messages[-1].content
    numbers = [int(word.strip("?.")) for word in text.split() if word.strip("?.").isdigit()]
    total = sum(numbers[:2])
    if total % 7 == 1:
        return "I cannot say."
    if total % 7 == 2:
        return Completion("It is 1", "length")
    if total % 11 == 3:
        return CallFailed("the server is down")
    return f"The answer is {total + (total % 5 == 0)}."


@pytest.fixture
def run(sums: Sums, tmp_path: Path) -> Comparison:
    return compare(SPECS, sums(12), ScriptedLLM(reply), epochs=2, out=tmp_path / "run", progress=False)


def test_a_data_frame_has_the_documented_columns(run: Comparison) -> None:
    frame = run.to_frame()
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == len(run.results) == 12 * 2 * 3
    assert {"answered", "unparsed", "failed"} == set(frame["state"])
    by_spec = frame.groupby("strategy")["correct"].sum()
    assert {row.strategy: row.correct for row in run.rows} == by_spec.to_dict()
    assert frame["correct"].isna().sum() == sum(result.failed for result in run.results)
    assert frame["usd"].isna().all()
    assert frame["calls"].sum() == sum(row.usage.calls for row in run.rows)


def test_unknown_usage_is_missing_and_not_0(tmp_path: Path) -> None:
    [samples] = (LOGS / "lm-eval-0.4.13" / "model-a").glob("samples*")
    done = import_logs([("", read_log(str(samples)))], tmp_path / "out")
    for name in ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "usd", "seconds"):
        assert done.comparison.to_frame()[name].isna().all(), name
        if name in done.comparison.frame():
            assert done.comparison.frame()[name].isna().all(), name
    export([done.folder], tmp_path / "board.csv")
    [row] = csv.DictReader((tmp_path / "board.csv").read_text().splitlines())
    assert (row["calls"], row["usd"], row["seconds"], row["correct"]) == ("", "", "", "22")


def test_parquet_has_a_row_for_each_result(run: Comparison, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run.folder is not None
    assert export([run.folder, run.folder], tmp_path / "rows.parquet").startswith("written: 144 rows")
    table = parquet.read_table(tmp_path / "rows.parquet")
    assert table.column_names == list(COLUMNS)
    assert table.schema.field("correct").metadata[b"about"] == COLUMNS["correct"][1].encode()
    rows = table.to_pylist()[:72]
    assert [row["correct"] for row in rows] == [result.correct for result in run.results]
    voted = next(row for row in rows if row["votes"])
    assert set(voted["votes"][0]) == {"value", "count"}
    assert rows[0]["question"].startswith("What is")


def test_a_leaderboard_has_the_verdict_against_the_best(run: Comparison, tmp_path: Path) -> None:
    assert run.folder is not None
    assert export([run.folder], tmp_path / "board.csv").startswith("written: 3 rows")
    rows = list(csv.DictReader((tmp_path / "board.csv").read_text().splitlines()))
    assert list(rows[0]) == list(LEADERBOARD)
    assert [row["verdict"] for row in rows].count("best") == 1
    assert {row["strategy"]: int(row["correct"]) for row in rows} == {row.strategy: row.correct for row in run.rows}
    assert float(rows[0]["accuracy"]) >= float(rows[-1]["accuracy"])


@pytest.mark.parametrize("form", ["eval", "json"])
def test_logs_of_inspect_give_the_same_scores_row_for_row(run: Comparison, tmp_path: Path, form: str) -> None:
    log_module = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    assert run.folder is not None
    assert export([run.folder], tmp_path / "logs", log_format=form).startswith("written: 3 logs")
    paths = sorted((tmp_path / "logs").iterdir())
    assert [path.name for path in paths] == [
        f"01-vanilla.{form}",
        f"02-cot.{form}",
        f"03-self_consistency-cot-samples-3.{form}",
    ]
    for path, row in zip(paths, run.rows, strict=True):
        log = log_module.read_eval_log(str(path))
        assert (log.status, log.eval.solver, log.eval.model) == ("success", row.strategy, run.model)
        assert log.results.scores[0].metrics["accuracy"].value == row.accuracy
        recomputed = [sample.scores["reasoning"].value == "C" for sample in log.samples if sample.scores]
        assert (sum(recomputed), len(recomputed)) == (row.correct, row.n)
        calls = [event for sample in log.samples for event in sample.events if event.event == "model"]
        assert sum(len(call.output.choices) for call in calls) == row.usage.calls
    back = import_logs([("", read_log(str(path))) for path in paths], tmp_path / "back")
    assert [rows_of(result) for result in back.comparison.results] == [rows_of(result) for result in run.results]


def rows_of(result: object) -> dict[str, object]:
    names = ("problem", "strategy", "epoch", "state", "correct", "value", "reason", "usage", "truncated", "refused")
    row = {name: getattr(result, name) for name in names}
    # A failed sample of inspect_ai has an error with its message.
    row["reason"] = str(row["reason"]).removeprefix("error: ")
    return row


def test_an_export_refuses_what_it_cannot_write(run: Comparison, tmp_path: Path) -> None:
    assert run.folder is not None
    with pytest.raises(UsageError, match="the form cannot be seen from its end"):
        export([run.folder], tmp_path / "rows.xlsx")
    with pytest.raises(UnknownName, match="unknown form 'parket' of --to; did you mean 'parquet'"):
        export([run.folder], tmp_path / "rows", "parket")
    with pytest.raises(UnknownName, match="unknown format 'evil' of --log-format; did you mean 'eval'"):
        export([run.folder], tmp_path / "logs", log_format="evil")
    with pytest.raises(InputError, match="not a results folder"):
        export([tmp_path], tmp_path / "board.csv")
    with pytest.raises(InputError, match="must be a file, and is a folder"):
        export([run.folder], tmp_path, "parquet")
    with pytest.raises(UsageError, match="written from one results folder"):
        export([run.folder, run.folder], tmp_path / "logs")


def test_a_full_folder_is_not_written_into(run: Comparison, tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")
    assert run.folder is not None
    with pytest.raises(InputError, match="must be a new or empty folder"):
        export([run.folder], run.folder, "inspect")
    with pytest.raises(InputError, match=r"run\.json/logs: cannot be created: "):
        export([run.folder], run.folder / "run.json" / "logs", "inspect")
    assert json.loads((run.folder / "run.json").read_text())["strategies"] == SPECS


def test_an_imported_folder_is_exported_and_imported_again(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")
    logs = [("", read_log(str(LOGS / f"inspect_ai-0.3.285-model-{name}.eval"))) for name in "ab"]
    first = import_logs(logs, tmp_path / "first")
    export([first.folder], tmp_path / "logs")
    written = [("", read_log(str(path))) for path in sorted((tmp_path / "logs").iterdir())]
    again = import_logs(written, tmp_path / "again")
    assert [log.model for _, log in written] == ["openai/model-a", "openai/model-b"]
    assert [rows_of(one) for one in again.comparison.results] == [rows_of(one) for one in first.comparison.results]
    export([first.folder], tmp_path / "board.csv")
    board = csv.DictReader((tmp_path / "board.csv").read_text().splitlines())
    assert {row["model"] for row in board} == {"openai/model-a", "openai/model-b"}
    assert set(first.comparison.to_frame()["model"]) == {"openai/model-a", "openai/model-b"}
    assert ResultsFolder.read(again.folder).examples.keys() == ResultsFolder.read(first.folder).examples.keys()


def test_a_lone_surrogate_is_exported_as_a_question_mark(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "half \\ud800?", "score": 1, "reply": "\\udfff", "answer": "x"}\n')
    folder = import_logs([("a", read_log(str(rows), mapping={}))], tmp_path / "folder").folder
    for form in ("eval", "json"):
        export([folder], tmp_path / form, log_format=form)
        [path] = (tmp_path / form).iterdir()
        [solve] = read_log(str(path)).solves
        assert (solve.question, solve.replies) == ("half ??", ("?",))
    export([folder], tmp_path / "rows.parquet")


def test_the_reference_lists_every_column() -> None:
    page = (Path(reasoning.__file__).parent.parent / "docs" / "reference" / "result-columns.md").read_text()
    for name, (kind, about) in COLUMNS.items():
        assert f"| `{name}` | {kind} | {about} |" in page
    for name, about in LEADERBOARD.items():
        assert f"| `{name}` | {about} |" in page
