"""Results in columns: the table, its file, and the lines of `results.jsonl`."""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reasoning import record_lines
from reasoning.benchmarks.results import columns_file, result_table
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.benchmarks.results.result import Result, ResultKey, _line_parser, parse_record, parse_result
from reasoning.benchmarks.results.result_rows import COLUMNS
from reasoning.benchmarks.results.result_table import ResultTable, rows_of
from reasoning.errors import InputError
from reasoning.kinds import Number
from reasoning.messages import Completion, Message, Token, Usage
from reasoning.problem import Example, Problem
from reasoning.text_safety import dump_json
from reasoning.trace import Call, Note, ToolCall, Trace

SETTINGS = {"task": "sums", "seed": 7, "model": "m", "base_url": None}


def results(count: int, seed: int = 1) -> list[Result]:
    """Return results of some strategies, problems and epochs, several of which have the same key."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        state = dice.choice(("answered", "answered", "unparsed", "failed"))
        price = dice.choice((None, 0.1, 0.7))
        usage = Usage(dice.randint(0, 3), dice.randint(0, 99), 7, 5, price, dice.random(), 2, dice.randint(0, 9))
        made.append(
            Result(
                f"sum-{dice.randint(1, count // 3)}",
                dice.choice(("cot", "vanilla")),
                dice.choice(("old", "new")),
                state,
                None if state == "failed" else state == "answered" and dice.random() < 0.5,
                value=dice.choice(("1", "2")) if state == "answered" else None,
                rule="trigger" if state == "answered" else "",
                reason="" if state == "answered" else "nothing: found",
                confidence=dice.choice((None, 0.25)),
                votes=(("1", 2), ("2", 1)) if dice.random() < 0.3 else (),
                usage=usage,
                spent=usage,
                epoch=dice.randint(0, 1),
                family=dice.choice(("", "f1")),
                truncated=dice.choice((0, 1)),
                refused=dice.choice((0, 0, 1)),
            )
        )
    return made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few results count as many."""
    monkeypatch.setattr(result_table, "_KEPT", 5)
    monkeypatch.setattr(columns_file, "_LEAST", 10)


def filled(folder: Path, made: list[Result]) -> ResultsFolder:
    store = ResultsFolder.open(folder, SETTINGS, {})
    store.add_examples([Example(Problem("One?", Number(), id=f"sum-{k}"), 1) for k in range(len(made))])
    store.register_strategies(["cot", "vanilla"])
    for one in made:
        store.add(one, None)
    return store


@pytest.mark.usefixtures("small")
def test_a_table_is_what_a_dict_would_be(tmp_path: Path) -> None:
    expected: dict[ResultKey, Result] = {}
    made = results(60)
    store = filled(tmp_path / "run", made)
    for one in made:
        expected[one.key] = one
    for table in (store.results, ResultTable.of(expected), ResultsFolder.read(tmp_path / "run").results):
        assert list(table) == list(expected)
        assert list(table.items()) == list(expected.items())
        assert list(table.values()) == list(expected.values())
        assert len(table) == len(expected)
        assert table == expected
        for key, one in expected.items():
            assert key in table
            assert table[key] == table.get(key) == one
        assert table.get(ResultKey("sum-1", "cot", 9)) is None
        assert ResultKey("sum-0", "unknown") not in table
        with pytest.raises(KeyError):
            table[ResultKey("sum-0", "cot")]
    store.close()


def test_columns_hold_what_the_results_say() -> None:
    made = results(200)
    rows = rows_of(made)
    assert rows.data["could_be_right"].tolist() == [one.could_be_right for one in made]
    assert rows.data["correct"].tolist() == [one.correct is True for one in made]
    assert rows.failed.tolist() == [one.failed for one in made]
    groups: dict[int, set[object]] = {}
    for number, one in zip(rows.clusters.tolist(), made, strict=True):
        groups.setdefault(number, set()).add(one.cluster)
    assert [len(group) for group in groups.values()] == [1] * len({one.cluster for one in made})
    assert rows.distinct("strategy") == list(dict.fromkeys(one.strategy for one in made))
    assert list(rows.of_strategy("cot")) == [one for one in made if one.strategy == "cot"]
    assert list(rows.of_problems(["sum-3", "sum-none"])) == [one for one in made if one.problem == "sum-3"]
    assert list(rows[3:5]) == made[3:5]
    # The same floats added in the same order, to the last digit.
    for chosen in (made, [one for one in made if one.usage.usd is not None], made[:0]):
        assert rows_of(chosen).usage() == Usage.total(one.usage for one in chosen)


@pytest.mark.usefixtures("small")
def test_rows_keep_the_results_of_their_time(tmp_path: Path) -> None:
    made = results(60)
    store = filled(tmp_path / "run", made)
    before, last = store.results.rows(), made[-1]
    assert any(before.data["object"] < 0)
    store.add(replace(last, fingerprint="newer"), None)
    assert list(before) == list({one.key: one for one in made}.values())
    assert store.results[last.key].fingerprint == "newer"
    assert not store.results.is_current(last.key, "new")
    assert store.results.is_current(last.key, "newer") is not last.failed
    store.close()


def test_a_result_takes_less_than_200_bytes() -> None:
    table = ResultTable()
    for one in results(100):
        table.append(one)
    assert len(table.packed()) / len(table) < 140


@pytest.mark.usefixtures("small")
def test_the_columns_are_made_anew_when_the_lines_have_changed(tmp_path: Path) -> None:
    folder, made = tmp_path / "run", results(60)
    store = filled(folder, made)
    store.save_columns()
    assert columns_file.load(folder, table := ResultTable(folder / "results.jsonl"))
    assert table == store.results
    assert table.rows().usage() == store.results.rows().usage()

    one = replace(made[0], value="another", state="answered", correct=True)
    store.add(one, None)
    store.close()
    assert not columns_file.load(folder, ResultTable())
    assert ResultsFolder.read(folder).results[one.key] == one
    assert columns_file.load(folder, ResultTable())  # the reader has stored them

    # An edit by hand of the same length.
    path = folder / "results.jsonl"
    text = path.read_text().replace('"value":"another"', '"value":"changed"')
    path.write_text(text)
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    assert ResultsFolder.read(folder).results[one.key].value == "changed"
    # The copy is no source: without it everything is there.
    (folder / "results.npz").unlink()
    assert ResultsFolder.read(folder).results[one.key].value == "changed"


@pytest.mark.usefixtures("small")
def test_a_damaged_copy_is_ignored(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    filled(folder, results(60)).close()
    expected = dict(ResultsFolder.read(folder).results.items())
    path = folder / "results.npz"
    whole = path.read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2], whole.replace(b'"strategy": [', b'"strategy": 7')):
        path.write_bytes(damaged)
        assert ResultsFolder.read(folder).results == expected
    with np.load(path) as arrays:
        parts = {name: arrays[name] for name in arrays}
    # Numbers without a name would give another problem's result.
    parts["names"] = np.frombuffer(json.dumps({name: [] for name in result_table.NAMED}).encode(), np.uint8)
    np.savez(path, **parts)
    assert not columns_file.load(folder, ResultTable())
    assert ResultsFolder.read(folder).results == expected


@pytest.mark.usefixtures("small")
def test_a_result_that_is_added_while_a_reader_reads_is_in_no_old_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, made = tmp_path / "run", results(60)
    store = filled(folder, made[:-1])
    read = JsonlFile.lines

    def lines(self: JsonlFile) -> Iterator[bytes]:
        yield from read(self)
        if self.path.name == "results.jsonl" and store.results.get(made[-1].key) != made[-1]:
            store.add(made[-1], None)

    monkeypatch.setattr(JsonlFile, "lines", lines)
    ResultsFolder.read(folder)
    monkeypatch.undo()
    assert not (folder / "results.npz").exists()
    monkeypatch.setattr(columns_file, "_LEAST", 10)
    assert ResultsFolder.read(folder).results[made[-1].key] == made[-1]
    assert (folder / "results.npz").exists()
    store.close()


def test_few_results_have_no_copy(tmp_path: Path) -> None:
    filled(tmp_path / "run", results(60)).close()
    ResultsFolder.read(tmp_path / "run")
    assert not (tmp_path / "run" / "results.npz").exists()


LINES = [
    {},
    {"correct": None, "state": "failed"},
    {"correct": None},
    {"state": "strange"},
    {"seconds": -1},
    {"seconds": 2},
    {"epoch": True},
    {"epoch": 1.5},
    {"confidence": "high"},
    {"value": None, "unknown": {"a": [1]}},
    {"problem": 7},
    {"token_limit": 10**30},
    {"votes": [["1", 2], ["2", 1]]},
    {"votes": []},
    {"reason": "\x1b[31m\u202e\ud800"},
    {"usage": {"calls": 1}, "spent": {}},
    {"usage": {"calls": -1}},
    {"usage": {"calls": 1, "cache_write_tokens": -1}},
    {"usage": {"calls": 1, "usd": float("nan")}},
    {"usage": None},
]


@pytest.fixture(params=["with msgspec", "without"])
def parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Parse and write with msgspec, and without it."""
    if request.param == "without":
        monkeypatch.setattr(record_lines, "msgspec", None)
        monkeypatch.setattr(record_lines, "_encode", None)
    else:
        pytest.importorskip("msgspec")
    _line_parser.cache_clear()
    yield
    _line_parser.cache_clear()


def outcome(parse: Callable[[], Result]) -> object:
    try:
        return parse()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return type(error), str(error)


@pytest.mark.usefixtures("parsers")
@pytest.mark.parametrize("changes", LINES, ids=str)
@pytest.mark.parametrize("missing", ["", "truncated", "usage"])
def test_a_line_is_parsed_as_its_json_is(changes: dict[str, object], missing: str) -> None:
    record = {**results(6)[0].to_json(), **changes}
    record.pop(missing, None)
    line = dump_json(record, compact=True).encode() + b"\n"
    assert outcome(lambda: parse_result(line, "results.jsonl:1")) == outcome(lambda: Result.from_json(json.loads(line)))


@pytest.mark.usefixtures("parsers")
def test_records_fill_a_table_as_results_do(tmp_path: Path) -> None:
    expected, path = ResultTable(), tmp_path / "results.jsonl"
    table, many = ResultTable(path), results(40)
    path.write_bytes(b"".join(one.to_line() for one in many))
    offset = 0
    for one in many:
        line = one.to_line()
        record = parse_record(line, "results.jsonl:1")
        assert (record.key, record.failed, record.could_be_right) == (one.key, one.failed, one.could_be_right)
        expected.add(one)
        table.add(record, offset)
        offset += len(line)
    assert list(table.items()) == list(expected.items())
    assert {type(one) for one in table.values()} == {Result}
    for column in set(COLUMNS) - {"offset"}:
        assert table.rows().data[column].tobytes() == expected.rows().data[column].tobytes(), column


@pytest.mark.usefixtures("parsers")
def test_a_line_that_is_no_object_is_named() -> None:
    for line in (b"[]\n", b"{\n", b"\xff\n", b"7\n"):
        with pytest.raises(InputError, match=r"results\.jsonl:1"):
            parse_result(line, "results.jsonl:1")


@pytest.mark.usefixtures("parsers")
@pytest.mark.parametrize(
    "changes",
    [{}, {"confidence": math.nan}, {"reason": "\x1b]0;title\x07 \u202e \ud800"}, {"value": "Zürich 東京 \u00a0"}],
    ids=str,
)
def test_a_result_is_written_as_before(changes: dict[str, object]) -> None:
    one = replace(results(6)[0], **changes)  # type: ignore[arg-type]
    line = one.to_line()
    assert line.decode() == dump_json(one.to_json(), compact=True) + "\n"
    assert repr(parse_result(line, "")) == repr(one)


@pytest.mark.usefixtures("parsers")
def test_a_trace_is_written_as_before() -> None:
    reply = Completion("2 \x1b[1m", usage=Usage(1, 3, 4, usd=0.5, seconds=1.5), key="k", draw=1)
    sure = replace(reply, tokens=(Token("2", -math.inf, (("3", -1.5),)),))
    call = Call((Message("user", "1 + 1?"), Message("assistant", "…")), {"temperature": 0.5, "stop": ["\n"]}, (reply,))
    events = [
        Trace("inner", [call, Note("a\u202eb")], 0.5),
        replace(call, completions=(sure,)),
        replace(call, sampling={"extra_body": {"top_p": math.inf}}),
        ToolCall("search", {"query": "x", "weight": math.nan}, "found"),
    ]
    trace = Trace("cot", list(events), 2.0)
    line = trace.to_line({"problem": "p", "epoch": 0})
    assert line.decode() == dump_json({"problem": "p", "epoch": 0, "trace": trace.to_json()}, compact=True) + "\n"
