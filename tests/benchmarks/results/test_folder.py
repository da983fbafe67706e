"""The results folder: what is kept, what is refused, and what a damaged one says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.settings import default_folder
from reasoning.cli.app import app
from reasoning.errors import InputError, SettingsChanged
from reasoning.messages import Usage
from reasoning.problem import Example
from reasoning.trace import Note, Trace

SETTINGS = {"task": "gsm_symbolic", "seed": 7, "model": "m", "base_url": None, "temperature": 0.0}
RESULT = Result(
    *("sum-1", "cot", "f00", "answered", True),
    value="2",
    rule="trigger",
    confidence=0.6,
    votes=(("2", 3), ("4", 2)),
    usage=Usage(5, 100, 50, usd=0.01, seconds=2.5),
    seconds=1.25,
)
Sums = Callable[[int], list[Example]]


def opened(folder: Path, **changes: Any) -> ResultsFolder:
    return ResultsFolder.open(folder, {**SETTINGS, **changes}, {"free": True})


def test_what_is_added_is_read_again(tmp_path: Path, sums: Sums) -> None:
    folder = tmp_path / "deep" / "run"
    store = opened(folder)
    store.add_examples(sums(3))
    store.register_strategies(["cot", "vanilla"])
    store.add(RESULT, Trace("cot", [Note("hello")], 1.25))
    again = ResultsFolder.read(folder)  # while it is open: a report of a run in progress
    assert again.results == {ResultKey("sum-1", "cot"): RESULT}
    assert list(again.examples.values()) == sums(3)
    assert again.specs == ["cot", "vanilla"]
    assert again.settings == SETTINGS
    assert again.metadata["free"] is True
    assert again.trace("sum-1", "cot") == Trace("cot", [Note("hello")], 1.25)
    assert again.trace("sum-2", "cot") is None
    store.close()


def test_the_last_of_several_results_counts(tmp_path: Path, sums: Sums) -> None:
    store = opened(tmp_path / "run")
    store.add_examples(sums(1))
    store.add(replace(RESULT, state="failed", correct=None), Trace("old"))
    store.add(RESULT, Trace("new"))
    store.close()
    again = ResultsFolder.read(tmp_path / "run")
    assert again.results[ResultKey("sum-1", "cot")] == RESULT
    assert again.trace("sum-1", "cot") == Trace("new")


@pytest.mark.parametrize("file", ["results", "traces", "problems"])
def test_a_torn_last_line_is_lost_and_no_more(tmp_path: Path, sums: Sums, file: str) -> None:
    store = opened(tmp_path / "run")
    store.add_examples(sums(2))
    store.add(RESULT, Trace("t"))
    store.close()
    path = tmp_path / "run" / f"{file}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"problem":"sum-2","str')
    store = opened(tmp_path / "run")
    store.add(replace(RESULT, problem="sum-2"), Trace("u"))
    store.add_examples(sums(3))
    store.close()
    again = ResultsFolder.read(tmp_path / "run")
    assert list(again.results) == [ResultKey("sum-1", "cot"), ResultKey("sum-2", "cot")]
    assert list(again.examples) == ["sum-1", "sum-2", "sum-3"]
    assert again.trace("sum-2", "cot") == Trace("u")


def test_other_settings_are_refused_with_what_differs(tmp_path: Path) -> None:
    opened(tmp_path / "run").close()
    with pytest.raises(SettingsChanged) as raised:
        opened(tmp_path / "run", seed=8, base_url="http://h/v1", top_p=0.9)
    said = str(raised.value)
    assert "seed 7 → 8; base_url none → http://h/v1; top_p none → 0.9" in said
    assert "--out" in said
    assert "model" not in said
    opened(tmp_path / "run").close()  # and the refusal has let go of the folder


def test_a_problem_that_changed_is_refused(tmp_path: Path, sums: Sums) -> None:
    store = opened(tmp_path / "run")
    store.add_examples(sums(2))
    first = sums(1)[0]
    store.add_examples([first])
    for other in (replace(first, problem=replace(first.problem, question="Another?")), replace(first, target=99)):
        with pytest.raises(SettingsChanged, match="'sum-1' has changed"):
            store.add_examples([other])
    store.close()


def test_a_folder_is_for_one_process_and_free_when_that_dies(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reasoning.benchmarks.results.folder import ResultsFolder;"
        f"s = ResultsFolder.open(Path(sys.argv[1]), {SETTINGS!r}, {{}}); print('open', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(InputError, match="another process is running here"):
            opened(tmp_path / "run")
        ResultsFolder.read(tmp_path / "run")
        other.kill()
    opened(tmp_path / "run").close()


def test_a_command_with_the_corrected_address_continues(tmp_path: Path) -> None:
    folder = opened(tmp_path / "run", base_url="http://h:1")
    folder.update_metadata(endpoint="http://h:1/v1")
    folder.close()
    for address in ("http://h:1", "http://h:1/v1"):
        opened(tmp_path / "run", base_url=address).close()
    with pytest.raises(SettingsChanged, match="base_url http://h:1 → http://h:1/v2"):
        opened(tmp_path / "run", base_url="http://h:1/v2")


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"holds other files \(thesis.tex\)"):
        opened(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_kill_while_the_first_file_is_written_does_not_spoil_the_folder(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from reasoning.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1], 'run.json')) as new:\n"
        "    new.write_text('{')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -signal.SIGKILL
    assert [path.name.startswith(".run.json.") for path in tmp_path.iterdir()] == [True]
    opened(tmp_path).close()
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "lock"}


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(InputError, match=r"run: cannot be used for results: .*--out"):
        opened(tmp_path / "run")
    with pytest.raises(InputError, match="not a results folder"):
        ResultsFolder.read(tmp_path / "run")


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        opened(tmp_path / "run")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("run.json", "{", "run.json: damaged or unreadable"),
        ("run.json", "[]", "run.json: damaged or unreadable"),
        ("run.json", "[" * 100_000, "run.json: damaged or unreadable"),
        (
            "run.json",
            '{"format": 1, "settings": 3, "metadata": {}, "strategies": []}',
            "'settings' must be a JSON object",
        ),
        (
            "run.json",
            '{"format": 1, "settings": {}, "metadata": {}, "strategies": "cot"}',
            "'strategies' must be a JSON",
        ),
        ("run.json", '{"format": 99}', "written by a newer version"),
        ("results.jsonl", '{"problem": "sum-1"}\n', "results.jsonl:1: damaged record"),
        ("results.jsonl", "nonsense\n", "results.jsonl:1: not JSON"),
        ("problems.jsonl", '{"id": "a", "question": "?"}\n', "problems.jsonl:1: damaged record: 'kind' is missing"),
        ("problems.jsonl", '{"id": "a", "question": "?", "kind": "nmber", "target": 1}\n', "did you mean 'number'"),
    ],
)
def test_a_damaged_folder_says_where(tmp_path: Path, file: str, text: str, said: str) -> None:
    opened(tmp_path / "run").close()
    (tmp_path / "run" / file).write_text(text)
    with pytest.raises(InputError) as raised:
        ResultsFolder.read(tmp_path / "run")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"correct": "yes"}, "'correct' is 'yes', not bool or NoneType"),
        ({"correct": 1}, "'correct' is 1"),
        ({"correct": None}, "the state 'answered' with correct=None"),
        ({"state": "done"}, "the state 'done'"),
        ({"problem": 7}, "'problem' is 7, not str"),
        ({"epoch": True}, "'epoch' is True"),
        ({"usage": {"calls": 1, "prompt_tokens": -5}}, "'prompt_tokens' is -5"),
        ({"spent": {"usd": float("nan")}}, "'usd' is nan"),
        ({"usage": None}, "damaged record"),
    ],
)
def test_a_result_that_makes_no_sense_says_where(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    opened(tmp_path / "run").close()
    lines = [RESULT.to_json(), {**RESULT.to_json(), **changes}]
    (tmp_path / "run" / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(InputError) as raised:
        ResultsFolder.read(tmp_path / "run")
    assert "results.jsonl:2: damaged record: " in str(raised.value)
    assert said in str(raised.value)


def test_every_command_refuses_what_cannot_be_told_apart(tmp_path: Path, sums: Sums) -> None:
    for name in ("twice", "other"):
        store = opened(tmp_path / name)
        store.add_examples(sums(2))
        store.register_strategies(["cot"])
        store.add(replace(RESULT, problem="sum-1" if name == "twice" else "elsewhere"), Trace("t"))
        store.close()
    with (tmp_path / "twice" / "problems.jsonl").open("a") as file:
        file.write(json.dumps({"id": "sum-1", "question": "7 + 9?", "kind": "number", "target": 16}) + "\n")
    for name, said in (
        ("twice", "problems.jsonl:3: damaged record: a second problem 'sum-1'"),
        ("other", "results.jsonl: a result of the problem 'elsewhere', which is not in problems.jsonl"),
    ):
        folder = str(tmp_path / name)
        for words in (
            ["report", folder],
            ["report", folder, "--json"],
            ["show", folder],
            ["power", "--pilot", folder],
            ["matrix", folder],
            ["compare", folder, folder],
            ["rescore", folder],
        ):
            done = CliRunner().invoke(app(), ["bench", *words])
            assert isinstance(done.exception, InputError)
            assert said in str(done.exception)
            assert done.stdout == ""


def test_a_run_goes_on_where_problems_are_missing(tmp_path: Path, sums: Sums) -> None:
    store = opened(tmp_path / "run")
    store.add(RESULT, Trace("t"))
    store.close()
    store = opened(tmp_path / "run")
    store.add_examples(sums(1))
    store.close()
    assert list(ResultsFolder.read(tmp_path / "run").results) == [RESULT.key]


def test_a_result_of_a_later_version_is_read(tmp_path: Path) -> None:
    data = RESULT.to_json()
    assert Result.from_json({**data, "mood": 3, "usage": {**data["usage"], "joules": 7}}) == RESULT
    json.dumps(data)


def test_in_memory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sums: Sums) -> None:
    monkeypatch.chdir(tmp_path)
    store = ResultsFolder.open(None, SETTINGS, {})
    store.add_examples(sums(2))
    store.register_strategies(["cot"])
    store.add(RESULT, Trace("t"))
    assert store.trace("sum-1", "cot") == Trace("t")
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_the_same_settings_find_their_folder_and_others_do_not() -> None:
    folder = default_folder(SETTINGS)
    assert folder == default_folder(dict(reversed(SETTINGS.items())))
    assert str(folder).startswith(f"results{os.sep}gsm_symbolic-m-")
    assert default_folder({**SETTINGS, "seed": 8}) != folder
    ugly = default_folder({**SETTINGS, "task": "jsonl:../a b.jsonl", "model": "openai/gpt-4o"})
    assert ugly.name.startswith("jsonl_.._a_b.jsonl-openai_gpt_4o-")
    assert len(ugly.parts) == 2
