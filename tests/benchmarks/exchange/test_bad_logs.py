"""Logs that are damaged, hostile, of other versions, or do not belong together: one clear error, and no folder."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks.exchange.formats import read_log
from reasoning.benchmarks.exchange.importing import Import, import_logs
from reasoning.benchmarks.rescore import rescore
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import InputError, UnknownName

LOGS = Path(__file__).parent / "logs"
EVAL = LOGS / "inspect_ai-0.3.285-model-a.eval"
JSON = LOGS / "inspect_ai-0.3.285-model-a.json"
SAMPLES = next((LOGS / "lm-eval-0.4.13" / "model-a").glob("samples*"))


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run_import(tmp_path: Path, *paths: Path, mapping: dict[str, str] | None = None, **options: Any) -> Import:
    return import_logs([("", read_log(str(path), mapping=mapping)) for path in paths], tmp_path / "out", **options)


def fails(tmp_path: Path, message: str, *paths: Path, mapping: dict[str, str] | None = None, **options: Any) -> None:
    with pytest.raises(InputError, match=message):
        run_import(tmp_path, *paths, mapping=mapping, **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kept", [10, 2000, 20_000, 41_000])
def test_a_truncated_archive(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.eval"
    path.write_bytes(EVAL.read_bytes()[:kept])
    fails(tmp_path, r"cut\.eval: damaged or truncated: .*inspect log recover", path)


def test_an_archive_with_a_damaged_sample(tmp_path: Path) -> None:
    path, data = tmp_path / "damaged.eval", bytearray(EVAL.read_bytes())
    with zipfile.ZipFile(EVAL) as archive:
        info = archive.getinfo("samples/sum-3_epoch_1.json")
    data[info.header_offset + 200] ^= 0xFF
    path.write_bytes(data)
    fails(tmp_path, r"damaged\.eval: 'samples/sum-3_epoch_1\.json' is damaged", path)


def make_archive(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


SPEC = {"task": "t", "model": "m", "scorers": [{"name": "s"}]}
HEADER = json.dumps({"version": 2, "status": "success", "eval": SPEC}).encode()


def sample(number: int, **fields: Any) -> bytes:
    score = {"s": {"value": "C", "answer": "4"}}
    content = {"id": number, "epoch": 1, "input": "2 + 2?", "target": "4", "scores": score, **fields}
    return json.dumps(content).encode()


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONING_MAX_MB", "1")
    bomb = make_archive(tmp_path / "one.eval", {"header.json": HEADER, "samples/1.json": b" " * 20_000_000})
    fails(tmp_path, "'samples/1.json' must have at most 1 MB", bomb)
    many = {f"samples/{number}.json": b" " * 900_000 + sample(number) for number in range(40)}
    path = make_archive(tmp_path / "many.eval", {"header.json": HEADER, **many})
    fails(tmp_path, "unpacks to more than 500 times its size", path)


def test_names_in_an_archive_are_no_paths(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    entries = {
        "header.json": HEADER,
        "../../evil.json": b"{}",
        "/tmp/evil.json": b"{}",
        "samples/../../evil.json": sample(1),
        "samples/2_epoch_1.json": sample(2),
    }
    done = run_import(inside, make_archive(inside / "paths.eval", entries))
    assert [result.problem for result in done.comparison.results] == ["2"]
    assert sorted(path.name for path in tmp_path.rglob("*evil*")) == []


def test_control_characters_reach_no_name(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "rows.jsonl",
        {"question": "a\x1b[2Jb", "answer": "4", "score": 1, "strategy": "\x1b]0;evil\x07name\n★", "id": "\u202e1"},
    )
    done = run_import(tmp_path, path, mapping={"score": "score"})
    assert done.comparison.rows[0].strategy == "�]0;evil�name ★"
    assert "\x1b" not in (done.folder / "results.md").read_text()
    assert "\x1b" not in (done.folder / "results.jsonl").read_text() + (done.folder / "problems.jsonl").read_text()


def test_a_line_or_a_file_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONING_MAX_MB", "0.1")
    (tmp_path / "long.jsonl").write_text(json.dumps({"question": "x" * 200_000, "score": 1}))
    fails(tmp_path, r"long\.jsonl:1: a line must have at most 0.1 MB", tmp_path / "long.jsonl", mapping={})
    (tmp_path / "big.json").write_text(json.dumps([{"pred_a": "x" * 200_000, "metric": 1}]))
    fails(tmp_path, "a JSON file must have at most 0.1 MB", tmp_path / "big.json")


def test_deeply_nested_json(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text('{"eval_id": ' + "[" * 200_000 + "]" * 200_000 + "}")
    fails(tmp_path, "nested too deeply", tmp_path / "deep.json")


def edited(path: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    data = json.loads(path.read_text())
    edit(data)
    new = tmp_path / path.name
    new.write_text(json.dumps(data))
    return new


def test_other_versions(tmp_path: Path) -> None:
    newer = edited(JSON, tmp_path, lambda log: log.update(version=3))
    fails(tmp_path, "the log has version 3; versions up to 2 are read", newer)
    older = edited(LOGS / "promptfoo-0.121.20.json", tmp_path, lambda log: log["results"].update(version=2))
    fails(tmp_path, "the form has version 2; version 3 is read", older)


@pytest.mark.parametrize("field", ["id", "epoch", "input"])
def test_a_sample_without_a_part(tmp_path: Path, field: str) -> None:
    path = edited(JSON, tmp_path, lambda log: log["samples"][1].pop(field))
    fails(tmp_path, f"damaged: KeyError: '{field}'", path)


@pytest.mark.parametrize(("part", "field", "value"), [("eval", "scorers", 1.5), ("plan", "steps", 5)])
def test_a_header_with_a_part_of_another_type(tmp_path: Path, part: str, field: str, value: Any) -> None:
    path = edited(JSON, tmp_path, lambda log: log[part].update({field: value}))
    assert run_import(tmp_path, path).comparison.n == 3


def test_an_epoch_of_a_sample_that_is_infinite(tmp_path: Path) -> None:
    path = edited(JSON, tmp_path, lambda log: log["samples"][0].update(epoch=float("inf")))
    fails(tmp_path, "sample sum-0, epoch inf: damaged: OverflowError", path)


def test_metrics_that_are_no_names(tmp_path: Path) -> None:
    row = json.loads(SAMPLES.read_text().splitlines()[0])
    path = write_rows(tmp_path / "samples_x.jsonl", {**row, "metrics": [["exact_match"], "exact_match"]})
    assert run_import(tmp_path, path).comparison.n == 1


def test_a_log_without_samples(tmp_path: Path) -> None:
    fails(tmp_path, "the log has no samples", edited(JSON, tmp_path, lambda log: log["samples"].clear()))
    fails(tmp_path, "header.json is missing", make_archive(tmp_path / "a.eval", {"samples/1.json": sample(1)}))


def test_two_tasks(tmp_path: Path) -> None:
    other = edited(JSON, tmp_path, lambda log: log["eval"].update(task="mmlu"))
    fails(tmp_path, "its task is 'mmlu', and that of .* is 'sums'", EVAL, other)


def test_one_id_for_two_questions(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.jsonl", {"id": "1", "question": "2 + 2?", "score": 1})
    second = write_rows(tmp_path / "b.jsonl", {"id": "1", "question": "3 + 3?", "score": 1})
    fails(
        tmp_path, r"b\.jsonl:1: the problem '1' asks '3 \+ 3\?', and at .*a\.jsonl:1 it asks", first, second, mapping={}
    )


def test_logs_without_a_common_problem(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.jsonl", {"question": "2 + 2?", "score": 1})
    second = write_rows(tmp_path / "b.jsonl", {"question": "3 + 3?", "score": 1})
    fails(tmp_path, "no problem in common", first, second, mapping={})


def test_duplicate_problems(tmp_path: Path) -> None:
    rows = [{"id": "1", "question": "2 + 2?", "score": 1}, {"id": "1", "question": "2 + 2?", "score": 0}]
    path = write_rows(tmp_path / "rows.jsonl", *rows)
    fails(tmp_path, r"rows\.jsonl:2: the id '1' occurs twice in .* \(first at .*:1\); .*--repeats", path, mapping={})
    done = run_import(tmp_path, path, mapping={}, repeats=True)
    assert [(result.epoch, result.correct) for result in done.comparison.results] == [(0, True), (1, False)]


def test_duplicate_samples_of_a_log(tmp_path: Path) -> None:
    path = edited(JSON, tmp_path, lambda log: log["samples"].append(log["samples"][0]))
    fails(tmp_path, "the id 'sum-0' occurs twice", path)


def test_scores_between_right_and_wrong(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", *({"question": str(n), "score": n / 4} for n in range(5)))
    fails(tmp_path, "3 of 5 scores are neither 0 nor 1, such as 0.25; .*--right-from", path, mapping={})
    done = run_import(tmp_path, path, mapping={}, right_from=0.5)
    assert done.comparison.rows[0].correct == 3


@pytest.mark.parametrize("score", [7, -1, "maybe", [1], {"a": 1}])
def test_a_score_that_is_none(tmp_path: Path, score: Any) -> None:
    path = write_rows(tmp_path / "rows.jsonl", {"question": "2 + 2?", "score": score})
    shown = re.escape(f"got {str(score)!r}")
    fails(tmp_path, rf"rows\.jsonl:1: the score 'score' must be true or false.*{shown}", path, mapping={})


def test_a_question_that_is_missing_needs_an_id(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", {"question": None, "score": 1})
    fails(tmp_path, r"rows\.jsonl:1: the question is empty, and there is no id", path, mapping={})
    named = write_rows(tmp_path / "named.jsonl", {"question": None, "score": 1, "id": "a"})
    assert run_import(tmp_path, named, mapping={}).comparison.n == 1


@pytest.mark.parametrize("epoch", [-1, 10**12, "x", float("inf")])
def test_an_epoch_that_is_none(tmp_path: Path, epoch: Any) -> None:
    path = write_rows(tmp_path / "rows.jsonl", {"question": "2 + 2?", "score": 1, "epoch": epoch})
    fails(tmp_path, r"rows\.jsonl:1: the epoch must be a whole number from 0 to 999,999", path, mapping={})
    if epoch == 10**12:
        log = edited(JSON, tmp_path, lambda log: log["samples"][0].update(epoch=epoch))
        fails(tmp_path, "epoch must be a whole number", log)


def test_usage_that_is_too_large_is_unknown(tmp_path: Path) -> None:
    usage = {"calls": 1, "prompt_tokens": 1e300, "completion_tokens": 10**30, "usd": 1e308, "seconds": 1e308}
    path = write_rows(tmp_path / "rows.jsonl", *({"question": str(n), "score": 1, **usage} for n in range(3)))
    data = run_import(tmp_path, path, mapping={}).comparison.rows[0].to_json()
    assert [data[name] for name in ("prompt_tokens", "completion_tokens", "usd", "seconds")] == [None] * 4


def test_a_results_folder_that_cannot_be_created(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", {"question": "2 + 2?", "score": 1})
    with pytest.raises(InputError, match=r"rows\.jsonl/out: cannot be created: "):
        import_logs([("", read_log(str(path), mapping={}))], path / "out")


def test_columns_that_are_missing(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", {"q": "2 + 2?", "ok": 1})
    fails(tmp_path, r"there is no column 'score' for 'score' .*'q', 'ok'.*--map score=COLUMN", path, mapping={})
    fails(tmp_path, "no column 'okay' for 'score'", path, mapping={"question": "q", "score": "okay"})
    with pytest.raises(UnknownName, match="unknown part 'scores' of --map; did you mean 'score'"):
        read_log(str(path), mapping={"scores": "ok"})
    fails(tmp_path, "the form is not recognised", path)


def test_a_target_that_is_missing_or_of_another_kind(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", {"question": "2 + 2?", "reply": "4", "score": 1})
    assert run_import(tmp_path, path, mapping={}).comparison.rows[0].correct == 1
    shutil.rmtree(tmp_path / "out")
    fails(tmp_path, "it has no target, so its reply cannot be scored again", path, mapping={}, rescore=True)
    words = write_rows(tmp_path / "words.jsonl", {"question": "Who?", "answer": "Ada", "reply": "Ada", "score": 1})
    fails(tmp_path, "the target is not of the kind number", words, mapping={}, kind="number")
    fails(tmp_path, "the kind choice needs options", words, mapping={}, kind="choice")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    fails(tmp_path, "no such file", tmp_path / "none.eval")
    fails(tmp_path, "a folder, not a file", LOGS)


def test_an_import_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = []

    def add(self: ResultsFolder, *_: object) -> None:
        added.append(self.folder)
        if len(added) > 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(ResultsFolder, "add", add)
    with pytest.raises(KeyboardInterrupt):
        run_import(tmp_path, SAMPLES)
    assert list(tmp_path.iterdir()) == []


def test_an_imported_folder_is_not_rescored(tmp_path: Path) -> None:
    done = run_import(tmp_path, SAMPLES)
    with pytest.raises(InputError, match=r"no draws are recorded; import them again: .* --rescore"):
        rescore(done.folder)


def test_rows_of_several_columns_of_scores_are_strategies(tmp_path: Path) -> None:
    text = io.StringIO()
    text.write("item,gold,gpt,llama\n1+1?,2,1,0\n2+2?,4,1,1\n3+3?,6,no,yes\n")
    (tmp_path / "wide.csv").write_text(text.getvalue())
    mapping = {"question": "item", "answer": "gold", "score": "gpt+llama"}
    done = run_import(tmp_path, tmp_path / "wide.csv", mapping=mapping)
    assert [(row.strategy, row.correct) for row in done.comparison.rows] == [("gpt", 2), ("llama", 2)]
