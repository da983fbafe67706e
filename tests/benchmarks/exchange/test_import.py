"""Import of the logs of other tools."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.regression import compare_runs
from reasoning.benchmarks.analysis.sample_size import required_problems
from reasoning.benchmarks.exchange.formats import read_log
from reasoning.benchmarks.exchange.importing import DISAGREEMENTS, Import, import_logs
from reasoning.benchmarks.report import ReportData, save
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import ResultKey
from reasoning.errors import InputError

LOGS = Path(__file__).parent / "logs"
LM_EVAL = LOGS / "lm-eval-0.4.13"
A, B = (next((LM_EVAL / f"model-{name}").glob("samples*")) for name in "ab")
VOTES = next(LM_EVAL.glob("samples_sums_votes*"))
EVALS = [LOGS / f"inspect_ai-0.3.285-model-{name}.eval" for name in "ab"]


def run_import(folder: Path, *paths: Path, score: str = "", **options: object) -> Import:
    logs = [("", read_log(str(path), score=score)) for path in paths]
    return import_logs(logs, folder / "out", **options)  # type: ignore[arg-type]


def accuracies(done: Import) -> dict[str, tuple[int, int]]:
    return {row.strategy: (row.correct, row.n) for row in done.comparison.rows}


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_inspect_logs_of_two_models_are_paired_and_compared(tmp_path: Path) -> None:
    done = run_import(tmp_path, *EVALS)
    assert accuracies(done) == {"openai/model-a": (13, 16), "openai/model-b": (5, 16)}
    assert "beats openai/model-b by 50 points" in done.comparison.verdict
    row = done.comparison.rows[1]
    assert (row.usage.calls, row.usage.prompt_tokens, row.usage.completion_tokens) == (16, 58, 100)
    assert row.usage.usd is None
    assert row.unrecorded == ()
    cut = [result for result in done.comparison.results if result.truncated]
    assert [(result.problem, result.strategy, result.token_limit) for result in cut] == [
        ("sum-1", "openai/model-b", 64),
        ("sum-1", "openai/model-b", 64),
    ]
    store = ResultsFolder.read(done.folder)
    trace = store.trace("sum-0", "openai/model-a", 1)
    assert trace is not None
    [call] = trace.calls()
    assert call.messages[0].content == "What is 12 + 7?"
    assert call.completions[0].text == "12 plus 7 makes 19.\n#### 19"
    assert store.results[ResultKey("sum-0", "openai/model-a", 1)].value == "19"


def test_both_forms_of_an_inspect_log_give_the_same(tmp_path: Path) -> None:
    from_zip, from_json = (read_log(str(LOGS / f"inspect_ai-0.3.285-model-a.{end}")) for end in ("eval", "json"))
    assert from_json.tool == from_zip.tool == "inspect_ai 0.3.285"
    assert from_json.setup == from_zip.setup == "generate"
    short = {solve.id: solve for solve in from_json.solves}
    for solve in from_zip.solves:
        if solve.epoch == 0 and solve.id in short:
            other = short[solve.id]
            assert (solve.question, solve.target, solve.messages) == (other.question, other.target, other.messages)
            assert solve.usage.prompt_tokens == other.usage.prompt_tokens


def test_a_scorer_can_be_chosen(tmp_path: Path) -> None:
    matched, patterned = (
        accuracies(run_import(tmp_path / name, EVALS[1], score=name)) for name in ("match", "pattern")
    )
    assert matched == patterned == {"openai/model-b": (5, 16)}
    with pytest.raises(InputError, match="no scorer 'f1'; give one of these to --score: match, pattern"):
        read_log(str(EVALS[0]), score="f1")


def test_samples_that_failed_are_not_wrong_answers(tmp_path: Path) -> None:
    done = run_import(tmp_path, LOGS / "inspect_ai-0.3.285-failed.json")
    [row] = done.comparison.rows
    assert (row.n, row.failed) == (0, 4)
    assert done.comparison.verdict == "Every call failed, so there is nothing to compare."
    assert any("did not end well (status 'error')" in caveat for caveat in done.comparison.caveats)
    assert "error:" in done.comparison.results[0].reason


def test_samples_of_lm_eval_answer_whether_one_model_is_better(tmp_path: Path) -> None:
    done = run_import(tmp_path, A, B)
    assert done.paired == "2 strategies, paired by id: 24 of 24 problems in all"
    assert accuracies(done) == {"model-a": (22, 24), "model-b": (9, 24)}
    [pair] = done.comparison.pairs
    # Of the 24 problems model-a alone solves 13 and model-b alone none: 2 / 2^13.
    assert pair.test == "exact McNemar"
    assert pair.p == pytest.approx(2 / 2**13)
    assert done.comparison.rows[1].unparsed == 1  # "[invalid]"
    assert done.comparison.task == "sums"


def test_usage_that_is_missing_is_unknown_everywhere(tmp_path: Path) -> None:
    done = run_import(tmp_path, A, B)
    row = done.comparison.to_json()["results"][0]
    missing = ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds", "reasoning_tokens")
    assert [row[name] for name in missing] == [None] * 6
    assert str(done.comparison).count("unknown") == 2 * 5 + 1  # five cells of each strategy, and a caveat
    data = ReportData.from_comparison(done.comparison)
    assert data.cost_frontiers == ()
    for name in ("report.html", "report.md", "report.csv"):
        save(data, tmp_path / name)
    numbers = read_csv(tmp_path / "report.csv")
    assert {numbers[0][name] for name in ("calls", "prompt_tokens", "usd", "seconds")} == {""}
    lines = [json.loads(line) for line in (done.folder / "results.jsonl").read_text().splitlines()]
    assert all(line["unrecorded"] == ["calls", "tokens", "seconds"] for line in lines)
    assert any("Not recorded in the logs" in caveat for caveat in done.comparison.caveats)
    assert any("Whether a limit cut replies off is not recorded" in caveat for caveat in done.comparison.caveats)


def test_options_that_were_scored_by_likelihood(tmp_path: Path) -> None:
    done = run_import(tmp_path, next(LM_EVAL.glob("samples_sums_mc*")))
    assert [*accuracies(done).values()] == [(1, 8)]
    first = done.comparison.results[0]
    assert (first.value, first.correct) == ("A", False)
    store = ResultsFolder.read(done.folder)
    assert store.examples["0"].target == "B"
    assert not any("limit cut replies off" in caveat for caveat in done.comparison.caveats)


def test_a_single_option_is_scored_and_not_chosen(tmp_path: Path) -> None:
    path = tmp_path / "samples_cloze_2026-01-01T00-00-00.jsonl"
    sample = {
        "doc": {"text": "The sky is"},
        "target": " blue",
        "arguments": {"gen_args_0": {"arg_0": "The sky is", "arg_1": " blue"}},
        "resps": [[["-3.5", "False"]]],
        "filter": "none",
        "metrics": ["acc"],
    }
    path.write_text("".join(json.dumps({**sample, "doc_id": n, "acc": float(n)}) + "\n" for n in range(2)))
    done = run_import(tmp_path, path)
    assert [(one.state, one.value, one.correct) for one in done.comparison.results] == [
        ("answered", None, False),
        ("answered", None, True),
    ]


def test_replies_are_read_again_and_disagreements_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {"question": "6 * 7?", "answer": "42", "reply": "The answer is 42.", "right": False},
        {"question": "2 + 2?", "answer": "4", "reply": "The answer is 5.", "right": True},
        {"question": "1 + 2?", "answer": "3", "reply": "The answer is 3.", "right": True},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    log = read_log(str(path), mapping={"score": "right"})
    done = import_logs([("", log)], tmp_path / "out", rescore=True)
    assert [(one.problem, one.was_right, one.value) for one in done.disagreements] == [
        ("1", False, "42"),
        ("2", True, "5"),
    ]
    listed = read_csv(done.folder / DISAGREEMENTS)
    assert [(row["problem"], row["its score"], row["our score"]) for row in listed] == [
        ("1", "wrong", "right"),
        ("2", "right", "wrong"),
    ]
    assert [*accuracies(done).values()] == [(2, 3)]
    assert any("read again by this library" in caveat for caveat in done.comparison.caveats)


def test_several_replies_vote_and_have_curves(tmp_path: Path) -> None:
    done = run_import(tmp_path, VOTES, kind="number")
    assert all(sum(count for _, count in result.votes) <= 5 for result in done.comparison.results)
    [curve] = ReportData.from_comparison(done.comparison).vote_curves
    assert (curve.samples, curve.n) == (5, 8)
    assert [point.k for point in curve.majority] == [1, 2, 3, 5]
    assert curve.majority[-1].mean == 1.0
    assert curve.all[-1].mean < curve.majority[0].mean < 1.0


def test_repetitions_have_curves(tmp_path: Path) -> None:
    done = run_import(tmp_path, *EVALS)
    data = ReportData.from_comparison(done.comparison)
    assert [(curve.strategy, curve.samples, curve.n) for curve in data.vote_curves] == [
        ("openai/model-a", 2, 8),
        ("openai/model-b", 2, 8),
    ]
    assert data.vote_curves[0].majority[0].mean == pytest.approx(13 / 16)


def test_promptfoo_results_give_a_strategy_for_each_prompt_and_provider(tmp_path: Path) -> None:
    done = run_import(tmp_path, LOGS / "promptfoo-0.121.20.json")
    assert {name: right for name, (right, _) in accuracies(done).items()} == {
        "openai:chat:model-a · bare": 4,
        "openai:chat:model-a · steps": 5,
        "openai:chat:model-b · bare": 0,
        "openai:chat:model-b · steps": 1,
    }
    row = done.comparison.rows[0]
    assert (row.usage.calls, row.usage.prompt_tokens, row.usage.usd, row.unrecorded) == (6, 22, None, ())
    assert sum(result.truncated for result in done.comparison.results) == 2


def test_evaluations_of_dspy_are_paired_by_question(tmp_path: Path) -> None:
    done = run_import(tmp_path, LOGS / "dspy-3.4.1-model-a.csv", LOGS / "dspy-3.4.1-model-b.json")
    assert done.paired == "2 strategies, paired by question: 24 of 24 problems in all"
    assert list(accuracies(done).values()) == [(21, 24), (7, 24)]
    failed = read_log(str(LOGS / "dspy-3.4.1-failed.json"))
    assert [solve.score for solve in failed.solves] == [1.0, 0.5, None, 0.0]
    assert failed.solves[2].target == "14"


def test_the_commands_of_results_folders_work_on_an_imported_one(tmp_path: Path) -> None:
    first, again = run_import(tmp_path / "1", A, B), run_import(tmp_path / "2", A, B, kind="number")
    changes = compare_runs(first.folder, again.folder, None, None)
    assert [(change.pair.n, change.pair.difference.value) for change in changes.changes] == [(24, 0), (24, 0)]
    assert "model-a and model-b (24 problems)" in str(required_problems(5, first.folder, None, 2, 80))
    assert Comparison.from_folder(ResultsFolder.read(again.folder)).verdict == again.comparison.verdict


def test_an_equal_import_leaves_the_folder_and_another_one_is_refused(tmp_path: Path) -> None:
    assert run_import(tmp_path, A, B).is_new
    assert not run_import(tmp_path, A, B).is_new
    with pytest.raises(InputError, match="holds other results; give another --out"):
        run_import(tmp_path, A)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        import_logs([("", read_log(str(A)))], tmp_path / "else")
    assert (tmp_path / "else" / "notes.txt").read_text() == "mine"


def test_several_files_of_one_strategy_are_one_task_if_it_is_named(tmp_path: Path) -> None:
    paths = []
    for part in ("algebra", "biology"):
        for model, right in (("a", 1.0), ("b", 0.0)):
            path = tmp_path / model / f"samples_mmlu_{part}_2026-01-01T00-00-00.000000.jsonl"
            path.parent.mkdir(exist_ok=True)
            doc = {"doc_id": 0, "doc": {"question": f"What is {part}?"}, "target": "x", "acc": right, "resps": [["x"]]}
            path.write_text(json.dumps(doc) + "\n")
            paths.append((model, path))
    logs = [(name, read_log(str(path))) for name, path in paths]
    with pytest.raises(InputError, match=r"its task is 'mmlu_biology', and that of .* is 'mmlu_algebra'.*--task"):
        import_logs(logs, tmp_path / "out")
    done = import_logs(logs, tmp_path / "out", task="mmlu")
    assert accuracies(done) == {"a": (2, 2), "b": (0, 2)}
    assert done.paired == "2 strategies, paired by question: 2 of 2 problems in all"


def test_two_files_of_one_name_are_repetitions(tmp_path: Path) -> None:
    logs = [("a", read_log(str(EVALS[0]))), ("a", read_log(str(EVALS[1])))]
    done = import_logs(logs, tmp_path / "out")
    assert accuracies(done) == {"a": (18, 32)}
    assert {result.epoch for result in done.comparison.results} == {0, 1, 2, 3}
    # Logs that do not number repetitions, too.
    done = import_logs([("a", read_log(str(A))), ("a", read_log(str(B)))], tmp_path / "lm-eval")
    assert accuracies(done) == {"a": (31, 48)}


def test_rows_that_failed_or_were_refused_by_promptfoo(tmp_path: Path) -> None:
    data = json.loads((LOGS / "promptfoo-0.121.20.json").read_text())
    first, second, third = data["results"]["results"][:3]
    first |= {"failureReason": 2, "error": "API error: 500", "success": False}
    del first["response"]["output"]
    second["response"]["isRefusal"] = True
    third["cost"] = 0.25
    (tmp_path / "results.json").write_text(json.dumps(data))
    log = read_log(str(tmp_path / "results.json"))
    assert (log.solves[0].score, log.solves[0].reason) == (None, "error: API error: 500")
    assert log.solves[1].refused == 1
    assert log.solves[2].usage.usd == 0.25
    with pytest.raises(InputError, match=r"there is no score 'f1'; give one of these to --score: score"):
        read_log(str(tmp_path / "results.json"), score="f1")
